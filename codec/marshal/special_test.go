package marshal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/marshal"
)

func TestConstants(t *testing.T) {
	list := []any{codec.Global("builtins.Ellipsis"), codec.Global("builtins.StopIteration"), nil}
	const written = "[\x03\x00\x00\x00.SN"
	data, err := marshal.Marshal(list)
	require.NoError(t, err)
	require.Equal(t, written, string(data))
	var v any
	require.NoError(t, marshal.Unmarshal(data, &v))
	require.Equal(t, list, v)
	var typed []codec.Global
	require.NoError(t, marshal.Unmarshal([]byte("[\x01\x00\x00\x00."), &typed))
	require.Equal(t, []codec.Global{"builtins.Ellipsis"}, typed)
	require.ErrorContains(t, marshal.Unmarshal([]byte("."), new(int)), "want int, found object")

	key := codec.NewDict(codec.Global("builtins.Ellipsis"), 1)
	data, err = marshal.Marshal(key)
	require.NoError(t, err)
	require.Equal(t, "{.i\x01\x00\x00\x000", string(data))

	_, err = marshal.Marshal([]any{codec.Global("os.system")})
	var refused *codec.EncodeError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "[0]", refused.Path)
}

// A slice is read as pickle reads it. It is not written: Python reads it from 3.14 on only.
func TestSlices(t *testing.T) {
	want := codec.Object{Class: "builtins.slice", Reduction: &codec.Reduction{Call: true, Args: codec.Tuple{int64(1), nil, int64(2)}}}
	var v []any
	in := "[\x03\x00\x00\x00\xba\xe9\x01\x00\x00\x00Ni\x02\x00\x00\x00r\x00\x00\x00\x00r\x01\x00\x00\x00"
	require.NoError(t, marshal.Unmarshal([]byte(in), &v))
	require.Equal(t, []any{want, want, int64(1)}, v)
	var rest struct {
		_    struct{} `pyro:",tuple"`
		Last int
	}
	require.Error(t, marshal.Unmarshal([]byte(in), &rest)) // two elements too many, passed over
	_, err := marshal.Marshal(want)
	var refused *codec.EncodeError
	require.ErrorAs(t, err, &refused)
	for _, in := range []string{":NN", ":NN[\x00\x00\x00\x00", "\xdb\x01\x00\x00\x00:NNr\x00\x00\x00\x00"} {
		require.Error(t, marshal.Unmarshal([]byte(in), new(any)), "%q", in)
	}
}

func TestFrozenSets(t *testing.T) {
	var v any
	require.NoError(t, marshal.Unmarshal([]byte("[\x02\x00\x00\x00<\x01\x00\x00\x00i\x01\x00\x00\x00>\x01\x00\x00\x00i\x02\x00\x00\x00"), &v))
	require.Equal(t, []any{codec.NewSet(int64(1)), codec.NewFrozenSet(int64(2))}, v)

	// {frozenset({1}): 1, (frozenset({'a'}),): 2}, as Python 3.11 writes it
	var d *codec.Dict
	in := "{>\x01\x00\x00\x00\xe9\x01\x00\x00\x00r\x00\x00\x00\x00)\x01>\x01\x00\x00\x00\xda\x01a\xe9\x02\x00\x00\x000"
	require.NoError(t, marshal.Unmarshal([]byte(in), &d))
	n, ok := d.Get(codec.NewFrozenSet(1))
	require.True(t, ok)
	require.Equal(t, int64(1), n)
	n, ok = d.Get(codec.Tuple{codec.NewFrozenSet("a")})
	require.True(t, ok)
	require.Equal(t, int64(2), n)
}

// What is written as a key can be one in Python.
func TestKeysCanBeHashed(t *testing.T) {
	type key struct {
		_ struct{} `pyro:",tuple"`
		A any
	}
	one := codec.NewSet(int64(1))
	for name, tt := range map[string]struct {
		v    any
		want any
	}{
		"set":                   {codec.NewDict(one, 1), codec.NewFrozenSet(int64(1))},
		"set in a tuple":        {codec.NewDict(codec.Tuple{one, 2.5, "x", true, nil, int64(1) << 40, 1i, []byte("b")}, 1), codec.Tuple{codec.NewFrozenSet(int64(1)), 2.5, "x", true, nil, int64(1) << 40, 1i, []byte("b")}},
		"set in a set":          {codec.NewDict(codec.NewFrozenSet(one), 1), codec.NewFrozenSet(codec.NewFrozenSet(int64(1)))},
		"set in a tuple of one": {map[any]int{key{A: 5}: 1}, codec.Tuple{int64(5)}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := marshal.Marshal(tt.v)
			require.NoError(t, err)
			var d *codec.Dict
			require.NoError(t, marshal.Unmarshal(data, &d))
			for k := range d.Keys() {
				require.Equal(t, tt.want, k)
			}
		})
	}
	for name, v := range map[string]any{
		"array":          map[[1]int]int{{1}: 1},
		"array in tuple": map[key]int{{A: [1]int{1}}: 1},
		"dict in tuple":  map[key]int{{A: struct{ X int }{1}}: 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := marshal.Marshal(v)
			require.ErrorContains(t, err, "unhashable key")
		})
	}
}

// None, True and False have no number among the objects that are referred to, even if they are flagged.
func TestReferencesAreNumberedAsInPython(t *testing.T) {
	var v any
	in := "\xdb\x03\x00\x00\x00\xce\xe9\x05\x00\x00\x00r\x01\x00\x00\x00"
	require.NoError(t, marshal.Unmarshal([]byte(in), &v))
	require.Equal(t, []any{nil, int64(5), int64(5)}, v)

	// What is read again, because it is referred to, gets no second number: [a], the same, b, the same.
	in = ")\x04" + "\xdb\x01\x00\x00\x00\xfa\x01a" + "r\x00\x00\x00\x00" + "\xfa\x01b" + "r\x02\x00\x00\x00"
	require.NoError(t, marshal.Unmarshal([]byte(in), &v))
	require.Equal(t, codec.Tuple{[]any{"a"}, []any{"a"}, "b", "b"}, v)
}

func TestShareInput(t *testing.T) {
	type blob []byte
	data, err := marshal.Marshal([]any{[]byte("abc")})
	require.NoError(t, err)
	for _, share := range []bool{false, true} {
		o := &codec.Options{ShareInput: share}
		var tree any
		var typed [][]byte
		var named []blob
		require.NoError(t, marshal.Codec.Unmarshal(data, &tree, o))
		require.NoError(t, marshal.Codec.Unmarshal(data, &typed, o))
		require.NoError(t, marshal.Codec.Unmarshal(data, &named, o))
		got := [][]byte{tree.([]any)[0].([]byte), typed[0], named[0]}
		data[len(data)-3] = 'X'
		for _, b := range got {
			require.Equal(t, share, b[0] == 'X')
			require.Equal(t, len(b), cap(b)) // appending to it must not write into the input
		}
		data[len(data)-3] = 'a'
	}
}
