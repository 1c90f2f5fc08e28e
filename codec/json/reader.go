package json

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A reader reads JSON text. It is a bind.Source.
type reader struct {
	data     []byte
	pos      int
	base     int // where data begins in the whole, for errors
	o        *codec.Options
	maxDepth int

	closers []byte // of the containers that were entered
	fresh   bool   // the innermost one just now
	held    number // what Peek read
	scratch []byte // strings with escapes

	dec bind.Decoder
}

// A number is a number that Peek had to read to know its kind.
type number struct {
	kind       bind.Kind // Invalid if there is none
	start, end int
	i          int64
	big        *big.Int
	f          float64
}

var readers = sync.Pool{New: func() any { return new(reader) }}

func newReader(data []byte, base int, o *codec.Options) *reader {
	s := readers.Get().(*reader) //nolint:forcetypeassert // nothing else is put in
	s.data, s.pos, s.base, s.o, s.maxDepth = data, 0, base, o, o.Depth()
	s.closers, s.fresh = s.closers[:0], false
	s.held.kind = bind.Invalid
	s.dec.Renew(o)
	s.dec.Src, s.dec.Codec, s.dec.Room = s, Codec, bind.RoomFor(len(data))
	return s
}

func (s *reader) free() {
	const maxKept = 64 << 10
	s.data, s.o, s.held.big, s.dec.O = nil, nil, nil, nil
	if cap(s.scratch) > maxKept {
		s.scratch = nil
	}
	readers.Put(s)
}

func (s *reader) fail(msg string) error { return s.failAt(s.pos, msg) }

func (s *reader) failAt(pos int, msg string) error {
	return &codec.SyntaxError{Codec: name, Offset: s.base + pos, Msg: msg}
}

// char passes over blanks and returns the byte that follows, 0 at the end.
func (s *reader) char() byte {
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.pos++
	}
	return 0
}

// end checks that only blanks follow.
func (s *reader) end() error {
	if s.char(); s.pos < len(s.data) {
		return s.fail("extra data")
	}
	return nil
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// digits returns the end of the digits at i.
func (s *reader) digits(i int) int {
	for i < len(s.data) && isDigit(s.data[i]) {
		i++
	}
	return i
}

// maxDigits is the number of digits of an int that Python reads.
const maxDigits = 4300

// number reads the number at pos.
func (s *reader) number() error {
	start, i := s.pos, s.pos
	if s.data[i] == '-' {
		i++
	}
	digits := i
	i = s.digits(i)
	if i == digits {
		return s.fail("expecting value")
	}
	if s.data[digits] == '0' && i > digits+1 {
		i = digits + 1 // a number of its own; what follows is too much
	}
	intEnd := i
	if i+1 < len(s.data) && s.data[i] == '.' && isDigit(s.data[i+1]) {
		i = s.digits(i + 1)
	}
	i = s.exponent(i)
	if i == intEnd {
		return s.int(start, digits, i)
	}
	f, err := strconv.ParseFloat(string(s.data[start:i]), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return s.fail("expecting value")
	}
	s.held = number{kind: bind.Float, start: start, end: i, f: f}
	return nil
}

// exponent returns the end of the exponent at i, or i if there is none.
func (s *reader) exponent(i int) int {
	j := i + 1
	if i >= len(s.data) || s.data[i]|0x20 != 'e' {
		return i
	}
	if j < len(s.data) && (s.data[j] == '+' || s.data[j] == '-') {
		j++
	}
	first := j
	j = s.digits(j)
	if j == first {
		return i
	}
	return j
}

func (s *reader) int(start, digits, end int) error {
	s.held = number{kind: bind.Int, start: start, end: end}
	if end-digits <= 18 {
		n := int64(0)
		for _, c := range s.data[digits:end] {
			n = n*10 + int64(c-'0')
		}
		if digits > start {
			n = -n
		}
		s.held.i = n
		return nil
	}
	if end-digits > maxDigits {
		return s.failAt(start, "exceeds the limit of 4300 digits for an int")
	}
	b, _ := new(big.Int).SetString(string(s.data[start:end]), 10)
	if b.IsInt64() {
		s.held.i = b.Int64()
	} else {
		s.held.big = b
	}
	return nil
}

// literal reads a word that is a value; at it stands c.
func (s *reader) literal(c byte) (bind.Kind, string) {
	switch c {
	case 'n':
		return bind.None, "null"
	case 't':
		return bind.Bool, "true"
	case 'f':
		return bind.Bool, "false"
	case 'N':
		return bind.Float, "NaN"
	case 'I':
		return bind.Float, "Infinity"
	case '-':
		return bind.Float, "-Infinity"
	}
	return bind.Invalid, ""
}

// word returns the kind of the word at pos.
func (s *reader) word(c byte) (bind.Kind, error) {
	kind, text := s.literal(c)
	if kind == bind.Invalid || len(s.data)-s.pos < len(text) || string(s.data[s.pos:s.pos+len(text)]) != text {
		if s.pos >= len(s.data) {
			return bind.Invalid, s.fail("unexpected end")
		}
		return bind.Invalid, s.fail("expecting value")
	}
	if kind == bind.Float {
		f := math.NaN()
		switch c {
		case 'I':
			f = math.Inf(1)
		case '-':
			f = math.Inf(-1)
		}
		s.held = number{kind: kind, start: s.pos, end: s.pos + len(text), f: f}
	}
	return kind, nil
}

// str reads the string at pos. The result points into data, or is valid until the next call.
func (s *reader) str() ([]byte, error) {
	data := s.data
	start := s.pos + 1
	i := start + bind.Plain(data[start:], '"', '"')
	ascii := true
	for {
		for i < len(data) && !escaped[data[i]] {
			i++
		}
		if i == len(data) {
			return nil, s.fail("unterminated string")
		}
		switch c := data[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(data[start:i]) {
				return nil, s.fail("text that is not UTF-8")
			}
			s.pos = i + 1
			return data[start:i], nil
		case c >= utf8.RuneSelf:
			ascii = false
			i++
		case c == '\\':
			return s.escapedStr(i)
		default:
			return nil, s.failAt(i, "control character in a string")
		}
	}
}

// escapedStr reads the string at pos, whose first escape is at i.
func (s *reader) escapedStr(i int) ([]byte, error) {
	data := s.data
	from := s.pos + 1
	out := s.scratch[:0]
	defer func() { s.scratch = out }()
	for {
		for i < len(data) && (!escaped[data[i]] || data[i] >= utf8.RuneSelf) {
			i++
		}
		if i == len(data) {
			return nil, s.fail("unterminated string")
		}
		if !utf8.Valid(data[from:i]) {
			return nil, s.failAt(from, "text that is not UTF-8")
		}
		out = append(out, data[from:i]...)
		switch data[i] {
		case '"':
			s.pos = i + 1
			return out, nil
		case '\\':
			var n int
			out, n = appendUnescaped(out, data[i+1:])
			if n == 0 {
				return nil, s.failAt(i, "invalid escape")
			}
			i += 1 + n
			from = i
		default:
			return nil, s.failAt(i, "control character in a string")
		}
	}
}

// appendUnescaped appends what the escape stands for that goes on with b, and returns how much of b
// belongs to it: 0 if it is none.
func appendUnescaped(out, b []byte) ([]byte, int) {
	if len(b) == 0 {
		return out, 0
	}
	switch c := b[0]; c {
	case '"', '\\', '/':
		return append(out, c), 1
	case 'b':
		return append(out, '\b'), 1
	case 'f':
		return append(out, '\f'), 1
	case 'n':
		return append(out, '\n'), 1
	case 'r':
		return append(out, '\r'), 1
	case 't':
		return append(out, '\t'), 1
	case 'u':
		r, ok := hex4(b[1:])
		if !ok {
			return out, 0
		}
		return appendUTF16(out, r, b[5:])
	}
	return out, 0
}

// appendUTF16 appends the character that the code unit r begins, together with the escape that
// follows it in b if the two are a surrogate pair.
func appendUTF16(out []byte, r rune, b []byte) ([]byte, int) {
	const one, two = 5, 11 // bytes of escapes without the first backslash
	if r < 0xd800 || r >= 0xe000 {
		return utf8.AppendRune(out, r), one
	}
	if r < 0xdc00 && len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
		if low, ok := hex4(b[2:]); ok && low >= 0xdc00 && low < 0xe000 {
			return utf8.AppendRune(out, 0x10000+(r-0xd800)<<10+(low-0xdc00)), two
		}
	}
	return append(out, 0xed, 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f)), one
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
