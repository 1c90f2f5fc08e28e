package msgpack_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

func BenchmarkEncode(b *testing.B)      { codectest.BenchEncode(b, msgpack.Codec) }
func BenchmarkDecodeTyped(b *testing.B) { codectest.BenchDecodeTyped(b, msgpack.Codec) }
func BenchmarkDecodeAny(b *testing.B)   { codectest.BenchDecodeAny(b, msgpack.Codec) }
func BenchmarkSmallCall(b *testing.B)   { codectest.BenchSmallCall(b, msgpack.Codec) }

func BenchmarkBytes(b *testing.B) {
	blob := make([]byte, 1<<20)
	for i := range blob {
		blob[i] = byte(i * 7)
	}
	data, err := msgpack.Marshal(blob)
	require.NoError(b, err)
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		buf := make([]byte, 0, 2<<20)
		for b.Loop() {
			buf, _ = msgpack.Append(buf[:0], blob)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		for b.Loop() {
			var out []byte
			if err := msgpack.Unmarshal(data, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode-any", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		for b.Loop() {
			var out any
			if err := msgpack.Unmarshal(data, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("share", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(blob)))
		o := &codec.Options{ShareInput: true}
		var out []byte
		for b.Loop() {
			if err := msgpack.Codec.Unmarshal(data, &out, o); err != nil {
				b.Fatal(err)
			}
		}
	})
}
