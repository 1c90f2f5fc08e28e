package serpent

import (
	"bytes"
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// held is a value that Peek had to read in order to know its kind: a number, or what stands in
// parentheses where no container is wanted.
type held struct {
	kind       bind.Kind
	start, end int
	num        number // with a sign, if kind is a number that num can hold
	value      any    // in all other cases
	group      bool   // from parentheses
}

func (h *held) is(pos int) bool { return h.kind != bind.Invalid && h.start == pos }

// take consumes the value.
func (h *held) take(s *reader) any {
	s.pos = h.end
	kind := h.kind
	h.kind = bind.Invalid
	if h.value != nil || kind == bind.None {
		return h.value
	}
	switch {
	case kind == bind.Complex:
		return complex(0, h.num.f)
	case kind == bind.Float:
		return h.num.f
	case h.num.big != nil:
		return h.num.big
	}
	return h.num.i
}

// Peek returns the kind of the next value.
func (s *reader) Peek(w bind.Want) (bind.Kind, error) {
	for {
		c := s.char()
		if s.held.is(s.pos) {
			if w == bind.Scalar || !s.held.group {
				return s.held.kind, nil
			}
			s.held.kind = bind.Invalid
		}
		switch {
		case c == '\'' || c == '"':
			return bind.Str, nil
		case isDigit(c) || c == '-' || c == '.' || c == '+':
			return s.peekNumber()
		case c == '[':
			return bind.List, nil
		case c == '{':
			return s.peekBrace(w)
		case c == '(':
			if w == bind.Scalar {
				return s.peekGroup()
			}
			tuple, err := s.isTuple(w)
			if err != nil {
				return bind.Invalid, err
			}
			if tuple {
				return bind.Tuple, nil
			}
			if err := s.open(); err != nil {
				return bind.Invalid, err
			}
			s.pos++
			s.frames = append(s.frames, frame{closer: ')', group: true})
		default:
			return s.peekWordKind()
		}
	}
}

func (s *reader) peekWordKind() (bind.Kind, error) {
	n, letters, quoted := s.prefix()
	if quoted && n > 0 {
		if letters[0] == 'b' || letters[1] == 'b' {
			return bind.Bytes, nil
		}
		return bind.Str, nil
	}
	switch w, _ := s.peekWord(); w {
	case wordNone:
		return bind.None, nil
	case wordTrue, wordFalse:
		return bind.Bool, nil
	case wordSet:
		return bind.Set, nil
	}
	return bind.Invalid, s.unexpected()
}

// peekBrace tells a dict from a set where that takes no more than a look at a short first key.
func (s *reader) peekBrace(w bind.Want) (bind.Kind, error) {
	start := s.pos
	defer func() { s.pos = start }()
	s.pos++
	s.depth++
	defer func() { s.depth-- }()
	c := s.char()
	switch {
	case c == '}':
		return bind.Dict, nil
	case w == bind.Mapping:
		return bind.Brace, nil
	case c == '\'' || c == '"':
		if _, _, err := s.text(); err != nil {
			return bind.Invalid, err
		}
	case isDigit(c):
		if _, err := s.number(); err != nil {
			return bind.Invalid, err
		}
	}
	if s.char() == ':' {
		return bind.Dict, nil
	}
	return bind.Brace, nil
}

// peekNumber reads a number and holds it.
func (s *reader) peekNumber() (bind.Kind, error) {
	start := s.pos
	if n, ok := s.simpleNumber(); ok {
		s.held = held{kind: n.kind, start: start, end: s.pos, num: n}
		s.pos = start
		return n.kind, nil
	}
	s.pos = start
	return s.hold(false)
}

// simpleNumber reads a number with at most one sign that is no part of a sum.
func (s *reader) simpleNumber() (n number, ok bool) {
	neg := s.data[s.pos] == '-'
	if neg {
		s.pos++
	}
	if s.pos == len(s.data) || !isDigit(s.data[s.pos]) {
		return n, false
	}
	n, err := s.number()
	if err != nil || n.kind == bind.Complex || n.big != nil {
		return n, false
	}
	if s.sumGoesOn() {
		return n, false
	}
	if neg {
		n.i, n.f = -n.i, -n.f
	}
	return n, true
}

func (s *reader) peekGroup() (bind.Kind, error) { return s.hold(true) }

// hold reads an expression and holds it.
func (s *reader) hold(group bool) (bind.Kind, error) {
	start := s.pos
	v, _, err := s.expr()
	if err != nil {
		return bind.Invalid, err
	}
	kind, err := bind.FromTree(v).Peek(bind.Scalar)
	s.held = held{kind: kind, start: start, end: s.pos, value: v, group: group}
	s.pos = start
	return kind, err
}

// None, and the methods that follow, read the value that Peek saw.
func (s *reader) None() error {
	if s.held.is(s.pos) {
		s.held.take(s)
		return nil
	}
	s.pos += len("None")
	return nil
}

func (s *reader) Bool() (bool, error) {
	if s.held.is(s.pos) {
		b, _ := s.held.take(s).(bool)
		return b, nil
	}
	w, n := s.peekWord()
	s.pos += n
	return w == wordTrue, nil
}

func (s *reader) Int() (int64, *big.Int, error) {
	if s.held.value == nil {
		s.pos = s.held.end
		s.held.kind = bind.Invalid
		return s.held.num.i, s.held.num.big, nil
	}
	switch x := s.held.take(s).(type) {
	case *big.Int:
		return 0, x, nil
	case int64:
		return x, nil, nil
	}
	return 0, nil, s.unexpected()
}

func (s *reader) Float() (float64, error) {
	if s.held.value == nil {
		s.pos = s.held.end
		s.held.kind = bind.Invalid
		return s.held.num.f, nil
	}
	f, _ := s.held.take(s).(float64)
	return f, nil
}

func (s *reader) Complex() (complex128, error) {
	c, _ := s.held.take(s).(complex128)
	return c, nil
}

func (s *reader) Str() ([]byte, error) {
	if s.held.is(s.pos) {
		t, _ := s.held.take(s).(string)
		return []byte(t), nil
	}
	b, _, err := s.text()
	return b, err
}

func (s *reader) Bytes() ([]byte, error) {
	if s.held.is(s.pos) {
		b, _ := s.held.take(s).([]byte)
		return b, nil
	}
	b, _, err := s.text()
	return b, err
}

// Enter begins the container that Peek saw.
func (s *reader) Enter() error {
	c := s.data[s.pos]
	f := frame{closer: c + 2} // as in [ and ], { and }
	n := 1
	switch c {
	case '(':
		f.closer = ')'
	case '[', '{':
	default:
		f.closer = 0
		_, n = s.peekWord()
	}
	if err := s.open(); err != nil {
		return err
	}
	s.pos += n
	s.frames = append(s.frames, f)
	s.fresh = true
	return nil
}

// Next goes to the next element or key.
func (s *reader) Next() (bool, error) {
	if err := s.closeGroups(); err != nil {
		return false, err
	}
	f := &s.frames[len(s.frames)-1]
	if f.closer == 0 {
		s.leave()
		return false, nil
	}
	c := s.char()
	if s.fresh {
		s.fresh = false
		if c == f.closer {
			s.pos++
			s.leave()
			return false, nil
		}
		return true, nil
	}
	switch c {
	case ',':
		f.comma = true
		s.pos++
		if s.char() != f.closer {
			return true, nil
		}
	case f.closer:
		if c == ')' && !f.comma {
			return false, &codec.TypeError{Want: "tuple", Found: "a value in parentheses"}
		}
	case ':':
		return false, &codec.TypeError{Want: "a set or sequence", Found: "dict"}
	default:
		return false, s.unexpected()
	}
	s.pos++
	s.leave()
	return false, nil
}

func (s *reader) leave() {
	s.frames = s.frames[:len(s.frames)-1]
	s.depth--
	s.fresh = false
}

// closeGroups leaves the groups around the value that was just read.
func (s *reader) closeGroups() error {
	for len(s.frames) > 0 && s.frames[len(s.frames)-1].group {
		if c := s.char(); c != ')' {
			if c == ',' {
				return &codec.TypeError{Want: "a single value", Found: "tuple"}
			}
			return s.unexpected()
		}
		s.pos++
		s.leave()
	}
	return nil
}

// Value goes from a key to its value.
func (s *reader) Value() error {
	if err := s.closeGroups(); err != nil {
		return err
	}
	switch s.char() {
	case ':':
		s.pos++
		return nil
	case ',', '}':
		return &codec.TypeError{Want: "dict", Found: "set"}
	}
	return s.unexpected()
}

// NextKey goes to the next value and returns its key, if that is text.
func (s *reader) NextKey() ([]byte, bind.Key, error) {
	more, err := s.Next()
	if err != nil || !more {
		return nil, bind.NoKey, err
	}
	c := s.char()
	if c != '\'' && c != '"' {
		kind, err := s.Peek(bind.Scalar)
		if err != nil {
			return nil, bind.NoKey, err
		}
		if kind != bind.Str {
			return nil, bind.OtherKey, nil
		}
	}
	key, err := s.Str()
	if err != nil {
		return nil, bind.NoKey, err
	}
	return key, bind.StrKey, s.Value()
}

// Len returns 0: text does not tell.
func (s *reader) Len() int { return 0 }

// Mark returns the place of the value that Peek saw.
func (s *reader) Mark() bind.Mark {
	s.char()
	return bind.Mark{Pos: s.pos, Depth: len(s.frames)}
}

// Reset goes back to m.
func (s *reader) Reset(m bind.Mark) {
	s.pos = m.Pos
	s.depth -= len(s.frames) - m.Depth
	s.frames = s.frames[:m.Depth]
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
	return standAlone(nil, s.data[start:s.pos]), nil
}

// standAlone appends the text of a value so that it may stand outside brackets, where a line must not
// end within a value.
func standAlone(dst, text []byte) []byte {
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return append(dst, text...)
	}
	dst = append(dst, '(')
	dst = append(dst, text...)
	return append(dst, ')')
}
