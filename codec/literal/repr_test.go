package literal_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

// What Python 3.11 prints.
func TestString(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	autumn := time.Date(2020, 10, 25, 0, 30, 0, 0, time.UTC)
	tests := []struct {
		v    any
		want string
	}{
		{nil, "None"},
		{true, "True"},
		{false, "False"},
		{-5, "-5"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{bigInt("123456789012345678901234567890"), "123456789012345678901234567890"},
		{2.0, "2.0"},
		{1e16, "1e+16"},
		{1e15, "1000000000000000.0"},
		{0.0001, "0.0001"},
		{0.00001, "1e-05"},
		{math.Copysign(0, -1), "-0.0"},
		{5e-324, "5e-324"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{math.NaN(), "nan"},
		{math.Inf(-1), "-inf"},
		{complex(1, -2), "(1-2j)"},
		{complex(0, 4.5), "4.5j"},
		{complex(0, -4), "-4j"},
		{complex(math.Copysign(0, -1), 1), "(-0+1j)"},
		{complex(1, math.Copysign(0, -1)), "(1-0j)"},
		{complex(1e16, 1e-5), "(1e+16+1e-05j)"},
		{complex(math.NaN(), math.Inf(-1)), "(nan-infj)"},
		{complex(0, math.NaN()), "nanj"},
		{"it's", `"it's"`},
		{`it's "x"`, `'it\'s "x"'`},
		{"\x00\n\r\t\\é☃\u00a0\u00ad\u2028\U0001f600\U000e0001", `'\x00\n\r\t\\é☃\xa0\xad\u2028` + "\U0001f600" + `\U000e0001'`},
		{"\xed\xa0\x80", `'\ud800'`},
		{"a\xffé\x80", `'a\udcffé\udc80'`},
		{[]byte("a'\x00\n\xff"), `b"a'\x00\n\xff"`},
		{[]byte{}, "b''"},
		{[]any{}, "[]"},
		{[]any{1, "a", []any{nil}}, "[1, 'a', [None]]"},
		{codec.Tuple{}, "()"},
		{codec.Tuple{1}, "(1,)"},
		{codec.Tuple{1, 2}, "(1, 2)"},
		{codec.Set{}, "set()"},
		{codec.NewSet(1, "a"), "{1, 'a'}"},
		{codec.Set{Frozen: true}, "frozenset()"},
		{codec.NewFrozenSet(1, 2), "frozenset({1, 2})"},
		{codec.NewDict("b", 1, 2, codec.NewDict()), "{'b': 1, 2: {}}"},
		{map[string]any{"b": 1.0, "a": true}, "{'a': True, 'b': 1.0}"},
		{codec.NewDict("__class__", "m.C"), "{'__class__': 'm.C'}"},
		{time.Date(2020, 2, 29, 13, 14, 0, 0, codec.Naive), "datetime.datetime(2020, 2, 29, 13, 14)"},
		{time.Date(2020, 2, 29, 0, 0, 15, 0, codec.Naive), "datetime.datetime(2020, 2, 29, 0, 0, 15)"},
		{time.Date(2020, 2, 29, 0, 0, 0, 678999, codec.Naive), "datetime.datetime(2020, 2, 29, 0, 0, 0, 678)"},
		{time.Date(2020, 1, 1, 1, 0, 0, 0, time.UTC), "datetime.datetime(2020, 1, 1, 1, 0, tzinfo=datetime.timezone.utc)"},
		{
			time.Date(2020, 1, 1, 1, 0, 0, 0, time.FixedZone("", -3600)),
			"datetime.datetime(2020, 1, 1, 1, 0, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=82800)))",
		},
		{
			time.Date(2020, 1, 1, 1, 0, 0, 0, time.FixedZone("CET", 3600)),
			"datetime.datetime(2020, 1, 1, 1, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600), 'CET'))",
		},
		{
			time.Date(2020, 1, 1, 1, 0, 0, 0, time.FixedZone("UTC+01:00", 3600)), // Python's own name for it
			"datetime.datetime(2020, 1, 1, 1, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=3600)))",
		},
		{autumn.In(berlin), "datetime.datetime(2020, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))"},
		{
			autumn.Add(time.Hour).In(berlin),
			"datetime.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))",
		},
		{time.Duration(0), "datetime.timedelta(0)"},
		{-time.Microsecond, "datetime.timedelta(days=-1, seconds=86399, microseconds=999999)"},
		{25 * time.Hour, "datetime.timedelta(days=1, seconds=3600)"},
		{codec.Date{Year: 2020, Month: 2, Day: 29}, "datetime.date(2020, 2, 29)"},
		{codec.TimeOfDay{}, "datetime.time(0, 0)"},
		{
			codec.TimeOfDay{Hour: 1, Second: 2, Zone: time.UTC, Fold: true},
			"datetime.time(1, 0, 2, tzinfo=datetime.timezone.utc, fold=1)",
		},
		{codec.Decimal("1.50"), "Decimal('1.50')"},
		{codec.Decimal(""), "Decimal('0')"},
		{uuid.MustParse("12345678-1234-5678-1234-567812345678"), "UUID('12345678-1234-5678-1234-567812345678')"},
		{codec.Global("builtins.Ellipsis"), "Ellipsis"},
		{codec.Global("collections.deque"), "collections.deque"},
		{codec.ArrayOf([]float64{1, 2.5}), "array('d', [1.0, 2.5])"},
		{codec.ArrayOf([]float32{0.1}), "array('f', [0.10000000149011612])"},
		{codec.ArrayOf([]uint64{math.MaxUint64}), "array('Q', [18446744073709551615])"},
		{codec.ArrayOf([]int8{}), "array('b')"},
		{codec.Array{Code: 'u', Values: "a'"}, `array('u', "a'")`},
		{codec.Array{Code: 'u', Values: ""}, "array('u')"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			require.Equal(t, tt.want, literal.String(tt.v))
			require.Equal(t, "x"+tt.want, string(literal.Append([]byte("x"), tt.v)))
		})
	}
}

type point struct {
	_    struct{} `pyro:",tuple"`
	X, Y int
}

type order struct {
	Item  string          `pyro:"item"`
	At    time.Time       `pyro:"at"`
	Price *codec.Decimal  `pyro:"price"`
	Tags  map[string]bool `pyro:"tags,omitempty"`
	Where any             `pyro:"where"`
}

type level int

func (l level) MarshalText() ([]byte, error) {
	if l < 0 {
		return nil, errors.New("no such\x1b level")
	}
	return []byte{'L', '0' + byte(l)}, nil
}

// Go's own types are printed as what they are sent as.
func TestStringOfGoTypes(t *testing.T) {
	price := codec.Decimal("1.5")
	tests := []struct {
		v    any
		want string
	}{
		{uint64(math.MaxUint64), "18446744073709551615"},
		{float32(0.1), "0.1"},
		{complex64(complex(0, 1)), "1j"},
		{[]string{"a", "b"}, "['a', 'b']"},
		{[2][]byte{{1}, nil}, `[b'\x01', b'']`},
		{map[int]string{2: "b", 1: "a"}, "{1: 'a', 2: 'b'}"},
		{map[string]struct{}{"a": {}}, "{'a'}"},
		{map[point]bool{{X: 1, Y: 2}: true}, "{(1, 2): True}"},
		{point{X: 1, Y: 2}, "(1, 2)"},
		{
			order{Item: "tea", At: time.Date(2020, 1, 1, 0, 0, 0, 0, codec.Naive), Price: &price, Where: &point{X: 1}},
			"{'item': 'tea', 'at': datetime.datetime(2020, 1, 1, 0, 0), 'price': Decimal('1.5'), 'where': (1, 0)}",
		},
		{(*order)(nil), "None"},
		{(*codec.Dict)(nil), "None"},
		{level(3), "'L3'"},
		{[]time.Duration{time.Second}, "[datetime.timedelta(seconds=1)]"},
		{[]codec.NDArray{codec.NDArrayOf([]int8{1})}, "[array([1], dtype='|i1')]"},
		{[]codec.Array{codec.ArrayOf([]int8{1})}, "[array('b', [1])]"},
		{[]codec.Set{codec.NewFrozenSet(1), {}}, "[frozenset({1}), set()]"},
		{codec.ValueOf([]any{1}), "[1]"},
		{codec.RawValue([]byte("(1,)"), serpent.Codec, nil), "(1,)"},
		{make(chan int), "<chan int: literal: cannot encode chan int: Python has nothing like it>"},
		{level(-1), `<literal_test.level: literal: cannot encode literal_test.level: no such\x1b level>`},
		{[]any{func() {}, 1}, "[<func(): literal: cannot encode func(): Python has nothing like it>, 1]"},
		{codec.RawValue([]byte("("), serpent.Codec, nil), "<codec.Value: serpent: unexpected end at byte 1>"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) { require.Equal(t, tt.want, literal.String(tt.v)) })
	}
}

type place struct{ Name string }

func (p place) String() string { return "at '" + p.Name + "'" }

type secretive struct{ Key string }

func (*secretive) Format(f fmt.State, _ rune) { fmt.Fprint(f, "secretive") }

func TestStringOfInstances(t *testing.T) {
	codec.RegisterType[*place](codec.Default, "literal_test.Place")
	codec.RegisterType[secretive](codec.Default, "literal_test.Secretive")
	type tagged struct{ A int }
	codec.RegisterType[tagged](codec.Default, "literal_test.Tagged")
	exception := map[string]any{"__exception__": true, "args": codec.Tuple{"wrong", int64(42)}, "attributes": codec.NewDict()}
	tests := []struct {
		v    any
		want string
	}{
		{codec.Object{Class: "m.C", Attrs: map[string]any{"x": 1, "a": []any{nil}}}, "m.C(a=[None], x=1)"},
		{codec.Object{Class: "m.C"}, "m.C()"},
		{codec.Object{Class: "m.f.<locals>.C", Attrs: map[string]any{"é1": 1}}, "m.f.<locals>.C(é1=1)"},
		{codec.Object{Class: "a b\x1b(", Attrs: map[string]any{"1 x": 1}}, `'a b\x1b('('1 x'=1)`},
		{codec.Object{Class: "builtins.ValueError", Attrs: exception}, "ValueError('wrong', 42)"},
		{codec.Object{Class: "m.MyError", Attrs: exception}, "m.MyError('wrong', 42)"},
		{[]codec.Object{{Class: "m.E", Attrs: exception}}, "[m.E('wrong', 42)]"},
		{
			codec.Object{Class: "fractions.Fraction", Reduction: &codec.Reduction{Call: true, Args: codec.Tuple{"1/3"}}},
			"fractions.Fraction('1/3')",
		},
		{
			codec.Object{Class: "m.C", Attrs: map[string]any{"x": 1}, Reduction: &codec.Reduction{
				Args: codec.Tuple{1}, Kwargs: codec.NewDict("k", 2), State: codec.Tuple{3}, Items: []any{4}, Pairs: codec.NewDict(5, 6),
			}},
			"m.C(1, k=2, x=1, __setstate__=(3,), extend=[4], update={5: 6})",
		},
		{tagged{1}, "literal_test.Tagged(A=1)"},
		{[]any{&place{"x\n"}}, `[<place at \x27x\x0a\x27>]`},
		{[]*place{{"x"}}, "[literal_test.Place(Name='x')]"},
		{(*place)(nil), "None"},
		{[]any{&secretive{"key"}}, "[<secretive>]"},
		{
			codec.Object{Class: "Pyro4.core.Proxy", Attrs: map[string]any{"state": codec.Tuple{"PYRO:x@h:1", 1, 2, 3, 4, "b64:key"}}},
			"Pyro4.core.Proxy('PYRO:x@h:1')",
		},
		{codec.Object{Class: "Pyro5.client.Proxy", Attrs: map[string]any{"state": nil}}, "Pyro5.client.Proxy()"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) { require.Equal(t, tt.want, literal.String(tt.v)) })
	}
}

func TestStringOfNDArrays(t *testing.T) {
	seq := func(n int) []uint16 {
		out := make([]uint16, n)
		for i := range out {
			out[i] = uint16(i)
		}
		return out
	}
	scalar := func(dtype string, data ...byte) codec.NDArray { return codec.NDArray{DType: dtype, Data: data} }
	fortran := codec.NDArrayOf(seq(6), 2, 3)
	fortran.FortranOrder = true
	big := codec.NDArrayOf(seq(1), 1)
	big.DType, big.Data = ">u2", []byte{1, 2}
	tests := []struct {
		v    codec.NDArray
		want string
	}{
		{codec.NDArrayOf([]uint16{1, 2, 3, 4}, 2, 2), "array([[1, 2], [3, 4]], dtype='<u2')"},
		{fortran, "array([[0, 2, 4], [1, 3, 5]], dtype='<u2')"},
		{big, "array([258], dtype='>u2')"},
		{codec.NDArrayOf([]float32{0.1, float32(math.Inf(1))}), "array([0.1, inf], dtype='<f4')"},
		{codec.NDArrayOf([]float64{0.1, 1}), "array([0.1, 1.0], dtype='<f8')"},
		{codec.NDArrayOf([]complex64{0.1 + 2i}), "array([(0.1+2j)], dtype='<c8')"},
		{codec.NDArrayOf([]bool{true, false}), "array([True, False], dtype='|b1')"},
		{codec.NDArray{DType: "<u2", Shape: []int{}, Data: []byte{5, 0}}, "array(5, dtype='<u2')"},
		{codec.NDArray{DType: "<u2", Shape: []int{0}}, "array([], dtype='<u2')"},
		{codec.NDArray{DType: "<u2", Shape: []int{1<<31 - 1, 0}}, "array([], shape=(2147483647, 0), dtype='<u2')"},
		{
			codec.NDArrayOf(seq(1001)),
			"array([0, 1, 2, ..., 998, 999, 1000], shape=(1001,), dtype='<u2')",
		},
		{
			codec.NDArrayOf(seq(4*400), 4, 400),
			"array([[0, 1, 2, ..., 397, 398, 399], [400, 401, 402, ..., 797, 798, 799], [800, 801, 802, ..., 1197, 1198, 1199], " +
				"[1200, 1201, 1202, ..., 1597, 1598, 1599]], shape=(4, 400), dtype='<u2')",
		},
		{scalar("<u2", 5, 0), "np.uint16(5)"},
		{scalar("<f4", 0xcd, 0xcc, 0xcc, 0x3d), "np.float32(0.1)"},
		{scalar("|b1", 1), "np.True_"},
		{scalar("<u2", 5), "array(<1 bytes>, shape=None, dtype='<u2')"},
		{codec.NDArray{DType: "<M8[ns]", Shape: []int{1}, Data: make([]byte, 8)}, "array(<8 bytes>, shape=(1,), dtype='<M8[ns]')"},
		{codec.NDArray{DType: "<u2", Shape: []int{3}, Data: make([]byte, 8)}, "array(<8 bytes>, shape=(3,), dtype='<u2')"},
		{codec.NDArray{DType: "<u2", Shape: []int{-1, -1}, Data: make([]byte, 2)}, "array(<2 bytes>, shape=(-1, -1), dtype='<u2')"},
		{codec.NDArray{DType: "", Shape: []int{1<<31 - 1, 1<<31 - 1}}, "array(<0 bytes>, shape=(2147483647, 2147483647), dtype='')"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) { require.Equal(t, tt.want, literal.String(tt.v)) })
	}
	deep := codec.NDArrayOf([]uint8{7}, 1)
	deep.Shape = make([]int, 100000)
	for i := range deep.Shape {
		deep.Shape[i] = 1
	}
	require.Less(t, len(literal.String(deep)), 1000)
}

// Where Python ends with a RecursionError, and where values cannot end at all.
func TestStringEnds(t *testing.T) {
	list := []any{1, nil}
	list[1] = list
	require.Equal(t, "[1, [...]]", literal.String(list))
	m := map[string]any{}
	m["m"] = m
	require.Equal(t, "{'m': {...}}", literal.String(m))
	d := codec.NewDict()
	d.Set("d", []any{d, d})
	require.Equal(t, "{'d': [{...}, {...}]}", literal.String(d))
	o := codec.Object{Class: "m.C", Attrs: map[string]any{}}
	o.Attrs["o"] = o
	require.Equal(t, "m.C(o=...)", literal.String(o))
	shared := []any{1}
	require.Equal(t, "[[1], [1]]", literal.String([]any{shared, shared}))
	type node struct{ Next *node }
	n := &node{}
	n.Next = n
	require.Equal(t, "<*literal_test.node: ", literal.String(n)[:21])

	deep := []any{}
	for range 100000 {
		deep = []any{deep}
	}
	require.Equal(t, strings.Repeat("[", 1001)+"..."+strings.Repeat("]", 1001), literal.String(deep))
}

// Python cannot print so long an int, but reads it in hexadecimal.
func TestStringOfLongInts(t *testing.T) {
	short := bigInt(strings.Repeat("9", 4300))
	require.Equal(t, strings.Repeat("9", 4300), literal.String(short))
	long := bigInt("-0x1" + strings.Repeat("0", 4000))
	require.Equal(t, "-0x1"+strings.Repeat("0", 4000), literal.String(long))
	v, err := literal.Parse(literal.String(long))
	require.NoError(t, err)
	require.True(t, reflect.DeepEqual(long, v))
}
