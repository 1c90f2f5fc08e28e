//go:build integration

package integration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
)

// echoed are Python expressions. Keys are in their order, because a Go map has none; what keeps it is a
// codec.Dict, tested beside.
var echoed = []struct{ name, value string }{
	{"None", "None"},
	{"true", "True"},
	{"false", "False"},
	{"zero", "0"},
	{"int of 32 bits", "2**31 - 1"},
	{"int of 33 bits", "-2**31 - 1"},
	{"largest int64", "2**63 - 1"},
	{"smallest int64", "-2**63"},
	{"one beyond int64", "2**63"},
	{"one below int64", "-2**63 - 1"},
	{"a hundred digits", "-10**100 + 7"},
	{"float that is whole", "3.0"},
	{"shortest float", "0.1"},
	{"negative zero", "-0.0"},
	{"tiny float", "5e-324"},
	{"huge float", "1.7976931348623157e308"},
	{"float with exponent", "1e16"},
	{"infinity", "inf"},
	{"negative infinity", "-inf"},
	{"not a number", "nan"},
	{"not a number within", "[nan, {'x': nan}]"},
	{"complex", "3+4j"},
	{"imaginary", "-2.5j"},
	{"empty str", "''"},
	{"single quote", `"it's"`},
	{"both quotes", `"it's \"quoted\""`},
	{"backslashes", `'\\\\ \\n \\'`},
	{"control characters", `'\t\n\r\x01\x1b\x7f\x85'`},
	{"NUL", `'a\x00b'`},
	{"Latin-1", `'caf\xe9 \xa0 \xad \xff'`},
	{"Greek and Chinese", `'αβγ \u4f60\u597d'`},
	{"emoji", `'😀 👨‍👩‍👧'`},
	{"unprintable", `'\u2028 \u200b \ue000 \U000e0001 \U0010ffff'`},
	{"high lone surrogate", `'x\ud800y'`},
	{"low lone surrogate", `'\udfff'`},
	{"long str", "'0123456789' * 10000"},
	{"empty bytes", "b''"},
	{"bytes", "bytes(range(256))"},
	{"bytes within", "[b'a', {'b': b'c'}]"},
	{"bytearray", "bytearray(b'ab\\x00')"},
	{"empty list", "[]"},
	{"nested lists", "[1, [2, [3, [4, []]]]]"},
	{"empty tuple", "()"},
	{"tuple of one", "(1,)"},
	{"nested tuples", "(1, ('two', (3.0, ())))"},
	{"empty dict", "{}"},
	{"dict", "{'a': 1, 'b': [2], 'c': {'d': None}}"},
	{"int keys", "{1: 'a', 2: 'b'}"},
	{"float keys", "{1.5: 'a'}"},
	{"bool key", "{True: 'a'}"},
	{"None key", "{None: 'a'}"},
	{"tuple key", "{(1, 'two'): 3}"},
	{"quotes in a key", `{"it's \"quoted\"": 1}`},
	{"honest dict like bytes", "{'data': 'x', 'encoding': 'base64', 'more': 1}"},
	{"set", "{1, 2, 3}"},
	{"set of tuples", "{(1, 2)}"},
	{"empty set", "set()"},
	{"set within", "[{1}, {'s': {2}}]"},
	{"datetime", "datetime.datetime(2020, 2, 29, 12, 30, 15, 250)"},
	{"datetime with zone", "datetime.datetime(2020, 2, 29, tzinfo=datetime.timezone.utc)"},
	{"date", "datetime.date(2020, 2, 29)"},
	{"time", "datetime.time(12, 30)"},
	{"timedelta", "datetime.timedelta(days=1, seconds=1.5)"},
	{"Decimal", "decimal.Decimal('1.10')"},
	{"UUID", "uuid.UUID('9613299a-464e-45c8-98ca-39ebc337e3fc')"},
	{"array", "array.array('i', [1, 2])"},
	{"deque", "collections.deque([1, 2])"},
	{"generator expression", "[n for n in range(3)]"},
	{"Ellipsis", "..."},
	{"deep nesting", "eval('[' * 80 + ']' * 80)"},
	{"large and nested", "[[{'k%02d' % i: (i, i / 7, str(i) * i)} for i in range(50)] for _ in range(40)]"},
}

// A Python client sees of a Go echo what it sees of a Python one: the same value of the same type, or
// the same exception.
func TestGoEchoesAsPythonDoes(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		python := peers.Service(t, d)
		c := peers.NewClient(t, d)
		for _, serializer := range both {
			t.Run(serializer, func(t *testing.T) {
				connect(t, c, peers.Request{Proxy: "go", URI: srv.URI("svc").String(), Serializer: serializer})
				connect(t, c, peers.Request{Proxy: "python", URI: python.URIs["svc"], Serializer: serializer})
				delivered := 0
				for _, tt := range echoed {
					t.Run(tt.name, func(t *testing.T) {
						want := c.Call("python", "echo", "("+tt.value+",)")
						got := c.Call("go", "echo", "("+tt.value+",)")
						if want.Error != nil {
							require.Equal(t, want.Error.Class, raised(t, got).Class)
							return
						}
						delivered++
						require.Equal(t, want.Repr, repr(t, got))
						require.Equal(t, want.Type, got.Type)
					})
				}
				require.Greater(t, delivered, len(echoed)/2, "nearly nothing was compared")
			})
		}
	})
}

// Where Go has no such value, or another reason to say no.
func TestWhereAGoEchoDiffers(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, serializer string) {
		frozen := c.Call("svc", "echo", "(frozenset({1}),)")
		switch serializer {
		case "json":
			require.Contains(t, raised(t, frozen).Class, ".errors.SerializeError", "Python cannot send it")
		case "serpent": // has one kind of set
			require.Equal(t, "{1}", repr(t, frozen))
		default:
			require.Equal(t, "frozenset({1})", repr(t, frozen))
		}
		bytesKey := c.Call("svc", "echo", "({b'a': 1},)")
		switch serializer {
		case "json":
			require.Equal(t, "builtins.TypeError", raised(t, bytesKey).Class, "Python cannot send it")
		default: // with serpent a Python daemon could not read it
			require.Equal(t, "{b'a': 1}", repr(t, bytesKey))
		}
		require.Equal(t, "'alive'", repr(t, c.Call("svc", "echo", "('alive',)")))
	})
}

func TestDictKeepsItsOrder(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		const dict = "{'zebra': 1, 'ape': 2, 'mouse': 3}"
		require.Equal(t, dict, repr(t, c.Call("svc", "echo_dict", "("+dict+",)")))
	})
}

// What a Python value is in an any.
func TestPythonValuesInGo(t *testing.T) {
	tests := []struct{ value, want string }{
		{"None", "<nil>"},
		{"True", "bool"},
		{"1", "int64"},
		{"2**63", "*big.Int"},
		{"1.0", "float64"},
		{"nan", "float64"},
		{"'text'", "string"},
		{"[1]", "[]interface {}"},
		{"{'a': 1}", "map[string]interface {}"},
	}
	richer := []struct{ value, want string }{ // json has none of these
		{"b'bytes'", "[]uint8"},
		{"1j", "complex128"},
		{"(1,)", "codec.Tuple"},
		{"{1}", "codec.Set"},
		{"{1: 2}", "*codec.Dict"},
	}
	eachClient(t, func(t *testing.T, c *peers.Client, serializer string) {
		all := tests
		if serializer != "json" {
			all = append(all, richer...)
		}
		for _, tt := range all {
			require.Equal(t, "'"+tt.want+"'", repr(t, c.Call("svc", "kind", "("+tt.value+",)")), tt.value)
		}
	})
}
