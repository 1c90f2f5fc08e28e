package bind

import (
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
)

// A Sink writes encoded values. Its methods append to b. Errors are *codec.EncodeError, whose path
// the encoder fills in; see Refuse.
type Sink interface {
	Name() string

	None(b []byte) []byte
	Bool(b []byte, v bool) []byte
	Int(b []byte, v int64) []byte
	Uint(b []byte, v uint64) []byte
	BigInt(b []byte, v *big.Int) ([]byte, error)
	Float(b []byte, v float64, bits int) []byte
	Complex(b []byte, v complex128) ([]byte, error)
	Str(b []byte, v string) ([]byte, error)
	Bytes(b, v []byte, o *codec.Options) ([]byte, error)

	// A container of n elements, or n keys, is Begin, then for each i Sep and the element (with a
	// dict the key, Colon and the value), then End.
	Begin(b []byte, k Kind, n int) []byte
	Sep(b []byte, k Kind, i int) []byte
	Colon(b []byte) []byte
	End(b []byte, k Kind, n int) []byte

	// Key makes what was just appended, from start on and of kind k, a key or a set's member (k of the
	// container is of), or refuses it. It is not asked about text.
	Key(b []byte, start int, k, of Kind) ([]byte, error)

	// Splice appends a value that is encoded already, having checked that it is exactly one value.
	// ok is false if it must be decoded and encoded instead.
	Splice(b, raw []byte, o *codec.Options) (out []byte, ok bool, err error)
}

// A SpecialSink has forms of its own for some of the types that most serializers write as text, as a
// float of seconds or as a list: time.Time, time.Duration, codec.Date, codec.TimeOfDay, codec.Decimal,
// uuid.UUID, codec.Array; and for codec.NDArray and codec.Global, which others refuse.
type SpecialSink interface {
	// Special appends v, or leaves it, with ok false, to the common form.
	Special(b []byte, v any, o *codec.Options) (out []byte, ok bool, err error)
}

// A ClassSink writes instances in a form of its own; others write a dict with the key __class__.
type ClassSink interface {
	// Instance appends an instance of class by its attributes, which do not hold the key __class__. r
	// is nil for instances that their attributes make.
	Instance(e *Encoder, b []byte, class string, attrs *codec.Dict, r *codec.Reduction) ([]byte, error)
}

// Refuse returns the error of a sink that cannot write a value.
func Refuse(s Sink, msg string) error { return &codec.EncodeError{Codec: s.Name(), Msg: msg} }
