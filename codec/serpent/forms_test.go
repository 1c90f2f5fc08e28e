package serpent_test

import (
	"math"
	"testing"
	"time"

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
		{"complex with a negative zero", complex(1, math.Copysign(0, -1)), "(1.0-0.0j)"},
		{"frozenset", codec.NewFrozenSet(1, 2), "{1,2}"},
		{"empty frozenset", codec.NewFrozenSet(), "()"},
		{"bytes as a key", codec.NewDict([]byte("a{'"), 1), `{b"a{'":1}`},
		{"bytes in a key", codec.NewDict(codec.Tuple{[]byte("a"), "{[", codec.Tuple{1.5}}, 1), "{(b'a','{[',(1.5,)):1}"},
		{"bytes in a set", codec.NewSet([]byte("a")), "{b'a'}"},
		{"array", codec.ArrayOf([]uint8{1, 2}), "[1,2]"},
		{"array of floats", codec.ArrayOf([]float32{0.1}), "[0.1]"},
		{"array of text", codec.Array{Code: 'u', Values: "ab"}, "'ab'"},
		{"date", codec.Date{Year: 2020, Month: 2, Day: 29}, "'2020-02-29'"},
		{"time of day", codec.TimeOfDay{Hour: 1, Microsecond: 5}, "'01:00:00.000005'"},
		{"timedelta", 1252533 * time.Microsecond, "1.252533"},
		{"timedelta of nanoseconds", time.Duration(1500000001), "1.500000001"},
		{"decimal", codec.Decimal("1.50"), "'1.50'"},
		{"pointer to dict", codec.NewDict(1, codec.NewSet()), "{1:()}"},
		{"dict by value", *codec.NewDict("a", 1), "{'a':1}"},
		{"object", codec.Object{Class: "m.C", Attrs: map[string]any{"b": 1, "a": 2}}, "{'a':2,'b':1,'__class__':'m.C'}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, encode(t, tt.v)) })
	}
	_, err := serpent.Marshal(map[[2]int]int{{}: 1})
	require.ErrorContains(t, err, "must be a str, number, bytes or tuple of such, not list")
	_, err = serpent.Marshal(codec.NewDict(nil, 1))
	require.ErrorContains(t, err, "not None")
	for _, key := range []any{math.NaN(), codec.Tuple{math.NaN()}, codec.Tuple{codec.NewSet(1)}, codec.NewFrozenSet(1)} {
		_, err = serpent.Marshal(codec.NewDict(key, 1))
		require.ErrorContains(t, err, "key", "%v", key)
	}
	_, err = serpent.Marshal(codec.NDArrayOf([]int16{1}))
	require.ErrorContains(t, err, "send lists")
	_, err = serpent.Marshal(codec.Global("builtins.Ellipsis"))
	require.ErrorContains(t, err, "pickle")
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

// arguments collects all of them.
type arguments struct{ args []*any }

func (a *arguments) Positional(i int) (any, error) {
	a.args = append(a.args[:i], new(any))
	return a.args[i], nil
}

func (a *arguments) Keyword([]byte) (any, error) { return new(any), nil }
func (a *arguments) None(bool) error             { return nil }

// Parentheses around the arguments need not be those of a tuple.
func TestGroupedArguments(t *testing.T) {
	for in, want := range map[string][]any{
		"(['a'])":            {"a"},
		"( # c\n['a',2] )":   {"a", int64(2)},
		"([])":               {},
		"((1,))":             {int64(1)},
		"(((1,2)))":          {int64(1), int64(2)},
		"(['a'],)":           {[]any{"a"}},
		"(['a'],[1])":        {[]any{"a"}, []any{int64(1)}},
		"((1,),2)":           {codec.Tuple{int64(1)}, int64(2)},
		"(([1]),)":           {[]any{int64(1)}},
		"([([1]),(2,), 3])":  {[]any{int64(1)}, codec.Tuple{int64(2)}, int64(3)},
		"(['),(', \"],\"])":  {"),(", "],"},
		"(('a' 'b',), None)": {codec.Tuple{"ab"}, nil},
	} {
		t.Run(in, func(t *testing.T) {
			h, err := serpent.Codec.OpenCall([]byte("('o','m',"+in+",{})"), nil)
			require.NoError(t, err)
			var sink arguments
			require.NoError(t, serpent.Codec.DecodeArgs(h, &sink, nil))
			got := []any{}
			for _, a := range sink.args {
				got = append(got, *a)
			}
			require.Equal(t, want, got)
		})
	}
	for _, in := range []string{"('a')", "(1)", "({1})", "(['a']", "((['a'])", "([1]) ([2])"} {
		h, err := serpent.Codec.OpenCall([]byte("('o','m',"+in+",{})"), nil)
		require.NoError(t, err)
		require.Error(t, serpent.Codec.DecodeArgs(h, &arguments{}, nil), in)
	}

	h, err := serpent.Codec.OpenCall([]byte("('o','<batch>',([(('m',(['a']),{})),('n',(1,),{})]),None)"), nil)
	require.NoError(t, err)
	var methods []string
	var args []any
	for e, err := range serpent.Codec.OpenBatch(h, nil) {
		require.NoError(t, err)
		methods = append(methods, string(e.Method))
		var sink arguments
		require.NoError(t, serpent.Codec.DecodeArgs(e, &sink, nil))
		args = append(args, *sink.args[0])
	}
	require.Equal(t, []string{"m", "n"}, methods)
	require.Equal(t, []any{"a", int64(1)}, args)
}

// A number that travels as an instance goes into destinations of other kinds of numbers, too.
func TestNaNIntoComplex(t *testing.T) {
	for _, text := range []string{
		"{'__class__':'float','value':'nan'}",
		"{'__class__':'complex','real':{'__class__':'float','value':'nan'},'imag':1.0}",
	} {
		var c complex128
		require.NoError(t, serpent.Unmarshal([]byte(text), &c), text)
		require.True(t, math.IsNaN(real(c)), "%v", c)
		var small complex64
		require.NoError(t, serpent.Unmarshal([]byte(text), &small))
	}
	var c complex128
	require.Error(t, serpent.Unmarshal([]byte("{'__class__':'other'}"), &c))
	require.Error(t, serpent.Unmarshal([]byte("{'real':1.0}"), &c))
}
