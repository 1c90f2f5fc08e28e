package msgpack_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/msgpack"
)

func BenchmarkEncode(b *testing.B)      { codectest.BenchEncode(b, msgpack.Codec) }
func BenchmarkDecodeTyped(b *testing.B) { codectest.BenchDecodeTyped(b, msgpack.Codec) }
func BenchmarkDecodeAny(b *testing.B)   { codectest.BenchDecodeAny(b, msgpack.Codec) }
func BenchmarkBytes(b *testing.B)       { codectest.BenchBytes(b, msgpack.Codec) }
func BenchmarkSmallCall(b *testing.B)   { codectest.BenchSmallCall(b, msgpack.Codec) }
