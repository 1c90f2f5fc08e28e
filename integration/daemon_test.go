//go:build integration

package integration

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// daemonOf returns the URI of the daemon object that serves uri.
func daemonOf(uri string) string {
	_, location, _ := strings.Cut(uri, "@")
	return "PYRO:Pyro.Daemon@" + location
}

// pingGo sends messages of type PING, which no object sees, between calls.
const pingGo = `
import json, sys
dialect, uri = sys.argv[1:]
if dialect == "Pyro4":
    import Pyro4 as api
    from Pyro4.message import Message as protocol
else:
    import Pyro5.api as api
    import Pyro5.protocol
    protocol = Pyro5.protocol.SendingMessage
with api.Proxy(uri) as svc:
    seen = [svc.add(1)]
    for _ in range(3):
        protocol.ping(svc._pyroConnection)
    seen.append(svc.add(2))
print(json.dumps(seen))
`

func TestPing(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var seen []int
		require.NoError(t, peers.Run(t.Context(), &seen, pingGo, d.String(), srv.URI("svc").String()))
		require.Equal(t, []int{3, 4}, seen)

		p := proxy(t, peers.Service(t, d).URIs["svc"])
		require.NoError(t, p.Ping(t.Context()))
		require.NoError(t, p.Ping(t.Context()))
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
	})
}

func TestPythonAsksTheGoDaemon(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		python := peers.Service(t, d)
		for _, serializer := range []string{"serpent", "json"} {
			connect(t, c, peers.Request{Proxy: "go", URI: daemonOf(srv.URI("svc").String()), Serializer: serializer})
			connect(t, c, peers.Request{Proxy: "python", URI: daemonOf(python.URIs["svc"]), Serializer: serializer})
			require.Equal(t, "None", repr(t, c.Call("go", "ping", "()")))
			require.Equal(t, "None", repr(t, c.Do(peers.Request{Op: "ping", Proxy: "go"})))
			require.Equal(t, "['Pyro.Daemon', 'svc']", repr(t, c.Call("go", "registered", "()")))
			info := repr(t, c.Call("go", "info", "()"))
			require.Contains(t, info, "Pyro.Daemon bound on "+srv.URI("svc").Location())
			require.Contains(t, info, "2 objects registered")

			got, want := c.Call("go", "get_metadata", "('svc',)"), c.Call("python", "get_metadata", "('svc',)")
			require.Equal(t, want.Type, got.Type)
			require.Contains(t, repr(t, got), "'echo'")
			for _, args := range []string{"('nobody',)", "(1, 2, 3)", "()"} {
				got, want = c.Call("go", "get_metadata", args), c.Call("python", "get_metadata", args)
				require.Equal(t, raised(t, want).Class, raised(t, got).Class)
			}
			require.Equal(t, "unknown object", raised(t, c.Call("go", "get_metadata", "('nobody',)")).Text)
			require.Equal(t, "item stream terminated", raised(t, c.Call("go", "get_next_stream_item", "('nothing',)")).Text)
			require.Equal(t, "None", repr(t, c.Call("go", "close_stream", "('nothing',)")))
		}
	})
}

// The metadata of the two daemons' own objects have the same members, of the same types.
func TestDaemonsLookAlike(t *testing.T) {
	const shape = `
import json, sys
dialect, uri = sys.argv[1:]
api = __import__("Pyro4") if dialect == "Pyro4" else __import__("Pyro5.api").api
with api.Proxy(uri) as daemon:
    daemon._pyroBind()
    meta = daemon.get_metadata("svc")
    print(json.dumps([sorted(daemon._pyroMethods), sorted(daemon._pyroOneway), sorted(daemon._pyroAttrs),
                      {key: type(value).__name__ for key, value in meta.items()}]))
`
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var got, want any
		require.NoError(t, peers.Run(t.Context(), &got, shape, d.String(), daemonOf(srv.URI("svc").String())))
		require.NoError(t, peers.Run(t.Context(), &want, shape, d.String(), daemonOf(peers.Service(t, d).URIs["svc"])))
		require.Equal(t, want, got)
	})
}

func TestGoAsksThePythonDaemon(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d)
		for _, serializer := range both {
			p := proxy(t, daemonOf(svc.URIs["svc"]), service.Serializer(serializer))
			ctx := t.Context()
			require.NoError(t, service.Do(ctx, p, "ping"))
			names, err := service.Call[[]string](ctx, p, "registered")
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"Pyro.Daemon", "svc", "dispatcher", "session", "single", "percall"}, names)
			info, err := service.Call[string](ctx, p, "info")
			require.NoError(t, err)
			require.Contains(t, info, "6 objects registered")
			meta, err := service.Call[map[string][]string](ctx, p, "get_metadata", "svc")
			require.NoError(t, err)
			require.Contains(t, meta["methods"], "echo")
			require.ElementsMatch(t, []string{"notify", "notify_fails"}, meta["oneway"])
			err = service.Do(ctx, p, "get_metadata", "nobody")
			require.ErrorIs(t, err, transport.ErrNotFound)
		}
	})
}

// One object of a class that Pyro makes an instance of for each connection: a proxy is a session, and a
// pool is several.
func TestPythonInstanceModes(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d)
		count := func(p *service.Proxy) int {
			n, err := service.Call[int](t.Context(), p, "increment")
			require.NoError(t, err)
			return n
		}
		for mode, want := range map[string][]int{
			"session": {1, 2, 1, 3},
			"single":  {1, 2, 3, 4},
			"percall": {1, 1, 1, 1},
		} {
			one, other := proxy(t, svc.URIs[mode]), proxy(t, svc.URIs[mode])
			require.Equal(t, want, []int{count(one), count(one), count(other), count(one)}, mode)
		}
		pool := proxy(t, svc.URIs["session"], service.Pool(2))
		require.Equal(t, 6, count(pool)+count(pool)+count(pool)+count(pool), "1, 2 on each of two connections")
	})
}

// What Python makes of its objects and URIs in arguments and results.
func TestURIsAndProxiesAsValues(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d)
		c := peers.NewClient(t, d)
		for _, serializer := range both {
			t.Run(serializer, func(t *testing.T) {
				connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), Serializer: serializer})
				const uri = "(proxies['svc']._pyroUri,)"
				require.Equal(t, "'pyro.URI'", repr(t, c.Call("svc", "kind", uri)))
				a := c.Call("svc", "echo", uri)
				require.Contains(t, repr(t, a), srv.URI("svc").String())
				require.Equal(t, d.String()+".core.URI", a.Type)

				p := proxy(t, svc.URIs["svc"], service.Serializer(serializer))
				back, err := service.Call[any](t.Context(), p, "echo", srv.URI("svc"))
				require.NoError(t, err)
				require.Equal(t, srv.URI("svc"), back)
				kind, err := service.Call[string](t.Context(), p, "kind", srv.URI("svc"))
				require.NoError(t, err)
				require.Equal(t, "URI", kind)
			})
		}
		// A Python proxy passes through a Go service and is one again.
		connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String()})
		c.Connect("counter", svc.URIs["single"])
		saved := c.Do(peers.Request{Op: "call", Proxy: "svc", Method: "echo", Args: "(proxies['counter'],)", Save: "again"})
		require.Nil(t, saved.Error)
		require.Equal(t, "1", repr(t, c.Call("counter", "increment", "()")))
		require.Equal(t, "2", repr(t, c.Call("again", "increment", "()")))

		// The object that a Python method returns comes as the description of a proxy.
		p := proxy(t, svc.URIs["svc"])
		got, err := service.Call[codec.Object](t.Context(), p, "new_counter")
		require.NoError(t, err)
		require.Contains(t, got.Class, "Proxy")
		state, ok := got.Attrs["state"].(codec.Tuple)
		require.True(t, ok)
		location, ok := state[0].(string)
		require.True(t, ok)
		n, err := service.Call[int](t.Context(), proxy(t, location), "increment")
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}
