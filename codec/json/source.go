package json

import (
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// Peek returns the kind of the next value.
func (s *reader) Peek(bind.Want) (bind.Kind, error) {
	c := s.char()
	switch {
	case c == '"':
		return bind.Str, nil
	case c == '{':
		return bind.Dict, nil
	case c == '[':
		return bind.List, nil
	case isDigit(c) || c == '-' && !(s.pos+1 < len(s.data) && s.data[s.pos+1] == 'I'):
		if s.held.kind != bind.Invalid && s.held.start == s.pos {
			return s.held.kind, nil
		}
		err := s.number()
		return s.held.kind, err
	}
	return s.word(c)
}

// None, and the methods that follow, read the value that Peek saw.
func (s *reader) None() error {
	s.pos += len("null")
	return nil
}

func (s *reader) Bool() (bool, error) {
	v := s.data[s.pos] == 't'
	if s.pos += len("true"); !v {
		s.pos++
	}
	return v, nil
}

func (s *reader) Int() (int64, *big.Int, error) {
	s.pos = s.held.end
	s.held.kind = bind.Invalid
	return s.held.i, s.held.big, nil
}

func (s *reader) Float() (float64, error) {
	s.pos = s.held.end
	s.held.kind = bind.Invalid
	return s.held.f, nil
}

func (s *reader) Complex() (complex128, error) { return 0, s.fail("expecting value") }
func (s *reader) Str() ([]byte, error)         { return s.str() }
func (s *reader) Bytes() ([]byte, error)       { return nil, s.fail("expecting value") }

// Enter begins the container that Peek saw.
func (s *reader) Enter() error {
	if len(s.closers) >= s.maxDepth {
		return &codec.LimitError{What: "nesting", Limit: int64(s.maxDepth), Option: "MaxDepth"}
	}
	s.closers = append(s.closers, s.data[s.pos]+2) // as in [ and ], { and }
	s.pos++
	s.fresh = true
	return nil
}

// Next goes to the next element or key.
func (s *reader) Next() (bool, error) {
	closer := s.closers[len(s.closers)-1]
	c := s.char()
	fresh := s.fresh
	s.fresh = false
	switch {
	case c == closer:
		s.pos++
		s.closers = s.closers[:len(s.closers)-1]
		return false, nil
	case fresh:
		return true, nil
	case c == ',':
		s.pos++
		if c := s.char(); c == closer {
			return false, s.fail("expecting value")
		}
		return true, nil
	case s.pos >= len(s.data):
		return false, s.fail("unexpected end")
	}
	return false, s.fail("expecting ',' delimiter")
}

// Value goes from a key to its value.
func (s *reader) Value() error {
	if s.char() != ':' {
		return s.fail("expecting ':' delimiter")
	}
	s.pos++
	return nil
}

// NextKey goes to the next value and returns its key.
func (s *reader) NextKey() ([]byte, bind.Key, error) {
	more, err := s.Next()
	if err != nil || !more {
		return nil, bind.NoKey, err
	}
	if s.char() != '"' {
		return nil, bind.NoKey, s.fail("expecting property name enclosed in double quotes")
	}
	key, err := s.str()
	if err != nil {
		return nil, bind.NoKey, err
	}
	return key, bind.StrKey, s.Value()
}

// Len returns 0: text does not tell.
func (s *reader) Len() int { return 0 }

// Skip passes over the next value.
func (s *reader) Skip() error {
	depth := len(s.closers)
	for {
		k, err := s.Peek(bind.Scalar)
		if err != nil {
			return err
		}
		if err := s.skipOne(k); err != nil {
			return err
		}
		for {
			if len(s.closers) == depth {
				return nil
			}
			more, err := s.step()
			if err != nil {
				return err
			}
			if more {
				break
			}
		}
	}
}

func (s *reader) skipOne(k bind.Kind) (err error) {
	switch k {
	case bind.None:
		err = s.None()
	case bind.Bool:
		_, err = s.Bool()
	case bind.Str:
		_, err = s.str()
	case bind.Int, bind.Float:
		s.pos = s.held.end
		s.held.kind = bind.Invalid
	default:
		err = s.Enter()
	}
	return err
}

// step goes to the next element or value of the innermost container.
func (s *reader) step() (bool, error) {
	if s.closers[len(s.closers)-1] == ']' {
		return s.Next()
	}
	_, state, err := s.NextKey()
	return state == bind.StrKey, err
}

// Tree reads the next value into a generic tree.
func (s *reader) Tree() (any, bool, error) { return s.dec.ReadTree() }

// Mark returns the place of the value that Peek saw.
func (s *reader) Mark() bind.Mark { return bind.Mark{Pos: s.pos, Depth: len(s.closers)} }

// Reset goes back to m.
func (s *reader) Reset(m bind.Mark) {
	s.pos = m.Pos
	s.closers = s.closers[:m.Depth]
	s.fresh = false
	s.held.kind = bind.Invalid
}

// Raw returns a copy of the text of the next value.
func (s *reader) Raw() ([]byte, error) {
	s.char()
	start := s.pos
	if err := s.Skip(); err != nil {
		return nil, err
	}
	return append([]byte(nil), s.data[start:s.pos]...), nil
}
