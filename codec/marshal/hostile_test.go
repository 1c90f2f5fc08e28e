package marshal_test

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/marshal"
)

// many returns a list that consists of unit, again and again.
func many(unit string) []byte {
	n := 128 << 10 / len(unit)
	b := binary.LittleEndian.AppendUint32([]byte{'['}, uint32(n))
	return append(b, bytes.Repeat([]byte(unit), n)...)
}

// longInt is an int of n digits.
func longInt(n int) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{'l'}, uint32(n)), bytes.Repeat([]byte("\x34\x12"), n)...)
}

// bomb is a list of two references to a list of two references and so on.
func bomb(levels int) []byte {
	b := []byte("[\x00\x00\x00\x00")
	binary.LittleEndian.PutUint32(b[1:], uint32(levels+1))
	b = append(b, "\xdb\x01\x00\x00\x00N"...) // reference 0
	for i := range levels {
		b = append(b, "\xdb\x0a\x00\x00\x00"...)
		for range 10 {
			b = binary.LittleEndian.AppendUint32(append(b, 'r'), uint32(i))
		}
	}
	return b
}

func TestHostile(t *testing.T) {
	codectest.Hostile(t, marshal.Codec, map[string][]byte{
		"nones":          many("N"),
		"lists":          many("[\x00\x00\x00\x00"),
		"tuples":         many(")\x00"),
		"dicts":          many("{0"),
		"dicts of one":   many("{z\x00N0"),
		"dicts by none":  many("{NN0"),
		"sets":           many("<\x00\x00\x00\x00"),
		"texts":          many("z\x00"),
		"huge lists":     bytes.Repeat([]byte("[\xff\xff\x00\x00"), 30000),
		"short tuples":   bytes.Repeat([]byte(")\xff"), 30000),
		"bomb":           bomb(20),
		"shared text":    append([]byte("[\x00\x10\x00\x00\xf5\x00\x10\x00\x00"), append(bytes.Repeat([]byte("x"), 4096), bytes.Repeat([]byte("r\x00\x00\x00\x00"), 4095)...)...),
		"sets in sets":   many(strings.Repeat(">\x02\x00\x00\x00i\x01\x00\x00\x00", 190) + "N"),
		"sets in tuples": many(strings.Repeat(">\x02\x00\x00\x00N)\x02N", 95) + "N"),
		"sets as keys":   many("{" + strings.Repeat(">\x01\x00\x00\x00", 190) + "NN0"),
		"flagged":        many("\xce"),
		"class of class": bytes.Repeat([]byte("{z\x09__class__z\x01cz\x01a"), 5000),
	})
	var v any
	var limit *codec.LimitError
	require.ErrorAs(t, marshal.Unmarshal(bomb(20), &v), &limit)
	require.NoError(t, marshal.Unmarshal(bomb(3), &v))
}

// An int that fits nowhere must not be spelled out in the error: that takes time with the square of its
// length, which are minutes here.
func TestIntsOfManyDigits(t *testing.T) {
	data := longInt(4 << 20)
	for _, dst := range []any{new(int), new(int8), new(uint), new(float64), new(complex128), new([]int)} {
		codectest.InProportion(t, marshal.Codec, data, dst, nil)
	}
	var n *big.Int
	require.NoError(t, marshal.Unmarshal(data, &n))
	require.ErrorContains(t, marshal.Unmarshal(data, new(int)), "62914558 bits is out of range")
}

// Numbers of 32 bits, as the format has them, are none below zero where an int has no more.
func TestCountsOf32Bits(t *testing.T) {
	for _, data := range []string{
		"[\x01\x00\x00\x00r\x00\x00\x00\x80", "(\x01\x00\x00\x00r\xff\xff\xff\xff", "l\x00\x00\x00\x80", "l\xff\xff\xff\x7f", "l\x01\x00\x00\x80",
		"s\x00\x00\x00\x80", "[\x00\x00\x00\x80", "u\xff\xff\xff\xff",
	} {
		for _, dst := range []any{new(any), new([]int), new(int), new([]byte)} {
			require.Error(t, marshal.Unmarshal([]byte(data), dst), "%q", data)
		}
	}
}
