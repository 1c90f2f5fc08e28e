package serpent

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"

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
	if c == '-' {
		return complex(re-0, 0-imag(im)), sum, nil
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

// brace reads a dict or a set.
func (s *reader) brace() (any, form, error) {
	if err := s.open(); err != nil {
		return nil, 0, err
	}
	s.pos++
	c := s.char()
	if c == '}' {
		s.pos++
		s.depth--
		return s.emptyDict(), unhashable, nil
	}
	var key any
	if c == '\'' || c == '"' { // most dicts have text keys
		b, _, err := s.text()
		if err != nil {
			return nil, 0, err
		}
		if s.char() == ':' {
			v, err := s.textDict(s.keys.Text(b))
			return v, unhashable, err
		}
		key = string(b)
	} else {
		k, err := s.key()
		if err != nil {
			return nil, 0, err
		}
		key = k
	}
	if s.char() == ':' {
		s.pos++
		v, err := s.dict(new(codec.Dict), key)
		return v, unhashable, err
	}
	v, err := s.set(key)
	return v, unhashable, err
}

func (s *reader) emptyDict() any {
	if s.o != nil && s.o.OrderedDicts {
		return &codec.Dict{}
	}
	return map[string]any{}
}

// key reads a dict's key or a set's member.
func (s *reader) key() (any, error) {
	start := s.pos
	v, f, err := s.expr()
	if err != nil {
		return nil, err
	}
	if f == unhashable {
		return nil, s.failAt(start, "unhashable type")
	}
	return v, nil
}

func (s *reader) set(member any) (any, error) {
	var set codec.Set
	for {
		if err := set.Put(member); err != nil {
			return nil, err
		}
		c := s.char()
		if c == ',' {
			s.pos++
			c = s.char()
		} else if c != '}' {
			return nil, s.unexpected()
		}
		if c == '}' {
			s.pos++
			s.depth--
			return set, nil
		}
		m, err := s.key()
		if err != nil {
			return nil, err
		}
		member = m
	}
}

// textDict reads the dict whose first key was just read and is text, as all of them mostly are.
func (s *reader) textDict(key string) (any, error) {
	valueBase, nameBase := len(s.values), len(s.names)
	if s.o != nil && s.o.OrderedDicts {
		s.pos++
		return s.dict(new(codec.Dict), key)
	}
	for {
		if key == codec.ClassKey {
			return s.turnDict(valueBase, nameBase, key)
		}
		s.pos++ // the colon
		if key == "data" && len(s.names) == nameBase {
			if b, ok := s.bytesDict(); ok {
				return b, nil
			}
		}
		v, _, err := s.expr()
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, key)
		s.values = append(s.values, v)
		c := s.char()
		if c == ',' {
			s.pos++
			c = s.char()
		} else if c != '}' {
			return nil, s.unexpected()
		}
		switch c {
		case '}':
			s.pos++
			s.depth--
			return s.collectDict(valueBase, nameBase), nil
		case '\'', '"':
			b, isBytes, err := s.text()
			if err != nil {
				return nil, err
			}
			if isBytes || s.char() != ':' {
				return nil, s.unexpected()
			}
			key = s.keys.Text(b)
		default:
			k, err := s.key()
			if err != nil {
				return nil, err
			}
			return s.turnDict(valueBase, nameBase, k)
		}
	}
}

// turnDict goes on with a Dict after all: the next key is no text, or makes it an instance.
func (s *reader) turnDict(valueBase, nameBase int, key any) (any, error) {
	if s.char() != ':' {
		return nil, s.unexpected()
	}
	s.pos++
	d := new(codec.Dict)
	for i, name := range s.names[nameBase:] {
		d.Set(name, s.values[valueBase+i])
	}
	s.values, s.names = s.values[:valueBase], s.names[:nameBase]
	return s.dict(d, key)
}

// dict reads on at the value of key, into d.
func (s *reader) dict(d *codec.Dict, key any) (any, error) {
	for {
		if key == codec.ClassKey {
			s.classes = true
		}
		v, _, err := s.expr()
		if err != nil {
			return nil, err
		}
		if err := d.Put(key, v); err != nil {
			return nil, err
		}
		c := s.char()
		if c == ',' {
			s.pos++
			c = s.char()
		} else if c != '}' {
			return nil, s.unexpected()
		}
		if c == '}' {
			s.pos++
			s.depth--
			return s.plainDict(d), nil
		}
		if key, err = s.key(); err != nil {
			return nil, err
		}
		if s.char() != ':' {
			return nil, s.unexpected()
		}
		s.pos++
	}
}

// plainDict returns d, or bytes if it stands for bytes, or a map if nothing speaks for a Dict.
func (s *reader) plainDict(d *codec.Dict) any {
	if d.Len() == 2 && (s.o == nil || !s.o.KeepBytesDict) {
		data, _ := d.Get("data")
		encoding, _ := d.Get("encoding")
		if b, ok := bytesOf(data, encoding); ok {
			return b
		}
	}
	return d
}

func (s *reader) collectDict(valueBase, nameBase int) any {
	names, values := s.names[nameBase:], s.values[valueBase:]
	defer func() {
		clear(names)
		clear(values)
		s.values, s.names = s.values[:valueBase], s.names[:nameBase]
	}()
	if len(names) == 2 && (s.o == nil || !s.o.KeepBytesDict) {
		i := 0
		if names[1] == "data" {
			i = 1
		}
		if names[i] == "data" && names[1-i] == "encoding" {
			if b, ok := bytesOf(values[i], values[1-i]); ok {
				return b
			}
		}
	}
	m := make(map[string]any, len(names))
	for i, name := range names {
		m[name] = values[i]
	}
	return m
}

func bytesOf(data, encoding any) ([]byte, bool) {
	text, ok := data.(string)
	if !ok || encoding != "base64" {
		return nil, false
	}
	b, err := bind.Base64([]byte(text))
	return b, err == nil
}

// bytesDict reads on after {'data': if the rest is as serpent writes it for bytes. It is only there
// to spare large blobs a copy.
func (s *reader) bytesDict() ([]byte, bool) {
	if s.o != nil && s.o.KeepBytesDict {
		return nil, false
	}
	start := s.pos
	c := s.char()
	if c != '\'' {
		return nil, false
	}
	text, ok := s.plainText(c)
	const rest = ", 'encoding': 'base64'}"
	if ok && len(s.data)-s.pos >= len(rest) && string(s.data[s.pos:s.pos+len(rest)]) == rest {
		if b, err := bind.Base64(text); err == nil {
			s.pos += len(rest)
			s.depth--
			return b, true
		}
	}
	s.pos = start
	return nil, false
}

// floatClass makes a number of an instance of class float, which is what serpent writes for NaN.
func floatClass(class string, d *codec.Dict) (any, bool, error) {
	if class != "float" {
		return nil, false, nil
	}
	v, _ := d.Get("value")
	if s, ok := v.(string); ok {
		f, err := parseFloat(s)
		if err == nil {
			return f, true, nil
		}
		return nil, false, &codec.ClassError{Class: class, Msg: "could not convert string to float: " + strconv.Quote(s), Cause: err}
	}
	switch x := v.(type) {
	case float64:
		return x, true, nil
	case int64:
		return float64(x), true, nil
	}
	return nil, false, &codec.ClassError{Class: class, Msg: "it has no value"}
}

func parseFloat(s string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if f-f != 0 { // infinite, perhaps by overflow
		return f, nil
	}
	return f, err
}
