package bind

import (
	"encoding"
	"math/big"
	"reflect"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/anything"
)

// A decodeFunc reads the next value into v, which is settable.
type decodeFunc func(d *Decoder, v reflect.Value) error

var decodePlans sync.Map // reflect.Type -> decodeFunc

// decodePlan returns the function that reads a t. It is made once for each type.
func decodePlan(t reflect.Type) decodeFunc {
	if f, ok := decodePlans.Load(t); ok {
		return f.(decodeFunc) //nolint:forcetypeassert // nothing else is stored
	}
	// A type may contain itself: until its function is known, the function waits for it.
	var (
		done sync.WaitGroup
		f    decodeFunc
	)
	done.Add(1)
	waiting := decodeFunc(func(d *Decoder, v reflect.Value) error {
		done.Wait()
		return f(d, v)
	})
	if first, loaded := decodePlans.LoadOrStore(t, waiting); loaded {
		return first.(decodeFunc) //nolint:forcetypeassert // nothing else is stored
	}
	f = newDecodePlan(t)
	done.Done()
	decodePlans.Store(t, f)
	return f
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	bigIntType   = reflect.TypeFor[big.Int]()
	bytesType    = reflect.TypeFor[[]byte]()
	tupleType    = reflect.TypeFor[codec.Tuple]()
	setType      = reflect.TypeFor[codec.Set]()
	dictType     = reflect.TypeFor[codec.Dict]()
	objectType   = reflect.TypeFor[codec.Object]()
	valueType    = reflect.TypeFor[codec.Value]()
	dateType     = reflect.TypeFor[codec.Date]()
	clockType    = reflect.TypeFor[codec.TimeOfDay]()
	decimalType  = reflect.TypeFor[codec.Decimal]()
	arrayType    = reflect.TypeFor[codec.Array]()
	ndarrayType  = reflect.TypeFor[codec.NDArray]()
	globalType   = reflect.TypeFor[codec.Global]()
	anythingType = reflect.TypeFor[anything.Value]()
	uuidType     = reflect.TypeFor[uuid.UUID]()
	emptyStruct  = reflect.TypeFor[struct{}]()

	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
)

func newDecodePlan(t reflect.Type) decodeFunc {
	if f := specialDecode(t); f != nil {
		return f
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textUnmarshalerType) {
		return textDecode(decodePlanOfKind(t))
	}
	return decodePlanOfKind(t)
}

func specialDecode(t reflect.Type) decodeFunc {
	switch t {
	case timeType:
		return exactly(decodeTime)
	case durationType:
		return exactly(decodeDuration)
	case dateType, clockType, decimalType, uuidType:
		return exactly(textDecode(decodePlanOfKind(t)))
	case arrayType, ndarrayType, globalType:
		return exactly(func(d *Decoder, _ reflect.Value) error {
			k, err := d.Src.Peek(Scalar)
			if err != nil {
				return err
			}
			return mismatch(t.String(), k)
		})
	case bigIntType:
		return decodeBigInt
	case bytesType:
		return decodeBytes
	case tupleType:
		return decodeTuple
	case setType:
		return decodeSet
	case dictType:
		return decodeDict
	case objectType:
		return decodeObject
	case valueType:
		return decodeValue
	case anythingType:
		return func(d *Decoder, _ reflect.Value) error { return d.Src.Skip() }
	}
	return nil
}

func decodePlanOfKind(t reflect.Type) decodeFunc {
	switch t.Kind() {
	case reflect.Bool:
		return decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return decodeUint
	case reflect.Float32, reflect.Float64:
		return decodeFloat
	case reflect.Complex64, reflect.Complex128:
		return decodeComplex
	case reflect.String:
		return decodeString
	case reflect.Slice:
		return slicePlan(t)
	case reflect.Array:
		return arrayPlan(t)
	case reflect.Map:
		return mapPlan(t)
	case reflect.Struct:
		return structDecode(t)
	case reflect.Pointer:
		return pointerPlan(t)
	case reflect.Interface:
		return interfacePlan(t)
	default:
		return func(_ *Decoder, v reflect.Value) error {
			return &codec.TypeError{Want: v.Type().String(), Found: "a value", Why: "nothing is read into this type"}
		}
	}
}

func pointerPlan(t reflect.Type) decodeFunc {
	elem := decodePlan(t.Elem())
	fields := structFieldsOf(t.Elem())
	return orNone(wantOf(t.Elem()), func(d *Decoder, v reflect.Value, k Kind) error {
		if err := d.take(int(t.Elem().Size())); err != nil {
			return err
		}
		p := reflect.New(t.Elem())
		if fields != nil && (k == Dict || k == Brace) {
			made, err := d.fillStruct(p.Elem(), fields())
			if err != nil {
				return err
			}
			if made != nil && assign(v, made) { // the very pointer that a decoder made
				return nil
			}
			if made != nil {
				assign(p.Elem(), made)
			}
			v.Set(p)
			return nil
		}
		if err := elem(d, p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	})
}

// structFieldsOf returns what gives the plan of t's fields if t is a struct that is read from a
// dict, else nil. The plan itself is made later because t may contain itself.
func structFieldsOf(t reflect.Type) func() *structPlan {
	if t.Kind() != reflect.Struct || specialDecode(t) != nil || reflect.PointerTo(t).Implements(textUnmarshalerType) {
		return nil
	}
	return sync.OnceValue(func() *structPlan { return planOf(t) })
}

func wantOf(t reflect.Type) Want {
	switch t.Kind() {
	case reflect.Struct:
		switch {
		case t == setType || specialDecode(t) == nil && fieldsOf(t).tuple:
			return Sequence
		case t == valueType:
			return Scalar // whatever it is
		}
		return Mapping
	case reflect.Map:
		if t.Elem() == emptyStruct {
			return Sequence
		}
		return Mapping
	case reflect.Slice, reflect.Array:
		return Sequence
	default:
		return Scalar
	}
}

func interfacePlan(t reflect.Type) decodeFunc {
	if t.NumMethod() == 0 {
		return func(d *Decoder, v reflect.Value) error {
			var x any
			if err := d.any(&x); err != nil {
				return err
			}
			if x == nil {
				v.SetZero()
				return nil
			}
			v.Set(reflect.ValueOf(x))
			return nil
		}
	}
	return func(d *Decoder, v reflect.Value) error {
		k, err := d.Src.Peek(Scalar)
		if err != nil {
			return err
		}
		x, err := d.converted()
		if err != nil {
			return err
		}
		if x == nil {
			v.SetZero()
			return nil
		}
		if r := reflect.ValueOf(x); r.Type().AssignableTo(t) {
			v.Set(r)
			return nil
		}
		if p := reflect.New(reflect.TypeOf(x)); p.Type().AssignableTo(t) {
			p.Elem().Set(reflect.ValueOf(x))
			v.Set(p)
			return nil
		}
		if o, ok := x.(codec.Object); ok {
			return &codec.TypeError{Want: t.String(), Found: "instance of " + o.Class}
		}
		return mismatch(t.String(), k)
	}
}
