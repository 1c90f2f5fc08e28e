package pickle_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

func TestMutations(t *testing.T) {
	codectest.Mutations(t, pickle.Codec, seeds(t), 20000)
}
