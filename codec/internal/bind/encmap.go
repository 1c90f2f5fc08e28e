package bind

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
)

func (s *planSet) mapPlan(t reflect.Type) encodeFunc {
	switch t {
	case reflect.TypeFor[map[string]any]():
		return mapEncode((*Encoder).Any)
	case reflect.TypeFor[map[string]string]():
		return mapEncode(func(e *Encoder, b []byte, v string) ([]byte, error) { return e.sink.Str(b, v) })
	case reflect.TypeFor[map[string]int]():
		return mapEncode(func(e *Encoder, b []byte, v int) ([]byte, error) { return e.sink.Int(b, int64(v)), nil })
	case reflect.TypeFor[map[string]float64]():
		return mapEncode(func(e *Encoder, b []byte, v float64) ([]byte, error) { return e.sink.Float(b, v, 64), nil })
	}
	kind := Dict
	if t.Elem() == emptyStruct {
		kind = Set
	}
	elem := s.of(t.Elem())
	return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.anyMap(b, v, kind, elem) }
}

func mapEncode[V any](elem func(*Encoder, []byte, V) ([]byte, error)) encodeFunc {
	return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
		m, _ := reflect.TypeAssert[map[string]V](v)
		return mapOf(e, b, m, elem)
	}
}

// mapOf appends a map in the order of its keys, without reflection.
func mapOf[V any](e *Encoder, b []byte, m map[string]V, elem func(*Encoder, []byte, V) ([]byte, error)) (out []byte, err error) {
	if err := e.enter(); err != nil {
		return b, err
	}
	forget := false
	if e.depth >= cycleDepth {
		if forget, err = e.watch(placeOf(reflect.ValueOf(m))); err != nil {
			return b, err
		}
	}
	base := len(e.names)
	for name := range m {
		e.names = append(e.names, name)
	}
	names := e.names[base:]
	slices.Sort(names)
	b = e.sink.Begin(b, Dict, len(names))
	for i, name := range names {
		if b, err = e.sink.Str(e.sink.Sep(b, Dict, i), name); err != nil {
			return b, encodeUnder(err, "key")
		}
		if b, err = elem(e, e.sink.Colon(b), m[name]); err != nil {
			return b, encodeUnder(err, name)
		}
	}
	e.names = e.names[:base]
	if forget {
		delete(e.seen, placeOf(reflect.ValueOf(m)))
	}
	e.depth--
	return e.sink.End(b, Dict, len(names)), nil
}

type mapEntry struct {
	key, value reflect.Value
	text       []byte // of the key
}

// anyMap appends a map with keys of any type: numbers and text in their order, others by their
// encoding. With kind Set it is a set of the keys.
func (e *Encoder) anyMap(b []byte, v reflect.Value, kind Kind, elem encodeFunc) (out []byte, err error) {
	if err := e.enter(); err != nil {
		return b, err
	}
	forget, err := e.watch(placeOf(v))
	if err != nil {
		return b, err
	}
	entries := make([]mapEntry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		text, err := e.key(nil, it.Key().Interface(), kind)
		if err != nil {
			return b, encodeUnder(err, "key")
		}
		entries = append(entries, mapEntry{it.Key(), it.Value(), text})
	}
	slices.SortFunc(entries, compareEntries)
	b = e.sink.Begin(b, kind, len(entries))
	for i := range entries {
		b = append(e.sink.Sep(b, kind, i), entries[i].text...)
		if kind == Set {
			continue
		}
		if b, err = elem(e, e.sink.Colon(b), entries[i].value); err != nil {
			return b, encodeUnder(err, keyPlace(entries[i].key))
		}
	}
	if forget {
		delete(e.seen, placeOf(v))
	}
	e.depth--
	return e.sink.End(b, kind, len(entries)), nil
}

func compareEntries(x, y mapEntry) int {
	switch {
	case x.key.CanInt() && y.key.CanInt():
		return cmp.Compare(x.key.Int(), y.key.Int())
	case x.key.CanUint() && y.key.CanUint():
		return cmp.Compare(x.key.Uint(), y.key.Uint())
	case x.key.CanFloat() && y.key.CanFloat():
		return cmp.Compare(x.key.Float(), y.key.Float())
	case x.key.Kind() == reflect.String && y.key.Kind() == reflect.String:
		return cmp.Compare(x.key.String(), y.key.String())
	}
	return bytes.Compare(x.text, y.text)
}
