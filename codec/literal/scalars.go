package literal

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "True"...)
	}
	return append(b, "False"...)
}

const (
	maxDigits = 4300  // of an int that Python prints and reads in decimal
	maxBits   = 14285 // that an int of so many digits can have
)

// appendBig appends n in decimal, or in hexadecimal where Python refuses to print and read it.
func appendBig(b []byte, n *big.Int) []byte {
	if n.BitLen() <= maxBits {
		digits := n.Text(10)
		if len(strings.TrimPrefix(digits, "-")) <= maxDigits {
			return append(b, digits...)
		}
	}
	if n.Sign() < 0 {
		b = append(b, '-')
	}
	return new(big.Int).Abs(n).Append(append(b, "0x"...), 16)
}

// appendFloat appends f as a float, with the fewest digits that are read back as f with the given bits.
func appendFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	return bind.AppendFloat(b, f, bits)
}

// appendComplex appends c, without its real part if that is 0. The parts are floats without ".0".
func appendComplex(b []byte, c complex128, bits int) []byte {
	part := func(f float64) string { return strings.TrimSuffix(string(appendFloat(nil, f, bits)), ".0") }
	re, im := real(c), part(imag(c))
	if re == 0 && !math.Signbit(re) {
		return append(append(b, im...), 'j')
	}
	b = append(append(b, '('), part(re)...)
	if im[0] != '-' {
		b = append(b, '+')
	}
	return append(append(b, im...), "j)"...)
}

// appendText appends s in the quotes and with the escapes of repr. A byte that is no text becomes the
// surrogate that Python's surrogateescape has for it.
func appendText(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = surrogateEscape(s)
	}
	out, err := appendSerpent(b, s, nil)
	if err != nil {
		return strconv.AppendQuote(b, s) // there is nothing in s that serpent could object to
	}
	return out
}

func appendBytes(b, v []byte) []byte {
	out, err := appendSerpent(b, v, &codec.Options{BytesRepr: true})
	if err != nil {
		return strconv.AppendQuote(b, string(v)) // as in appendText
	}
	return out
}

// appendSerpent appends v as serpent does, without the line that serpent begins with.
func appendSerpent(b []byte, v any, o *codec.Options) ([]byte, error) {
	start := len(b)
	out, err := serpent.Codec.Append(b, v, o)
	if err != nil {
		return b, err
	}
	line := slices.Index(out[start:], '\n') + 1
	return slices.Delete(out, start, start+line), nil
}

// surrogateEscape turns the bytes of s that are neither UTF-8 nor a lone surrogate (package serpent has
// three bytes for one) into lone surrogates.
func surrogateEscape(s string) string {
	var out strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r != utf8.RuneError || n > 1:
			out.WriteString(s[:n])
		case isSurrogate(s):
			n = 3
			out.WriteString(s[:n])
		default:
			r = 0xdc00 + rune(s[0])
			out.Write([]byte{0xed, 0x80 | byte(r>>6&0x3f), 0x80 | byte(r&0x3f)})
		}
		s = s[n:]
	}
	return out.String()
}

func isSurrogate(s string) bool {
	return len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80
}
