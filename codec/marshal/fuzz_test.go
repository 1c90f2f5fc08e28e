package marshal_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/marshal"
)

// What can be read can be written, and written again it does not change.
func FuzzUnmarshal(f *testing.F) {
	codectest.FuzzUnmarshal(f, marshal.Codec, vectors.Seeds(f, "marshal"))
}

// Typed destinations never panic, and take what the generic tree has of their type.
func FuzzTyped(f *testing.F) { codectest.FuzzTyped(f, marshal.Codec, vectors.Seeds(f, "marshal")) }

func FuzzCall(f *testing.F) { codectest.FuzzCall(f, marshal.Codec) }
