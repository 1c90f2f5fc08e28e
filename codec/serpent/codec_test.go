package serpent_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

func TestCodec(t *testing.T) {
	codectest.Run(t, serpent.Codec, codectest.Abilities{Bytes: true, Complex: true, Tuples: true, AnyKeys: true})
}
