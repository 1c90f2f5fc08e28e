package literal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

func TestFormat(t *testing.T) {
	ints := make([]any, 12)
	dates := make([]any, 3)
	for i := range ints {
		ints[i] = 1000 + i
	}
	for i := range dates {
		dates[i] = time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.FixedZone("", 3600))
	}
	tests := []struct {
		name  string
		v     any
		width int
		want  string
	}{
		{"what fits stays on its line", []any{1, []any{2}}, 10, "[1, [2]]"},
		{"numbers fill the lines", ints, 26, "[1000, 1001, 1002, 1003,\n 1004, 1005, 1006, 1007,\n 1008, 1009, 1010, 1011]"},
		{
			"entries and lists get lines", codec.NewDict("b", []any{[]any{1, 2}, []any{3}}, "a", "text", 1, nil), 20,
			"{'b': [[1, 2], [3]],\n 'a': 'text',\n 1: None}",
		},
		{"what is in brackets begins below", codec.Tuple{"x", codec.NewDict("key", codec.Tuple{ints[0], ints[1], ints[2]})}, 20, "('x',\n {'key': (1000,\n          1001,\n          1002)})"},
		{"tuple of one", codec.Tuple{[]any{1000, 2000, 3000}}, 12, "([1000,\n  2000,\n  3000],)"},
		{"strings stay whole", []any{strings.Repeat("ab ", 8), "b, [c"}, 20, "['" + strings.Repeat("ab ", 8) + "',\n 'b, [c']"},
		{"keys stay whole", codec.NewDict(codec.Tuple{1000, 1001, 1002}, 1, 2, 3), 16, "{(1000, 1001, 1002): 1,\n 2: 3}"},
		{"frozenset", codec.NewFrozenSet(1000, 1001), 20, "frozenset({1000,\n           1001})"},
		{"complex numbers are no tuples", []any{complex(1, 2), complex(3, 4), complex(5, 6)}, 18, "[(1+2j), (3+4j),\n (5+6j)]"},
		{
			"dates stay whole", dates, 60,
			"[datetime.datetime(2020, 1, 1, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600))),\n" +
				" datetime.datetime(2020, 1, 2, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600))),\n" +
				" datetime.datetime(2020, 1, 3, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600)))]",
		},
		{
			"attributes get lines",
			codec.Object{Class: "m.C", Attrs: map[string]any{"a": 1, "b": []any{1, 2}, "c": codec.Decimal("1.5")}},
			20,
			"m.C(a=1,\n    b=[1, 2],\n    c=Decimal('1.5'))",
		},
		{"array", codec.NDArrayOf([]int8{10, 20, 30, 40}, 2, 2), 25, "array([[10, 20],\n       [30, 40]],\n      dtype='|i1')"},
		{"other characters count as one", []any{"éééé", "ééé"}, 15, "['éééé', 'ééé']"},
		{"nothing is nested too deep", codec.NewDict(strings.Repeat("k", 30), []any{1, 2}), 30, "{'" + strings.Repeat("k", 30) + "': [1,\n                    2]}"},
		{"default width", []any{strings.Repeat("a", 70), strings.Repeat("b", 7)}, 0, "['" + strings.Repeat("a", 70) + "',\n 'bbbbbbb']"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(literal.Format([]byte("= "), tt.v, tt.width))
			require.Equal(t, "= "+tt.want, got)
		})
	}
}

// What is not balanced is no reason to lose a character.
func TestFormatKeepsWhatItDoesNotUnderstand(t *testing.T) {
	for _, name := range []string{"(", ")", "[)", "'", `\`, "(,", "{:"} {
		codec.RegisterType[*place](codec.Default, "literal_test.Place")
		v := []any{&place{name}, 1, "x"}
		got := string(literal.Format(nil, v, 5))
		require.Equal(t, strings.ReplaceAll(literal.String(v), " ", ""), strings.NewReplacer(" ", "", "\n", "").Replace(got))
	}
}

// Indentation must not grow with the product of depth and length.
func TestFormatIsBounded(t *testing.T) {
	v := any([]any{1, 2})
	for range 500 {
		v = codec.NewDict(strings.Repeat("k", 200), v, 1, 2)
	}
	flat := literal.String(v)
	require.Less(t, len(literal.Format(nil, v, 80)), 2*len(flat))
}
