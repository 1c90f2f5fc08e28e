package serpent_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

func TestMutations(t *testing.T) {
	seeds := append(vectors.Seeds(t, "serpent"), codectest.CallSeeds(t, serpent.Codec)...)
	codectest.Mutations(t, serpent.Codec, seeds, 20000)
}
