package marshal_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/marshal"
)

func BenchmarkEncode(b *testing.B)      { codectest.BenchEncode(b, marshal.Codec) }
func BenchmarkDecodeTyped(b *testing.B) { codectest.BenchDecodeTyped(b, marshal.Codec) }
func BenchmarkDecodeAny(b *testing.B)   { codectest.BenchDecodeAny(b, marshal.Codec) }
func BenchmarkBytes(b *testing.B)       { codectest.BenchBytes(b, marshal.Codec) }
func BenchmarkSmallCall(b *testing.B)   { codectest.BenchSmallCall(b, marshal.Codec) }
