package main

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func bigInt(s string) *big.Int {
	n, _ := new(big.Int).SetString(s, 10)
	return n
}

func TestPrintValue(t *testing.T) {
	uri, err := pyro.ParseURI("PYRO:x@localhost:1")
	require.NoError(t, err)
	proxy, err := service.Connect("PYRO:x@localhost:1")
	require.NoError(t, err)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	custom := &transport.Error{Class: "m.MyError", Args: []any{int64(5)}, Remote: true}
	tests := []struct {
		name              string
		v                 any
		text, json, typed string // typed is empty where it is the same as json
	}{
		{"None", nil, "None", "null", ""},
		{"bool", true, "True", "true", ""},
		{"int", int64(-5), "-5", "-5", ""},
		{"int beyond 64 bits", bigInt("123456789012345678901234567890"), "123456789012345678901234567890", "123456789012345678901234567890", ""},
		{"float without a fraction", 2.0, "2.0", "2.0", ""},
		{"large float", 1e16, "1e+16", "1e+16", ""},
		{"float just below that", 1e15, "1000000000000000.0", "1000000000000000.0", ""},
		{"small float", 0.00001, "1e-05", "1e-05", ""},
		{"minus zero", math.Copysign(0, -1), "-0.0", "-0.0", ""},
		{"NaN", math.NaN(), "nan", `"NaN"`, `{"$type":"float","value":"NaN"}`},
		{"infinity", math.Inf(-1), "-inf", `"-Infinity"`, `{"$type":"float","value":"-Infinity"}`},
		{"complex", complex(1, -2), "(1-2j)", `"(1-2j)"`, `{"$type":"complex","value":"(1-2j)"}`},
		{"imaginary", complex(0, 4), "4j", `"4j"`, `{"$type":"complex","value":"4j"}`},
		{"text", "it's \"x\"\n\x00é", `'it\'s "x"\n\x00é'`, `"it's \"x\"\n\u0000é"`, ""},
		{"lone surrogate", "\xed\xa0\x80", `'\ud800'`, `"\ud800"`, ""},
		{"bytes", []byte("a'\x00\n"), `b"a'\x00\n"`, `"YScACg=="`, `{"$type":"bytes","value":"YScACg=="}`},
		{"list", []any{int64(1), "a"}, "[1, 'a']", `[1,"a"]`, ""},
		{"empty list", []any{}, "[]", "[]", ""},
		{"tuple", codec.Tuple{int64(1)}, "(1,)", "[1]", `{"$type":"tuple","value":[1]}`},
		{"empty tuple", codec.Tuple{}, "()", "[]", `{"$type":"tuple","value":[]}`},
		{"set", codec.NewSet("a"), "{'a'}", `["a"]`, `{"$type":"set","value":["a"]}`},
		{"empty set", codec.Set{}, "set()", "[]", `{"$type":"set","value":[]}`},
		{"dict in order", codec.NewDict("b", int64(1), "a", nil), "{'b': 1, 'a': None}", `{"b":1,"a":null}`, ""},
		{"map", map[string]any{"b": true, "a": 1.5}, "{'a': 1.5, 'b': True}", `{"a":1.5,"b":true}`, ""},
		{"dict with other keys", codec.NewDict(int64(1), "x"), "{1: 'x'}", `[[1,"x"]]`, `{"$type":"dict","value":[[1,"x"]]}`},
		{"dict that looks marked", codec.NewDict("$type", "x"), "{'$type': 'x'}", `{"$type":"x"}`, `{"$type":"dict","value":[["$type","x"]]}`},
		{
			"instance",
			codec.Object{Class: "m.C", Attrs: map[string]any{"x": int64(1)}},
			"m.C(x=1)", `{"__class__":"m.C","x":1}`, `{"$type":"instance","value":{"__class__":"m.C","x":1}}`,
		},
		{
			"exception", transport.NewError("ValueError", "wrong", int64(42)), "ValueError('wrong', 42)",
			`{"__class__":"builtins.ValueError","__exception__":true,"args":["wrong",42],"attributes":{}}`,
			`{"$type":"instance","value":{"__class__":"builtins.ValueError","__exception__":true,"args":["wrong",42],"attributes":{}}}`,
		},
		{
			"exceptions in a list",
			[]any{transport.NewError("ValueError", "wrong"), codec.Tuple{custom}},
			"[ValueError('wrong'), (m.MyError(5),)]",
			`[{"__class__":"builtins.ValueError","__exception__":true,"args":["wrong"],"attributes":{}},` +
				`[{"__class__":"m.MyError","__exception__":true,"args":[5],"attributes":{}}]]`,
			`[{"$type":"instance","value":{"__class__":"builtins.ValueError","__exception__":true,"args":["wrong"],"attributes":{}}},` +
				`{"$type":"tuple","value":[{"$type":"instance","value":{"__class__":"m.MyError","__exception__":true,"args":[5],"attributes":{}}}]}]`,
		},
		{"URI", uri, "<URI PYRO:x@localhost:1>", `"PYRO:x@localhost:1"`, `{"$type":"uri","value":"PYRO:x@localhost:1"}`},
		{"proxy", proxy, "<proxy of PYRO:x@localhost:1>", `"PYRO:x@localhost:1"`, `{"$type":"proxy","value":"PYRO:x@localhost:1"}`},
		{
			"daemon",
			pyro.Daemon{},
			"Pyro5.server.Daemon(state=())",
			`"Pyro5.server.Daemon(state=())"`, `{"$type":"pyro.Daemon","value":"Pyro5.server.Daemon(state=())"}`,
		},
		{"frozenset", codec.NewFrozenSet("a"), "frozenset({'a'})", `["a"]`, `{"$type":"frozenset","value":["a"]}`},
		{
			"naive datetime", time.Date(2020, 2, 29, 13, 14, 0, 678000, codec.Naive), "datetime.datetime(2020, 2, 29, 13, 14, 0, 678)",
			`"2020-02-29T13:14:00.000678"`, `{"$type":"datetime","value":"2020-02-29T13:14:00.000678"}`,
		},
		{
			"aware datetime", time.Date(2020, 7, 29, 13, 14, 0, 0, berlin),
			"datetime.datetime(2020, 7, 29, 13, 14, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))",
			`"2020-07-29T13:14:00+02:00"`, `{"$type":"datetime","value":"2020-07-29T13:14:00+02:00"}`,
		},
		{"date", codec.Date{Year: 2020, Month: 2, Day: 29}, "datetime.date(2020, 2, 29)", `"2020-02-29"`, `{"$type":"date","value":"2020-02-29"}`},
		{"no date", codec.Date{}, "datetime.date(0, 0, 0)", `"datetime.date(0, 0, 0)"`, `{"$type":"date","value":"datetime.date(0, 0, 0)"}`},
		{"time of day", codec.TimeOfDay{Hour: 1, Zone: time.UTC}, "datetime.time(1, 0, tzinfo=datetime.timezone.utc)", `"01:00:00+00:00"`, `{"$type":"time","value":"01:00:00+00:00"}`},
		{"timedelta", 90*time.Second + time.Microsecond, "datetime.timedelta(seconds=90, microseconds=1)", "90.000001", `{"$type":"timedelta","value":90.000001}`},
		{
			"longest timedelta", time.Duration(math.MinInt64), "datetime.timedelta(days=-106752, seconds=763, microseconds=145225)",
			"-9223372036.854775808", `{"$type":"timedelta","value":-9223372036.854775808}`,
		},
		{"no timedelta", time.Duration(0), "datetime.timedelta(0)", "0.0", `{"$type":"timedelta","value":0.0}`},
		{"decimal", codec.Decimal("1.50"), "Decimal('1.50')", `"1.50"`, `{"$type":"decimal","value":"1.50"}`},
		{"UUID", uuid.UUID{15: 1}, "UUID('00000000-0000-0000-0000-000000000001')", `"00000000-0000-0000-0000-000000000001"`, `{"$type":"uuid","value":"00000000-0000-0000-0000-000000000001"}`},
		{"Ellipsis", codec.Global("builtins.Ellipsis"), "Ellipsis", `"builtins.Ellipsis"`, `{"$type":"global","value":"builtins.Ellipsis"}`},
		{"array", codec.ArrayOf([]float64{1, math.NaN()}), "array('d', [1.0, nan])", `[1.0,"NaN"]`, `{"$type":"array","value":{"code":"d","items":[1.0,{"$type":"float","value":"NaN"}]}}`},
		{"array of bytes", codec.ArrayOf([]uint8{255}), "array('B', [255])", `[255]`, `{"$type":"array","value":{"code":"B","items":[255]}}`},
		{"array of large numbers", codec.ArrayOf([]uint64{math.MaxUint64}), "array('Q', [18446744073709551615])", `[18446744073709551615]`, `{"$type":"array","value":{"code":"Q","items":[18446744073709551615]}}`},
		{"array of text", codec.Array{Code: 'u', Values: "ab"}, "array('u', 'ab')", `"ab"`, `{"$type":"array","value":{"code":"u","items":"ab"}}`},
		{
			"numpy array", codec.NDArrayOf([]uint16{1, 2, 3, 4, 5, 6}, 2, 3), "array([[1, 2, 3], [4, 5, 6]], dtype='<u2')",
			"[[1,2,3],[4,5,6]]", `{"$type":"ndarray","value":{"dtype":"<u2","shape":[2,3],"fortran_order":false,"data":"AQACAAMABAAFAAYA"}}`,
		},
		{
			"numpy array in Fortran order",
			codec.NDArray{DType: "|u1", Shape: []int{2, 3}, FortranOrder: true, Data: []byte{1, 4, 2, 5, 3, 6}},
			"array([[1, 2, 3], [4, 5, 6]], dtype='|u1')",
			"[[1,2,3],[4,5,6]]", `{"$type":"ndarray","value":{"dtype":"|u1","shape":[2,3],"fortran_order":true,"data":"AQQCBQMG"}}`,
		},
		{"numpy scalar", codec.NDArray{DType: "|b1", Data: []byte{1}}, "np.True_", "true", `{"$type":"ndarray","value":{"dtype":"|b1","shape":null,"fortran_order":false,"data":"AQ=="}}`},
		{"empty numpy array", codec.NDArray{DType: "|u1", Shape: []int{2, 0}}, "array([], shape=(2, 0), dtype='|u1')", "[[],[]]", `{"$type":"ndarray","value":{"dtype":"|u1","shape":[2,0],"fortran_order":false,"data":""}}`},
		{
			"numpy array of many empty ones",
			codec.NDArray{DType: "|u1", Shape: []int{1 << 30, 0}},
			"array([], shape=(1073741824, 0), dtype='|u1')",
			`{"dtype":"|u1","shape":[1073741824,0],"fortran_order":false,"data":""}`, `{"$type":"ndarray","value":{"dtype":"|u1","shape":[1073741824,0],"fortran_order":false,"data":""}}`,
		},
		{
			"numpy array of dates",
			codec.NDArray{DType: "<M8[s]", Shape: []int{1}, Data: make([]byte, 8)},
			"array(<8 bytes>, shape=(1,), dtype='<M8[s]')",
			`{"dtype":"<M8[s]","shape":[1],"fortran_order":false,"data":"AAAAAAAAAAA="}`, `{"$type":"ndarray","value":{"dtype":"<M8[s]","shape":[1],"fortran_order":false,"data":"AAAAAAAAAAA="}}`,
		},
		{
			"numpy array with too little data",
			codec.NDArray{DType: "<u2", Shape: []int{2}, Data: []byte{1, 0}},
			"array(<2 bytes>, shape=(2,), dtype='<u2')",
			`{"dtype":"<u2","shape":[2],"fortran_order":false,"data":"AQA="}`, `{"$type":"ndarray","value":{"dtype":"<u2","shape":[2],"fortran_order":false,"data":"AQA="}}`,
		},
		{
			"what a call makes",
			codec.Object{Class: "fractions.Fraction", Reduction: &codec.Reduction{Call: true, Args: codec.Tuple{"1/3"}}},
			"fractions.Fraction('1/3')",
			`{"__class__":"fractions.Fraction","__reduce__":{"call":true,"args":["1/3"]}}`,
			`{"$type":"instance","value":{"__class__":"fractions.Fraction","__reduce__":{"call":true,"args":["1/3"]}}}`,
		},
		{
			"what takes more than attributes to make",
			codec.Object{Class: "m.C", Attrs: map[string]any{"x": int64(1)}, Reduction: &codec.Reduction{
				Kwargs: codec.NewDict("k", int64(1)), State: int64(2), Items: []any{int64(3)}, Pairs: codec.NewDict(int64(4), int64(5)),
			}},
			"m.C(k=1, x=1, __setstate__=2, extend=[3], update={4: 5})",
			`{"__class__":"m.C","x":1,"__reduce__":{"call":false,"args":[],"kwargs":{"k":1},"state":2,"items":[3],"pairs":[[4,5]]}}`,
			`{"$type":"instance","value":{"__class__":"m.C","x":1,"__reduce__":{"call":false,"args":[],"kwargs":{"k":1},"state":2,"items":[3],"pairs":{"$type":"dict","value":[[4,5]]}}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.text, string(valuePrinter{}.text(tt.v)))
			got := valuePrinter{}.json(nil, tt.v)
			require.Equal(t, tt.json, string(got))
			require.True(t, json.Valid(got))
			require.True(t, json.Valid(valuePrinter{typed: true}.json(nil, tt.v)))
			want := tt.typed
			if want == "" {
				want = tt.json
			}
			require.Equal(t, want, string(valuePrinter{typed: true}.json(nil, tt.v)))
			_, err := yaml.Marshal(valuePrinter{typed: true}.yaml(tt.v))
			require.NoError(t, err)
		})
	}
}

func TestPrintYAML(t *testing.T) {
	v := codec.NewDict("n", int64(1), "f", 2.0, "inf", math.Inf(1), "text", "true", "data", []byte("x"), "t", codec.Tuple{nil})
	out, err := yaml.Marshal(valuePrinter{}.yaml(v))
	require.NoError(t, err)
	require.Equal(t, "n: 1\nf: 2.0\ninf: .inf\ntext: \"true\"\ndata: !!binary eA==\nt:\n    - null\n", string(out))
	out, err = yaml.Marshal(valuePrinter{typed: true}.yaml(codec.Tuple{int64(1)}))
	require.NoError(t, err)
	require.Equal(t, "!tuple\n- 1\n", string(out))
	v = codec.NewDict("day", codec.Date{Year: 2020, Month: 2, Day: 29}, "for", 90*time.Second, "set", codec.NewFrozenSet(int64(1)),
		"raw", codec.NDArray{DType: "V1", Shape: []int{1}, Data: []byte{0}}, "c", codec.Object{Class: "m.C"})
	out, err = yaml.Marshal(valuePrinter{}.yaml(v))
	require.NoError(t, err)
	require.Equal(t, `day: "2020-02-29"
for: 90.0
set:
    - 1
raw:
    dtype: V1
    shape:
        - 1
    fortran_order: false
    data: AA==
c:
    __class__: m.C
`, string(out))
	out, err = yaml.Marshal(valuePrinter{typed: true}.yaml(v))
	require.NoError(t, err)
	require.Equal(t, `day: !date 2020-02-29
for: !timedelta 90.0
set: !frozenset
    - 1
raw: !ndarray
    dtype: V1
    shape:
        - 1
    fortran_order: false
    data: AA==
c: !instance
    __class__: m.C
`, string(out))
}

func TestLargeArraysAreNotNested(t *testing.T) {
	a := codec.NDArrayOf(make([]uint8, maxNested))
	require.Len(t, valuePrinter{}.json(nil, a), 2*maxNested+1)
	a = codec.NDArrayOf(make([]uint8, maxNested+1))
	require.True(t, bytes.HasPrefix(valuePrinter{}.json(nil, a), []byte(`{"dtype":"|u1",`)))
}

func TestPrintWideText(t *testing.T) {
	v := []any{"a longer text", "another", codec.NewDict("key", int64(1))}
	require.Equal(t, "['a longer text', 'another', {'key': 1}]", string(valuePrinter{}.text(v)))
	require.Equal(t, "['a longer text',\n 'another',\n {'key': 1}]", string(valuePrinter{width: 30}.text(v)))
	var out bytes.Buffer
	f := &factory{io: &streams{out: &out, width: 30}, flags: globals{output: outputText}}
	require.NoError(t, f.printValue(valuePrinter{}, v))
	require.Equal(t, "['a longer text',\n 'another',\n {'key': 1}]\n", out.String())
}

func TestParseValue(t *testing.T) {
	tests := []struct {
		in   string
		want any
	}{
		{"5", int64(5)},
		{"-5", int64(-5)},
		{"5.0", 5.0},
		{"1e3", 1000.0},
		{"123456789012345678901234567890", bigInt("123456789012345678901234567890")},
		{"1_000", int64(1000)},
		{"0x10", int64(16)},
		{"true", true},
		{"True", true},
		{"null", nil},
		{"None", nil},
		{"NaN", "NaN"},
		{`"5"`, "5"},
		{"'5'", "5"},
		{"hello", "hello"},
		{"hello world", "hello world"},
		{"", ""},
		{"a@b", "a@b"},
		{"[1, 2.0]", []any{int64(1), 2.0}},
		{"(1, 2)", codec.Tuple{int64(1), int64(2)}},
		{"{'a'}", codec.NewSet("a")},
		{"b'\\x00'", []byte{0}},
		{"4j", complex(0, 4)},
		{`{"z": 1, "a": 2}`, codec.NewDict("z", int64(1), "a", int64(2))},
		{"{1: 'x'}", codec.NewDict(int64(1), "x")},
		{`{"data": "eA==", "encoding": "base64"}`, codec.NewDict("data", "eA==", "encoding", "base64")},
		{"{broken", "{broken"},
		{"nan", math.NaN()},
		{"-inf", math.Inf(-1)},
		{"...", codec.Global("builtins.Ellipsis")},
		{"frozenset({1})", codec.NewFrozenSet(int64(1))},
		{"datetime.date(2020, 2, 29)", codec.Date{Year: 2020, Month: 2, Day: 29}},
		{"Decimal('1.50')", codec.Decimal("1.50")},
		{"UUID('00000000-0000-0000-0000-000000000001')", uuid.UUID{15: 1}},
		{"array('H', [1])", codec.ArrayOf([]uint16{1})},
		{"bytearray(b'x')", []byte("x")},
		{"os.system('ls')", "os.system('ls')"},
		{"[\n 1,\n 2,\n]\n", []any{int64(1), int64(2)}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got := parseValue(tt.in)
			require.IsType(t, tt.want, got)
			require.Equal(t, string(valuePrinter{typed: true}.json(nil, tt.want)), string(valuePrinter{typed: true}.json(nil, got)))
		})
	}
}
