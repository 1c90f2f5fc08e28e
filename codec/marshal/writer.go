package marshal

import (
	"encoding/binary"
	"math"
	"math/big"
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

func (w writer) Int(b []byte, v int64) []byte {
	if v >= math.MinInt32 && v <= math.MaxInt32 {
		return binary.LittleEndian.AppendUint32(append(b, 'i'), uint32(v)) //nolint:gosec // two's complement
	}
	b, _ = w.BigInt(b, big.NewInt(v))
	return b
}

func (w writer) Uint(b []byte, v uint64) []byte {
	if v <= math.MaxInt32 {
		return w.Int(b, int64(v))
	}
	b, _ = w.BigInt(b, new(big.Int).SetUint64(v))
	return b
}

// BigInt writes digits of 15 bits, the least first, after their number, which is negative for
// negative numbers.
func (w writer) BigInt(b []byte, v *big.Int) ([]byte, error) {
	if v.IsInt64() && v.Int64() >= math.MinInt32 && v.Int64() <= math.MaxInt32 {
		return w.Int(b, v.Int64()), nil
	}
	n := (v.BitLen() + 14) / 15
	if n > math.MaxInt32 {
		return b, bind.Refuse(w, "an int of more than 2147483647 digits")
	}
	count := n
	if v.Sign() < 0 {
		count = -n
	}
	b = appendLen(append(b, 'l'), count)
	mag := v.Bytes() // the most significant first
	var acc, bits uint
	for _, m := range slices.Backward(mag) {
		acc |= uint(m) << bits
		for bits += 8; bits >= 15; bits -= 15 {
			b = binary.LittleEndian.AppendUint16(b, uint16(acc&0x7fff))
			acc >>= 15
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
