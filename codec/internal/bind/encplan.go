package bind

import (
	"encoding"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// An encodeFunc appends v.
type encodeFunc func(e *Encoder, b []byte, v reflect.Value) ([]byte, error)

// A planSet is what was found out about types for one sink and one state of a registry.
type planSet struct {
	sink     Sink
	registry *codec.Registry
	version  uint64
	plans    sync.Map // reflect.Type -> encodeFunc
}

func (s *planSet) of(t reflect.Type) encodeFunc {
	if f, ok := s.plans.Load(t); ok {
		return f.(encodeFunc) //nolint:forcetypeassert // nothing else is stored
	}
	// A type may contain itself: until its function is known, the function waits for it.
	var (
		done sync.WaitGroup
		f    encodeFunc
	)
	done.Add(1)
	waiting := encodeFunc(func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
		done.Wait()
		return f(e, b, v)
	})
	if first, loaded := s.plans.LoadOrStore(t, waiting); loaded {
		return first.(encodeFunc) //nolint:forcetypeassert // nothing else is stored
	}
	f = s.newPlan(t)
	done.Done()
	s.plans.Store(t, f)
	return f
}

// newPlan decides how a t is written: as registered, else as one of the types with a form of their
// own, else as text if it makes text of itself, else as its kind says.
func (s *planSet) newPlan(t reflect.Type) encodeFunc {
	fn, class := s.registry.Encoder(t)
	switch {
	case fn != nil:
		return registered(fn, s.unregisteredPlan(t))
	case class != "" && t.Kind() == reflect.Struct:
		return s.structPlan(t, class)
	}
	return s.unregisteredPlan(t)
}

// unregisteredPlan is newPlan for a type that no registry knows.
func (s *planSet) unregisteredPlan(t reflect.Type) encodeFunc {
	if f := specialEncode(t); f != nil {
		return f
	}
	if t.Kind() == reflect.Pointer && s.hasOwnForm(t.Elem()) {
		return s.pointerPlan(t)
	}
	if t.Implements(textMarshalerType) {
		return encodeText
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textMarshalerType) {
		return addressableText(s.planOfKind(t))
	}
	return s.planOfKind(t)
}

// hasOwnForm reports whether a t is written in a form that takes precedence over the text it makes
// of itself.
func (s *planSet) hasOwnForm(t reflect.Type) bool {
	fn, class := s.registry.Encoder(t)
	return fn != nil || class != "" || specialEncode(t) != nil
}

// registered writes what the function of a registry makes of a value.
func registered(fn codec.EncodeFunc, asIs encodeFunc) encodeFunc {
	return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
		if k := v.Kind(); (k == reflect.Pointer || k == reflect.Interface) && v.IsNil() {
			return e.sink.None(b), nil
		}
		x, err := fn(v.Interface(), e.dialect())
		if errors.Is(err, codec.ErrAsIs) {
			return asIs(e, b, v)
		}
		if err != nil {
			return b, &codec.EncodeError{Codec: e.sink.Name(), Type: v.Type(), Msg: err.Error(), Cause: err}
		}
		if form, ok := x.(codec.FormFunc); ok {
			x = form(e.sink.Name())
		}
		if err := e.enter(); err != nil { // fn might return what it was given
			return b, err
		}
		b, err = e.Any(b, x)
		e.depth--
		return b, err
	}
}

// specialEncode returns how the types are written that have a form of their own; nil for others.
func specialEncode(t reflect.Type) encodeFunc {
	switch t {
	case timeType, durationType, dateType, clockType, decimalType, uuidType, arrayType, ndarrayType, globalType:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.specialValue(b, v.Interface()) }
	case bigIntType:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
			n, _ := reflect.TypeAssert[big.Int](v) // shares its digits, which are only read
			return e.sink.BigInt(b, &n)
		}
	case dictType:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
			d, _ := reflect.TypeAssert[codec.Dict](v)
			return e.dict(b, &d)
		}
	case tupleType, setType, objectType, valueType, bytesType:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.Any(b, v.Interface()) }
	}
	return nil
}

// specialValue appends a value of one of the types that serializers differ in: as the sink has it,
// else in the form that is common to most.
func (e *Encoder) specialValue(b []byte, v any) ([]byte, error) {
	if e.special != nil {
		if out, ok, err := e.special.Special(b, v, e.o); ok || err != nil {
			return out, err
		}
	}
	switch x := v.(type) {
	case time.Time:
		return e.time(b, x)
	case time.Duration:
		return e.sink.Float(b, seconds(x), 64), nil
	case codec.Array:
		return e.array(b, x)
	case encoding.TextMarshaler:
		return e.text(b, x)
	case codec.NDArray:
		return b, &codec.EncodeError{Codec: e.sink.Name(), Type: ndarrayType, Msg: "only pickle has numpy arrays; send lists"}
	default:
		return b, &codec.EncodeError{Codec: e.sink.Name(), Type: reflect.TypeOf(v), Msg: "only pickle has names of Python's globals"}
	}
}

// array appends the elements as a list, or text as text.
func (e *Encoder) array(b []byte, x codec.Array) ([]byte, error) {
	if s, ok := x.Values.(string); ok {
		return e.sink.Str(b, s)
	}
	if u, ok := x.Values.([]uint8); ok { // a list of numbers, where a []byte would be bytes
		return sliceFrom(e, b, u, func(e *Encoder, b []byte, n uint8) ([]byte, error) { return e.sink.Int(b, int64(n)), nil })
	}
	return e.Any(b, x.Values)
}

func (e *Encoder) text(b []byte, m encoding.TextMarshaler) ([]byte, error) {
	text, err := m.MarshalText()
	if err != nil {
		return b, &codec.EncodeError{Codec: e.sink.Name(), Type: reflect.TypeOf(m), Msg: err.Error(), Cause: err}
	}
	return e.sink.Str(b, string(text))
}

func encodeText(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return e.sink.None(b), nil
	}
	m, _ := reflect.TypeAssert[encoding.TextMarshaler](v)
	return e.text(b, m)
}

func addressableText(other encodeFunc) encodeFunc {
	return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
		if v.CanAddr() {
			return encodeText(e, b, v.Addr())
		}
		return other(e, b, v)
	}
}

func (s *planSet) planOfKind(t reflect.Type) encodeFunc {
	switch t.Kind() {
	case reflect.Bool:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.sink.Bool(b, v.Bool()), nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.sink.Int(b, v.Int()), nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.sink.Uint(b, v.Uint()), nil }
	case reflect.Float32:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
			return e.sink.Float(b, v.Float(), 32), nil
		}
	case reflect.Float64:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
			return e.sink.Float(b, v.Float(), 64), nil
		}
	case reflect.Complex64, reflect.Complex128:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.sink.Complex(b, v.Complex()) }
	case reflect.String:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.sink.Str(b, v.String()) }
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) { return e.sink.Bytes(b, v.Bytes(), e.o) }
		}
		return s.slicePlan(t)
	case reflect.Array:
		return s.slicePlan(t)
	case reflect.Map:
		return s.mapPlan(t)
	case reflect.Struct:
		return s.structPlan(t, "")
	case reflect.Pointer:
		return s.pointerPlan(t)
	case reflect.Interface:
		return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
			if v.IsNil() {
				return e.sink.None(b), nil
			}
			if v.NumMethod() == 0 {
				return e.Any(b, v.Interface())
			}
			v = v.Elem()
			return e.plan(v.Type())(e, b, v)
		}
	default:
		return func(e *Encoder, b []byte, _ reflect.Value) ([]byte, error) {
			return b, &codec.EncodeError{Codec: e.sink.Name(), Type: t, Msg: "Python has nothing like it"}
		}
	}
}

func (s *planSet) pointerPlan(t reflect.Type) encodeFunc {
	elem := s.of(t.Elem())
	return func(e *Encoder, b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return e.sink.None(b), nil
		}
		if err := e.enter(); err != nil { // a pointer may lead to itself
			return b, err
		}
		forget, err := e.watch(placeOf(v))
		if err != nil {
			return b, err
		}
		b, err = elem(e, b, v.Elem())
		if forget {
			delete(e.seen, placeOf(v))
		}
		e.depth--
		return b, err
	}
}

func (s *planSet) slicePlan(t reflect.Type) encodeFunc {
	elem := s.of(t.Elem())
	return func(e *Encoder, b []byte, v reflect.Value) (out []byte, err error) {
		if err := e.enter(); err != nil {
			return b, err
		}
		n := v.Len()
		b = e.sink.Begin(b, List, n)
		for i := range n {
			b = e.sink.Sep(b, List, i)
			if b, err = elem(e, b, v.Index(i)); err != nil {
				return b, encodeUnderIndex(err, i)
			}
		}
		e.depth--
		return e.sink.End(b, List, n), nil
	}
}

func sortNames(names []string) []string {
	slices.Sort(names)
	return names
}
