package marshal

import (
	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

const name = "marshal"

// Codec is marshal as the transport uses it.
var Codec codec.Codec = marshal{}

type marshal struct{}

// Marshal returns the encoding of v. Errors are *codec.EncodeError and *codec.LimitError.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append appends the encoding of v to dst and returns the extended buffer; dst itself if it fails.
func Append(dst []byte, v any) ([]byte, error) { return Codec.Append(dst, v, nil) }

// Unmarshal reads the value that data begins with into dst, a non-nil pointer. Errors are
// *codec.SyntaxError where data is no such value, *codec.TypeError where it does not fit dst,
// *codec.LimitError and *codec.ClassError.
func Unmarshal(data []byte, dst any) error { return Codec.Unmarshal(data, dst, nil) }

func (marshal) Name() string { return name }

func (marshal) Append(dst []byte, v any, o *codec.Options) ([]byte, error) {
	return encoders.Append(dst, v, o)
}

func (marshal) Unmarshal(data []byte, dst any, o *codec.Options) error {
	s := newReader(data, o)
	defer s.free()
	return s.dec.Decode(dst)
}

// AppendCall appends a tuple of object, method, arguments, which are a list here, and keyword
// arguments.
func (marshal) AppendCall(
	dst []byte, object, method string, args []any, _ bool, kwargs codec.Kwargs, o *codec.Options,
) ([]byte, error) {
	return encoders.Call(dst, object, method, bind.List, args, kwargs, o)
}

// callParts and entryParts are the numbers of elements of a call and of an entry of a batch.
const (
	callParts  = 4
	entryParts = 3
)
