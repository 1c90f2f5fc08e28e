package pickle_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/codectest"
	"github.com/pyrokit/pyrokit/codec/pickle"
)

// typeNamed is the dtype that text spells.
func typeNamed(text string) string { return dtype + "\x8c" + string(rune(len(text))) + text + "\x85R" }

// reconstructed is an array as numpy pickles it below protocol 5.
func reconstructed(shape, dtype, fortran, data string) []byte {
	return []byte("\x80\x04cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01" + shape + dtype + fortran + data + "tb.")
}

const (
	notFortran = "\x89"
	isFortran  = "\x88"
	fourBytes  = "C\x04\x01\x02\x03\x04"
	noBytes    = "C\x00"
	two        = "K\x02\x85"
	maxInt32   = "J\xff\xff\xff\x7f" // numpy knows larger ones, which only 64 bits hold
	maxInt     = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"
	objects    = dtype + "\x8c\x02O8\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb"
)

func TestNDArrays(t *testing.T) {
	four := []byte{1, 2, 3, 4}
	for name, tt := range map[string]struct {
		data []byte
		want codec.NDArray
	}{
		"big-endian": {reconstructed(two, typeNamed(">u2"), notFortran, fourBytes), codec.NDArray{DType: ">u2", Shape: []int{2}, Data: four}},
		"Fortran order": {
			reconstructed("K\x02K\x01\x86", typeNamed("<u2"), isFortran, fourBytes),
			codec.NDArray{DType: "<u2", Shape: []int{2, 1}, FortranOrder: true, Data: four},
		},
		"datetime64": {
			reconstructed("K\x01\x85", typeNamed("<M8[25us]"), notFortran, "C\x08\x01\x02\x03\x04\x00\x00\x00\x00"),
			codec.NDArray{DType: "<M8[25us]", Shape: []int{1}, Data: []byte{1, 2, 3, 4, 0, 0, 0, 0}},
		},
		"record": {
			reconstructed("K\x01\x85", dtype+"](\x8c\x01a\x8c\x03<u2\x86\x8c\x01b\x8c\x03<i2\x86e\x85R", notFortran, fourBytes),
			codec.NDArray{DType: "[('a', '<u2'), ('b', '<i2')]", Shape: []int{1}, Data: four},
		},
		"no elements":         {reconstructed("K\x00"+maxInt32+"\x86", typeNamed("<u2"), notFortran, noBytes), codec.NDArray{DType: "<u2", Shape: []int{0, math.MaxInt32}, Data: []byte{}}},
		"elements of no size": {reconstructed(maxInt32+"\x85", typeNamed("|S0"), notFortran, noBytes), codec.NDArray{DType: "|S0", Shape: []int{math.MaxInt32}, Data: []byte{}}},
		"no dimensions":       {reconstructed(")", typeNamed("<u4"), notFortran, fourBytes), codec.NDArray{DType: "<u4", Shape: []int{}, Data: four}},
	} {
		t.Run(name, func(t *testing.T) {
			var v any
			require.NoError(t, pickle.Unmarshal(tt.data, &v))
			require.Equal(t, tt.want, v)
			var a codec.NDArray
			require.NoError(t, pickle.Unmarshal(tt.data, &a))
			require.Equal(t, tt.want, a)
			data, err := pickle.Marshal(a)
			require.NoError(t, err)
			require.NoError(t, pickle.Unmarshal(data, &v))
			require.Equal(t, tt.want, v)
			codectest.InProportion(t, pickle.Codec, tt.data, new([]struct{}), nil) // however many elements it has
			codectest.InProportion(t, pickle.Codec, tt.data, new([][][]any), nil)
		})
	}
}

// What is no array in Go, or none at all, stays an Object, and no typed destination takes it.
func TestNoNDArrays(t *testing.T) {
	field := func(offset, size string) string {
		return dtype + "\x8c\x02V4\x89\x88\x87R(K\x03\x8c\x01|N\x8c\x01a\x85}\x8c\x01a" + typeNamed("<u4") + offset + "\x86s" + size + "K\x01K\x10tb"
	}
	const quarter = "\x8c\x01a\x8c\x03|V1\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x85\x87" // of all that 64 bits count
	for name, data := range map[string][]byte{
		"shape out of range": reconstructed(maxInt+maxInt+"\x86", typeNamed("<u2"), notFortran, fourBytes),
		"negative shape":     reconstructed("J\xff\xff\xff\xff\x85", typeNamed("<u2"), notFortran, fourBytes),
		"shape of floats":    reconstructed("G\x40\x00\x00\x00\x00\x00\x00\x00\x85", typeNamed("<u2"), notFortran, fourBytes),
		"other length":       reconstructed("K\x03\x85", typeNamed("<u2"), notFortran, fourBytes),
		"no such type":       reconstructed(two, typeNamed("<q2"), notFortran, fourBytes),
		"size of a type":     reconstructed(two, typeNamed("<u3"), notFortran, "C\x06abcdef"),
		"no size":            reconstructed(two, typeNamed("|S0"), notFortran, fourBytes),
		"objects":            reconstructed(two, objects, notFortran, "](NNe"),
		"objects in bytes":   reconstructed("K\x01\x85", objects, notFortran, "C\x08abcdefgh"),
		"field outside":      reconstructed("K\x01\x85", field("K\x01", "K\x04"), notFortran, fourBytes),
		"field before":       reconstructed("K\x01\x85", field("J\xff\xff\xff\xff", "K\x04"), notFortran, fourBytes),
		"negative size":      reconstructed("K\x01\x85", field("K\x00", "J\xff\xff\xff\xff"), notFortran, fourBytes),
		"sizes out of range": reconstructed("K\x01\x85", dtype+"]("+strings.Repeat(quarter, 4)+"\x8c\x01b\x8c\x03<u4\x86e\x85R", notFortran, fourBytes),
	} {
		t.Run(name, func(t *testing.T) {
			var v any
			require.NoError(t, pickle.Unmarshal(data, &v))
			require.IsType(t, codec.Object{}, v)
			var mismatch *codec.TypeError
			require.ErrorAs(t, pickle.Unmarshal(data, new(codec.NDArray)), &mismatch)
			require.ErrorAs(t, pickle.Unmarshal(data, new([]uint16)), &mismatch)
		})
	}
}

// A frame of a camera is copied once, into memory of its own; with ShareInput it is not copied.
func TestCopies(t *testing.T) {
	const side = 2048
	frame := codec.NDArrayOf(make([]uint16, side*side), side, side)
	own, err := pickle.Marshal(frame)
	require.NoError(t, err)
	size := string(binary.LittleEndian.AppendUint64(nil, uint64(len(frame.Data))))
	shape := "M\x00\x08M\x00\x08\x86"
	for name, data := range map[string][]byte{
		"pyrokit": own,
		"numpy":   reconstructed(shape, typeNamed("<u2"), notFortran, "\x8e"+size+string(frame.Data)),
		"numpy, protocol 5": []byte("\x80\x05cnumpy.core.numeric\n_frombuffer\n(\x96" + size + string(frame.Data) +
			typeNamed("<u2") + shape + "\x8c\x01CtR."),
	} {
		t.Run(name, func(t *testing.T) {
			const rest = 64 << 10
			for _, dst := range []any{new(any), new(codec.NDArray)} {
				require.Less(t, allocated(t, data, dst, nil), uint64(len(frame.Data)+rest))
				require.Less(t, allocated(t, data, dst, &codec.Options{ShareInput: true}), uint64(rest))
			}
		})
	}
}

// allocated returns how many bytes it takes to read data into dst.
func allocated(t *testing.T, data []byte, dst any, o *codec.Options) uint64 {
	t.Helper()
	var err error
	n := codectest.Allocated(func() { err = pickle.Codec.Unmarshal(data, dst, o) })
	require.NoError(t, err)
	return n
}
