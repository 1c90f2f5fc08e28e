package marshal

import (
	"math"
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// Peek begins the next value and returns its kind.
func (s *reader) Peek(bind.Want) (bind.Kind, error) {
	if !s.peeked {
		start := s.pos
		obj, err := s.begin()
		if err != nil {
			return bind.Invalid, err
		}
		s.cur, s.peeked, s.start = obj, true, start
	}
	if k := kinds[s.cur.code]; k != bind.Invalid {
		return k, nil
	}
	return bind.Invalid, s.refuse()
}

var kinds = [256]bind.Kind{
	'N': bind.None, 'T': bind.Bool, 'F': bind.Bool,
	'i': bind.Int, 'I': bind.Int, 'l': bind.Int,
	'g': bind.Float, 'f': bind.Float, 'y': bind.Complex, 'x': bind.Complex,
	'u': bind.Str, 't': bind.Str, 'a': bind.Str, 'A': bind.Str, 'z': bind.Str, 'Z': bind.Str,
	's': bind.Bytes,
	'(': bind.Tuple, ')': bind.Tuple, '[': bind.List, '<': bind.Set, '>': bind.FrozenSet, '{': bind.Dict,
	'.': bind.Other, 'S': bind.Other, ':': bind.Other,
}

func (s *reader) refuse() error {
	s.pos = s.cur.at - 1
	switch s.cur.code {
	case 'c':
		return s.fail("a code object, which is not data")
	case '0':
		return s.fail("null object")
	}
	return s.fail("unknown type code")
}

// None, and the methods that follow, read the value that Peek saw.
func (s *reader) None() error { return s.end() }

func (s *reader) Bool() (bool, error) { return s.cur.code == 'T', s.end() }

func (s *reader) Int() (int64, *big.Int, error) {
	n, b, err := s.int(s.cur.code)
	if err == nil {
		err = s.end()
	}
	return n, b, err
}

func (s *reader) Float() (float64, error) {
	f, err := s.float(s.cur.code == 'f')
	if err == nil {
		err = s.end()
	}
	return f, err
}

func (s *reader) Complex() (complex128, error) {
	c, err := s.complex(s.cur.code == 'x')
	if err == nil {
		err = s.end()
	}
	return c, err
}

func (s *reader) Str() ([]byte, error) {
	b, err := s.str(s.cur.code)
	if err == nil {
		err = s.end()
	}
	return b, err
}

func (s *reader) Bytes() ([]byte, error) {
	b, err := s.sized(false)
	if err == nil {
		err = s.end()
	}
	return b, err
}

// Enter begins the container that Peek saw.
func (s *reader) Enter() error {
	if len(s.frames) >= s.maxDepth {
		return &codec.LimitError{What: "nesting", Limit: int64(s.maxDepth), Option: "MaxDepth"}
	}
	f := frame{left: -1, obj: s.cur, replay: s.replay}
	switch s.cur.code {
	case '{':
	case ':':
		f.left = sliceParts
	case ')':
		b, err := s.take(1)
		if err != nil {
			return err
		}
		f.left = int(b[0])
	default:
		n, err := s.uint32()
		if err != nil {
			return err
		}
		if n > math.MaxInt32 {
			return s.fail("size out of range")
		}
		f.left = int(n)
	}
	if f.left > len(s.data)-s.pos {
		return s.fail("data too short")
	}
	s.replay = s.replay || s.cur.back >= 0
	s.frames = append(s.frames, f)
	s.peeked = false
	return nil
}

// Next goes to the next element or key.
func (s *reader) Next() (bool, error) {
	f := &s.frames[len(s.frames)-1]
	switch {
	case f.left > 0:
		f.left--
		return true, nil
	case f.left == 0:
		return false, s.leave()
	case s.pos < len(s.data) && s.data[s.pos]&^0x80 == '0':
		s.pos++
		return false, s.leave()
	}
	return true, nil
}

// leave ends the innermost container.
func (s *reader) leave() error {
	f := s.frames[len(s.frames)-1]
	s.frames = s.frames[:len(s.frames)-1]
	s.replay = f.replay
	if f.obj.ref >= 0 {
		s.refs[f.obj.ref].done = true
	}
	if f.obj.back < 0 {
		return nil
	}
	n := s.pos - f.obj.at
	s.pos = f.obj.back
	return s.again(containerWeight * max(n, 1))
}

// Value goes from a key to its value.
func (s *reader) Value() error {
	if s.frames[len(s.frames)-1].left >= 0 {
		return &codec.TypeError{Want: "dict", Found: "set"}
	}
	return nil
}

// NextKey goes to the next value and returns its key, if that is text.
func (s *reader) NextKey() ([]byte, bind.Key, error) {
	more, err := s.Next()
	if err != nil || !more {
		return nil, bind.NoKey, err
	}
	k, err := s.Peek(bind.Scalar)
	if err != nil {
		return nil, bind.NoKey, err
	}
	if k != bind.Str {
		return nil, bind.OtherKey, nil
	}
	b, err := s.Str()
	return b, bind.StrKey, err
}

// Len returns the number of elements to come.
func (s *reader) Len() int { return max(s.frames[len(s.frames)-1].left, 0) }

// Skip passes over the next value. It reads it: references count what is passed over, too.
func (s *reader) Skip() error {
	depth := len(s.frames)
	for {
		k, err := s.Peek(bind.Scalar)
		if err != nil {
			return err
		}
		if err := s.skipOne(k); err != nil {
			return err
		}
		for {
			if len(s.frames) == depth {
				return nil
			}
			more, err := s.Next()
			if err != nil {
				return err
			}
			if more {
				break
			}
		}
	}
}

// skipOne passes over a scalar, or enters a container.
func (s *reader) skipOne(k bind.Kind) (err error) {
	switch k {
	case bind.None, bind.Bool:
		err = s.end()
	case bind.Other:
		_, _, err = s.Special()
	case bind.Int:
		_, _, err = s.Int()
	case bind.Float:
		_, err = s.Float()
	case bind.Complex:
		_, err = s.Complex()
	case bind.Str:
		_, err = s.Str()
	case bind.Bytes:
		_, err = s.Bytes()
	default:
		err = s.Enter()
	}
	return err
}

// Tree reads the next value into a generic tree.
func (s *reader) Tree() (any, bool, error) { return s.dec.ReadTree() }

// Mark returns the place of the value that Peek saw.
func (s *reader) Mark() bind.Mark { return bind.Mark{Pos: s.start, Depth: len(s.frames)} }

// Reset goes back to m.
func (s *reader) Reset(m bind.Mark) {
	if len(s.frames) > m.Depth {
		s.replay = s.frames[m.Depth].replay
		s.frames = s.frames[:m.Depth]
	}
	s.pos, s.peeked = m.Pos, false
	if s.replay {
		return
	}
	for len(s.refs) > 0 && s.refs[len(s.refs)-1].pos >= m.Pos {
		s.refs = s.refs[:len(s.refs)-1]
	}
}
