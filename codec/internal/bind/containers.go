package bind

import (
	"reflect"
	"slices"
	"unsafe"

	"github.com/pyrokit/pyrokit/codec"
)

func isSequence(k Kind) bool {
	switch k {
	case List, Tuple, Set, FrozenSet, Brace:
		return true
	}
	return false
}

// eachElement calls fn for each element of the container that comes next.
func (d *Decoder) eachElement(fn func(i int) error) error {
	if err := d.Src.Enter(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := d.Src.Next()
		if err != nil || !more {
			return err
		}
		if err := fn(i); err != nil {
			return underIndex(err, i)
		}
	}
}

// orNone returns a plan that lets None empty a value. fill reads all else: what comes next is of kind k.
func orNone(want Want, fill func(d *Decoder, v reflect.Value, k Kind) error) decodeFunc {
	return func(d *Decoder, v reflect.Value) error {
		k, err := d.Src.Peek(want)
		if err != nil {
			return err
		}
		if k == None {
			v.SetZero()
			return d.Src.None()
		}
		return fill(d, v, k)
	}
}

func slicePlan(t reflect.Type) decodeFunc {
	switch t {
	case reflect.TypeFor[[]string]():
		return sliceOf((*Decoder).str)
	case reflect.TypeFor[[]any]():
		return sliceOf((*Decoder).any)
	case reflect.TypeFor[[]int]():
		return sliceOf(signed[int])
	case reflect.TypeFor[[]int64]():
		return sliceOf(signed[int64])
	case reflect.TypeFor[[]float64]():
		return sliceOf((*Decoder).float)
	}
	elem := decodePlan(t.Elem())
	isBytes := t.Elem().Kind() == reflect.Uint8
	return orNone(Sequence, func(d *Decoder, v reflect.Value, k Kind) error {
		if isBytes && !isSequence(k) { // a type made of []byte
			var b []byte
			if err := d.bytes(&b); err != nil {
				return wantInstead(err, v)
			}
			v.Set(reflect.ValueOf(b).Convert(t))
			return nil
		}
		if !isSequence(k) {
			return d.wrongKind(v, k)
		}
		return d.fillSlice(v, t, elem)
	})
}

func (d *Decoder) fillSlice(v reflect.Value, t reflect.Type, elem decodeFunc) error {
	if err := d.Src.Enter(); err != nil {
		return err
	}
	out := reflect.New(t).Elem() // addressable, so that it can grow in place
	out.Set(reflect.MakeSlice(t, 0, 0))
	for i := 0; ; i++ {
		more, err := d.Src.Next()
		if err != nil {
			return err
		}
		if !more {
			v.Set(out)
			return nil
		}
		if i == out.Cap() {
			if err := d.grow(out, i, int(t.Elem().Size())); err != nil {
				return err
			}
		}
		out.SetLen(i + 1)
		if err := elem(d, out.Index(i)); err != nil {
			return underIndex(err, i)
		}
	}
}

// grow makes room for more elements of the given size in a slice that is full with i. What it takes is all of the new
// room, as the old elements are moved there.
func (d *Decoder) grow(out reflect.Value, i, size int) error {
	n := d.more(i, size)
	if i > 0 && !d.Counted {
		n = max(1, i/4) // the least that the runtime makes of it, too
	}
	if err := d.take((i + n) * size); err != nil {
		return err
	}
	out.Grow(n)
	return d.take((out.Cap() - i - n) * size) // it may grow by more
}

// more returns how many elements of the given size to make room for when i have been read. A
// container that announces more than it holds must not cost much.
func (d *Decoder) more(i, size int) int {
	if d.Counted {
		return d.Src.Len() + 1
	}
	if i > 0 {
		return 1 // which is taken to mean about as many again
	}
	const some = 256 // bytes
	return max(1, min(max(d.Src.Len(), some/2/max(size, 1)), 4*some/max(size, 1)))
}

// sliceOf reads slices of the most common types without reflection.
func sliceOf[T any](elem func(*Decoder, *T) error) decodeFunc {
	return func(d *Decoder, v reflect.Value) error {
		k, err := d.Src.Peek(Sequence)
		if err != nil {
			return err
		}
		p, _ := reflect.TypeAssert[*[]T](v.Addr())
		if k == None {
			*p = nil
			return d.Src.None()
		}
		if !isSequence(k) {
			return d.wrongKind(v, k)
		}
		if err := d.Src.Enter(); err != nil {
			return err
		}
		out := []T{}
		for i := 0; ; i++ {
			more, err := d.Src.Next()
			if err != nil {
				return err
			}
			if !more {
				*p = out
				return nil
			}
			if i == cap(out) {
				out = slices.Grow(out, d.more(i, int(unsafe.Sizeof(out[0]))))
			}
			out = out[:i+1]
			if err := elem(d, &out[i]); err != nil {
				return underIndex(err, i)
			}
		}
	}
}

func arrayPlan(t reflect.Type) decodeFunc {
	elem := decodePlan(t.Elem())
	return func(d *Decoder, v reflect.Value) error {
		k, err := d.Src.Peek(Sequence)
		if err != nil {
			return err
		}
		if !isSequence(k) {
			return d.wrongKind(v, k)
		}
		n := 0
		err = d.eachElement(func(i int) error {
			if n++; i >= t.Len() {
				return d.Src.Skip()
			}
			return elem(d, v.Index(i))
		})
		if err == nil && n != t.Len() {
			err = wrongLength(t.String(), k, n, t.Len())
		}
		return err
	}
}

func wrongLength(what string, k Kind, n, want int) error {
	return &codec.TypeError{
		Want: what, Found: k.String(),
		Why: "it has " + formatInt(int64(n)) + " elements, not " + formatInt(int64(want)),
	}
}

func mapPlan(t reflect.Type) decodeFunc {
	if t.Elem() == emptyStruct {
		return setMapPlan(t)
	}
	key, elem := decodePlan(t.Key()), decodePlan(t.Elem())
	text := t.Key().Kind() == reflect.String && !reflect.PointerTo(t.Key()).Implements(textUnmarshalerType)
	return orNone(Mapping, func(d *Decoder, v reflect.Value, k Kind) error {
		if k != Dict && k != Brace {
			return mismatch(t.String(), k)
		}
		if err := d.Src.Enter(); err != nil {
			return err
		}
		if text {
			return d.fillTextMap(v, t, elem)
		}
		return d.fillMap(v, t, key, elem)
	})
}

func (d *Decoder) fillTextMap(v reflect.Value, t reflect.Type, elem decodeFunc) error {
	if err := d.takeMap(t); err != nil {
		return err
	}
	out := reflect.MakeMap(t)
	key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	for i := 0; ; i++ {
		name, state, err := d.Src.NextKey()
		if err != nil {
			return err
		}
		switch state {
		case NoKey:
			v.Set(out)
			return nil
		case OtherKey:
			return &codec.TypeError{Want: t.String(), Found: "dict", Why: "a key is not text"}
		}
		if err := d.takeEntry(t, i); err != nil {
			return err
		}
		key.SetString(string(name))
		value.SetZero()
		if err := elem(d, value); err != nil {
			return under(err, key.String())
		}
		out.SetMapIndex(key, value)
	}
}

func (d *Decoder) fillMap(v reflect.Value, t reflect.Type, keyOf, elem decodeFunc) error {
	if err := d.takeMap(t); err != nil {
		return err
	}
	out := reflect.MakeMap(t)
	key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	for i := 0; ; i++ {
		more, err := d.Src.Next()
		if err != nil {
			return err
		}
		if !more {
			v.Set(out)
			return nil
		}
		if err := d.takeEntry(t, i); err != nil {
			return err
		}
		key.SetZero()
		value.SetZero()
		if err := keyOf(d, key); err != nil {
			return under(err, "key")
		}
		if err := d.Src.Value(); err != nil {
			return err
		}
		if !key.Comparable() {
			return &codec.TypeError{Want: t.String(), Found: "dict", Why: "a key is not hashable"}
		}
		if err := elem(d, value); err != nil {
			return underKey(err, key)
		}
		out.SetMapIndex(key, value)
	}
}

func underKey(err error, key reflect.Value) error { return under(err, keyPlace(key)) }

// keyPlace is how the value of a key is named in a path.
func keyPlace(key reflect.Value) string {
	switch {
	case key.CanInt():
		return "[" + formatInt(key.Int()) + "]"
	case key.Kind() == reflect.String:
		return key.String()
	default:
		return "[...]"
	}
}

// setMapPlan reads sets, and what stands for them in other serializers, into a map[T]struct{}.
func setMapPlan(t reflect.Type) decodeFunc {
	key := decodePlan(t.Key())
	return orNone(Sequence, func(d *Decoder, v reflect.Value, k Kind) error {
		if !isSequence(k) {
			return d.wrongKind(v, k)
		}
		if err := d.takeMap(t); err != nil {
			return err
		}
		out := reflect.MakeMap(t)
		member, none := reflect.New(t.Key()).Elem(), reflect.Zero(emptyStruct)
		err := d.eachElement(func(i int) error {
			if err := d.takeEntry(t, i); err != nil {
				return err
			}
			member.SetZero()
			if err := key(d, member); err != nil {
				return err
			}
			if !member.Comparable() {
				return &codec.TypeError{Want: t.String(), Found: k.String(), Why: "a member is not hashable"}
			}
			out.SetMapIndex(member, none.Convert(t.Elem()))
			return nil
		})
		if err == nil {
			v.Set(out)
		}
		return err
	})
}
