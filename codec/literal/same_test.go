package literal_test

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

// requireSame checks that got is want: the same types, the same bits of floats, dicts and sets in the
// same order.
func requireSame(t require.TestingT, want, got any) {
	if msg := difference(want, got); msg != "" {
		require.Fail(t, msg, "want %s\ngot  %s", literal.String(want), literal.String(got))
	}
}

func difference(want, got any) string {
	if reflect.TypeOf(want) != reflect.TypeOf(got) {
		return fmt.Sprintf("want a %T, got a %T", want, got)
	}
	var same bool
	switch w := want.(type) {
	case float64:
		same = sameFloat(w, got.(float64))
	case complex128:
		g := got.(complex128)
		same = sameFloat(real(w), real(g)) && sameFloat(imag(w), imag(g))
	case []byte:
		same = bytes.Equal(w, got.([]byte))
	case *big.Int:
		same = w.Cmp(got.(*big.Int)) == 0
	case time.Time:
		g := got.(time.Time)
		same = w.Equal(g) && w.Location().String() == g.Location().String() && (w.Location() == codec.Naive) == (g.Location() == codec.Naive)
	case codec.TimeOfDay:
		g := got.(codec.TimeOfDay)
		same = w.String() == g.String() && w.Fold == g.Fold && (w.Zone == nil) == (g.Zone == nil)
	case codec.Array:
		g := got.(codec.Array)
		same = w.Code == g.Code && literal.String(w) == literal.String(g) && reflect.TypeOf(w.Values) == reflect.TypeOf(g.Values)
	case []any:
		return differentItems(w, got.([]any))
	case codec.Tuple:
		return differentItems(w, got.(codec.Tuple))
	case codec.Set:
		g := got.(codec.Set)
		if w.Frozen != g.Frozen {
			return "want another kind of set"
		}
		return differentItems(members(w), members(g))
	case *codec.Dict:
		return differentItems(entries(w), entries(got.(*codec.Dict)))
	default:
		same = reflect.DeepEqual(want, got)
	}
	if !same {
		return fmt.Sprintf("want %s, got %s", literal.String(want), literal.String(got))
	}
	return ""
}

func sameFloat(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Float64bits(a) == math.Float64bits(b)
}

func differentItems(want, got []any) string {
	if len(want) != len(got) {
		return fmt.Sprintf("want %d elements, got %d", len(want), len(got))
	}
	for i := range want {
		if msg := difference(want[i], got[i]); msg != "" {
			return msg
		}
	}
	return ""
}

func members(s codec.Set) []any {
	var items []any
	for m := range s.All() {
		items = append(items, m)
	}
	return items
}

func entries(d *codec.Dict) []any {
	var items []any
	for k, v := range d.All() {
		items = append(items, k, v)
	}
	return items
}
