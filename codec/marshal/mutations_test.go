package marshal_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/marshal"
)

func TestMutations(t *testing.T) {
	seeds := append(vectors.Seeds(t, "marshal"), codectest.CallSeeds(t, marshal.Codec)...)
	codectest.Mutations(t, marshal.Codec, seeds, 20000)
}
