package marshal_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/marshal"
)

func TestCodec(t *testing.T) {
	codectest.Run(t, marshal.Codec, codectest.Abilities{Bytes: true, Complex: true, Tuples: true, AnyKeys: true})
}
