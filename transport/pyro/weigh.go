package pyro

import (
	"reflect"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/fastdict"
)

const (
	// weighParts is how many parts of a value are looked at to guess how long its encoding is, and weighDepth how deep.
	weighParts, weighDepth = 128, 6
	// weighItems is how many items of a list stand for all of them.
	weighItems = 32
	// itemWeight is what a part counts beside its text.
	itemWeight = 8
	// mostWeight bounds a guess: lists of lists whose few long items are just those that are looked at would weigh more than
	// there are numbers for.
	mostWeight = 1 << 40
)

// weigh guesses how many bytes the encoding of v has, from little of it. Texts and what is encoded count with their
// length, lists and dicts with that of some of their items, and their number.
func weigh(v codec.Value) int64 {
	if raw, c := v.Raw(); c != nil {
		return int64(len(raw))
	}
	switch v := v.Go().(type) {
	case nil, bool, int, int64, float64:
		return itemWeight
	case string:
		return int64(len(v))
	case fastdict.PlainURI:
		return itemWeight + int64(len(v))
	default:
		s := scale{parts: weighParts}
		return s.weigh(reflect.ValueOf(v), 0)
	}
}

// A scale weighs one value.
type scale struct {
	parts int // that it may still look at
}

func (s *scale) weigh(v reflect.Value, depth int) int64 {
	s.parts--
	if s.parts < 0 || depth > weighDepth {
		return itemWeight
	}
	switch v.Kind() { //nolint:exhaustive // the others are short
	case reflect.String:
		return itemWeight + int64(v.Len())
	case reflect.Slice, reflect.Array:
		return s.list(v, depth)
	case reflect.Map:
		return s.dict(v, depth)
	case reflect.Pointer, reflect.Interface:
		if t, ok := asA[*fastdict.Texts](v); ok {
			return weighTexts(t)
		}
		return s.weigh(v.Elem(), depth+1)
	case reflect.Struct:
		n := int64(itemWeight)
		for i := range v.NumField() { //nolint:modernize // Fields allocates
			n += s.weigh(v.Field(i), depth+1)
		}
		return n
	}
	return itemWeight
}

func (s *scale) list(v reflect.Value, depth int) int64 {
	n := v.Len()
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return int64(n)
	}
	looked, sum := 0, int64(0)
	step := max(1, n/weighItems)
	for ; looked*step < n && s.parts > 0; looked++ {
		sum += s.weigh(v.Index(looked*step), depth+1)
	}
	if looked == 0 {
		return itemWeight * int64(n)
	}
	return itemWeight + inAll(sum, looked, n)
}

// inAll is what n parts weigh of which those that were looked at weigh sum.
func inAll(sum int64, looked, n int) int64 {
	return int64(min(float64(sum)/float64(looked)*float64(n), mostWeight))
}

// dict looks at few entries of the usual maps, and of others if they are long: reflect copies what it looks at.
func (s *scale) dict(v reflect.Value, depth int) int64 {
	n, looked, sum := v.Len(), 0, int64(0)
	if m, ok := asA[map[string]any](v); ok { // what most dicts are
		for key, value := range m {
			if looked == weighItems || s.parts <= 0 {
				break
			}
			looked++
			sum += 2*itemWeight + int64(len(key)) + s.weigh(reflect.ValueOf(value), depth+1)
		}
	} else if n > weighItems {
		for i := v.MapRange(); looked < weighItems && s.parts > 0 && i.Next(); looked++ {
			sum += itemWeight + s.weigh(i.Key(), depth+1) + s.weigh(i.Value(), depth+1)
		}
	}
	if looked == 0 {
		return 2 * itemWeight * int64(n)
	}
	return itemWeight + inAll(sum, looked, n)
}

// weighTexts looks at the first entries.
func weighTexts(t *fastdict.Texts) int64 {
	looked, sum := 0, int64(0)
	for key, value := range t.All() {
		if looked == weighItems {
			break
		}
		looked++
		sum += 2*itemWeight + int64(len(key)+len(value))
	}
	if looked == 0 {
		return itemWeight
	}
	return itemWeight + inAll(sum, looked, t.Len())
}

// asA returns v as a T, if it is one that may be looked at.
func asA[T any](v reflect.Value) (t T, ok bool) {
	if !v.CanInterface() {
		return t, false
	}
	return reflect.TypeAssert[T](v)
}
