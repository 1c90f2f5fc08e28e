package pickle

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A writer is a bind.Sink for one protocol.
type writer struct{ protocol int }

// encoders are those of the protocols from 2 on.
var encoders = [...]*bind.Encoders{
	bind.NewEncoders(writer{2}), bind.NewEncoders(writer{3}), bind.NewEncoders(writer{4}), bind.NewEncoders(writer{5}),
}

func (writer) Name() string { return name }

func (writer) None(b []byte) []byte { return append(b, opNone) }

func (writer) Bool(b []byte, v bool) []byte {
	if v {
		return append(b, opNewTrue)
	}
	return append(b, opNewFalse)
}

func (w writer) Int(b []byte, v int64) []byte {
	switch {
	case v >= 0 && v <= math.MaxUint8:
		return append(b, opBinInt1, byte(v))
	case v >= 0 && v <= math.MaxUint16:
		return binary.LittleEndian.AppendUint16(append(b, opBinInt2), uint16(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return binary.LittleEndian.AppendUint32(append(b, opBinInt), uint32(v)) //nolint:gosec // two's complement
	}
	b = append(b, opLong1, 8)
	return binary.LittleEndian.AppendUint64(b, uint64(v)) //nolint:gosec // two's complement
}

func (w writer) Uint(b []byte, v uint64) []byte {
	if v <= math.MaxInt64 {
		return w.Int(b, int64(v))
	}
	return append(binary.LittleEndian.AppendUint64(append(b, opLong1, 9), v), 0)
}

func (w writer) BigInt(b []byte, v *big.Int) ([]byte, error) {
	if v.IsInt64() {
		return w.Int(b, v.Int64()), nil
	}
	digits := twosComplement(v)
	if len(digits) <= math.MaxUint8 {
		return append(append(b, opLong1, byte(len(digits))), digits...), nil //nolint:gosec // checked above
	}
	if len(digits) > math.MaxInt32 {
		return b, bind.Refuse(w, "an int of more than 2147483647 bytes")
	}
	return append(appendLen(append(b, opLong4), len(digits)), digits...), nil
}

func appendLen(b []byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(b, uint32(n)) //nolint:gosec // checked by the callers
}

func (writer) Float(b []byte, v float64, _ int) []byte {
	return binary.BigEndian.AppendUint64(append(b, opBinFloat), math.Float64bits(v))
}

func (w writer) Complex(b []byte, v complex128) ([]byte, error) {
	b = w.builtin(b, "complex")
	b = w.Float(w.Float(b, real(v), 64), imag(v), 64)
	return append(b, opTuple2, opReduce), nil
}

func (w writer) Str(b []byte, v string) ([]byte, error) {
	switch {
	case !utf8.ValidString(v) && !validText([]byte(v)):
		return b, bind.Refuse(w, "text that is not UTF-8; bytes go into a []byte")
	case len(v) <= math.MaxUint8 && w.protocol >= 4:
		return append(append(b, opShortBinUnicode, byte(len(v))), v...), nil //nolint:gosec // checked above
	case uint64(len(v)) > math.MaxUint32:
		return b, bind.Refuse(w, "text of more than 4294967295 bytes")
	}
	return append(appendLen(append(b, opBinUnicode), len(v)), v...), nil
}

// text is Str for text of this package's own.
func (w writer) text(b []byte, s string) []byte {
	b, _ = w.Str(b, s)
	return b
}

// nativeText appends short ASCII text that Python 2 wants as its str: as bytes, which Python 3 reads as
// text all the same.
func (w writer) nativeText(b []byte, s string) []byte {
	if w.protocol > 2 || len(s) > math.MaxUint8 || !isASCII([]byte(s)) {
		return w.text(b, s)
	}
	return append(append(b, opShortBinString, byte(len(s))), s...) //nolint:gosec // checked above
}

func (w writer) Bytes(b, v []byte, _ *codec.Options) ([]byte, error) {
	switch {
	case uint64(len(v)) > math.MaxUint32:
		return b, bind.Refuse(w, "more than 4294967295 bytes")
	case w.protocol < 3:
		return w.latin1(b, v)
	case len(v) <= math.MaxUint8:
		return append(append(b, opShortBinBytes, byte(len(v))), v...), nil //nolint:gosec // checked above
	}
	return append(appendLen(append(b, opBinBytes), len(v)), v...), nil
}

// latin1 appends bytes as text to be encoded, which both Python 2 and 3 read as bytes.
func (w writer) latin1(b, v []byte) ([]byte, error) {
	b = w.global(b, "_codecs", "encode")
	start := len(b)
	b = append(b, opBinUnicode, 0, 0, 0, 0)
	b = slices.Grow(b, len(v))
	for _, c := range v {
		b = utf8.AppendRune(b, rune(c))
	}
	n := len(b) - start - 5
	if uint64(n) > math.MaxUint32 { //nolint:gosec // a length
		return b, bind.Refuse(w, "more than 4294967295 bytes, of which protocol 2 makes two each")
	}
	binary.LittleEndian.PutUint32(b[start+1:], uint32(n)) //nolint:gosec // checked above
	return append(w.text(b, "latin1"), opTuple2, opReduce), nil
}

func (w writer) builtin(b []byte, name string) []byte { return w.global(b, "builtins", name) }

// global appends the name of a class or function.
func (w writer) global(b []byte, module, name string) []byte {
	if w.protocol >= 4 {
		return append(w.text(w.text(b, module), name), opStackGlobal)
	}
	if w.protocol < 3 {
		module, name = toPython2(module, name)
	}
	b = append(append(append(b, opGlobal), module...), '\n')
	return append(append(b, name...), '\n')
}

func (w writer) Begin(b []byte, k bind.Kind, n int) []byte {
	switch k {
	case bind.Dict:
		b = append(b, opEmptyDict)
	case bind.List:
		b = append(b, opEmptyList)
	case bind.Tuple:
		switch {
		case n == 0:
			return append(b, opEmptyTuple)
		case n <= 3:
			return b
		}
	case bind.FrozenSet:
		if w.protocol >= 4 {
			return append(b, opMark)
		}
		b = append(w.builtin(b, "frozenset"), opEmptyList)
	default:
		if w.protocol >= 4 {
			b = append(b, opEmptySet)
		} else {
			b = append(w.builtin(b, "set"), opEmptyList)
		}
	}
	if n == 0 {
		return b
	}
	return append(b, opMark)
}

func (writer) Sep(b []byte, _ bind.Kind, _ int) []byte { return b }
func (writer) Colon(b []byte) []byte                   { return b }

func (w writer) End(b []byte, k bind.Kind, n int) []byte {
	switch k {
	case bind.Dict:
		if n > 0 {
			b = append(b, opSetItems)
		}
		return b
	case bind.Tuple:
		switch {
		case n == 0:
			return b
		case n <= 3:
			return append(b, byte(opTuple1+n-1)) //nolint:gosec // n is 1 to 3
		}
		return append(b, opTuple)
	case bind.FrozenSet:
		if w.protocol >= 4 {
			return append(b, opFrozenSet)
		}
	case bind.Set:
		if w.protocol >= 4 {
			if n > 0 {
				b = append(b, opAddItems)
			}
			return b
		}
	}
	if n > 0 {
		b = append(b, opAppends)
	}
	if k == bind.List {
		return b
	}
	return append(b, opTuple1, opReduce)
}

// Key allows all that Python can hash; a set among keys is a frozenset. Of what has no kind, dicts and
// lists are told by their first opcode.
func (w writer) Key(b []byte, start int, k, _ bind.Kind) ([]byte, error) {
	switch {
	case k == bind.Set:
		return w.freeze(b, start), nil
	case k == bind.List, k == bind.Dict, k == bind.Invalid && (b[start] == opEmptyDict || b[start] == opEmptyList):
		return b, bind.Refuse(w, "unhashable key: "+k.String())
	}
	return b, nil
}

// freeze makes the set that b ends with, from start on, a frozenset if it is none.
func (w writer) freeze(b []byte, start int) []byte {
	before := w.Begin(nil, bind.Set, 0)
	if !bytes.HasPrefix(b[start:], before) {
		return b
	}
	if w.protocol < 4 {
		return slices.Replace(b, start, start+len(before), w.Begin(nil, bind.FrozenSet, 0)...)
	}
	if len(b) == start+len(before) { // it is empty
		return append(b[:start], opMark, opFrozenSet)
	}
	b = slices.Delete(b, start, start+len(before))
	b[len(b)-1] = opFrozenSet
	return b
}

// Splice leaves it to the encoder to decode the value: what a pickle ends with is no value.
func (writer) Splice(b, _ []byte, _ *codec.Options) ([]byte, bool, error) { return b, false, nil }
