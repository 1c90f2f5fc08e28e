package serpent

import (
	"bytes"
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A form is what arithmetic and keys need to know of an expression beyond its value.
type form uint8

const (
	other      form = iota
	constant        // a number
	signed          // a number with a sign
	sum             // a complex number of two parts
	unhashable      // not fit for a key
)

// Tree reads the next value into a generic tree.
func (s *reader) Tree() (any, bool, error) {
	if s.held.is(s.pos) {
		return s.held.take(s), s.classes, nil
	}
	v, _, err := s.expr()
	return v, s.classes, err
}

// expr reads an expression: an operand, or the sum of a real and an imaginary number.
func (s *reader) expr() (any, form, error) {
	v, f, err := s.operand()
	if err != nil || f != constant && f != signed {
		return v, f, err
	}
	if !s.sumGoesOn() {
		return v, f, nil
	}
	c := s.data[s.pos]
	re, ok := realPart(v)
	if !ok {
		return nil, 0, s.fail("malformed number")
	}
	s.pos++
	r, rf, err := s.operand()
	if err != nil {
		return nil, 0, err
	}
	im, ok := r.(complex128)
	if !ok || rf != constant {
		return nil, 0, s.fail("malformed number")
	}
	if s.sumGoesOn() {
		return nil, 0, s.fail("malformed number")
	}
	if c == '-' { // of a zero, Python keeps the sign from 3.14 on
		return complex(re-0, -imag(im)), sum, nil
	}
	return complex(re+0, 0+imag(im)), sum, nil
}

func realPart(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(x).Float64()
		return f, f-f == 0
	}
	return 0, false
}

func (s *reader) operand() (any, form, error) {
	c := s.char()
	switch {
	case c == '\'' || c == '"':
		v, err := s.textValue()
		return v, other, err
	case isDigit(c) || c == '.':
		v, err := s.numberValue()
		return v, constant, err
	case c == '[':
		v, err := s.list()
		return v, unhashable, err
	case c == '(':
		return s.paren()
	case c == '{':
		return s.brace()
	case c == '+' || c == '-':
		return s.signedNumber(c)
	default:
		return s.word()
	}
}

func (s *reader) textValue() (any, error) {
	b, isBytes, err := s.text()
	if err != nil {
		return nil, err
	}
	if isBytes {
		return bytes.Clone(b), nil
	}
	return string(b), nil
}

func (s *reader) numberValue() (any, error) {
	if s.data[s.pos] == '.' && !(s.pos+1 < len(s.data) && isDigit(s.data[s.pos+1])) {
		return nil, s.unexpected()
	}
	n, err := s.number()
	if err != nil {
		return nil, err
	}
	switch {
	case n.kind == bind.Complex:
		return complex(0, n.f), nil
	case n.kind == bind.Float:
		return n.f, nil
	case n.big != nil:
		return n.big, nil
	}
	return n.i, nil
}

func (s *reader) signedNumber(sign byte) (any, form, error) {
	s.pos++
	if c := s.char(); !isDigit(c) && c != '.' && c != '(' {
		return nil, 0, s.fail("malformed number")
	}
	v, f, err := s.operand()
	if err != nil {
		return nil, 0, err
	}
	if f != constant {
		return nil, 0, s.fail("malformed number")
	}
	if sign == '+' {
		return v, signed, nil
	}
	switch x := v.(type) {
	case int64:
		return -x, signed, nil
	case float64:
		return -x, signed, nil
	case complex128:
		return -x, signed, nil
	case *big.Int:
		n := new(big.Int).Neg(x)
		if n.IsInt64() {
			return n.Int64(), signed, nil
		}
		return n, signed, nil
	}
	return nil, 0, s.fail("malformed number")
}

// word reads a name that is a value, or a string with a prefix.
func (s *reader) word() (any, form, error) {
	if s.joins() {
		v, err := s.textValue()
		return v, other, err
	}
	w, n := s.peekWord()
	s.pos += n
	switch w {
	case wordNone:
		return nil, other, nil
	case wordTrue:
		return true, other, nil
	case wordFalse:
		return false, other, nil
	case wordSet:
		return codec.Set{}, unhashable, nil
	}
	return nil, 0, s.unexpected()
}

type word uint8

const (
	noWord word = iota
	wordNone
	wordTrue
	wordFalse
	wordSet // set()
)

// peekWord returns the word at pos and its length.
func (s *reader) peekWord() (word, int) {
	rest := s.data[s.pos:]
	n := 0
	for n < len(rest) && n < 6 && (rest[n]|0x20 >= 'a' && rest[n]|0x20 <= 'z') {
		n++
	}
	if n < len(rest) && (!ends[rest[n]] && rest[n] != '.') {
		return noWord, 0
	}
	switch string(rest[:n]) {
	case "None":
		return wordNone, n
	case "True":
		return wordTrue, n
	case "False":
		return wordFalse, n
	case "set":
		if m := s.emptyCall(n); m > 0 {
			return wordSet, m
		}
	}
	return noWord, 0
}

// emptyCall returns the length of the word of n bytes at pos with the empty parentheses after it, 0
// if there are none.
func (s *reader) emptyCall(n int) int {
	start := s.pos
	defer func() { s.pos = start }()
	s.pos += n
	if s.char() != '(' || s.depth >= s.maxDepth {
		return 0
	}
	s.pos++
	s.depth++ // so that line ends are blanks
	c := s.char()
	s.depth--
	if c != ')' {
		return 0
	}
	return s.pos + 1 - start
}

// list reads the list at pos.
func (s *reader) list() (any, error) {
	base := len(s.values)
	if _, _, err := s.elements(']'); err != nil {
		return nil, err
	}
	out := make([]any, len(s.values)-base)
	s.collect(out, base)
	return out, nil
}

// collect moves the values from base on to out.
func (s *reader) collect(out []any, base int) {
	copy(out, s.values[base:])
	clear(s.values[base:])
	s.values = s.values[:base]
}

// elements reads a bracket with elements that are pushed on values. commas tells whether there was a
// comma; f is unhashable if an element is, else, with a single element, the form of it.
func (s *reader) elements(closer byte) (f form, commas bool, err error) {
	if err := s.open(); err != nil {
		return 0, false, err
	}
	s.pos++
	hashable := true
	for s.char() != closer {
		v, vf, err := s.expr()
		if err != nil {
			return 0, false, err
		}
		s.values = append(s.values, v)
		f = vf
		hashable = hashable && vf != unhashable
		c := s.char()
		if c == ',' {
			commas = true
			s.pos++
		} else if c != closer {
			return 0, false, s.unexpected()
		}
	}
	s.pos++
	s.depth--
	if !hashable {
		f = unhashable
	}
	return f, commas, nil
}

// paren reads a tuple, or a single value in parentheses.
func (s *reader) paren() (any, form, error) {
	base := len(s.values)
	f, commas, err := s.elements(')')
	if err != nil {
		return nil, 0, err
	}
	n := len(s.values) - base
	if n == 1 && !commas {
		v := s.values[base]
		s.values = s.values[:base]
		return v, f, nil
	}
	if f != unhashable {
		f = other
	}
	out := make(codec.Tuple, n)
	s.collect(out, base)
	return out, f, nil
}
