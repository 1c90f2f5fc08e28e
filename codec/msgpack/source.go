package msgpack

import (
	"bytes"
	"math"
	"math/big"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// Peek returns the kind of the next value. Arrays are tuples where they are keys, for lists cannot be.
func (s *reader) Peek(bind.Want) (bind.Kind, error) {
	if s.pos >= len(s.data) {
		return bind.Invalid, s.short()
	}
	switch k := kinds[s.data[s.pos]]; {
	case k == bind.Invalid:
		return s.peekExt()
	case k == bind.List && s.inKeys > 0:
		return bind.Tuple, nil
	default:
		return k, nil
	}
}

// None, and the methods that follow, read the value that Peek saw.
func (s *reader) None() error {
	s.pos++
	return nil
}

// Bool reads a bool.
func (s *reader) Bool() (bool, error) {
	s.pos++
	return s.data[s.pos-1] == codeTrue, nil
}

// Int reads an int of any form.
func (s *reader) Int() (int64, *big.Int, error) {
	c := s.data[s.pos]
	switch {
	case c <= maxFixInt || c >= minFixInt:
		s.pos++
		return int64(int8(c)), nil, nil //nolint:gosec // two's complement
	case kinds[c] == bind.Invalid:
		return s.extInt()
	}
	u, err := s.number()
	if err != nil {
		return 0, nil, err
	}
	switch c {
	case codeInt8:
		return int64(int8(u)), nil, nil //nolint:gosec // two's complement
	case codeInt16:
		return int64(int16(u)), nil, nil //nolint:gosec // two's complement
	case codeInt32:
		return int64(int32(u)), nil, nil //nolint:gosec // two's complement
	case codeUint64:
		if u > math.MaxInt64 {
			return 0, new(big.Int).SetUint64(u), nil
		}
	}
	return int64(u), nil, nil //nolint:gosec // two's complement
}

func (s *reader) extInt() (int64, *big.Int, error) {
	at := s.pos
	_, body, err := s.ext()
	if err != nil {
		return 0, nil, err
	}
	n, b, why := intOf(body)
	if why != "" {
		s.pos = at
		return 0, nil, s.fail(why)
	}
	return n, b, nil
}

// Float reads a float of 32 or 64 bits.
func (s *reader) Float() (float64, error) {
	c := s.data[s.pos]
	u, err := s.number()
	if c == codeFloat32 {
		return float64(math.Float32frombits(uint32(u))), err //nolint:gosec // of 32 bits
	}
	return math.Float64frombits(u), err
}

// Complex reads a complex number.
func (s *reader) Complex() (complex128, error) {
	at := s.pos
	_, body, err := s.ext()
	if err != nil {
		return 0, err
	}
	if len(body) != 16 {
		s.pos = at
		return 0, s.fail("a complex number has 16 bytes")
	}
	return complex(floatAt(body), floatAt(body[8:])), nil
}

// Str reads a str, or the text of a time or date.
func (s *reader) Str() ([]byte, error) {
	if kinds[s.data[s.pos]] == bind.Str {
		return s.str()
	}
	v, err := s.moment()
	switch x := v.(type) {
	case time.Time:
		s.scratch = bind.AppendTime(s.scratch[:0], x)
	case codec.Date:
		s.scratch = append(s.scratch[:0], x.String()...)
	}
	return s.scratch, err
}

// Special reads a time or date.
func (s *reader) Special() (any, bool, error) {
	if kinds[s.data[s.pos]] != bind.Invalid {
		return nil, false, nil
	}
	if k, err := s.peekExt(); k != bind.Str {
		return nil, false, err
	}
	v, err := s.moment()
	return v, err == nil, err
}

// Bytes reads a bin.
func (s *reader) Bytes() ([]byte, error) {
	n, err := s.number()
	if err != nil {
		return nil, err
	}
	return s.take(n)
}

// Enter begins a container. What all that were entered announce must not be more than there are bytes:
// that is known before memory is taken for it.
func (s *reader) Enter() error {
	if len(s.frames) >= s.maxDepth {
		return &codec.LimitError{What: "nesting", Limit: int64(s.maxDepth), Option: "MaxDepth"}
	}
	at := s.pos
	c := s.data[at]
	n := uint64(c & 0x0f)
	if c < fixStr {
		s.pos++
	} else {
		var err error
		if n, err = s.number(); err != nil {
			return err
		}
	}
	f := frame{at: at, left: int(n), dict: kinds[c] == bind.Dict}
	owed := s.owed + n
	if f.dict {
		owed += n
	}
	if owed > s.rest() {
		s.pos = at
		return s.fail("a container announces more than the bytes that follow")
	}
	s.owed = owed
	s.frames = append(s.frames, f)
	return nil
}

// Next goes to the next element or key.
func (s *reader) Next() (bool, error) {
	f := &s.frames[len(s.frames)-1]
	if f.left == 0 {
		s.frames = s.frames[:len(s.frames)-1]
		return false, nil
	}
	f.left--
	s.owed--
	if !f.dict {
		return true, nil
	}
	if s.pos >= len(s.data) {
		return false, s.short()
	}
	if !s.lenient && !isKey(s.data[s.pos]) {
		return false, s.fail("a key that is neither text nor bytes, which Options.Lenient would allow")
	}
	f.inKey = true
	s.inKeys++
	return true, nil
}

// Value goes from a key to its value.
func (s *reader) Value() error {
	s.frames[len(s.frames)-1].inKey = false
	s.inKeys--
	s.owed--
	return nil
}

// NextKey goes to the next value and returns its key, if that is text.
func (s *reader) NextKey() ([]byte, bind.Key, error) {
	more, err := s.Next()
	if err != nil || !more {
		return nil, bind.NoKey, err
	}
	if kinds[s.data[s.pos]] != bind.Str {
		return nil, bind.OtherKey, nil
	}
	b, err := s.str()
	if err != nil {
		return nil, bind.NoKey, err
	}
	return b, bind.StrKey, s.Value()
}

// Len returns the number of elements to come.
func (s *reader) Len() int { return s.frames[len(s.frames)-1].left }

// Skip passes over the next value, which must be as right as one that is read.
func (s *reader) Skip() error {
	depth := len(s.frames)
	for {
		if err := s.skipOne(); err != nil {
			return err
		}
		if more, err := s.goOn(depth); err != nil || !more {
			return err
		}
	}
}

// goOn goes to the next value, or key, in the containers deeper than depth.
func (s *reader) goOn(depth int) (bool, error) {
	for len(s.frames) > depth {
		if s.frames[len(s.frames)-1].inKey {
			return true, s.Value()
		}
		if more, err := s.Next(); err != nil || more {
			return more, err
		}
	}
	return false, nil
}

// skipOne passes over a scalar, or enters a container.
func (s *reader) skipOne() error {
	k, err := s.Peek(bind.Scalar)
	if err != nil {
		return err
	}
	switch k {
	case bind.None, bind.Bool:
		s.pos++
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

// Raw returns a copy of the next value's encoding.
func (s *reader) Raw() ([]byte, error) {
	start := s.pos
	if err := s.Skip(); err != nil {
		return nil, err
	}
	return bytes.Clone(s.data[start:s.pos]), nil
}

// Mark returns the place of the next value.
func (s *reader) Mark() bind.Mark { return bind.Mark{Pos: s.pos, Depth: len(s.frames)} }

// Reset goes back to m.
func (s *reader) Reset(m bind.Mark) {
	s.pos, s.frames = m.Pos, s.frames[:m.Depth]
	s.owed, s.inKeys = 0, 0
	for _, f := range s.frames {
		n := uint64(f.left) //nolint:gosec // never negative
		if f.dict {
			n += n
		}
		if f.inKey {
			n++
			s.inKeys++
		}
		s.owed += n
	}
}
