package json_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/json"
)

// What can be read can be written, and written again it does not change.
func FuzzUnmarshal(f *testing.F) {
	for _, data := range vectors.Seeds(f, "json") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { codectest.Stable(t, json.Codec, data) })
}

// Typed destinations never panic, and take what the generic tree has of their type.
func FuzzTyped(f *testing.F) {
	for _, data := range vectors.Seeds(f, "json") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { codectest.Typed(t, json.Codec, data) })
}

func FuzzCall(f *testing.F) {
	for _, data := range codectest.CallSeeds(f, json.Codec) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { codectest.Call(t, json.Codec, data) })
}
