package pickle_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

// plain returns v as the vectors describe it: what Go has a type for is described as text, as a float
// of seconds, or as a list.
func plain(v any) any {
	switch x := v.(type) {
	case time.Time:
		return string(bind.AppendTime(nil, x))
	case time.Duration:
		return x.Seconds()
	case codec.Date, codec.TimeOfDay, codec.Decimal, uuid.UUID:
		return fmt.Sprint(x)
	case codec.Array:
		if _, ok := x.Values.(string); ok {
			return x.Values
		}
		var items []any
		for i := range reflect.ValueOf(x.Values).Len() {
			e := reflect.ValueOf(x.Values).Index(i)
			if e.CanFloat() {
				items = append(items, e.Float())
			} else {
				items = append(items, e.Convert(reflect.TypeFor[int64]()).Int())
			}
		}
		return items
	case []any:
		for i := range x {
			x[i] = plain(x[i])
		}
	case codec.Tuple:
		for i := range x {
			x[i] = plain(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = plain(x[k])
		}
	case *codec.Dict:
		for k, v := range x.All() {
			x.Set(k, plain(v))
		}
	}
	return v
}

// otherwise are values that Go has another form for than the vectors describe: most are Objects.
var otherwise = map[string]bool{
	"ellipsis": true, "fraction": true, "enum int": true, "enum str": true, "enum IntEnum": true, "enum Flag": true,
	"namedtuple": true, "OrderedDict": true, "deque": true, "slice": true, "int subclass": true, "str subclass": true,
	"list subclass": true, "dict subclass": true, "instance getstate tuple": true, "class": true, "function": true,
	"defaultdict": true, "Counter": true, "dict with class key": true, "dict with class key nested": true,
	"dict that looks like nan": true, "exception OSError": true,
}

// calls are the options to write all that can be read.
var calls = &codec.Options{PickleCalls: true}

func TestDecodeVectors(t *testing.T) {
	codectest.EachMessage(t, vectors.Codec(t, "pickle"), func(t *testing.T, v vectors.Vector) {
		want := v.Reads
		if strings.HasPrefix(v.Name, "proxy") {
			want = v.Value // Python forgets the number of retries, which it takes from its own configuration
		}
		for protocol, data := range v.Protocols {
			var got any
			require.NoError(t, pickle.Unmarshal(data, &got))
			codectest.RequireRewritable(t, pickle.Codec, got, calls)
			if !otherwise[v.Name] && !(protocol == "2" && v.Name == "exception builtin TimeoutError") {
				require.Equal(t, vectors.Text(want), vectors.Text(plain(got)))
			}
		}
	})
}

func TestEncodeVectors(t *testing.T) {
	codectest.EachValue(t, vectors.Codec(t, "pickle"), otherwise, func(t *testing.T, v vectors.Vector) {
		for protocol := 2; protocol <= 5; protocol++ {
			data, err := pickle.Codec.Append(nil, v.Value, &codec.Options{PickleProtocol: protocol, PickleCalls: true})
			require.NoError(t, err)
			var got any
			require.NoError(t, pickle.Unmarshal(data, &got))
			if !(protocol == 2 && v.Name == "exception builtin TimeoutError") { // an OSError to Python 2
				require.Equal(t, vectors.Text(v.Value), vectors.Text(plain(got)))
			}
		}
	})
}

// allVectors returns the pickles of all protocols.
func allVectors(tb testing.TB) [][]byte {
	tb.Helper()
	var all [][]byte
	for _, v := range vectors.Codec(tb, "pickle") {
		for _, protocol := range slices.Sorted(maps.Keys(v.Protocols)) {
			all = append(all, v.Protocols[protocol])
		}
	}
	return all
}
