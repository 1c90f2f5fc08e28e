package serpent_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/internal/vectors"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

// What can be read can be written, and written again it does not change.
func FuzzUnmarshal(f *testing.F) {
	codectest.FuzzUnmarshal(f, serpent.Codec, vectors.Seeds(f, "serpent"))
}

// Typed destinations never panic, and take what the generic tree has of their type.
func FuzzTyped(f *testing.F) { codectest.FuzzTyped(f, serpent.Codec, vectors.Seeds(f, "serpent")) }

func FuzzCall(f *testing.F) { codectest.FuzzCall(f, serpent.Codec) }

// Any text that can be written is read as it was.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "it's", `"`, `'"\`, "é☃\U0001f600", "\x00\n\r\t\x7f\u0080\ufeff", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		data, err := serpent.Marshal([]any{s, []byte(s)})
		if err != nil {
			data, err = serpent.Marshal([]any{"", []byte(s)})
			require.NoError(t, err)
			s = ""
		}
		var got []any
		require.NoError(t, serpent.Unmarshal(data, &got))
		require.Equal(t, s, got[0])
		repr, err := serpent.Codec.Append(nil, []byte(s), &codec.Options{BytesRepr: true})
		require.NoError(t, err)
		var b []byte
		require.NoError(t, serpent.Unmarshal(repr, &b))
		require.Equal(t, []byte(s), append([]byte{}, b...))
	})
}

// What a peer sent cannot become more than one value among others, whatever it is.
func FuzzSplice(f *testing.F) {
	for _, data := range vectors.Seeds(f, "serpent") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := serpent.Marshal([]any{codec.RawValue(data, serpent.Codec, nil), "end"})
		if err != nil {
			return
		}
		var got []any
		if serpent.Unmarshal(out, &got) == nil {
			require.Len(t, got, 2, "%q", out)
			require.Equal(t, "end", got[1])
		}
	})
}
