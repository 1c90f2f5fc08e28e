package serpent_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

func BenchmarkEncode(b *testing.B)      { codectest.BenchEncode(b, serpent.Codec) }
func BenchmarkDecodeTyped(b *testing.B) { codectest.BenchDecodeTyped(b, serpent.Codec) }
func BenchmarkDecodeAny(b *testing.B)   { codectest.BenchDecodeAny(b, serpent.Codec) }
func BenchmarkSmallCall(b *testing.B)   { codectest.BenchSmallCall(b, serpent.Codec) }

func BenchmarkBytes(b *testing.B) {
	blob := make([]byte, 1<<20)
	for i := range blob {
		blob[i] = byte(i * 7)
	}
	data, err := serpent.Marshal(blob)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		buf := make([]byte, 0, 2<<20)
		for b.Loop() {
			buf, _ = serpent.Append(buf[:0], blob)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		for b.Loop() {
			var out []byte
			if err := serpent.Unmarshal(data, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode-any", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		for b.Loop() {
			var out any
			if err := serpent.Unmarshal(data, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
