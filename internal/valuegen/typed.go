package valuegen

import (
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// Types of which reflect can make none.
type (
	namedText  string
	namedInt   int16
	namedBytes []byte
)

// TypeFor returns a Go type that holds v, which is as values are read into an any, without loss: a
// value of it has the same description, but for the order of dicts. choose returns a number below n.
func (c Carrier) TypeFor(v any, choose func(n int) int) reflect.Type {
	return chooser{c, choose}.typeFor(v)
}

type chooser struct {
	c      Carrier
	choose func(n int) int
}

func (c chooser) typeFor(v any) reflect.Type {
	if c.choose(4) == 0 {
		return reflect.TypeFor[any]()
	}
	t := c.oneType(v)
	if _, ok := Convert(v, t); !ok {
		return reflect.TypeFor[any]()
	}
	return t
}

// oneType returns a type that may hold v.
func (c chooser) oneType(v any) reflect.Type {
	one := func(examples ...any) reflect.Type { return reflect.TypeOf(examples[c.choose(len(examples))]) }
	switch x := v.(type) {
	case nil:
		return one((*int)(nil), (*string)(nil), (*codec.Dict)(nil))
	case bool:
		return one(x, &x)
	case int64, *big.Int:
		return one(0, int64(0), int8(0), int16(0), int32(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0), namedInt(0),
			new(int64), new(big.Int), big.Int{})
	case float64:
		return one(x, float32(0), &x)
	case string:
		return one(x, namedText(""), &x)
	case []byte:
		return one(x, namedBytes(nil))
	case []any:
		return c.listType(x)
	case codec.Tuple:
		if c.choose(2) == 0 {
			return reflect.TypeOf(x)
		}
		return c.tupleType(x)
	case codec.Set:
		return c.setType(x)
	case map[string]any, *codec.Dict:
		return c.dictType(asDict(x))
	default:
		return reflect.TypeOf(v)
	}
}

// listType tries the type of one element for all of them.
func (c chooser) listType(items []any) reflect.Type {
	if len(items) == 0 {
		return reflect.TypeFor[[]int]()
	}
	elem := c.typeFor(items[c.choose(len(items))])
	if c.choose(2) == 0 {
		return reflect.ArrayOf(len(items), elem)
	}
	if elem.Kind() == reflect.Uint8 {
		return reflect.TypeFor[[]any]() // not bytes
	}
	return reflect.SliceOf(elem)
}

func (c chooser) tupleType(t codec.Tuple) reflect.Type {
	fields := []reflect.StructField{{
		Name: "_", PkgPath: "github.com/pyrokit/pyrokit/internal/valuegen", Type: reflect.TypeFor[struct{}](), Tag: `pyro:",tuple"`,
	}}
	for i, v := range t {
		fields = append(fields, reflect.StructField{Name: "F" + strconv.Itoa(i), Type: c.typeFor(v)})
	}
	return reflect.StructOf(fields)
}

func (c chooser) setType(s codec.Set) reflect.Type {
	for m := range s.All() {
		key := c.typeFor(m)
		if s.Frozen || c.c.listsOnly() || // as lists they have an order
			!key.Comparable() || key.Kind() == reflect.Pointer {
			break
		}
		return reflect.MapOf(key, reflect.TypeFor[struct{}]())
	}
	return reflect.TypeFor[codec.Set]()
}

func (c chooser) dictType(d *codec.Dict) reflect.Type {
	if d.Len() == 0 {
		return reflect.TypeFor[map[string]any]()
	}
	shape := c.choose(4)
	if shape == 0 {
		return reflect.TypeFor[*codec.Dict]()
	}
	if shape == 1 && isStruct(d) {
		return c.structType(d)
	}
	for k, x := range d.All() {
		return reflect.MapOf(keyType(k), c.typeFor(x))
	}
	return nil // unreached: it is not empty
}

func keyType(k any) reflect.Type {
	if _, ok := k.(string); ok {
		return reflect.TypeFor[string]()
	}
	return reflect.TypeFor[int64]()
}

// isStruct tells whether the keys of d can stand in the tags of fields.
func isStruct(d *codec.Dict) bool {
	for k := range d.Keys() {
		name, _ := k.(string)
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzé") != "" {
			return false
		}
	}
	return true
}

func asDict(v any) *codec.Dict {
	if d, ok := v.(*codec.Dict); ok {
		return d
	}
	d := codec.NewDict()
	m, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		d.Set(name, m[name])
	}
	return d
}

func (c chooser) structType(d *codec.Dict) reflect.Type {
	var fields []reflect.StructField
	for k, x := range d.All() {
		name, _ := k.(string)
		fields = append(fields, reflect.StructField{
			Name: "F" + strconv.Itoa(len(fields)), Type: c.typeFor(x), Tag: reflect.StructTag(`pyro:"` + name + `"`),
		})
	}
	return reflect.StructOf(fields)
}

// Convert returns v as a value of type t, if t can hold all of it.
func Convert(v any, t reflect.Type) (reflect.Value, bool) {
	out := reflect.New(t).Elem()
	return out, store(v, out)
}

func store(v any, out reflect.Value) bool {
	if v == nil {
		return out.Kind() == reflect.Pointer || out.Kind() == reflect.Interface
	}
	if r := reflect.ValueOf(v); r.Type() == out.Type() || out.Kind() == reflect.Interface {
		out.Set(r)
		return true
	}
	switch x := v.(type) {
	case int64:
		return storeInt(big.NewInt(x), out)
	case *big.Int:
		return storeInt(x, out)
	case []any:
		return storeList(x, out)
	case codec.Tuple:
		return storeTuple(x, out)
	case codec.Set:
		return storeSet(x, out)
	case map[string]any, *codec.Dict:
		return storeDict(asDict(x), out)
	}
	return storeScalar(reflect.ValueOf(v), out)
}

func storeScalar(v, out reflect.Value) bool {
	switch {
	case out.Kind() == reflect.Pointer && v.Type() == out.Type().Elem():
		out.Set(reflect.New(v.Type()))
		out.Elem().Set(v)
		return true
	case out.Kind() == reflect.Float32 && v.CanFloat():
		text := strconv.FormatFloat(v.Float(), 'g', -1, 32) // what it would be sent as
		f, err := strconv.ParseFloat(text, 64)
		out.SetFloat(v.Float())
		return err == nil && f == v.Float() && out.Float() == f
	case out.Type() == reflect.TypeFor[namedText]() && v.Type() == reflect.TypeFor[string](),
		out.Type() == reflect.TypeFor[namedBytes]() && v.Type() == reflect.TypeFor[[]byte]():
		out.Set(v.Convert(out.Type()))
		return true
	}
	return false
}

func storeInt(n *big.Int, out reflect.Value) bool {
	switch {
	case out.Type() == reflect.TypeFor[big.Int]():
		out.Set(reflect.ValueOf(*n))
		return true
	case out.Kind() == reflect.Pointer:
		out.Set(reflect.New(out.Type().Elem()))
		return storeInt(n, out.Elem())
	case out.Type() == reflect.TypeFor[time.Duration]():
		return false
	case out.CanInt() && n.IsInt64() && !out.OverflowInt(n.Int64()):
		out.SetInt(n.Int64())
		return true
	case out.CanUint() && n.IsUint64() && !out.OverflowUint(n.Uint64()):
		out.SetUint(n.Uint64())
		return true
	}
	return false
}

func storeList(items []any, out reflect.Value) bool {
	switch out.Kind() {
	case reflect.Slice:
		if out.Type().Name() != "" || out.Type().Elem().Kind() == reflect.Uint8 { // a tuple, or bytes
			return false
		}
		out.Set(reflect.MakeSlice(out.Type(), len(items), len(items)))
	case reflect.Array:
		if out.Len() != len(items) {
			return false
		}
	default:
		return false
	}
	for i, v := range items {
		if !store(v, out.Index(i)) {
			return false
		}
	}
	return true
}

func storeTuple(t codec.Tuple, out reflect.Value) bool {
	if out.Kind() != reflect.Struct || out.NumField() != len(t)+1 || out.Type().Field(0).Name != "_" {
		return false
	}
	for i, v := range t {
		if !store(v, out.Field(i+1)) {
			return false
		}
	}
	return true
}

func storeSet(s codec.Set, out reflect.Value) bool {
	if out.Kind() != reflect.Map || out.Type().Elem() != reflect.TypeFor[struct{}]() {
		return false
	}
	out.Set(reflect.MakeMap(out.Type()))
	for m := range s.All() {
		key := reflect.New(out.Type().Key()).Elem()
		if !store(m, key) || !key.Comparable() {
			return false
		}
		out.SetMapIndex(key, reflect.ValueOf(struct{}{}))
	}
	return out.Len() == s.Len() // NaN is no key that is found again
}

func storeDict(d *codec.Dict, out reflect.Value) bool {
	switch {
	case out.Type() == reflect.TypeFor[*codec.Dict]():
		out.Set(reflect.ValueOf(d))
		return true
	case out.Kind() == reflect.Map:
		return storeMap(d, out)
	case out.Kind() != reflect.Struct || out.NumField() != d.Len():
		return false
	}
	i := 0
	for k, v := range d.All() {
		if out.Type().Field(i).Tag.Get("pyro") != k || !store(v, out.Field(i)) {
			return false
		}
		i++
	}
	return true
}

func storeMap(d *codec.Dict, out reflect.Value) bool {
	out.Set(reflect.MakeMap(out.Type()))
	for k, v := range d.All() {
		key, value := reflect.New(out.Type().Key()).Elem(), reflect.New(out.Type().Elem()).Elem()
		if !store(k, key) || !store(v, value) {
			return false
		}
		out.SetMapIndex(key, value)
	}
	return true
}
