package msgpack_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

func TestCodec(t *testing.T) {
	codectest.Run(t, msgpack.Codec, codectest.Abilities{Bytes: true, Complex: true, NoOtherKeys: true, InsideOut: true})
}

func TestLenientCodec(t *testing.T) {
	codectest.Run(t, lenient{msgpack.Codec}, codectest.Abilities{Bytes: true, Complex: true, AnyKeys: true, InsideOut: true})
}

// lenient is the codec with Options.Lenient.
type lenient struct{ codec.Codec }

func (c lenient) Append(dst []byte, v any, o *codec.Options) ([]byte, error) {
	return c.Codec.Append(dst, v, leniently(o))
}

func (c lenient) Unmarshal(data []byte, dst any, o *codec.Options) error {
	return c.Codec.Unmarshal(data, dst, leniently(o))
}

func leniently(o *codec.Options) *codec.Options {
	var out codec.Options
	if o != nil {
		out = *o
	}
	out.Lenient = true
	return &out
}
