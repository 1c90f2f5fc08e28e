package msgpack_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

// What can be read can be written, and written again it does not change.
func FuzzUnmarshal(f *testing.F) {
	codectest.FuzzUnmarshal(f, msgpack.Codec, vectors.Seeds(f, "msgpack"))
}

// Typed destinations never panic, and take what the generic tree has of their type.
func FuzzTyped(f *testing.F) { codectest.FuzzTyped(f, msgpack.Codec, vectors.Seeds(f, "msgpack")) }

func FuzzCall(f *testing.F) { codectest.FuzzCall(f, msgpack.Codec) }

// The same with keys of all types, and with text of all bytes, which cannot be written again.
func FuzzLenient(f *testing.F) {
	for _, data := range vectors.Seeds(f, "msgpack") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		codectest.Stable(t, lenient{msgpack.Codec}, data)
		codectest.Typed(t, lenient{msgpack.Codec}, data)
	})
}

// What is handed on undecoded is a value that can be read, and no more than one.
func FuzzSplice(f *testing.F) {
	for _, data := range vectors.Seeds(f, "msgpack") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var tree any
		readErr := msgpack.Unmarshal(data, &tree)
		out, err := msgpack.Marshal([]any{codec.RawValue(data, msgpack.Codec, nil), "end"})
		if readErr == nil {
			require.NoError(t, err)
		}
		if err != nil {
			return
		}
		var parts []codec.Value
		require.NoError(t, msgpack.Unmarshal(out, &parts))
		require.Len(t, parts, 2)
		raw, _ := parts[0].Raw()
		require.Equal(t, data, raw)
	})
}
