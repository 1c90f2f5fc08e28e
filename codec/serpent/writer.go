package serpent

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/big"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A writer writes Python literals. It is a bind.Sink.
type writer struct{}

var encoders = bind.NewEncoders(writer{})

func (writer) Name() string { return name }

func (writer) None(b []byte) []byte { return append(b, "None"...) }

func (writer) Bool(b []byte, v bool) []byte {
	if v {
		return append(b, "True"...)
	}
	return append(b, "False"...)
}

func (writer) Int(b []byte, v int64) []byte   { return strconv.AppendInt(b, v, 10) }
func (writer) Uint(b []byte, v uint64) []byte { return strconv.AppendUint(b, v, 10) }

func (w writer) BigInt(b []byte, v *big.Int) ([]byte, error) {
	const mostBits = 14285 // of a number of 4300 digits; more need not be spelled out to be refused
	if v.BitLen() > mostBits {
		return b, bind.Refuse(w, "an int of more than 4300 digits")
	}
	n := len(b)
	b = v.Append(b, 10)
	if digits := len(b) - n; digits > maxDigits+1 || digits > maxDigits && b[n] != '-' {
		return b, bind.Refuse(w, "an int of more than 4300 digits")
	}
	return b, nil
}

func (writer) Float(b []byte, v float64, bits int) []byte {
	switch {
	case v != v:
		return append(b, "{'__class__':'float','value':'nan'}"...)
	case math.IsInf(v, 1):
		return append(b, "1e30000"...)
	case math.IsInf(v, -1):
		return append(b, "-1e30000"...)
	}
	return bind.AppendFloat(b, v, bits)
}

// Complex refuses NaN, which nobody could read. The sign of an imaginary zero is the operator; Python
// reads it from 3.14 on, before that as +0.
func (w writer) Complex(b []byte, v complex128) ([]byte, error) {
	re, im := real(v), imag(v)
	if re != re || im != im {
		return b, bind.Refuse(w, "a complex number with NaN")
	}
	b = w.Float(append(b, '('), re, 64)
	if !math.Signbit(im) {
		b = append(b, '+')
	}
	b = w.Float(b, im, 64)
	return append(b, "j)"...), nil
}

func (w writer) Str(b []byte, v string) ([]byte, error) {
	plain := plainLen(v)
	if plain == len(v) {
		return append(append(append(b, '\''), v...), '\''), nil
	}
	out, ok := appendEscaped(b, v, plain)
	if !ok {
		return b, bind.Refuse(w, "text that is not UTF-8; bytes go into a []byte")
	}
	return out, nil
}

func (writer) Bytes(b, v []byte, o *codec.Options) ([]byte, error) {
	if o != nil && o.BytesRepr {
		return appendBytes(b, v), nil
	}
	b = append(b, bytesBegin...)
	b = base64.StdEncoding.AppendEncode(b, v)
	return append(b, bytesEnd...), nil
}

func (writer) Begin(b []byte, k bind.Kind, n int) []byte {
	switch k {
	case bind.List:
		return append(b, '[')
	case bind.Dict:
		return append(b, '{')
	case bind.Set, bind.FrozenSet:
		if n > 0 {
			return append(b, '{')
		}
	}
	return append(b, '(')
}

func (writer) Sep(b []byte, _ bind.Kind, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func (writer) Colon(b []byte) []byte { return append(b, ':') }

func (writer) End(b []byte, k bind.Kind, n int) []byte {
	switch k {
	case bind.List:
		return append(b, ']')
	case bind.Dict:
		return append(b, '}')
	case bind.Set, bind.FrozenSet:
		if n > 0 {
			return append(b, '}')
		}
	}
	if n == 1 {
		b = append(b, ',')
	}
	return append(b, ')')
}

// Key allows what Python's serpent allows, less what Python cannot hash when it reads it. Bytes are a
// literal in a key.
func (w writer) Key(b []byte, start int, k, of bind.Kind) ([]byte, error) {
	switch k {
	case bind.Bool, bind.Int, bind.Complex:
		return b, nil
	case bind.Float:
		if b[start] != '{' {
			return b, nil
		}
		return b, bind.Refuse(w, "NaN cannot be a key of a dict or a member of a set")
	case bind.Bytes, bind.Tuple:
		if !bytes.ContainsAny(b[start:], "{[") {
			return b, nil
		}
		if out, ok := rewriteKey(b, start); ok {
			return out, nil
		}
	}
	what := "a key of a dict"
	if of == bind.Set {
		what = "a member of a set"
	}
	return b, bind.Refuse(w, what+" must be a str, number, bytes or tuple of such, not "+k.String())
}

// rewriteKey writes the key from start on again with literals of bytes. It reports false if something
// in the key cannot be in one: a list, a dict, a set, NaN.
func rewriteKey(b []byte, start int) ([]byte, bool) {
	s := newReader(b[start:], 0, 0, nil)
	defer s.free()
	key, err := s.key()
	if err != nil {
		return b, false
	}
	out, err := encoders.Append(b[:start], key, &codec.Options{BytesRepr: true})
	return out, err == nil
}

// Splice checks that raw is one value and copies it, without a comment before or after it.
func (writer) Splice(b, raw []byte, o *codec.Options) ([]byte, bool, error) {
	s := newReader(raw, 0, 0, o)
	defer s.free()
	if err := s.begin(); err != nil {
		return b, false, err
	}
	start := s.pos
	if err := s.Skip(); err != nil {
		return b, false, err
	}
	end := s.pos
	if err := s.end(); err != nil {
		return b, false, nil // more than one value: it is decoded, if it can be
	}
	return standAlone(b, raw[start:end]), true, nil
}
