package codec_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

func TestDateText(t *testing.T) {
	d := codec.Date{Year: 2020, Month: 2, Day: 29}
	b, err := d.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "2020-02-29", string(b))
	var again codec.Date
	require.NoError(t, again.UnmarshalText(b))
	require.Equal(t, d, again)
	require.Equal(t, d, codec.DateOf(d.In(codec.Naive)))
	for _, bad := range []codec.Date{{2021, 2, 29}, {0, 1, 1}, {10000, 1, 1}, {}} {
		require.False(t, bad.Valid(), bad)
		_, err := bad.MarshalText()
		require.Error(t, err)
	}
	for _, bad := range []string{"", "2020-2-29", "2021-02-29", "0000-01-01", "2020-02-29T00:00:00"} {
		require.Error(t, again.UnmarshalText([]byte(bad)), bad)
	}
}

func TestTimeOfDayText(t *testing.T) {
	for text, want := range map[string]codec.TimeOfDay{
		"13:14:15":        {Hour: 13, Minute: 14, Second: 15},
		"13:14":           {Hour: 13, Minute: 14},
		"00:00:00.000678": {Microsecond: 678},
	} {
		var got codec.TimeOfDay
		require.NoError(t, got.UnmarshalText([]byte(text)))
		require.Equal(t, want, got)
	}
	for _, text := range []string{"13:14:15+02:00", "23:59:59.999999-05:30", "01:02:03+00:19:32"} {
		var got codec.TimeOfDay
		require.NoError(t, got.UnmarshalText([]byte(text)))
		require.NotNil(t, got.Zone)
		require.Equal(t, text, got.String())
	}
	var c codec.TimeOfDay
	for _, bad := range []string{"", "24:00:00", "12", "noon"} {
		require.Error(t, c.UnmarshalText([]byte(bad)), bad)
	}
	_, err := codec.TimeOfDay{Hour: 24}.MarshalText()
	require.Error(t, err)
	at := time.Date(2020, 2, 29, 13, 14, 15, 678000, codec.Naive)
	require.Equal(t, codec.TimeOfDay{Hour: 13, Minute: 14, Second: 15, Microsecond: 678}, codec.TimeOfDayOf(at))
}

func TestDecimal(t *testing.T) {
	for _, good := range []codec.Decimal{"", "1.50", "-0", "+1E+10", ".5", "5.", "NaN", "sNaN12", "-Infinity", "inf", "1e-6"} {
		require.True(t, good.Valid(), good)
	}
	for _, bad := range []codec.Decimal{"1.5.0", "e5", ".", "--1", "1_0", "ten", "0x10", "1e9999999999999999999"} {
		require.False(t, bad.Valid(), bad)
		var d codec.Decimal
		require.Error(t, d.UnmarshalText([]byte(bad)))
		_, err := bad.MarshalText()
		require.Error(t, err)
	}
	r, err := codec.Decimal("1.50").Rat()
	require.NoError(t, err)
	require.Equal(t, big.NewRat(3, 2), r)
	for _, bad := range []codec.Decimal{"NaN", "Infinity", "1E+1000000000", "1E-1000000000", "x"} {
		_, err := bad.Rat()
		require.Error(t, err, bad)
	}
	r, err = codec.Decimal("0E-5").Rat()
	require.NoError(t, err)
	require.Zero(t, r.Sign())
	require.Equal(t, "0", codec.Decimal("").String())
}

func TestNDArray(t *testing.T) {
	a := codec.NDArrayOf([]uint16{1, 2, 3, 4, 5, 6}, 2, 3)
	require.Equal(t, codec.NDArray{DType: "<u2", Shape: []int{2, 3}, Data: []byte{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0}}, a)
	got, err := codec.Elements[uint16](a)
	require.NoError(t, err)
	require.Equal(t, []uint16{1, 2, 3, 4, 5, 6}, got)
	_, err = codec.Elements[int16](a)
	require.ErrorContains(t, err, "want array of <i2, found array of <u2")
	_, err = codec.Elements[uint16](codec.NDArray{DType: "<u2", Data: []byte{1}})
	require.Error(t, err)
	big16, err := codec.Elements[uint16](codec.NDArray{DType: ">u2", Data: []byte{1, 0}})
	require.NoError(t, err)
	require.Equal(t, []uint16{256}, big16)
	require.Equal(t, -1, codec.NDArray{Shape: []int{math.MaxInt, 3}}.Len())
	require.Equal(t, -1, codec.NDArray{Shape: []int{-1}}.Len())
	require.Equal(t, 1, codec.NDArray{}.Len())
	require.Panics(t, func() { codec.NDArrayOf([]int8{1, 2}, 3) })
}

func TestNDArrayItem(t *testing.T) {
	for _, tt := range []struct {
		dtype string
		data  []byte
		want  any
	}{
		{"|b1", []byte{1}, true},
		{"|i1", []byte{0xff}, int64(-1)},
		{"<i2", []byte{0xfe, 0xff}, int64(-2)},
		{">u4", []byte{0, 0, 1, 0}, int64(256)},
		{"<u8", []byte{255, 255, 255, 255, 255, 255, 255, 255}, new(big.Int).SetUint64(math.MaxUint64)},
		{"<f2", []byte{0, 0x3c}, 1.0},
		{"<f2", []byte{1, 0}, math.Ldexp(1, -24)},
		{"<f2", []byte{0, 0xfc}, math.Inf(-1)},
		{"<f4", []byte{0, 0, 0x80, 0x3f}, 1.0},
		{"<f8", []byte{0, 0, 0, 0, 0, 0, 0xf0, 0xbf}, -1.0},
		{"<c8", []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}, complex(1, 2)},
	} {
		t.Run(tt.dtype, func(t *testing.T) {
			got, err := codec.NDArray{DType: tt.dtype, Data: tt.data}.Item(0)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
	for _, bad := range []codec.NDArray{
		{DType: "<U5", Data: make([]byte, 20)},
		{DType: "<M8[ns]", Data: make([]byte, 8)},
		{DType: "", Data: []byte{1}},
		{DType: "<f8", Data: make([]byte, 7)},
		{DType: "[('x', '<f4')]", Data: make([]byte, 4)},
	} {
		_, err := bad.Item(0)
		require.Error(t, err, bad.DType)
	}
	_, err := codec.NDArrayOf([]int8{1}).Item(-1)
	require.Error(t, err)
}

func TestFrozenSets(t *testing.T) {
	f := codec.NewFrozenSet(1, "a")
	require.True(t, f.Frozen)
	d := codec.NewDict(f, "x")
	v, ok := d.Get(codec.NewSet("a", 1.0))
	require.True(t, ok, "sets are equal by their members")
	require.Equal(t, "x", v)
}

func TestKeysOfOtherTypes(t *testing.T) {
	d := codec.NewDict("1", "text", codec.Decimal("1"), "decimal", codec.Global("1"), "global", time.Duration(1), "delta", int64(1), "int")
	require.Equal(t, 5, d.Len())
	v, _ := d.Get(codec.Decimal("1"))
	require.Equal(t, "decimal", v)
	require.Equal(t, 2, codec.NewDict(codec.Decimal("NaN"), 1, codec.Decimal("NaN"), 2).Len(), "NaN equals nothing")
}
