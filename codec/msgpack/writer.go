package msgpack

import (
	"encoding/binary"
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A writer is a bind.Sink.
type writer struct {
	anyKey bool // keys may be of any type
}

var (
	strictEncoders  = bind.NewEncoders(writer{})
	lenientEncoders = bind.NewEncoders(writer{anyKey: true})
)

func (writer) Name() string { return name }

func (writer) None(b []byte) []byte { return append(b, codeNil) }

func (writer) Bool(b []byte, v bool) []byte {
	if v {
		return append(b, codeTrue)
	}
	return append(b, codeFalse)
}

func (w writer) Int(b []byte, v int64) []byte {
	switch {
	case v >= 0:
		return w.Uint(b, uint64(v))
	case v >= -32:
		return append(b, byte(v)) //nolint:gosec // two's complement
	case v >= math.MinInt8:
		return append(b, codeInt8, byte(v)) //nolint:gosec // two's complement
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, codeInt16), uint16(v)) //nolint:gosec // two's complement
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, codeInt32), uint32(v)) //nolint:gosec // two's complement
	default:
		return binary.BigEndian.AppendUint64(append(b, codeInt64), uint64(v)) //nolint:gosec // two's complement
	}
}

func (writer) Uint(b []byte, v uint64) []byte {
	switch {
	case v <= maxFixInt:
		return append(b, byte(v))
	case v <= math.MaxUint8:
		return append(b, codeUint8, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, codeUint16), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, codeUint32), uint32(v))
	default:
		return binary.BigEndian.AppendUint64(append(b, codeUint64), v)
	}
}

func (w writer) BigInt(b []byte, v *big.Int) ([]byte, error) {
	switch {
	case v.IsInt64():
		return w.Int(b, v.Int64()), nil
	case v.IsUint64():
		return w.Uint(b, v.Uint64()), nil
	}
	const mostBits = 14285 // of a number of 4300 digits; more need not be spelled out to be refused
	if v.BitLen() > mostBits {
		return b, bind.Refuse(w, "an int of more than 4300 digits, which Python does not read")
	}
	var buf [64]byte
	text := v.Append(buf[:0], 10)
	digits := len(text)
	if v.Sign() < 0 {
		digits--
	}
	if digits > maxDigits {
		return b, bind.Refuse(w, "an int of more than 4300 digits, which Python does not read")
	}
	return append(appendExt(b, extInt, len(text)), text...), nil
}

func (writer) Float(b []byte, v float64, _ int) []byte {
	return binary.BigEndian.AppendUint64(append(b, codeFloat64), math.Float64bits(v))
}

func (writer) Complex(b []byte, v complex128) ([]byte, error) {
	b = appendExt(b, extComplex, 16)
	return appendNativeFloat(appendNativeFloat(b, real(v)), imag(v)), nil
}

// appendNativeFloat appends v as C has it on the machines that Python runs on.
func appendNativeFloat(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

func (w writer) Str(b []byte, v string) ([]byte, error) {
	if !utf8.ValidString(v) {
		return b, bind.Refuse(w, "text that is not UTF-8; bytes go into a []byte")
	}
	n := len(v)
	switch {
	case n < 32:
		b = append(b, fixStr|byte(n))
	case n <= math.MaxUint8:
		b = append(b, codeStr8, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, codeStr16), uint16(n))
	case uint64(n) <= math.MaxUint32:
		b = binary.BigEndian.AppendUint32(append(b, codeStr32), uint32(n))
	default:
		return b, bind.Refuse(w, "text of more than 4294967295 bytes")
	}
	return append(b, v...), nil
}

func (w writer) Bytes(b, v []byte, _ *codec.Options) ([]byte, error) {
	n := len(v)
	switch {
	case n <= math.MaxUint8:
		b = append(b, codeBin8, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, codeBin16), uint16(n))
	case uint64(n) <= math.MaxUint32:
		b = binary.BigEndian.AppendUint32(append(b, codeBin32), uint32(n))
	default:
		return b, bind.Refuse(w, "more than 4294967295 bytes")
	}
	return append(b, v...), nil
}

// appendExt appends the head of an extension of n bytes, which Pyro's never have more than 4301 of.
func appendExt(b []byte, typ byte, n int) []byte {
	switch n {
	case 1, 2, 4, 8, 16:
		code := byte(codeFixExt1)
		for ; n > 1; n >>= 1 {
			code++
		}
		return append(b, code, typ)
	}
	if n <= math.MaxUint8 {
		return append(b, codeExt8, byte(n), typ) //nolint:gosec // checked
	}
	return append(binary.BigEndian.AppendUint16(append(b, codeExt16), uint16(n)), typ) //nolint:gosec // see above
}

func (writer) Begin(b []byte, k bind.Kind, n int) []byte {
	fix, code16 := byte(fixArray), byte(codeArray16)
	if k == bind.Dict {
		fix, code16 = fixMap, codeMap16
	}
	switch {
	case n < 16:
		return append(b, fix|byte(n)) //nolint:gosec // checked
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, code16), uint16(n))
	default: // what has more elements than 32 bits can count does not fit into memory
		return binary.BigEndian.AppendUint32(append(b, code16+1), uint32(n)) //nolint:gosec // see above
	}
}

func (writer) Sep(b []byte, _ bind.Kind, _ int) []byte { return b }
func (writer) Colon(b []byte) []byte                   { return b }
func (writer) End(b []byte, _ bind.Kind, _ int) []byte { return b }

// Key looks at the bytes of a key: values of many types are written as text.
func (w writer) Key(b []byte, start int, k, of bind.Kind) ([]byte, error) {
	if of == bind.Set || w.anyKey || isKey(b[start]) {
		return b, nil
	}
	what := "this type"
	if k != bind.Invalid {
		what = "type " + k.String()
	}
	return b, bind.Refuse(w, "a key of "+what+": Python's msgpack reads only text and bytes as keys; Options.Lenient writes others")
}

// isKey tells whether a value that begins with code may be a key for Python: whether it is str or bin.
func isKey(code byte) bool { return kinds[code] == bind.Str || kinds[code] == bind.Bytes }

// Splice copies raw if it is one value. What is wrong with it otherwise, decoding it will say.
func (writer) Splice(b, raw []byte, o *codec.Options) ([]byte, bool, error) {
	s := newReader(raw, 0, o)
	defer s.free()
	if s.Skip() != nil || s.end() != nil {
		return b, false, nil
	}
	return append(b, raw...), true, nil
}

// Special appends naive times and dates, which have extensions of their own.
func (w writer) Special(b []byte, v any, _ *codec.Options) ([]byte, bool, error) {
	switch x := v.(type) {
	case time.Time:
		if x.Location() != codec.Naive {
			return b, false, nil
		}
		seconds, ok := epochOf(x, time.Local) //nolint:gosmopolitan // local time is what the extension is about
		if !ok {
			return b, false, bind.Refuse(w, "a naive time out of what Python reads, which are the years 1 to 9999")
		}
		return appendNativeFloat(appendExt(b, extTime, 8), seconds), true, nil
	case codec.Date:
		if !x.Valid() {
			return b, false, bind.Refuse(w, "no date of the years 1 to 9999: "+x.String())
		}
		return binary.LittleEndian.AppendUint64(appendExt(b, extDate, 8), uint64(ordinalOf(x))), true, nil //nolint:gosec // positive
	}
	return b, false, nil
}
