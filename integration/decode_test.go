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
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// eachService runs a test for each dialect with the URI of the Python service.
func eachService(t *testing.T, test func(t *testing.T, uri string)) {
	t.Helper()
	eachDialect(t, func(t *testing.T, d peers.Dialect) { test(t, peers.Service(t, d).URIs["svc"]) })
}

// result has the Python service evaluate an expression and decodes it into a T.
func result[T any](t *testing.T, p *service.Proxy, expression string) T {
	t.Helper()
	v, err := service.Call[T](t.Context(), p, "value", expression)
	require.NoError(t, err, expression)
	return v
}

func TestPythonResultsIntoAny(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, serializer string) {
		require.Nil(t, result[any](t, p, "None"))
		require.Equal(t, true, result[any](t, p, "True"))
		require.Equal(t, int64(-5), result[any](t, p, "-5"))
		require.Equal(t, new(big.Int).Lsh(big.NewInt(1), 64), result[any](t, p, "2**64"))
		require.InDelta(t, 1.5, result[any](t, p, "1.5"), 0)
		require.Equal(t, "text \U0001f600", result[any](t, p, "'text 😀'"))
		require.Equal(t, []any{int64(1), "two"}, result[any](t, p, "[1, 'two']"))
		require.Equal(t, map[string]any{"a": map[string]any{"b": nil}}, result[any](t, p, "{'a': {'b': None}}"))
		if serializer == "json" {
			require.Equal(t, []any{int64(1)}, result[any](t, p, "(1,)"))
			return
		}
		require.Equal(t, codec.Tuple{int64(1)}, result[any](t, p, "(1,)"))
		require.Equal(t, []byte{0, 255}, result[any](t, p, `b'\x00\xff'`))
		require.Equal(t, complex(1, -2), result[any](t, p, "1-2j"))
		set, ok := result[any](t, p, "{1, 2}").(codec.Set)
		require.True(t, ok)
		require.Equal(t, 2, set.Len())
		require.True(t, set.Has(2))
		dict, ok := result[any](t, p, "{1: 'a', (2, 3): 'b'}").(*codec.Dict)
		require.True(t, ok)
		v, ok := dict.Get(codec.Tuple{2, 3})
		require.True(t, ok)
		require.Equal(t, "b", v)
	})
}

type quote struct {
	Symbol string          `pyro:"symbol"`
	Price  float64         `pyro:"price"`
	Volume uint32          `pyro:"volume"`
	At     time.Time       `pyro:"at"`
	ID     uuid.UUID       `pyro:"id"`
	Tags   []string        `pyro:"tags"`
	Flags  map[string]bool `pyro:"flags"`
	Parent *quote          `pyro:"parent"`
	Extra  any             `pyro:"extra"`
	Note   string          `json:"note"`
}

func TestPythonResultsIntoTypes(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, serializer string) {
		require.Equal(t, 7, result[int](t, p, "7"))
		require.Equal(t, uint8(255), result[uint8](t, p, "255"))
		require.Equal(t, uint64(math.MaxUint64), result[uint64](t, p, "2**64 - 1"))
		require.InDelta(t, 0.5, result[float32](t, p, "0.5"), 0)
		require.InDelta(t, 3.0, result[float64](t, p, "3"), 0, "an int where a float is wanted")
		require.True(t, math.IsNaN(result[float64](t, p, "nan")))
		require.True(t, math.IsInf(result[float64](t, p, "-inf"), -1))
		require.True(t, math.Signbit(result[float64](t, p, "-0.0")))
		require.Equal(t, "text", *result[*string](t, p, "'text'"))
		require.Nil(t, result[*string](t, p, "None"))
		require.Equal(t, []int{1, 2, 3}, result[[]int](t, p, "[1, 2, 3]"))
		require.Equal(t, []int{1, 2}, result[[]int](t, p, "(1, 2)"))
		require.Equal(t, [2]string{"a", "b"}, result[[2]string](t, p, "['a', 'b']"))
		require.Equal(t, [][]float64{{1, 2.5}, {}}, result[[][]float64](t, p, "[[1, 2.5], []]"))
		require.Equal(t, map[string]int{"a": 1}, result[map[string]int](t, p, "{'a': 1}"))
		require.Equal(t, 2*time.Second, result[time.Duration](t, p, "2.0"))
		if serializer != "json" {
			require.ElementsMatch(t, []int{1, 2}, result[[]int](t, p, "{1, 2}"))
			require.Equal(t, map[int]struct{}{1: {}, 2: {}}, result[map[int]struct{}](t, p, "{1, 2}"))
			require.Empty(t, result[map[int]struct{}](t, p, "set()"))
			require.Equal(t, map[int]string{1: "a"}, result[map[int]string](t, p, "{1: 'a'}"))
			require.Equal(t, []byte("abc"), result[[]byte](t, p, "b'abc'"))
			require.Equal(t, complex(0, 1), result[complex128](t, p, "1j"))
		}
		require.Equal(t, quote{
			Symbol: "TEA", Price: 3, Volume: 10,
			At:   time.Date(2020, 2, 29, 12, 0, 0, 0, codec.Naive),
			ID:   uuid.MustParse("9613299a-464e-45c8-98ca-39ebc337e3fc"),
			Tags: []string{"a", "b"}, Flags: map[string]bool{"hot": true},
			Parent: &quote{Symbol: "LEAF"}, Extra: []any{int64(1)}, Note: "said",
		}, result[quote](t, p, `{'symbol': 'TEA', 'price': 3, 'volume': 10, 'at': '2020-02-29T12:00:00',
			'id': '9613299a-464e-45c8-98ca-39ebc337e3fc', 'tags': ('a', 'b'), 'flags': {'hot': True},
			'parent': {'symbol': 'LEAF'}, 'extra': [1], 'note': 'said', 'unknown': 1}`))
	})
}

func TestResultThatDoesNotFit(t *testing.T) {
	misfit := func(t *testing.T, err error, words ...string) {
		t.Helper()
		require.ErrorIs(t, err, transport.ErrInvalidArgument)
		for _, w := range words {
			require.ErrorContains(t, err, w)
		}
	}
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		ctx := t.Context()
		_, err := service.Call[int8](ctx, p, "value", "300")
		misfit(t, err, "300", "int8")
		_, err = service.Call[uint](ctx, p, "value", "-1")
		misfit(t, err, "-1")
		_, err = service.Call[int](ctx, p, "value", "'text'")
		misfit(t, err, "str")
		_, err = service.Call[int](ctx, p, "value", "None")
		misfit(t, err, "None")
		_, err = service.Call[int](ctx, p, "value", "1.5")
		misfit(t, err, "float")
		_, err = service.Call[[]int](ctx, p, "value", "[1, 2, 'three']")
		misfit(t, err, "[2]", "str")
		_, err = service.Call[quote](ctx, p, "value", "{'parent': {'tags': [1]}}")
		misfit(t, err, "parent.tags[0]")
		_, err = service.Call[[2]int](ctx, p, "value", "[1, 2, 3]")
		misfit(t, err)
		require.Equal(t, 1, result[int](t, p, "1"), "the connection stands")
	})
}

// Arguments decode into the parameters of a Go function as results do; what does not fit is a
// TypeError that says where.
func TestArgumentsIntoTypes(t *testing.T) {
	s := service.New("typed")
	s.Method("quote", func(q quote) string { return q.Symbol + " " + q.Parent.Symbol })
	s.Method("total", func(prices map[string]float64, counts []int) float64 { return prices["tea"] * float64(counts[0]) })
	s.Method("when", func(at time.Time) int { return at.Year() })
	s.Method("small", func(n int8) int8 { return n })
	s.Method("set", func(members map[int]struct{}) int { return len(members) })
	s.Method("maybe", func(s *string) bool { return s == nil })
	srv := serve(t, s)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		for _, serializer := range both {
			t.Run(serializer, func(t *testing.T) {
				connect(t, c, peers.Request{Proxy: "typed", URI: srv.URI("typed").String(), Serializer: serializer})
				require.Equal(t, "'TEA LEAF'", repr(t, c.Call("typed", "quote", "({'symbol': 'TEA', 'parent': {'symbol': 'LEAF'}, 'price': 2},)")))
				require.Equal(t, "7.5", repr(t, c.Call("typed", "total", "({'tea': 2.5}, (3,))")))
				require.Equal(t, "2020", repr(t, c.Call("typed", "when", "(datetime.datetime(2020, 2, 29).isoformat(),)")))
				require.Equal(t, "2", repr(t, c.Call("typed", "set", "([1, 2],)")))
				require.Equal(t, "True", repr(t, c.Call("typed", "maybe", "(None,)")))
				for args, text := range map[string]string{
					"(300,)": "300", "('x',)": "str", "(None,)": "None", "(1.5,)": "float",
				} {
					e := raised(t, c.Call("typed", "small", args))
					require.Equal(t, "builtins.TypeError", e.Class)
					require.Contains(t, e.Text, text)
				}
				e := raised(t, c.Call("typed", "quote", "({'parent': {'tags': [1]}},)"))
				require.Equal(t, "builtins.TypeError", e.Class)
				require.Contains(t, e.Text, "parent.tags[0]")
			})
		}
	})
}
