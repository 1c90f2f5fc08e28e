package pickle_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

// plain returns v as the vectors describe it: what Go has a type for is described as text, as a float
// of seconds, or as a list.
func plain(v any) any {
	switch x := v.(type) {
	case time.Time:
		layout := "2006-01-02T15:04:05.999999Z07:00"
		if x.Location() == codec.Naive {
			layout = "2006-01-02T15:04:05.999999"
		}
		return strings.Replace(x.Format(layout), "Z", "+00:00", 1)
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

func TestVectors(t *testing.T) {
	for _, v := range vectors.Codec(t, "pickle") {
		t.Run(v.Name, func(t *testing.T) {
			for _, data := range v.Protocols {
				var got any
				require.NoError(t, pickle.Unmarshal(data, &got))
				require.Equal(t, vectors.Text(v.Reads), vectors.Text(plain(got)))
			}
		})
	}
	_ = codectest.RequireReadError
}
