//go:build integration

package integration

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// clients are written as Pyro's own manuals and examples write theirs; each prints what it saw.
var clients = map[peers.Dialect]string{
	peers.Pyro4: `
import json, sys, threading
import Pyro4
import Pyro4.futures
from Pyro4.util import getPyroTraceback
uri, = sys.argv[1:]
seen = {}
with Pyro4.core.Proxy(uri) as svc:
    svc._pyroBind()
    seen["methods"] = "echo" in svc._pyroMethods and "notify" in svc._pyroOneway
    svc.velocity = 4.5
    seen["attribute"] = svc.velocity
    batch = Pyro4.batch(svc)
    batch.add(1, 2)
    batch.add(3)
    seen["batch"] = list(batch())
    batch.add(4)
    seen["asynchronous batch"] = list(batch(asynchronous=True).value)
    Pyro4.asyncproxy(svc)
    call = svc.add(20, 22)
    seen["asynchronous"] = call.wait(30) and call.value
    seen["chained"] = svc.add(1, 2).then(lambda n: n * 10).value
    Pyro4.asyncproxy(svc, asynchronous=False)
    seen["future"] = Pyro4.Future(svc.add)(5, 6).value
    try:
        svc.fail("value")
    except ValueError:
        seen["traceback"] = any("service_test.go" in line for line in getPyroTraceback())
    seen["generator"] = [n for n in svc.stream(3)]
    copied = svc.__copy__()
    seen["copy"] = copied.add(1, 1)
    copied._pyroRelease()
    svc._pyroTimeout = 30
    seen["released"] = (svc._pyroRelease(), svc.add(1, 1))[1]
    results = []
    threads = [threading.Thread(target=lambda: results.append(svc.add(1, 1))) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    seen["shared by threads"] = results
    with Pyro4.core.Proxy("PYRO:Pyro.Daemon@" + svc._pyroUri.location) as daemon:
        seen["daemon"] = daemon.registered()
print(json.dumps(seen))
`,
	peers.Pyro5: `
import json, sys, threading
from Pyro5.api import BatchProxy, Proxy, SerializedBlob, current_context
from Pyro5.errors import get_pyro_traceback
uri, = sys.argv[1:]
seen = {}
with Proxy(uri) as svc:
    svc._pyroBind()
    seen["methods"] = "echo" in svc._pyroMethods and "notify" in svc._pyroOneway
    svc.velocity = 4.5
    seen["attribute"] = svc.velocity
    batch = BatchProxy(svc)
    batch.add(1, 2)
    batch.add(3)
    seen["batch"] = list(batch())
    seen["length"] = len(svc)
    try:
        svc.fail("value")
    except ValueError:
        seen["traceback"] = any("service_test.go" in line for line in get_pyro_traceback())
    seen["generator"] = [n for n in svc.stream(3)]
    copied = svc.__copy__()
    seen["copy"] = copied.add(1, 1)
    copied._pyroRelease()
    svc._pyroTimeout = 30
    seen["released"] = (svc._pyroRelease(), svc.add(1, 1))[1]
    results = []
    def work():
        svc._pyroClaimOwnership()
        results.append(svc.add(1, 1))
    for _ in range(5):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    svc._pyroClaimOwnership()
    seen["shared by threads"] = results
    with Proxy("PYRO:Pyro.Daemon@" + svc._pyroUri.location) as daemon:
        seen["daemon"] = daemon.registered()
print(json.dumps(seen))
`,
}

func TestClientsAsInPyrosManuals(t *testing.T) {
	srv := serve(t, newService())
	want := map[string]any{
		"methods": true, "attribute": 4.5, "batch": []any{3.0, 5.0}, "traceback": true,
		"generator": []any{0.0, 1.0, 2.0}, "copy": 2.0, "released": 2.0,
		"shared by threads": []any{2.0, 2.0, 2.0, 2.0, 2.0}, "daemon": []any{"Pyro.Daemon", "svc"},
	}
	only := map[peers.Dialect]map[string]any{
		peers.Pyro4: {"asynchronous batch": []any{6.0}, "asynchronous": 42.0, "chained": 30.0, "future": 11.0},
		peers.Pyro5: {"length": 3.0},
	}
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var seen map[string]any
		require.NoError(t, peers.Run(within(t, 2*soon), &seen, clients[d], srv.URI("svc").String()))
		for what, value := range want {
			require.Equal(t, value, seen[what], what)
		}
		for what, value := range only[d] {
			require.Equal(t, value, seen[what], what)
		}
	})
}

// Pyro's own echo server, as it comes.
func TestGoCallsPyrosEchoServer(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		server := peers.EchoServer(t, d)
		for _, serializer := range both {
			p := proxy(t, server.URIs["uri"], service.Serializer(serializer))
			ctx := within(t, soon)
			s, err := service.Call[string](ctx, p, "echo", "hello 😀")
			require.NoError(t, err)
			require.Equal(t, "hello 😀", s)

			var e *transport.Error
			require.ErrorAs(t, service.Do(ctx, p, "error"), &e)
			require.Equal(t, "builtins.ValueError", e.Class)
			require.Contains(t, e.Message, "error from echo")
			require.ErrorAs(t, service.Do(ctx, p, "error_with_text"), &e)
			require.Equal(t, "the message of the error", e.Message)

			var words []string
			for word, err := range service.Stream[string](ctx, p, "generator") {
				require.NoError(t, err)
				words = append(words, word)
			}
			require.Equal(t, []string{"one", "two", "three"}, words)

			nan, err := service.Call[float64](ctx, p, "nan")
			require.NoError(t, err)
			require.True(t, math.IsNaN(nan))
			inf, err := service.Call[float64](ctx, p, "inf")
			require.NoError(t, err)
			require.True(t, math.IsInf(inf, 1))
			dunder, err := service.Call[string](ctx, p, "__dunder__")
			require.NoError(t, err)
			require.Equal(t, "should be allowed (dunder)", dunder)

			require.NoError(t, service.Do(ctx, p, "oneway_echo", "nobody answers"))
			verbose, err := service.Get[bool](ctx, p, "verbose")
			require.NoError(t, err)
			require.False(t, verbose)
			require.NoError(t, service.Set(ctx, p, "verbose", false))
			require.ErrorAs(t, service.Do(ctx, p, "_private"), &e)
			require.True(t, e.NotSent)
		}
		p := proxy(t, server.URIs["uri"])
		require.NoError(t, service.Do(t.Context(), p, "shutdown"))
		require.Eventually(t, func() bool {
			gone := proxy(t, server.URIs["uri"])
			return service.Do(t.Context(), gone, "echo", 1) != nil
		}, soon, tick)
	})
}

// A Python object that is registered with the client's own daemon is called back by Go.
func TestGoCallsBackIntoPython(t *testing.T) {
	s := service.New("caller")
	s.Method("work", func(ctx context.Context, callback *service.Proxy, steps int) (last int, err error) {
		defer callback.Close()
		for i := range steps {
			if last, err = service.Call[int](ctx, callback, "report", "step", i, service.Timeout(10*time.Second)); err != nil {
				return 0, err
			}
		}
		return last, nil
	})
	srv := serve(t, s)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("caller").String())
		a := c.Do(peers.Request{Op: "callback", Proxy: "svc", Method: "work", Args: "(3,)"})
		require.Equal(t, "[('step', 0), ('step', 1), ('step', 2)]", repr(t, a))
		require.Equal(t, "3", a.Items[0].Repr, "what the method returned")
	})
}
