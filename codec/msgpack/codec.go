package msgpack

import (
	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

const name = "msgpack"

// Codec is msgpack as the transport uses it.
var Codec codec.Codec = msgpack{}

func init() { codec.Register(Codec) } //nolint:gochecknoinits // serializers make themselves known; see codec.Register

type msgpack struct{}

// Marshal returns the encoding of v. Errors are *codec.EncodeError and *codec.LimitError.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append appends the encoding of v to dst and returns the extended buffer; dst itself if it fails.
func Append(dst []byte, v any) ([]byte, error) { return Codec.Append(dst, v, nil) }

// Unmarshal reads data into dst, a non-nil pointer. Errors are *codec.SyntaxError where data is not one
// value, *codec.TypeError where it does not fit dst, *codec.LimitError and *codec.ClassError.
func Unmarshal(data []byte, dst any) error { return Codec.Unmarshal(data, dst, nil) }

func (msgpack) Name() string { return name }

func (msgpack) Append(dst []byte, v any, o *codec.Options) ([]byte, error) {
	return encodersOf(o).Append(dst, v, o)
}

func (msgpack) Unmarshal(data []byte, dst any, o *codec.Options) error {
	s := newReader(data, 0, o)
	defer s.free()
	if err := s.dec.Decode(dst); err != nil {
		return err
	}
	return s.end()
}

// lenient tells whether keys of all types are allowed, and text that is not UTF-8.
func lenient(o *codec.Options) bool { return o != nil && o.Lenient }

// encodersOf returns the encoders of the sink that o asks for.
func encodersOf(o *codec.Options) *bind.Encoders {
	if lenient(o) {
		return lenientEncoders
	}
	return strictEncoders
}
