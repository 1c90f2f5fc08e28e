//go:build integration

package integration

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
)

func bigInt(t *testing.T, digits string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(digits, 10)
	require.True(t, ok)
	return n
}

type point struct {
	X int     `pyro:"x"`
	Y float64 `json:"y"`
	Z *string `pyro:"z,omitempty"`
}

// What a Go value is in Python, which itself compares it, by type and value, to an expression.
func TestGoValuesInPython(t *testing.T) {
	type row struct {
		name  string
		value any
		want  string
	}
	tests := []row{
		{"nil", nil, "None"},
		{"bool", true, "True"},
		{"int8", int8(-128), "-128"},
		{"largest int64", int64(math.MaxInt64), "2**63 - 1"},
		{"smallest int64", int64(math.MinInt64), "-2**63"},
		{"largest uint64", uint64(math.MaxUint64), "2**64 - 1"},
		{"big.Int", bigInt(t, "-123456789012345678901234567890"), "-123456789012345678901234567890"},
		{"whole float", 3.0, "3.0"},
		{"float32", float32(0.25), "0.25"},
		{"negative zero", math.Copysign(0, -1), "-0.0"},
		{"smallest float", math.SmallestNonzeroFloat64, "5e-324"},
		{"largest float", math.MaxFloat64, "1.7976931348623157e308"},
		{"infinity", math.Inf(1), "inf"},
		{"negative infinity", math.Inf(-1), "-inf"},
		{"not a number", math.NaN(), "nan"},
		{"string", "text", "'text'"},
		{"empty string", "", "''"},
		{"quotes and backslashes", `it's "quoted" \ \n`, `'it\'s "quoted" \\ \\n'`},
		{"control characters", "\x00\x01\t\n\r\x7f\u0085", `'\x00\x01\t\n\r\x7f\x85'`},
		{"beyond Latin-1", "α\u4f60😀\u2028\U000e0001", `'α\u4f60😀\u2028\U000e0001'`},
		{"slice", []int{1, 2}, "[1, 2]"},
		{"empty slice", []string{}, "[]"},
		{"slice of slices", [][]any{{1, "two"}, {}}, "[[1, 'two'], []]"},
		{"map", map[string]any{"b": 1, "a": []bool{true}}, "{'a': [True], 'b': 1}"},
		{"struct", point{X: 1, Y: 2}, "{'x': 1, 'y': 2.0}"},
		{"pointer to a struct", &point{X: 1, Y: 2.5}, "{'x': 1, 'y': 2.5}"},
		{"ordered dict", codec.NewDict("z", 1, "a", 2), "{'z': 1, 'a': 2}"},
		{"time", time.Date(2020, 2, 29, 12, 0, 0, 250000, time.UTC), "'2020-02-29T12:00:00.000250+00:00'"},
		{"UUID", uuid.MustParse("9613299a-464e-45c8-98ca-39ebc337e3fc"), "'9613299a-464e-45c8-98ca-39ebc337e3fc'"},
	}
	lists := []row{ // json has lists only
		{"tuple", codec.Tuple{1, codec.Tuple{"two"}}, "[1, ['two']]"},
		{"set", codec.NewSet(1), "[1]"},
		{"map with int keys", map[int]string{1: "a"}, "{'1': 'a'}"},
	}
	richer := []row{
		{"tuple", codec.Tuple{1, codec.Tuple{"two"}}, "(1, ('two',))"},
		{"empty tuple", codec.Tuple{}, "()"},
		{"set", codec.NewSet(1, 2), "{1, 2}"},
		{"map with int keys", map[int]string{2: "b", 1: "a"}, "{1: 'a', 2: 'b'}"},
		{"complex", complex(3, -4), "3-4j"},
		{"tuple as key", codec.NewDict(codec.Tuple{1, "two"}, 3), "{(1, 'two'): 3}"},
	}
	eachProxy(t, func(t *testing.T, p *service.Proxy, serializer string) {
		all := append(tests, richer...) //nolint:gocritic // another slice on purpose
		switch serializer {
		case "json":
			all = append(tests, lists...) //nolint:gocritic // see above
		case "marshal":
			all = append(all, row{"bytes", []byte{0, 255}, `b'\x00\xff'`}, row{"empty set", codec.NewSet(), "set()"})
		case "serpent": // what Python's serpent makes of bytes, and reads as an empty set
			all = append(all, row{"bytes", []byte{0, 255}, "{'data': 'AP8=', 'encoding': 'base64'}"}, row{"empty set", codec.NewSet(), "()"})
		}
		for _, tt := range all {
			t.Run(tt.name, func(t *testing.T) {
				same, err := service.Call[bool](t.Context(), p, "same", tt.value, tt.want)
				require.NoError(t, err)
				if !same {
					got, err := service.Call[any](t.Context(), p, "echo", tt.value)
					require.Failf(t, "another value", "want %s, echoed as %#v (%v)", tt.want, got, err)
				}
			})
		}
	})
}

func TestBytesAsALiteral(t *testing.T) {
	eachService(t, func(t *testing.T, uri string) {
		p := proxy(t, uri, service.BytesRepr())
		same, err := service.Call[bool](t.Context(), p, "same", []byte{0, 255}, `b'\x00\xff'`)
		require.NoError(t, err)
		require.True(t, same)
	})
}

func TestRefusedBeforeItIsSent(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, serializer string) {
		for name, value := range map[string]any{"function": func() {}, "channel": make(chan int)} {
			_, err := service.Call[any](t.Context(), p, "echo", value)
			require.ErrorContains(t, err, "cannot encode", name)
		}
		if serializer == "json" {
			_, err := service.Call[any](t.Context(), p, "echo", complex(1, 2))
			require.ErrorContains(t, err, "cannot encode")
		}
		s, err := service.Call[string](t.Context(), p, "echo", "the connection stands")
		require.NoError(t, err)
		require.Equal(t, "the connection stands", s)
	})
}
