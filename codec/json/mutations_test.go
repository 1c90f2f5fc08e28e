package json_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/json"
)

func TestMutations(t *testing.T) {
	seeds := append(vectors.Seeds(t, "json"), codectest.CallSeeds(t, json.Codec)...)
	codectest.Mutations(t, json.Codec, seeds, 20000)
}
