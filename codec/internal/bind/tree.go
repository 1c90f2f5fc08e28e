package bind

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
)

// A treeSource reads a generic tree. It is how instances are filled in after they were read, and
// how serializers read what is too rare to deserve better.
type treeSource struct {
	next  any
	stack []treeLevel
}

// A treeLevel is a container being read: its elements, or keys and values in turn.
type treeLevel struct {
	items []any
	keyed bool
	at    int
	whole any // the container itself
}

func newTreeSource(tree any) *treeSource { return &treeSource{next: tree} }

// FromTree returns a source that reads a generic tree.
func FromTree(tree any) Source { return newTreeSource(tree) }

func kindOf(v any) Kind {
	switch v.(type) {
	case nil:
		return None
	case bool:
		return Bool
	case int64, *big.Int:
		return Int
	case float64:
		return Float
	case complex128:
		return Complex
	case string:
		return Str
	case []byte:
		return Bytes
	case []any:
		return List
	case codec.Tuple:
		return Tuple
	case codec.Set:
		return Set
	case map[string]any, *codec.Dict, codec.Object:
		return Dict
	}
	return Invalid
}

// treeKind is the kind that typed destinations may take v for.
func treeKind(v any) Kind {
	switch x := v.(type) {
	case time.Time, codec.Date, codec.TimeOfDay, codec.Decimal, uuid.UUID:
		return Str
	case time.Duration:
		return Float
	case codec.Set:
		if x.Frozen {
			return FrozenSet
		}
		return Set
	case codec.Array:
		if _, ok := x.Values.(string); ok {
			return Str
		}
		return List
	case codec.NDArray:
		if len(x.Shape) > 0 {
			return List
		}
		n, err := x.Item(0)
		if err != nil {
			return Other
		}
		return kindOf(n)
	case codec.Global:
		return Other
	}
	return kindOf(v)
}

// scalar is the value that typed destinations take s.next for.
func (s *treeSource) scalar() any {
	switch x := s.next.(type) {
	case time.Time:
		return string(appendTime(nil, x))
	case codec.Date:
		return x.String()
	case codec.TimeOfDay:
		return x.String()
	case codec.Decimal:
		return x.String()
	case uuid.UUID:
		return x.String()
	case time.Duration:
		return seconds(x)
	case codec.Array:
		return x.Values
	case codec.NDArray:
		n, _ := x.Item(0) // Peek has seen that there is one
		return n
	}
	return s.next
}

// Special returns values of the types that most serializers do not have.
func (s *treeSource) Special() (any, bool, error) {
	switch s.next.(type) {
	case time.Time, time.Duration, codec.Date, codec.TimeOfDay, codec.Decimal, uuid.UUID, codec.Array, codec.NDArray, codec.Global:
		return s.next, true, nil
	}
	return nil, false, nil
}

// A plainSource is a treeSource that hides that it is a SpecialSource.
type plainSource struct{ Source }

func (s *treeSource) Peek(Want) (Kind, error) {
	k := treeKind(s.next)
	if k == Invalid {
		return k, &codec.TypeError{Want: "a plain value", Found: fmt.Sprintf("%T", s.next)}
	}
	return k, nil
}

func (s *treeSource) None() error         { return nil }
func (s *treeSource) Bool() (bool, error) { return s.scalar().(bool), nil } //nolint:forcetypeassert // after Peek

func (s *treeSource) Int() (int64, *big.Int, error) {
	x := s.scalar()
	if b, ok := x.(*big.Int); ok {
		return 0, b, nil
	}
	return x.(int64), nil, nil //nolint:forcetypeassert // after Peek
}

func (s *treeSource) Float() (float64, error)      { return s.scalar().(float64), nil }        //nolint:forcetypeassert // after Peek
func (s *treeSource) Complex() (complex128, error) { return s.scalar().(complex128), nil }     //nolint:forcetypeassert // after Peek
func (s *treeSource) Str() ([]byte, error)         { return []byte(s.scalar().(string)), nil } //nolint:forcetypeassert // after Peek
func (s *treeSource) Bytes() ([]byte, error)       { return s.next.([]byte), nil }             //nolint:forcetypeassert // after Peek

func (s *treeSource) Enter() (err error) {
	l := treeLevel{whole: s.next}
	switch x := s.next.(type) {
	case codec.Array:
		l.items = arrayItems(x)
	case codec.NDArray:
		if l.items, err = ndarrayItems(x); err != nil {
			return err
		}
	case []any:
		l.items = x
	case codec.Tuple:
		l.items = x
	case codec.Set:
		for m := range x.All() {
			l.items = append(l.items, m)
		}
	case map[string]any:
		l.keyed = true
		for k, v := range x {
			l.items = append(l.items, k, v)
		}
	case *codec.Dict:
		l.keyed = true
		for k, v := range x.All() {
			l.items = append(l.items, k, v)
		}
	case codec.Object:
		l.keyed = true
		for k, v := range x.Attrs {
			l.items = append(l.items, k, v)
		}
		l.items = append(l.items, codec.ClassKey, x.Class)
	}
	s.stack = append(s.stack, l)
	return nil
}

// arrayItems returns the numbers of an array as trees have them.
func arrayItems(x codec.Array) []any {
	v := reflect.ValueOf(x.Values)
	items := make([]any, v.Len())
	for i := range items {
		switch e := v.Index(i); {
		case e.CanInt():
			items[i] = e.Int()
		case e.CanFloat():
			items[i] = e.Float()
		case e.Uint() > math.MaxInt64:
			items[i] = new(big.Int).SetUint64(e.Uint())
		default:
			items[i] = int64(e.Uint()) //nolint:gosec // checked above
		}
	}
	return items
}

// ndarrayItems returns the elements of the first dimension: numbers, or arrays of the others.
func ndarrayItems(x codec.NDArray) ([]any, error) {
	n := x.Len()
	if x.FortranOrder && len(x.Shape) > 1 {
		return nil, &codec.TypeError{Want: "array in C order", Found: "array in Fortran order"}
	}
	if n <= 0 || len(x.Data) < n || len(x.Data)%n != 0 { // elements without a size would cost nothing to send
		if n == 0 && x.Shape[0] <= len(x.Data) {
			return nil, nil
		}
		return nil, &codec.TypeError{Want: "list", Found: "array", Why: "its data do not fit its shape"}
	}
	items := make([]any, x.Shape[0])
	size := len(x.Data) / len(items)
	for i := range items {
		part := codec.NDArray{DType: x.DType, Shape: x.Shape[1:], Data: x.Data[i*size : (i+1)*size]}
		if len(part.Shape) > 0 {
			items[i] = part
			continue
		}
		var err error
		if items[i], err = part.Item(0); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (s *treeSource) Next() (bool, error) {
	l := &s.stack[len(s.stack)-1]
	if l.at == len(l.items) {
		s.next = l.whole
		s.stack = s.stack[:len(s.stack)-1]
		return false, nil
	}
	s.next = l.items[l.at]
	l.at++
	return true, nil
}

func (s *treeSource) Value() error {
	l := &s.stack[len(s.stack)-1]
	if !l.keyed {
		return mismatch("dict", Set)
	}
	s.next = l.items[l.at]
	l.at++
	return nil
}

func (s *treeSource) NextKey() ([]byte, Key, error) {
	more, err := s.Next()
	if err != nil || !more {
		return nil, NoKey, err
	}
	key, ok := s.next.(string)
	if !ok {
		return nil, OtherKey, nil
	}
	return []byte(key), StrKey, s.Value()
}

func (s *treeSource) Len() int { return len(s.stack[len(s.stack)-1].items) }

func (s *treeSource) Skip() error              { return nil }
func (s *treeSource) Tree() (any, bool, error) { return s.next, true, nil }

// Mark and Reset work while the container that stands at the mark is the innermost one.
func (s *treeSource) Mark() Mark { return Mark{Depth: len(s.stack)} }

func (s *treeSource) Reset(m Mark) {
	if len(s.stack) > m.Depth {
		s.next = s.stack[m.Depth].whole
		s.stack = s.stack[:m.Depth]
	}
}
