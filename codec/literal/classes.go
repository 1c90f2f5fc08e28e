package literal

import (
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
)

// A class is one whose repr is read: the names of its arguments, and what becomes of them.
type class struct {
	params []string
	value  func(*arguments) (any, error)
	zone   bool // the value is a time zone
}

// classes has the calls that are read, under the names that repr prints and under those that they are
// imported by.
var classes = map[string]class{
	"set":                     {params: []string{"members"}, value: makeSet},
	"frozenset":               {params: []string{"members"}, value: makeFrozenSet},
	"bytearray":               {params: []string{"data"}, value: makeBytes},
	"OrderedDict":             {params: []string{"items"}, value: makeDict},
	"collections.OrderedDict": {params: []string{"items"}, value: makeDict},
	"array":                   {params: []string{"code", "items"}, value: makeArray},
	"array.array":             {params: []string{"code", "items"}, value: makeArray},
	"Decimal":                 {params: []string{"value"}, value: makeDecimal},
	"decimal.Decimal":         {params: []string{"value"}, value: makeDecimal},
	"UUID":                    {params: []string{"hex"}, value: makeUUID},
	"uuid.UUID":               {params: []string{"hex"}, value: makeUUID},
	"datetime.date":           {params: []string{"year", "month", "day"}, value: makeDate},
	"datetime.time": {
		params: []string{"hour", "minute", "second", "microsecond", "tzinfo", "fold"},
		value:  makeTimeOfDay,
	},
	"datetime.datetime": {
		params: []string{"year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"},
		value:  makeTime,
	},
	"datetime.timedelta": {
		params: []string{"days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"},
		value:  makeDuration,
	},
	"datetime.timezone": {params: []string{"offset", "name"}, value: makeZone, zone: true},
	"zoneinfo.ZoneInfo": {params: []string{"key"}, value: makeZoneInfo, zone: true},
}

// arguments are those of one call, by name. Its methods keep the first error.
type arguments struct {
	r      *reader
	values map[string]any
	err    error
}

func (a *arguments) fail(name, want string) {
	if a.err == nil {
		found := "nothing"
		if v, ok := a.values[name]; ok {
			found = shown(v)
		}
		a.err = &codec.TypeError{Path: name, Want: want, Found: found}
	}
}

// int returns an int from low to high. If it is not there it is 0, where that is allowed.
func (a *arguments) int(name string, low, high int) int {
	v, there := a.values[name]
	if !there && low <= 0 {
		return 0
	}
	n, ok := v.(int64)
	if !ok || n < int64(low) || n > int64(high) {
		a.fail(name, fmt.Sprintf("an int from %d to %d", low, high))
		return low
	}
	return int(n)
}

// text returns a str, empty if it is not there and need not be.
func (a *arguments) text(name string, needed bool) string {
	v, there := a.values[name]
	s, ok := v.(string)
	if !ok && (there || needed) {
		a.fail(name, "a str")
	}
	return s
}

// items returns the elements of a list, tuple or set, none if it is not there.
func (a *arguments) items(name string) []any {
	v, ok := a.values[name]
	if !ok {
		return nil
	}
	switch x := v.(type) {
	case []any:
		return x
	case codec.Tuple:
		return x
	case codec.Set:
		var items []any
		for m := range x.All() {
			items = append(items, m)
		}
		return items
	}
	a.fail(name, "a list, tuple or set")
	return nil
}

// zone returns a time zone, nil if it is not there or None.
func (a *arguments) zone(name string) *time.Location {
	switch x := a.values[name].(type) {
	case nil:
	case *time.Location:
		return x
	default:
		a.fail(name, "a time zone")
	}
	return nil
}

func makeSet(a *arguments) (any, error) {
	var s codec.Set
	for _, m := range a.items("members") {
		if err := hashable(m); err != nil {
			return nil, err
		}
		if err := s.Put(m); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func makeFrozenSet(a *arguments) (any, error) {
	v, err := makeSet(a)
	s, _ := v.(codec.Set)
	s.Frozen = true
	return s, err
}

func makeBytes(a *arguments) (any, error) {
	v, there := a.values["data"]
	b, ok := v.([]byte)
	if there && !ok {
		a.fail("data", "bytes")
	}
	return append([]byte{}, b...), nil
}

// makeDict reads OrderedDict({'a': 1}), and the form with pairs that Python before 3.12 prints.
func makeDict(a *arguments) (any, error) {
	if d, ok := a.values["items"].(*codec.Dict); ok {
		return d, nil
	}
	d := &codec.Dict{}
	for _, item := range a.items("items") {
		var pair []any
		switch x := item.(type) {
		case []any:
			pair = x
		case codec.Tuple:
			pair = x
		}
		if len(pair) != 2 {
			return nil, &codec.TypeError{Path: "items", Want: "pairs of key and value", Found: shown(item)}
		}
		if err := hashable(pair[0]); err != nil {
			return nil, err
		}
		if err := d.Put(pair[0], pair[1]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// elementTypes are the types of codec.Array.Values by its code.
var elementTypes = map[byte]reflect.Type{
	'b': reflect.TypeFor[[]int8](), 'B': reflect.TypeFor[[]uint8](),
	'h': reflect.TypeFor[[]int16](), 'H': reflect.TypeFor[[]uint16](),
	'i': reflect.TypeFor[[]int32](), 'I': reflect.TypeFor[[]uint32](),
	'l': reflect.TypeFor[[]int64](), 'L': reflect.TypeFor[[]uint64](),
	'q': reflect.TypeFor[[]int64](), 'Q': reflect.TypeFor[[]uint64](),
	'f': reflect.TypeFor[[]float32](), 'd': reflect.TypeFor[[]float64](),
}

func makeArray(a *arguments) (any, error) {
	code := a.text("code", true)
	if code == "u" || code == "w" {
		return codec.Array{Code: code[0], Values: a.text("items", false)}, nil
	}
	if len(code) != 1 || elementTypes[code[0]] == nil {
		a.fail("code", "one of b B h H i I l L q Q f d u w")
		return nil, a.err
	}
	items := a.items("items")
	values := reflect.MakeSlice(elementTypes[code[0]], len(items), len(items))
	for i, item := range items {
		if !store(values.Index(i), item) {
			want := "a number of type " + values.Type().Elem().String()
			return nil, &codec.TypeError{Path: fmt.Sprintf("items[%d]", i), Want: want, Found: shown(item)}
		}
	}
	return codec.Array{Code: code[0], Values: values.Interface()}, nil
}

// store sets v, a number, to item if it fits.
func store(v reflect.Value, item any) bool {
	if v.CanFloat() {
		f, ok := realPart(item)
		if ok {
			v.SetFloat(f)
		}
		return ok
	}
	n := new(big.Int)
	switch x := item.(type) {
	case int64:
		n.SetInt64(x)
	case *big.Int:
		n = x
	default:
		return false
	}
	switch {
	case v.CanInt() && n.IsInt64() && !v.OverflowInt(n.Int64()):
		v.SetInt(n.Int64())
	case v.CanUint() && n.IsUint64() && !v.OverflowUint(n.Uint64()):
		v.SetUint(n.Uint64())
	default:
		return false
	}
	return true
}

func makeDecimal(a *arguments) (any, error) {
	switch n := a.values["value"].(type) {
	case int64, *big.Int:
		return codec.Decimal(fmt.Sprint(n)), nil
	}
	var d codec.Decimal
	text := a.text("value", true)
	if a.err != nil {
		return nil, a.err
	}
	if err := d.UnmarshalText([]byte(text)); err != nil {
		a.fail("value", "a decimal number")
	}
	return d, a.err
}

func makeUUID(a *arguments) (any, error) {
	text := a.text("hex", true)
	if a.err != nil {
		return nil, a.err
	}
	id, err := uuid.Parse(text)
	if err != nil {
		a.fail("hex", "a UUID")
	}
	return id, a.err
}
