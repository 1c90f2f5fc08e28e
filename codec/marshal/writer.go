package marshal

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A writer is a bind.Sink.
type writer struct{}

var encoders = bind.NewEncoders(writer{})

func (writer) Name() string { return name }

func (writer) None(b []byte) []byte { return append(b, 'N') }

func (writer) Bool(b []byte, v bool) []byte {
	if v {
		return append(b, 'T')
	}
	return append(b, 'F')
}

func (writer) Int(b []byte, v int64) []byte {
	switch {
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return binary.LittleEndian.AppendUint32(append(b, 'i'), uint32(v)) //nolint:gosec // two's complement
	case v < 0:
		return appendDigits(b, -uint64(v), -1) //nolint:gosec // the magnitude, also of the least int64
	}
	return appendDigits(b, uint64(v), 1)
}

func (w writer) Uint(b []byte, v uint64) []byte {
	if v <= math.MaxInt32 {
		return w.Int(b, int64(v))
	}
	return appendDigits(b, v, 1)
}

// digitBits is the number of bits in a digit of an int.
const digitBits = 15

// appendDigits writes an int of the given magnitude and sign: digits, the least first, after their
// number, which is negative for negative numbers.
func appendDigits(b []byte, mag uint64, sign int) []byte {
	n := (bits.Len64(mag) + digitBits - 1) / digitBits
	b = appendLen(append(b, 'l'), n*sign)
	for range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(mag&(1<<digitBits-1)))
		mag >>= digitBits
	}
	return b
}

// BigInt writes the digits of numbers of any size, as appendDigits does.
func (w writer) BigInt(b []byte, v *big.Int) ([]byte, error) {
	if v.IsInt64() {
		return w.Int(b, v.Int64()), nil
	}
	n := (v.BitLen() + digitBits - 1) / digitBits
	if n > math.MaxInt32 {
		return b, bind.Refuse(w, "an int of more than 2147483647 digits")
	}
	b = appendLen(append(b, 'l'), n*v.Sign())
	mag := v.Bytes() // the most significant first
	var acc, have uint
	for _, m := range slices.Backward(mag) {
		acc |= uint(m) << have
		for have += 8; have >= digitBits; have -= digitBits {
			b = binary.LittleEndian.AppendUint16(b, uint16(acc&(1<<digitBits-1)))
			acc >>= digitBits
			n--
		}
	}
	if n > 0 {
		b = binary.LittleEndian.AppendUint16(b, uint16(acc)) // below 15 bits
	}
	return b, nil
}

func appendLen(b []byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(b, uint32(n)) //nolint:gosec // checked by the callers
}

func appendFloat(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

func (writer) Float(b []byte, v float64, _ int) []byte { return appendFloat(append(b, 'g'), v) }

func (writer) Complex(b []byte, v complex128) ([]byte, error) {
	return appendFloat(appendFloat(append(b, 'y'), real(v)), imag(v)), nil
}

func (w writer) Str(b []byte, v string) ([]byte, error) {
	if !validText(v) {
		return b, bind.Refuse(w, "text that is not UTF-8; bytes go into a []byte")
	}
	if len(v) > math.MaxInt32 {
		return b, bind.Refuse(w, "text of more than 2147483647 bytes")
	}
	return append(appendLen(append(b, 'u'), len(v)), v...), nil
}

func (w writer) Bytes(b, v []byte, _ *codec.Options) ([]byte, error) {
	if len(v) > math.MaxInt32 {
		return b, bind.Refuse(w, "more than 2147483647 bytes")
	}
	return append(appendLen(append(b, 's'), len(v)), v...), nil
}

func (writer) Begin(b []byte, k bind.Kind, n int) []byte {
	switch k {
	case bind.Dict:
		return append(b, '{')
	case bind.Set:
		b = append(b, '<')
	case bind.FrozenSet:
		b = append(b, '>')
	case bind.Tuple:
		b = append(b, '(')
	default:
		b = append(b, '[')
	}
	return appendLen(b, n)
}

func (writer) Sep(b []byte, _ bind.Kind, _ int) []byte { return b }
func (writer) Colon(b []byte) []byte                   { return b }

func (writer) End(b []byte, k bind.Kind, _ int) []byte {
	if k == bind.Dict {
		return append(b, '0')
	}
	return b
}

// Key allows all that Python can hash; a set in a key is a frozenset.
func (w writer) Key(b []byte, start int, _, _ bind.Kind) ([]byte, error) {
	if b[start] == '<' || b[start] == '>' { // its members were looked at before
		b[start] = '>'
		return b, nil
	}
	if _, what := hashable(b[start:]); what != "" {
		return b, bind.Refuse(w, "unhashable key: "+what)
	}
	return b, nil
}

// Splice leaves it to the encoder to decode the value: it may refer to what is not part of it.
func (writer) Splice(b, _ []byte, _ *codec.Options) ([]byte, bool, error) { return b, false, nil }

// validText reports whether s is UTF-8, lone surrogates included.
func validText(s string) bool {
	for !utf8.ValidString(s) {
		i := 0
		for i < len(s) {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		s = s[i:]
		if len(s) < 3 || s[0] != 0xed || s[1]&0xe0 != 0xa0 || s[2]&0xc0 != 0x80 {
			return false
		}
		s = s[3:]
	}
	return true
}
