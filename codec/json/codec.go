package json

import (
	"github.com/pyrokit/pyrokit/codec"
)

const name = "json"

// Codec is json as the transport uses it.
var Codec codec.Codec = jsonCodec{}

type jsonCodec struct{}

// Marshal returns the encoding of v. Errors are *codec.EncodeError and *codec.LimitError.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append appends the encoding of v to dst and returns the extended buffer; dst itself if it fails.
func Append(dst []byte, v any) ([]byte, error) { return Codec.Append(dst, v, nil) }

// Unmarshal reads data into dst, a non-nil pointer. Errors are *codec.SyntaxError where data is no
// JSON, *codec.TypeError where it does not fit dst, *codec.LimitError and *codec.ClassError.
func Unmarshal(data []byte, dst any) error { return Codec.Unmarshal(data, dst, nil) }

func (jsonCodec) Name() string { return name }

func (jsonCodec) Append(dst []byte, v any, o *codec.Options) ([]byte, error) {
	return encoders.Append(dst, v, o)
}

func (jsonCodec) Unmarshal(data []byte, dst any, o *codec.Options) error {
	s := newReader(data, 0, o)
	defer s.free()
	if err := s.dec.Decode(dst); err != nil {
		return err
	}
	return s.end()
}
