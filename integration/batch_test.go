//go:build integration

package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// eachPython runs a test for each dialect and each of its serializers with a Go proxy of the Python service.
func eachPython(t *testing.T, test func(t *testing.T, p *service.Proxy, serializer string)) {
	t.Helper()
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for _, serializer := range serializersOf(d) {
			t.Run(serializer, func(t *testing.T) {
				svc := peers.Service(t, d, everySerializer(d)...)
				test(t, proxy(t, svc.URIs["svc"], service.Serializer(serializer)), serializer)
			})
		}
	})
}

func valueOf[T any](t *testing.T, r *service.Result[T]) T {
	t.Helper()
	v, err := r.Value()
	require.NoError(t, err)
	return v
}

func TestGoSendsBatchesToPython(t *testing.T) {
	eachPython(t, func(t *testing.T, p *service.Proxy, _ string) {
		b := p.Batch()
		three := service.Queue[int](b, "add", 1, 2)
		five := service.Queue[int64](b, "add", service.Kwargs{"a": 1, "b": 4})
		six := service.Queue[float64](b, "add", 4)
		text := service.Queue[string](b, "echo", "it's €")
		list := service.Queue[[]map[string]int](b, "echo", []any{map[string]any{"a": 1}, map[string]any{"b": 2}})
		none := service.Queue[any](b, "nothing")
		length := service.Queue[int](b, "__len__")
		oneway := service.Queue[any](b, "notify", 1)
		received := service.Queue[[]int](b, "received")
		require.NoError(t, b.Do(t.Context()))
		require.Equal(t, 3, valueOf(t, three))
		require.EqualValues(t, 5, valueOf(t, five))
		require.InDelta(t, 6, valueOf(t, six), 0)
		require.Equal(t, "it's €", valueOf(t, text))
		require.Equal(t, []map[string]int{{"a": 1}, {"b": 2}}, valueOf(t, list))
		require.Nil(t, valueOf(t, none))
		require.Equal(t, 3, valueOf(t, length))
		require.Nil(t, valueOf(t, oneway))
		require.Equal(t, []int{1}, valueOf(t, received), "a one-way method takes its turn in a batch")

		require.NoError(t, b.Do(t.Context()), "an empty one")

		results := make([]*service.Result[int], 1000)
		for i := range results {
			results[i] = service.Queue[int](b, "add", i, 1)
		}
		require.NoError(t, b.Do(t.Context()))
		for i, r := range results {
			require.Equal(t, i+1, valueOf(t, r))
		}
	})
}

// What a Go proxy gets of a batch is what a Python client gets of it.
func TestAnExceptionInABatchIsSeenAsPythonSeesIt(t *testing.T) {
	batches := [][]peers.Request{
		{{Method: "add", Args: "(1, 2)"}, {Method: "fail", Args: "('value', 'wrong', 42)"}, {Method: "add", Args: "(3, 4)"}},
		{{Method: "fail", Args: "('key', 'missing')"}, {Method: "add", Args: "(3, 4)"}},
		{{Method: "add", Args: "(1, 2)"}, {Method: "nothing"}, {Method: "fail", Args: "('zero',)"}},
		{{Method: "add", Args: "(1, 2)"}, {Method: "add", Args: "(1, 2, 3)"}, {Method: "nothing"}},
		{{Method: "add", Args: "(1, 2)"}, {Method: "fail", Args: "('naming', 'unknown')"}},
		{{Method: "add", Args: "(1, 2)"}, {Method: "nothing"}},
	}
	arguments := map[string][]any{
		"(1, 2)": {1, 2}, "(3, 4)": {3, 4}, "(1, 2, 3)": {1, 2, 3}, "('value', 'wrong', 42)": {"value", "wrong", 42},
		"('key', 'missing')": {"key", "missing"}, "('zero',)": {"zero"}, "('naming', 'unknown')": {"naming", "unknown"},
	}
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		python := peers.Service(t, d, everySerializer(d)...)
		c := peers.NewClient(t, d)
		for _, serializer := range serializersOf(d) {
			if serializer == "marshal" { // with which Python's clients send no batches
				continue
			}
			t.Run(serializer, func(t *testing.T) {
				connect(t, c, peers.Request{Proxy: "svc", URI: python.URIs["svc"], Serializer: serializer})
				p := proxy(t, python.URIs["svc"], service.Serializer(serializer))
				for _, calls := range batches {
					want := batch(c, false, calls...)
					require.Nil(t, want.Error)
					b := p.Batch()
					for _, call := range calls {
						service.Queue[any](b, call.Method, arguments[call.Args]...)
					}
					requireSameEnd(t, want.Failure, b.Do(t.Context()))
					var values []string
					for v, err := range b.Results() {
						if err != nil {
							requireSameEnd(t, want.Failure, err)
							break
						}
						values = append(values, map[any]string{int64(3): "3", int64(7): "7", nil: "None"}[v])
					}
					require.Equal(t, reprs(want.Items), append([]string{}, values...), "%+v", calls)
				}
			})
		}
	})
}

// requireSameEnd checks that a batch ended for Go as it did for Python.
func requireSameEnd(t *testing.T, want *peers.Exception, err error) {
	t.Helper()
	if want == nil {
		require.NoError(t, err)
		return
	}
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Remote)
	require.Equal(t, want.Class, e.Class)
	require.Equal(t, want.Text, e.Message)
	if want.RemoteTraceback != "" {
		require.NotEmpty(t, e.Traceback)
		require.Contains(t, want.RemoteTraceback, e.Traceback[len(e.Traceback)-1])
	}
}

// The daemons understand batches in marshal, which Python's clients cannot send; an exception in one
// they cannot tell.
func TestAnExceptionInABatchInMarshal(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"], service.Serializer("marshal"))
		b := p.Batch()
		add := service.Queue[int](b, "add", 1, 2)
		service.Queue[any](b, "fail", "zero")
		err := b.Do(t.Context())
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "builtins.ValueError", e.Class)
		require.Equal(t, "unmarshallable object", e.Message)
		_, of := add.Value()
		require.Equal(t, err, of)

		service.Queue[int](b, "add", 1, 2)
		require.NoError(t, b.Do(t.Context()), "the connection stays")
	})
}

// Without metadata only the server knows that a name cannot be called, and it finds out in the middle.
func TestPythonRefusesABatchInTheMiddle(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for name, want := range map[string]string{
			"missing":  "has no attribute 'missing'",
			"_private": "attempt to access private attribute '_private'",
		} {
			p := proxy(t, peers.Service(t, d).URIs["svc"], service.NoMetadata())
			b := p.Batch()
			service.Queue[any](b, "notify", 1)
			service.Queue[any](b, name)
			service.Queue[any](b, "notify", 2)
			err := b.Do(t.Context())
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "calls of the batch may have been carried out")
			received, err := service.Call[[]int](t.Context(), p, "received")
			require.NoError(t, err)
			require.Equal(t, []int{1}, received)
		}
	})
}

func TestAnExceptionThatIsAValueEndsNoBatch(t *testing.T) {
	eachPython(t, func(t *testing.T, p *service.Proxy, serializer string) {
		if serializer == "marshal" {
			return // its results cannot hold one
		}
		b := p.Batch()
		value := service.Queue[*transport.Error](b, "value", "ValueError('given', 1)")
		add := service.Queue[int](b, "add", 1, 2)
		require.NoError(t, b.Do(t.Context()))
		require.Equal(t, "builtins.ValueError", valueOf(t, value).Class)
		require.Equal(t, 3, valueOf(t, add))
	})
}

// A one-way batch is carried out in order and before the next call, on either side.
func TestOnewayBatchesWaitTheirTurn(t *testing.T) {
	eachPython(t, func(t *testing.T, p *service.Proxy, _ string) {
		b := p.Batch()
		service.Queue[any](b, "notify", 1)
		service.Queue[any](b, "notify", 2)
		service.Queue[any](b, "fail", "zero")
		service.Queue[any](b, "notify", 3)
		require.NoError(t, b.Do(t.Context(), service.AsOneway()))
		received, err := service.Call[[]int](t.Context(), p, "received")
		require.NoError(t, err)
		require.Equal(t, []int{1, 2}, received)
	})
	t.Run("Python to Go", func(t *testing.T) {
		eachDialect(t, func(t *testing.T, d peers.Dialect) {
			c := peers.NewClient(t, d)
			connect(t, c, peers.Request{Proxy: "svc", URI: serve(t, newService()).URI("svc").String()})
			notify := func(n int) peers.Request {
				return peers.Request{Method: "notify", Args: fmt.Sprintf("(%d,)", n)}
			}
			require.Nil(t, batch(c, true, notify(1), notify(2), peers.Request{Method: "fail", Args: "('value',)"}, notify(3)).Error)
			require.Equal(t, "[1, 2]", repr(t, c.Call("svc", "received", "()")))
		})
	})
}

func TestAPythonBatchEndsWithItsContext(t *testing.T) {
	eachPython(t, func(t *testing.T, p *service.Proxy, _ string) {
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
		b := p.Batch()
		add := service.Queue[int](b, "add", 1, 2)
		service.Queue[any](b, "sleep", 1)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, b.Do(ctx), transport.ErrTimeout)
		_, err := add.Value()
		require.ErrorIs(t, err, transport.ErrTimeout)
		n, err := service.Call[int](t.Context(), p, "add", 1, 1)
		require.NoError(t, err, "the late reply is nobody's")
		require.Equal(t, 2, n)
	})
}

func TestABatchOfAPythonServerThatDies(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d)
		p := proxy(t, svc.URIs["svc"])
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
		b := p.Batch()
		add := service.Queue[int](b, "add", 1, 2)
		service.Queue[any](b, "sleep", 60)
		f := b.Go(within(t, soon))
		svc.Stop()
		_, err := f.Wait(t.Context())
		require.ErrorIs(t, err, transport.ErrUnavailable)
		_, of := add.Value()
		require.Equal(t, err, of)
	})
}
