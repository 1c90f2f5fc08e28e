package msgpack_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

func TestMutations(t *testing.T) {
	seeds := append(vectors.Seeds(t, "msgpack"), codectest.CallSeeds(t, msgpack.Codec)...)
	codectest.Mutations(t, msgpack.Codec, seeds, 20000)
}
