// Package codectest has the tests that every serializer must pass, whatever its encoding.
package codectest

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

// Abilities are what serializers differ in.
type Abilities struct {
	Bytes   bool // has bytes
	Complex bool
	Tuples  bool // tells tuples and sets from lists
	AnyKeys bool // has keys that are not text

	NoOtherKeys bool // refuses to write keys that are not text
	InsideOut   bool // converts instances within instances, and before them
	ClassNames  bool // writes instances by their class, not as a dict
}

// Run checks that c keeps the promises of codec.Codec.
func Run(t *testing.T, c codec.Codec, can Abilities) {
	t.Run("typed", func(t *testing.T) { typed(t, c, can) })
	t.Run("errors", func(t *testing.T) { conversionErrors(t, c) })
	t.Run("refused", func(t *testing.T) { refused(t, c) })
	t.Run("classes", func(t *testing.T) { classes(t, c, can) })
	t.Run("calls", func(t *testing.T) { calls(t, c) })
	t.Run("batches", func(t *testing.T) { batches(t, c) })
	t.Run("limits", func(t *testing.T) { limits(t, c) })
	t.Run("values", func(t *testing.T) { values(t, c) })
	t.Run("concurrent", func(t *testing.T) { Concurrent(t, c) })
	t.Run("ordered", func(t *testing.T) { ordered(t, c) })
	t.Run("none", func(t *testing.T) { none(t, c) })
	t.Run("truncated", func(t *testing.T) { truncated(t, c) })
	t.Run("lists", func(t *testing.T) { lists(t, c) })
}

type level int

func (l level) MarshalText() ([]byte, error) { return []byte(strings.Repeat("*", int(l))), nil }

func (l *level) UnmarshalText(b []byte) error {
	if len(b) > 5 {
		return errors.New("too high")
	}
	*l = level(len(b))
	return nil
}

var errUnwritable = errors.New("unwritable")

type unwritable struct{}

func (unwritable) MarshalText() ([]byte, error) { return nil, errUnwritable }

type base struct {
	ID   int64 `pyro:"id"`
	Name string
}

type pair struct {
	_ struct{} `pyro:",tuple"`
	X int
	Y string
}

type everything struct {
	base
	Renamed  string         `pyro:"renamed"`
	FromJSON string         `json:"from_json"`
	Skipped  string         `pyro:"-"`
	Empty    []int          `pyro:"empty,omitempty"`
	U8       uint8          `pyro:"u8"`
	F32      float32        `pyro:"f32"`
	Flag     bool           `pyro:"flag"`
	When     time.Time      `pyro:"when"`
	Took     time.Duration  `pyro:"took"`
	Token    uuid.UUID      `pyro:"token"`
	Level    level          `pyro:"level"`
	Huge     *big.Int       `pyro:"huge"`
	None     *int           `pyro:"none"`
	Pair     pair           `pyro:"pair"`
	Pairs    []pair         `pyro:"pairs"`
	Matrix   [2][2]int      `pyro:"matrix"`
	Tags     map[string]int `pyro:"tags"`
	Nested   *everything    `pyro:"nested,omitempty"`
	Any      any            `pyro:"any"`
	Set      map[string]struct{}
}

func sample() everything {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	return everything{
		base: base{ID: 7, Name: "base"}, Renamed: "r", FromJSON: "j", U8: 255, F32: 0.1, Flag: true,
		When: time.Date(2020, 2, 29, 13, 14, 15, 678000, time.UTC), Took: 90*time.Second + 500*time.Millisecond,
		Token: uuid.MustParse("11112222-3333-4444-5555-666677778888"), Level: 3, Huge: huge,
		Pair: pair{X: 1, Y: "one"}, Pairs: []pair{{X: 2, Y: "two"}, {X: 3, Y: "three"}},
		Matrix: [2][2]int{{1, 2}, {3, 4}}, Tags: map[string]int{"b": 2, "a": 1},
		Nested: &everything{Renamed: "inner"}, Any: []any{int64(1), "two", nil, 2.5, map[string]any{"k": true}},
		Set: map[string]struct{}{"s": {}, "t": {}},
	}
}

func roundTrip(t *testing.T, c codec.Codec, v, dst any) {
	t.Helper()
	data, err := c.Append(nil, v, nil)
	require.NoError(t, err)
	require.NoError(t, c.Unmarshal(data, dst, nil), "%q", data)
}

func typed(t *testing.T, c codec.Codec, can Abilities) {
	want := sample()
	want.Nested.Huge = big.NewInt(0)
	want.Nested.Tags, want.Nested.Set, want.Nested.Pairs = map[string]int{}, map[string]struct{}{}, []pair{}
	var got everything
	roundTrip(t, c, want, &got)
	require.True(t, want.When.Equal(got.When))
	got.When, got.Nested.When = want.When, want.Nested.When
	require.Equal(t, want, got)

	var p *everything
	roundTrip(t, c, &want, &p)
	require.Equal(t, want.Token, p.Token)

	var ints map[int]string
	if !can.NoOtherKeys {
		roundTrip(t, c, map[int]string{3: "c", -1: "a"}, &codec.Value{})
	}
	if can.AnyKeys {
		roundTrip(t, c, map[int]string{3: "c", -1: "a"}, &ints)
		require.Equal(t, map[int]string{3: "c", -1: "a"}, ints)
		var d *codec.Dict
		roundTrip(t, c, codec.NewDict(codec.Tuple{int64(1), "x"}, "t", 2.5, "f", true, "b"), &d)
		v, ok := d.Get(codec.Tuple{1, "x"})
		require.True(t, ok)
		require.Equal(t, "t", v)
	}
	if can.Bytes {
		var b []byte
		roundTrip(t, c, []byte("a\x00\xff"), &b)
		require.Equal(t, []byte("a\x00\xff"), b)
		type blob []byte
		var named blob
		roundTrip(t, c, blob("abc"), &named)
		require.Equal(t, blob("abc"), named)
	}
	if can.Complex {
		var z complex128
		roundTrip(t, c, complex64(complex(1.5, -2)), &z)
		require.Equal(t, complex(1.5, -2), z)
		roundTrip(t, c, 3, &z)
		require.Equal(t, complex(3, 0), z)
	}
	var set codec.Set
	roundTrip(t, c, codec.NewSet(1, "a"), &set)
	require.True(t, set.Has(1.0))
	roundTrip(t, c, codec.NewSet(), &set) // an empty tuple in serpent
	require.Zero(t, set.Len())
	var members []int
	roundTrip(t, c, codec.NewSet(5), &members)
	require.Equal(t, []int{5}, members)

	var f float64
	roundTrip(t, c, math.Inf(-1), &f)
	require.True(t, math.IsInf(f, -1))
	roundTrip(t, c, math.NaN(), &f)
	require.True(t, math.IsNaN(f))
	roundTrip(t, c, 7, &f)
	require.InDelta(t, 7, f, 0)

	if can.Tuples {
		var v any
		roundTrip(t, c, []any{codec.Tuple{int64(1)}, codec.NewSet("m")}, &v)
		require.IsType(t, codec.Tuple{}, v.([]any)[0])
		require.IsType(t, codec.Set{}, v.([]any)[1])
	}
}

func conversionErrors(t *testing.T, c codec.Codec) {
	type item struct {
		Price float64 `pyro:"price"`
	}
	type order struct {
		Items []item         `pyro:"items"`
		Notes map[string]int `pyro:"notes"`
	}
	m := codec.NewDict
	tests := []struct {
		name string
		in   any
		dst  any
		want string
	}{
		{"str into float", m("items", []any{m("price", 1.0), m("price", "dear")}), new(order), "items[1].price: want float64, found str"},
		{"list into int", m("notes", m("a", []any{})), new(order), "notes.a: want int, found list"},
		{"out of range", 300, new(int8), "want int8, found int (300 is out of range)"},
		{"negative into uint", -1, new(uint), "want uint, found int (-1 is out of range)"},
		{"beyond int64", uint64(math.MaxUint64), new(int64), "want int64, found int (18446744073709551615 is out of range)"},
		{"None into int", nil, new(int), "want int, found None"},
		{"bool into int", true, new(int), "want int, found bool"},
		{"float into int", 1.0, new(int), "want int, found float"},
		{"int into str", 1, new(string), "want string, found int"},
		{"dict into list", m("a", 1), new([]int), "found dict"},
		{"dict into str", m("a", 1), new(string), "want string, found dict"},
		{"list into struct", []any{1}, new(order), "found"},
		{"too few for an array", []int{1}, new([2]int), "it has 1 elements, not 2"},
		{"too many for an array", []int{1, 2, 3}, new([2]int), "it has 3 elements, not 2"},
		{"too few for a tuple", []int{1}, new(pair), "it has 1 elements, not 2"},
		{"no time", "yesterday", new(time.Time), "not an ISO 8601 time"},
		{"no uuid", "x", new(uuid.UUID), "want uuid.UUID, found str"},
		{"own text", "******", new(level), "too high"},
		{"no error", "x", new(error), "want error, found str"},
		{"channel", 1, new(chan int), "nothing is read into this type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := c.Append(nil, tt.in, nil)
			require.NoError(t, err)
			err = c.Unmarshal(data, tt.dst, nil)
			var typ *codec.TypeError
			require.ErrorAs(t, err, &typ)
			require.ErrorContains(t, err, tt.want)
		})
	}
	data, err := c.Append(nil, 1, nil)
	require.NoError(t, err)
	require.ErrorContains(t, c.Unmarshal(data, nil, nil), "non-nil pointer")
	require.ErrorContains(t, c.Unmarshal(data, (*int)(nil), nil), "non-nil pointer")
	data, err = c.Append(nil, m("price", 1.0, "extra", 1), nil)
	require.NoError(t, err)
	require.ErrorContains(t, c.Unmarshal(data, new(item), &codec.Options{DisallowUnknownFields: true}), "unknown key extra")
}

func refused(t *testing.T, c codec.Codec) {
	cycle := []any{1}
	cycle[0] = cycle
	loop := map[string]any{}
	loop["self"] = loop
	type node struct{ Next *node }
	ring := &node{}
	ring.Next = ring
	for name, v := range map[string]any{
		"function": func() {}, "channel": make(chan int), "not UTF-8": "a\xff", "cycle": cycle, "loop": loop, "ring": ring,
		"nested": map[string]any{"a": []any{1, make(chan int)}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := c.Append([]byte("kept"), v, nil)
			require.Equal(t, "kept", string(out))
			var refused *codec.EncodeError
			require.ErrorAs(t, err, &refused)
			if name == "nested" {
				require.Equal(t, "a[1]", refused.Path)
			}
		})
	}
	_, err := c.Append(nil, []any{unwritable{}}, nil)
	require.ErrorIs(t, err, errUnwritable)
	var deep any
	for range 201 {
		deep = []any{deep}
	}
	_, err = c.Append(nil, deep, nil)
	var limit *codec.LimitError
	require.ErrorAs(t, err, &limit)
}

func ordered(t *testing.T, c codec.Codec) {
	data, err := c.Append(nil, []any{codec.NewDict("z", 1, "a", codec.NewDict())}, nil)
	require.NoError(t, err)
	var v []any
	require.NoError(t, c.Unmarshal(data, &v, &codec.Options{OrderedDicts: true}))
	d, ok := v[0].(*codec.Dict)
	require.True(t, ok)
	var keys []any
	for k := range d.Keys() {
		keys = append(keys, k)
	}
	require.Equal(t, []any{"z", "a"}, keys)
	inner, _ := d.Get("a")
	require.IsType(t, &codec.Dict{}, inner)
}

func none(t *testing.T, c codec.Codec) {
	data, err := c.Append(nil, nil, nil)
	require.NoError(t, err)
	s, m, p, i, b := []string{"x"}, map[string]int{"x": 1}, new(int), any(1), []byte("x")
	for _, dst := range []any{&s, &m, &p, &i, &b} {
		require.NoError(t, c.Unmarshal(data, dst, nil))
	}
	require.Nil(t, s)
	require.Nil(t, m)
	require.Nil(t, p)
	require.Nil(t, i)
	require.Nil(t, b)
	for _, dst := range []any{new(string), new(int), new(bool), new(float64), new([1]int), new(pair), new(time.Time), new(codec.Set)} {
		require.Error(t, c.Unmarshal(data, dst, nil), "%T", dst)
	}
	nils := []any{[]int(nil), map[string]int(nil), (*int)(nil), (*big.Int)(nil), (*codec.Dict)(nil), (*time.Time)(nil)}
	data, err = c.Append(nil, nils, nil)
	require.NoError(t, err)
	var got []any
	require.NoError(t, c.Unmarshal(data, &got, nil))
	require.Equal(t, []any{[]any{}, map[string]any{}, nil, nil, nil, nil}, got)
}
