package pickle_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

func BenchmarkEncode(b *testing.B)      { codectest.BenchEncode(b, pickle.Codec) }
func BenchmarkDecodeTyped(b *testing.B) { codectest.BenchDecodeTyped(b, pickle.Codec) }
func BenchmarkDecodeAny(b *testing.B)   { codectest.BenchDecodeAny(b, pickle.Codec) }
func BenchmarkBytes(b *testing.B)       { codectest.BenchBytes(b, pickle.Codec) }
func BenchmarkSmallCall(b *testing.B)   { codectest.BenchSmallCall(b, pickle.Codec) }

// BenchmarkFrame reads and writes a frame of a camera, of 8 MiB.
func BenchmarkFrame(b *testing.B) {
	const side = 2048
	frame := codec.NDArrayOf(make([]uint16, side*side), side, side)
	data, err := pickle.Marshal(frame)
	require.NoError(b, err)
	decode := func(o *codec.Options) func(b *testing.B) {
		return func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				var v any
				if err := pickle.Codec.Unmarshal(data, &v, o); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("decode", decode(nil))
	b.Run("decode-shared", decode(&codec.Options{ShareInput: true}))
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		buf := make([]byte, 0, len(data))
		for b.Loop() {
			buf, _ = pickle.Append(buf[:0], frame)
		}
	})
}
