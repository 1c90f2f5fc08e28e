package pickle_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

func TestCodec(t *testing.T) {
	codectest.Run(t, pickle.Codec, codectest.Abilities{Bytes: true, Complex: true, Tuples: true, AnyKeys: true, ClassNames: true, InsideOut: true})
}
