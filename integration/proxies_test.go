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
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// eachProxySerializer runs a test for each dialect and serializer, with a Python service that has them all.
func eachProxySerializer(t *testing.T, test func(t *testing.T, d peers.Dialect, python *peers.Process, serializer string)) {
	t.Helper()
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		python := peers.Service(t, d, everySerializer(d)...)
		for _, serializer := range serializersOf(d) {
			t.Run(serializer, func(t *testing.T) { test(t, d, python, serializer) })
		}
	})
}

// with returns a proxy that speaks the serializer that p was given for: Python's objects name none.
func with(t *testing.T, p *service.Proxy, opts ...service.ProxyOption) *service.Proxy {
	t.Helper()
	require.NotNil(t, p)
	q, err := p.With(opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}

// increment calls a counter twice.
func increment(t *testing.T, p *service.Proxy, serializer string) {
	t.Helper()
	q := with(t, p, service.Serializer(serializer))
	for want := 1; want <= 2; want++ {
		n, err := service.Call[int](t.Context(), q, "increment")
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}

// Objects that a Python method returns are called by Go.
func TestGoCallsWhatPythonReturns(t *testing.T) {
	eachProxySerializer(t, func(t *testing.T, d peers.Dialect, python *peers.Process, serializer string) {
		if serializer == "marshal" {
			t.Skip("Python's marshal has no proxies for registered objects")
		}
		p := proxy(t, python.URIs["svc"], service.Dialect(wire(d)), service.Serializer(serializer))
		counter, err := service.Call[*service.Proxy](t.Context(), p, "new_counter")
		require.NoError(t, err)
		require.Equal(t, []string{"increment"}, counter.State().Methods)
		increment(t, counter, serializer)

		v, err := service.Call[any](t.Context(), p, "new_counter")
		require.NoError(t, err)
		counter, ok := v.(*service.Proxy)
		require.True(t, ok, "%T", v)
		increment(t, counter, serializer)

		all, err := service.Call[struct {
			List  []*service.Proxy `pyro:"list"`
			Tuple []any            `pyro:"tuple"`
		}](t.Context(), p, "new_counters")
		require.NoError(t, err)
		increment(t, all.List[0], serializer)
		counter, ok = all.Tuple[1].(*service.Proxy)
		require.True(t, ok, "%T", all.Tuple[1])
		increment(t, counter, serializer)
	})
}

// A proxy that Go passes is called by Python, and says what it stands for.
func TestPythonCallsWhatGoPasses(t *testing.T) {
	srv := serve(t, newService())
	eachProxySerializer(t, func(t *testing.T, d peers.Dialect, python *peers.Process, serializer string) {
		p := proxy(t, python.URIs["svc"], service.Dialect(wire(d)), service.Serializer(serializer))
		target := proxy(t, srv.URI("svc").String(), service.Serializer("json"))
		sum, err := service.Call[int](t.Context(), p, "call_back", target, "add", 1, 2)
		require.NoError(t, err)
		require.Equal(t, 3, sum)

		_, err = target.Info(t.Context())
		require.NoError(t, err)
		state := target.State()
		got, err := service.Call[[]any](t.Context(), p, "describe", target)
		require.NoError(t, err)
		require.Equal(t, state.URI.String(), got[0])
		for i, names := range [][]string{state.Methods, state.Oneway, state.Attrs} {
			require.Len(t, got[i+1], len(names))
		}
		require.Equal(t, []any{"hello", "json"}, got[4:])

		same, err := service.Call[*service.Proxy](t.Context(), p, "echo", target)
		if serializer == "marshal" && err != nil {
			t.Logf("Python's marshal: %v", err)
			return
		}
		require.NoError(t, err)
		defer same.Close()
		require.Equal(t, target.URI(), same.URI())
		require.Equal(t, "json", same.State().Serializer)
		n, err := service.Call[int](t.Context(), same, "add", 1, 2)
		require.NoError(t, err)
		require.Equal(t, 3, n)
	})
}

// A Python object that is registered with the client's own daemon is called back by Go, wherever it stands
// in the arguments.
func TestGoCallsBackPythonObjects(t *testing.T) {
	work := func(ctx context.Context, p *service.Proxy, steps int) (last int, err error) {
		defer p.Close()
		for i := range steps {
			if last, err = service.Call[int](ctx, p, "report", "step", i, service.Timeout(10*time.Second)); err != nil {
				return 0, err
			}
		}
		return last, nil
	}
	s := service.New("caller")
	s.Method("work", func(ctx context.Context, p *service.Proxy, steps int, serializer string) (int, error) {
		q, err := p.With(service.Serializer(serializer))
		if err != nil {
			return 0, err
		}
		return work(ctx, q, steps)
	})
	s.Method("anything", func(ctx context.Context, v any, steps int, serializer string) (int, error) {
		p, ok := v.(*service.Proxy)
		if !ok {
			return 0, fmt.Errorf("a %T", v)
		}
		q, err := p.With(service.Serializer(serializer))
		if err != nil {
			return 0, err
		}
		return work(ctx, q, steps)
	})
	srv := serve(t, s, service.Serializers(serializersOf(peers.Pyro4)...))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for _, serializer := range serializersOf(d) {
			if serializer == "marshal" {
				continue // Python's has no proxies for registered objects
			}
			t.Run(serializer, func(t *testing.T) {
				c := peers.NewClient(t, d)
				connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("caller").String(), Serializer: serializer})
				for _, method := range []string{"work", "anything"} {
					a := c.Do(peers.Request{Op: "callback", Proxy: "svc", Method: method, Args: "(3, 'serpent')"})
					require.Equal(t, "[('step', 0), ('step', 1), ('step', 2)]", repr(t, a))
					require.Equal(t, "3", a.Items[0].Repr, "what the method returned")
				}
			})
		}
	})
}

// A key travels in the state of a Pyro4 proxy, and is used.
func TestAKeyTravelsWithItsProxy(t *testing.T) {
	const key = "sesame"
	python := peers.Service(t, peers.Pyro4, "--hmac", key)
	p := proxy(t, python.URIs["svc"], service.HMACKey(key))
	target, err := pyro.ParseURI(python.URIs["single"])
	require.NoError(t, err)
	passed := pyro.ProxyState{URI: target, HMACKey: pyro.Secret(key)}
	arrived, err := service.Call[*service.Proxy](t.Context(), p, "echo", passed)
	require.NoError(t, err)
	defer arrived.Close()
	n, err := service.Call[int](t.Context(), arrived, "increment")
	require.NoError(t, err, "it signs")
	require.Equal(t, 1, n)
	n, err = service.Call[int](t.Context(), p, "call_back", passed, "increment")
	require.NoError(t, err, "Python signs")
	require.Equal(t, 2, n)
}

// A daemon arrives as one and goes back as one.
func TestDaemonsAsValues(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"])
		v, err := service.Call[any](t.Context(), p, "echo", srv)
		require.NoError(t, err)
		require.Equal(t, pyro.Daemon{}, v)
		kind, err := service.Call[string](t.Context(), p, "kind", srv)
		require.NoError(t, err)
		require.Equal(t, "Daemon", kind)
	})
}

// A proxy of one dialect is passed on into the other.
func TestProxiesCrossDialects(t *testing.T) {
	four, five := peers.Service(t, peers.Pyro4), peers.Service(t, peers.Pyro5)
	fromFour := proxy(t, four.URIs["svc"])
	toFive := proxy(t, five.URIs["svc"])
	counter, err := service.Call[*service.Proxy](t.Context(), fromFour, "new_counter")
	require.NoError(t, err)
	got, err := service.Call[[]any](t.Context(), toFive, "describe", counter)
	require.NoError(t, err)
	require.Equal(t, []any{counter.URI().String(), []any{"increment"}, []any{}, []any{}, "hello", nil}, got)

	fiver, err := service.Call[*service.Proxy](t.Context(), toFive, "new_counter")
	require.NoError(t, err)
	got, err = service.Call[[]any](t.Context(), fromFour, "describe", []any{fiver}[0])
	require.NoError(t, err)
	require.Equal(t, fiver.URI().String(), got[0])
}
