package json_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
)

// What JSON has no form for goes out as Python's Pyro sends it, or not at all.
func TestForms(t *testing.T) {
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"set", codec.NewSet(1), "[1]"},
		{"frozenset", codec.NewFrozenSet(1, "a"), `[1, "a"]`},
		{"tuple", codec.Tuple{1, nil}, "[1, null]"},
		{"array", codec.ArrayOf([]uint8{1, 2}), "[1, 2]"},
		{"array of large numbers", codec.ArrayOf([]uint64{1 << 63}), "[9223372036854775808]"},
		{"array of text", codec.Array{Code: 'u', Values: "ab"}, `"ab"`},
		{"date", codec.Date{Year: 2020, Month: 2, Day: 29}, `"2020-02-29"`},
		{"time of day", codec.TimeOfDay{Hour: 1, Microsecond: 5}, `"01:00:00.000005"`},
		{"decimal", codec.Decimal("1.50"), `"1.50"`},
		{"lone surrogates", "a\n\xed\xa0\xbdé\xed\xb8\x80\"", `"a\n\ud83dé\ude00\""`},
		{"keys", codec.NewDict(1, "a", 2.5, "b", true, "c", nil, "d"), `{"1": "c", "2.5": "b", "null": "d"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(tt.v)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(got))
		})
	}
	for _, v := range []any{
		[]byte("a"),
		1i,
		codec.NDArrayOf([]int16{1}),
		codec.Global("builtins.Ellipsis"),
		"\xed\xa0\xbd\xed\xb8\x80", // would become U+1F600
		"\xed\xa0",
		"\xed\xa0\xbd\xff",
		codec.NewDict(codec.Tuple{1}, 1),
		codec.NewDict([]byte("a"), 1),
		codec.Object{Class: "c", Reduction: &codec.Reduction{}},
	} {
		_, err := json.Marshal([]any{v})
		var refused *codec.EncodeError
		require.ErrorAs(t, err, &refused, "%T", v)
		require.NotEmpty(t, refused.Path)
	}
}
