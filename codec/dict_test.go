package codec_test

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

func TestDictKeysAreEqualAsInPython(t *testing.T) {
	type name string
	huge := new(big.Int).Lsh(big.NewInt(1), 80)
	same := [][]any{
		{1, 1.0, true, int8(1), uint64(1), big.NewInt(1), complex(1, 0), float32(1)},
		{0, false, 0.0, math.Copysign(0, -1)},
		{"a", name("a")},
		{huge, new(big.Int).Set(huge), math.Ldexp(1, 80)},
		{new(big.Int).Neg(huge), -math.Ldexp(1, 80)},
		{uint64(math.MaxUint64), new(big.Int).SetUint64(math.MaxUint64)},
		{[]byte("a")},
		{codec.Tuple{1, "x"}, codec.Tuple{true, "x"}, codec.Tuple{1.0, name("x")}},
		{codec.Tuple{codec.Tuple{1}, 2}},
		{codec.NewSet(1, 2), codec.NewSet(2, 1.0)},
		{nil},
		{1.5, float32(1.5)},
		{complex(1, 2)},
		{math.Inf(1)},
		{"1"},
		{codec.Tuple{"1", "x"}, codec.Tuple{"1", "x"}},
	}
	for _, large := range []bool{false, true} { // searched, and indexed
		d := codec.NewDict()
		for i := range same {
			d.Set(same[i][0], i)
		}
		if large {
			for i := range 20 {
				d.Set(1000+i, nil)
			}
		}
		for i, keys := range same {
			for _, k := range keys {
				v, ok := d.Get(k)
				require.True(t, ok, "%v", k)
				require.Equal(t, i, v, "%T %v", k, k)
			}
		}
	}
}

func TestDictKeepsOrder(t *testing.T) {
	var d codec.Dict
	for i := range 12 {
		d.Set(i, i)
	}
	d.Set(3.0, "three") // the first spelling and place stay
	require.True(t, d.Delete(5))
	require.False(t, d.Delete(5))
	require.False(t, d.Delete([]any{}))
	d.Set(5, "again")
	require.Equal(t, 12, d.Len())
	require.Equal(t, []any{0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 5}, slices.Collect(d.Keys()))
	v, _ := d.Get(3)
	require.Equal(t, "three", v)
	for range d.All() {
		break
	}
	var none *codec.Dict
	require.Zero(t, none.Len())
	_, ok := none.Get(1)
	require.False(t, ok)
	require.False(t, none.Delete(1))
	require.Empty(t, slices.Collect(none.Keys()))
}

func TestUnhashable(t *testing.T) {
	d := codec.NewDict()
	for _, k := range []any{[]any{1}, map[string]any{}, codec.NewDict(), codec.Tuple{[]any{}}, []int{1}, codec.Object{}} {
		var typ *codec.TypeError
		require.ErrorAs(t, d.Put(k, 1), &typ)
		require.Panics(t, func() { d.Set(k, 1) })
		var s codec.Set
		require.Error(t, s.Put(k))
		require.Panics(t, func() { s.Add(k) })
	}
	odd := []any{1}
	require.Panics(t, func() { codec.NewDict(odd...) })
}

func TestSet(t *testing.T) {
	s := codec.NewSet(1, "a", true, 1.0)
	require.Equal(t, 2, s.Len())
	require.True(t, s.Has(1.0))
	require.False(t, s.Has("1"))
	require.Equal(t, []any{1, "a"}, slices.Collect(s.All()))
	require.Zero(t, codec.Set{}.Len())
	require.False(t, codec.Set{}.Has(1))
	require.Empty(t, slices.Collect(codec.Set{}.All()))
}

// Long keys are told apart by more than their beginnings.
func TestLongKeys(t *testing.T) {
	long := func(last any) codec.Tuple {
		return codec.Tuple{strings.Repeat("x", 100), codec.NewFrozenSet(strings.Repeat("y", 100), codec.Tuple{last}), last}
	}
	d := codec.NewDict(long(1), "a", long(2), "b")
	d.Set(long(1.0), "c")
	require.Equal(t, 2, d.Len())
	v, _ := d.Get(long(true))
	require.Equal(t, "c", v)
	_, ok := d.Get(long("1"))
	require.False(t, ok)

	members := []any{long(1), long(2), codec.NewFrozenSet(long(3))}
	s := codec.NewSet(codec.NewFrozenSet(members...))
	slices.Reverse(members)
	require.True(t, s.Has(codec.NewFrozenSet(members...)))
	require.False(t, s.Has(codec.NewFrozenSet(members[1:]...)))
	require.False(t, s.Has(codec.NewFrozenSet()))
}

// A set within a set within a set does not take memory with the square of their number.
func TestDeepSets(t *testing.T) {
	allocations := func(depth int) float64 {
		return testing.AllocsPerRun(3, func() {
			inner := codec.NewFrozenSet()
			for range depth {
				inner = codec.NewFrozenSet(1, inner)
			}
		})
	}
	require.Less(t, allocations(200), 3*allocations(100))
}
