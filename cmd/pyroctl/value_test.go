package main

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pyrokit/pyrokit/codec"
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
		{"URI", uri, "<URI PYRO:x@localhost:1>", `"PYRO:x@localhost:1"`, `{"$type":"uri","value":"PYRO:x@localhost:1"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.text, string(valuePrinter{}.text(nil, tt.v)))
			got := valuePrinter{}.json(nil, tt.v)
			require.Equal(t, tt.json, string(got))
			require.True(t, json.Valid(got))
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
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got := parseValue(tt.in)
			require.IsType(t, tt.want, got)
			require.Equal(t, string(valuePrinter{typed: true}.json(nil, tt.want)), string(valuePrinter{typed: true}.json(nil, got)))
		})
	}
}
