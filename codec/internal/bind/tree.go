package bind

import (
	"fmt"
	"math/big"

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

func (s *treeSource) Peek(Want) (Kind, error) {
	k := kindOf(s.next)
	if k == Invalid {
		return k, &codec.TypeError{Want: "a plain value", Found: fmt.Sprintf("%T", s.next)}
	}
	return k, nil
}

func (s *treeSource) None() error         { return nil }
func (s *treeSource) Bool() (bool, error) { return s.next.(bool), nil } //nolint:forcetypeassert // after Peek

func (s *treeSource) Int() (int64, *big.Int, error) {
	if b, ok := s.next.(*big.Int); ok {
		return 0, b, nil
	}
	return s.next.(int64), nil, nil //nolint:forcetypeassert // after Peek
}

func (s *treeSource) Float() (float64, error)      { return s.next.(float64), nil }        //nolint:forcetypeassert // after Peek
func (s *treeSource) Complex() (complex128, error) { return s.next.(complex128), nil }     //nolint:forcetypeassert // after Peek
func (s *treeSource) Str() ([]byte, error)         { return []byte(s.next.(string)), nil } //nolint:forcetypeassert // after Peek
func (s *treeSource) Bytes() ([]byte, error)       { return s.next.([]byte), nil }         //nolint:forcetypeassert // after Peek

func (s *treeSource) Enter() error {
	l := treeLevel{whole: s.next}
	switch x := s.next.(type) {
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
