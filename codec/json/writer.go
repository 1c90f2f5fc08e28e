package json

import (
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A writer is a bind.Sink.
type writer struct{}

var encoders = bind.NewEncoders(writer{})

func (writer) Name() string { return name }

func (writer) None(b []byte) []byte { return append(b, "null"...) }

func (writer) Bool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

func (writer) Int(b []byte, v int64) []byte   { return strconv.AppendInt(b, v, 10) }
func (writer) Uint(b []byte, v uint64) []byte { return strconv.AppendUint(b, v, 10) }

func (w writer) BigInt(b []byte, v *big.Int) ([]byte, error) {
	const mostBits = 14285 // of a number of 4300 digits
	n := len(b)
	if v.BitLen() <= mostBits {
		b = v.Append(b, 10)
		if digits := len(b) - n; digits <= maxDigits || digits == maxDigits+1 && b[n] == '-' {
			return b, nil
		}
	}
	return b[:n], bind.Refuse(w, "an int of more than 4300 digits")
}

func (writer) Float(b []byte, v float64, bits int) []byte {
	switch {
	case v != v:
		return append(b, "NaN"...)
	case math.IsInf(v, 1):
		return append(b, "Infinity"...)
	case math.IsInf(v, -1):
		return append(b, "-Infinity"...)
	}
	return bind.AppendFloat(b, v, bits)
}

func (w writer) Complex(b []byte, _ complex128) ([]byte, error) {
	return b, bind.Refuse(w, "json has no complex numbers")
}

func (w writer) Bytes(b, _ []byte, _ *codec.Options) ([]byte, error) {
	return b, bind.Refuse(w, "json has no bytes")
}

// escaped has the bytes that a string may not hold as they are, or that need a look at more of them.
var escaped = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\'
	}
	return t
}()

func (w writer) Str(b []byte, v string) ([]byte, error) {
	start := len(b)
	b = append(b, '"')
	from, checked := 0, false
	for i := bind.PlainString(v, '"', '"'); i < len(v); i++ {
		c := v[i]
		if !escaped[c] {
			continue
		}
		if c >= utf8.RuneSelf {
			if !checked && !utf8.ValidString(v[i:]) {
				return w.oddStr(b[:start], v)
			}
			checked = true
			continue
		}
		b = append(b, v[from:i]...)
		b = appendEscape(b, c)
		from = i + 1
	}
	b = append(b, v[from:]...)
	return append(b, '"'), nil
}

// oddStr writes text that is not UTF-8: lone surrogates as escapes, which Python reads although it does
// not write them. Two that would be read as one character are refused.
func (w writer) oddStr(b []byte, v string) ([]byte, error) {
	b = append(b, '"')
	high := false // the last one was the first half of a pair
	for v != "" {
		r, n := utf8.DecodeRuneInString(v)
		if r == utf8.RuneError && n == 1 {
			if len(v) < 3 || v[0] != 0xed || v[1]&0xe0 != 0xa0 || v[2]&0xc0 != 0x80 {
				return b, bind.Refuse(w, "text that is not UTF-8")
			}
			low := v[1] >= 0xb0
			if high && low {
				return b, bind.Refuse(w, "text with two surrogates that JSON has as one character")
			}
			b = append(b, '\\', 'u', 'd', hexDigits[v[1]>>2&15], hexDigits[v[1]<<2&15|v[2]>>4&3], hexDigits[v[2]&15])
			high, v = !low, v[3:]
			continue
		}
		if n == 1 && escaped[v[0]] {
			b = appendEscape(b, v[0])
		} else {
			b = append(b, v[:n]...)
		}
		high, v = false, v[n:]
	}
	return append(b, '"'), nil
}

const hexDigits = "0123456789abcdef"

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

func (writer) Begin(b []byte, k bind.Kind, _ int) []byte {
	if k == bind.Dict {
		return append(b, '{')
	}
	return append(b, '[')
}

func (writer) Sep(b []byte, _ bind.Kind, i int) []byte {
	if i > 0 {
		return append(b, ", "...)
	}
	return b
}

func (writer) Colon(b []byte) []byte { return append(b, ": "...) }

func (writer) End(b []byte, k bind.Kind, _ int) []byte {
	if k == bind.Dict {
		return append(b, '}')
	}
	return append(b, ']')
}

// Key puts numbers, bools and None in quotes: JSON's keys are text. Members of sets stay as they are.
func (w writer) Key(b []byte, start int, k, of bind.Kind) ([]byte, error) {
	if of != bind.Dict {
		return b, nil
	}
	switch k {
	case bind.None, bind.Bool, bind.Int, bind.Float:
		b = append(b, `""`...)
		copy(b[start+1:], b[start:len(b)-2])
		b[start] = '"'
		return b, nil
	}
	return b, bind.Refuse(w, "keys must be str, int, float, bool or None, not "+k.String())
}

// Splice checks that raw is one value and copies it.
func (writer) Splice(b, raw []byte, o *codec.Options) ([]byte, bool, error) {
	s := newReader(raw, 0, o)
	defer s.free()
	s.char()
	start := s.pos
	if err := s.Skip(); err != nil {
		return b, false, err
	}
	end := s.pos
	if err := s.end(); err != nil {
		return b, false, err
	}
	return append(b, raw[start:end]...), true, nil
}
