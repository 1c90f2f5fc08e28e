package serpent_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

func BenchmarkEncode(b *testing.B)      { codectest.BenchEncode(b, serpent.Codec) }
func BenchmarkDecodeTyped(b *testing.B) { codectest.BenchDecodeTyped(b, serpent.Codec) }
func BenchmarkDecodeAny(b *testing.B)   { codectest.BenchDecodeAny(b, serpent.Codec) }
func BenchmarkBytes(b *testing.B)       { codectest.BenchBytes(b, serpent.Codec) }
func BenchmarkSmallCall(b *testing.B)   { codectest.BenchSmallCall(b, serpent.Codec) }
