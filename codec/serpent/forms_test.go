package serpent_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

type onlyPointer struct{ s string }

func (o *onlyPointer) MarshalText() ([]byte, error) { return []byte(o.s), nil }

type inner struct{ A, B int }

type Middle struct {
	B int `pyro:"B"`
	C int
}

type outer struct {
	inner
	*Middle
	D int
}

func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := serpent.Marshal(v)
	require.NoError(t, err)
	return string(data[len("# serpent utf-8 python3.2\n"):])
}

func TestForms(t *testing.T) {
	type key struct {
		_ struct{} `pyro:",tuple"`
		X int
	}
	type text string
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"strings", []string{"a", "b"}, "['a','b']"},
		{"text of a pointer", []*onlyPointer{{"x"}}, "['x']"},
		{"text of what has a place", []onlyPointer{{"x"}}, "['x']"},
		{"nearer field", outer{inner{1, 2}, &Middle{3, 4}, 5}, "{'A':1,'B':3,'C':4,'D':5}"},
		{"embedded nil", outer{inner: inner{1, 2}}, "{'A':1,'D':0}"},
		{"float32", float32(0.1), "0.1"},
		{"large float32", float32(1e20), "1e+20"},
		{"numbers as keys", map[float64]int{2.5: 1, -1: 2}, "{-1.0:2,2.5:1}"},
		{"uints as keys", map[uint8]int{200: 1, 3: 2}, "{3:2,200:1}"},
		{"bools as keys", map[bool]int{true: 1}, "{True:1}"},
		{"named text as keys", map[text]int{"b": 1, "a": 2}, "{'a':2,'b':1}"},
		{"tuples as keys", map[key]string{{X: 2}: "b", {X: 1}: "a"}, "{(1,):'a',(2,):'b'}"},
		{"set", map[int]struct{}{3: {}, 1: {}}, "{1,3}"},
		{"empty set", map[int]struct{}{}, "()"},
		{"complex", complex64(complex(1, -2)), "(1.0-2.0j)"},
		{"pointer to dict", codec.NewDict(1, codec.NewSet()), "{1:()}"},
		{"dict by value", *codec.NewDict("a", 1), "{'a':1}"},
		{"object", codec.Object{Class: "m.C", Attrs: map[string]any{"b": 1, "a": 2}}, "{'a':2,'b':1,'__class__':'m.C'}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, encode(t, tt.v)) })
	}
	_, err := serpent.Marshal(map[[2]int]int{{}: 1})
	require.ErrorContains(t, err, "must be a str, number or tuple")
	_, err = serpent.Marshal(codec.NewDict(nil, 1))
	require.ErrorContains(t, err, "not None")
	_, err = serpent.Codec.AppendBatch(nil, "o", []codec.BatchEntry{{Method: "m", Args: []any{func() {}}}}, nil)
	require.ErrorContains(t, err, "batch[0].args[0]")
}

// What stands in parentheses is itself, wherever it goes.
func TestGroups(t *testing.T) {
	type point struct{ X, Y float64 }
	var p point
	require.NoError(t, serpent.Unmarshal([]byte("(({'X': (1), 'Y': ((2.5))}))"), &p))
	require.Equal(t, point{1, 2.5}, p)
	var l [][]int
	require.NoError(t, serpent.Unmarshal([]byte("([([1]), (2, 3), ((4),), ()])"), &l))
	require.Equal(t, [][]int{{1}, {2, 3}, {4}, {}}, l)
	require.NoError(t, serpent.Unmarshal([]byte("[1],(2,)"), &l)) // a tuple without parentheses
	require.Equal(t, [][]int{{1}, {2}}, l)
	var one []int
	require.NoError(t, serpent.Unmarshal([]byte("1,"), &one))
	require.Equal(t, []int{1}, one)
	require.Error(t, serpent.Unmarshal([]byte("(1)"), &one))
	var z complex128
	require.NoError(t, serpent.Unmarshal([]byte("((3)+(4j))"), &z))
	require.Equal(t, complex(3, 4), z)
	var s string
	require.NoError(t, serpent.Unmarshal([]byte("('a' \n 'b')"), &s))
	require.Equal(t, "ab", s)
	require.Error(t, serpent.Unmarshal([]byte("('a',)"), &s))
	require.Error(t, serpent.Unmarshal([]byte("({'X':1},)"), &p))
}

func TestPrefixesOfStrings(t *testing.T) {
	for _, data := range []string{"r'a'", "U'a'", "(b'a')", "bR'a'", "Rb'a'"} {
		var v any
		require.NoError(t, serpent.Unmarshal([]byte(data), &v), data)
	}
	for _, data := range []string{"f'a'", "ur'a'", "bb'a'", "rbr'a'", "rbuf'a'", "rb"} {
		var v any
		require.Error(t, serpent.Unmarshal([]byte(data), &v), data)
		var s string
		require.Error(t, serpent.Unmarshal([]byte(data), &s), data)
	}
}

// An instance of a registered type is filled from the generic tree when nobody asks for the type.
func TestInstancesOfAllKindsOfFields(t *testing.T) {
	type all struct {
		S string
		I int
		B bool
		F float64
		N float64
		C complex128
		R []byte
		L []any
		T codec.Tuple
		M map[string]int
		E codec.Set
		P *int
		D *codec.Dict
	}
	r := codec.NewRegistry()
	codec.RegisterType[all](r, "m.All")
	in := "{'S':'s','I':1,'B':True,'F':1.5,'N':{'__class__':'float','value':'-inf'},'C':2j,'R':b'r','L':[1],'T':(2,)," +
		"'M':{'a':1},'E':{3},'P':None,'D':{4:5},'__class__':'m.All','unknown':{6}}"
	var v any
	require.NoError(t, serpent.Codec.Unmarshal([]byte(in), &v, &codec.Options{Registry: r}))
	var want all
	require.NoError(t, serpent.Codec.Unmarshal([]byte(in), &want, &codec.Options{Registry: r}))
	require.Equal(t, want, v)
}
