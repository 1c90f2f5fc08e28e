//go:build integration

package integration

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// many is more than any buffer or window holds.
const many = 2000

func iterate(c *peers.Client, method, args string, limit int) peers.Answer {
	request := peers.Request{Op: "iterate", Proxy: "svc", Method: method, Args: args}
	if limit >= 0 {
		request.Limit = &limit
	}
	return c.Do(request)
}

func reprs(items []peers.Seen) []string {
	all := make([]string, 0, len(items))
	for _, item := range items {
		all = append(all, item.Repr)
	}
	return all
}

func TestPythonWalksGoStreams(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, serializer string) {
		all := iterate(c, "stream", "(3,)", -1)
		require.Nil(t, all.Error)
		require.Nil(t, all.Failure)
		require.Equal(t, []string{"0", "1", "2"}, reprs(all.Items))
		require.Contains(t, all.Type, "_StreamResultIterator")

		require.Empty(t, iterate(c, "stream", "(0,)", -1).Items)

		long := iterate(c, "stream", "(2000,)", -1)
		require.Len(t, long.Items, many)
		require.Equal(t, "1999", long.Items[many-1].Repr)

		pairs := []string{"('one', 1)", "('two', 2)"}
		if serializer == "json" {
			pairs = []string{"['one', 1]", "['two', 2]"}
		}
		require.Equal(t, pairs, reprs(iterate(c, "pairs", "()", -1).Items))
	})
}

func TestExceptionInTheMiddleOfAGoStream(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		failing := iterate(c, "stream_fails", "()", -1)
		require.Equal(t, []string{"1", "2"}, reprs(failing.Items))
		require.NotNil(t, failing.Failure)
		require.Equal(t, "builtins.ValueError", failing.Failure.Class)
		require.Equal(t, "no third item", failing.Failure.Text)
		require.Equal(t, "None", repr(t, c.Call("svc", "nothing", "()")))
	})
}

func TestPythonStopsAGoStreamEarly(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		before := repr(t, c.Call("svc", "streams_closed", "()"))
		require.Len(t, iterate(c, "stream", "(1000,)", 2).Items, 2)
		require.Eventually(t, func() bool {
			return repr(t, c.Call("svc", "streams_closed", "()")) != before
		}, soon, tick, "the iterator was not closed")
	})
}

// interleaved walks two iterators by turns and ends with what it saw.
const interleaved = `
import json, sys
dialect, uri, serializer = sys.argv[1:]
api = __import__("Pyro4") if dialect == "Pyro4" else __import__("Pyro5.api").api
with api.Proxy(uri) as svc:
    svc._pyroSerializer = serializer
    first, second = svc.stream(3), svc.stream(2)
    seen = [next(first), next(second), svc.add(20, 22), next(first), next(second), next(first)]
    for ended in first, second:
        seen.append(next(ended, "end"))
print(json.dumps(seen))
`

func TestPythonWalksTwoGoStreamsByTurns(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for _, serializer := range both {
			var seen []any
			err := peers.Run(t.Context(), &seen, interleaved, d.String(), srv.URI("svc").String(), serializer)
			require.NoError(t, err)
			require.Equal(t, []any{0.0, 0.0, 42.0, 1.0, 1.0, 2.0, "end", "end"}, seen)
		}
	})
}

func TestGoWalksPythonStreams(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		collect := func(seq iter.Seq2[int, error]) (items []int, err error) {
			for n, e := range seq {
				if e != nil {
					return items, e
				}
				items = append(items, n)
			}
			return items, nil
		}
		ctx := t.Context()
		items, err := collect(service.Stream[int](ctx, p, "stream", 3))
		require.NoError(t, err)
		require.Equal(t, []int{0, 1, 2}, items)

		items, err = collect(service.Stream[int](ctx, p, "stream", 0))
		require.NoError(t, err)
		require.Empty(t, items)

		items, err = collect(service.Stream[int](ctx, p, "stream", many))
		require.NoError(t, err)
		require.Len(t, items, many)
		require.True(t, slices.IsSorted(items))

		items, err = collect(service.Stream[int](ctx, p, "stream_fails"))
		require.Equal(t, []int{1, 2}, items)
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "builtins.ValueError", e.Class)
		require.Equal(t, "no third item", e.Message)

		items, err = collect(service.Stream[int](ctx, p, "value", "[7, 8]"))
		require.NoError(t, err, "a list is walked all the same")
		require.Equal(t, []int{7, 8}, items)

		_, err = collect(service.Stream[int](ctx, p, "fail", "value", "not even begun"))
		require.ErrorContains(t, err, "not even begun")
	})
}

// closedStreams returns how many iterators of the Python service have ended.
func closedStreams(t *testing.T, p *service.Proxy) int {
	t.Helper()
	n, err := service.Call[int](t.Context(), p, "streams_closed")
	require.NoError(t, err)
	return n
}

func TestGoStopsAPythonStreamEarly(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		stop := map[string]func(){
			"the loop ends": func() {
				for n, err := range service.Stream[int](t.Context(), p, "stream", 100) {
					require.NoError(t, err)
					if n == 1 {
						break
					}
				}
			},
			"the context ends": func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var last error
				for _, err := range service.Stream[int](ctx, p, "stream", 100) {
					cancel()
					last = err
				}
				require.ErrorIs(t, last, transport.ErrCanceled)
			},
			"an item does not fit": func() {
				var last error
				for _, err := range service.Stream[string](t.Context(), p, "stream", 100) {
					last = err
				}
				require.ErrorContains(t, last, "int")
			},
			"it was called, not walked": func() {
				_, err := service.Call[any](t.Context(), p, "stream", 100)
				require.ErrorContains(t, err, "service.Stream")
				// Python's generator has not begun and so has nothing to end: begin and end another.
				for range service.Stream[int](t.Context(), p, "stream", 1) {
					continue
				}
			},
		}
		for name, run := range stop {
			before := closedStreams(t, p)
			run()
			require.Eventually(t, func() bool { return closedStreams(t, p) == before+1 }, soon, tick, name)
		}
	})
}

func TestGoWalksTwoPythonStreamsByTurns(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		first, stopFirst := iter.Pull2(service.Stream[int](t.Context(), p, "stream", 3))
		defer stopFirst()
		second, stopSecond := iter.Pull2(service.Stream[int](t.Context(), p, "stream", 3))
		defer stopSecond()
		for want := range 3 {
			for _, next := range []func() (int, error, bool){first, second} {
				n, err, ok := next()
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, want, n)
			}
			sum, err := service.Call[int](t.Context(), p, "add", 40, 2)
			require.NoError(t, err)
			require.Equal(t, 42, sum)
		}
		_, _, ok := first()
		require.False(t, ok)
	})
}

// A Python client without a stream's connection goes on where it was, once it has connected again.
func TestAStreamOutlivesItsConnection(t *testing.T) {
	const reconnecting = `
import json, sys
dialect, uri = sys.argv[1:]
api = __import__("Pyro4") if dialect == "Pyro4" else __import__("Pyro5.api").api
with api.Proxy(uri) as svc:
    stream = svc.stream(3)
    seen = [next(stream)]
    svc._pyroRelease()
    try:
        next(stream)
    except Exception as error:
        seen.append(type(error).__name__)
    svc._pyroReconnect(1)
    seen += list(stream)
print(json.dumps(seen))
`
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var seen []any
		require.NoError(t, peers.Run(t.Context(), &seen, reconnecting, d.String(), srv.URI("svc").String()))
		require.Equal(t, []any{0.0, "ConnectionClosedError", 1.0, 2.0}, seen)
	})
}

func TestStreamsSwitchedOff(t *testing.T) {
	srv := serve(t, newService(), service.NoStreams())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		e := raised(t, iterate(c, "stream", "(3,)", -1))
		require.Equal(t, of(d, "ProtocolError"), e.Class)
		require.Contains(t, e.Text, "not configured to allow streaming")

		svc := peers.Service(t, d, "--config", "ITER_STREAMING=False")
		p := proxy(t, svc.URIs["svc"])
		for _, err := range service.Stream[int](t.Context(), p, "stream", 3) {
			require.ErrorContains(t, err, "not configured to allow streaming")
		}
	})
}
