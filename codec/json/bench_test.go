package json_test

import (
	"testing"

	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/json"
)

func BenchmarkEncode(b *testing.B)      { codectest.BenchEncode(b, json.Codec) }
func BenchmarkDecodeTyped(b *testing.B) { codectest.BenchDecodeTyped(b, json.Codec) }
func BenchmarkDecodeAny(b *testing.B)   { codectest.BenchDecodeAny(b, json.Codec) }
func BenchmarkBytes(b *testing.B)       { codectest.BenchBytes(b, json.Codec) }
func BenchmarkSmallCall(b *testing.B)   { codectest.BenchSmallCall(b, json.Codec) }
