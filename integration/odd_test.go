//go:build integration

package integration

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// oddDaemon serves what the test service is too well-behaved for.
const oddDaemon = `
import sys
dialect, port = sys.argv[1:]
if dialect == "Pyro4":
    import Pyro4 as api
    import Pyro4.core
    daemon = Pyro4.core.Daemon(host="127.0.0.1", port=int(port))
    daemon._pyroHmacKey = None
else:
    import Pyro5.api as api
    daemon = api.Daemon(host="127.0.0.1", port=int(port))

class Empty(object):
    def hidden(self):
        pass

@api.expose
class Traitor(object):
    def trust(self, key):
        daemon._pyroHmacKey = key

    def echo(self, value):
        return value

class Thing(object):
    def __init__(self):
        self.weight = 1.5

@api.expose
class Odd(object):
    def thing(self):
        return [Thing()]

    def unserializable(self):
        return object

    def silent(self):
        raise sys.modules[dialect + ".errors"].ProtocolError("no reply is sent")

daemon.register(Empty(), "empty")
daemon.register(Traitor(), "traitor")
daemon.register(Odd(), "odd")
daemon.requestLoop()
`

// serveOdd runs oddDaemon until the test ends and returns a function that gives the URIs of its objects.
func serveOdd(t *testing.T, d peers.Dialect) func(object string) string {
	t.Helper()
	port := strconv.Itoa(freePort(t))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		var none any
		ended <- peers.Run(ctx, &none, oddDaemon, d.String(), port)
	}()
	t.Cleanup(func() {
		stop()
		require.ErrorContains(t, <-ended, "killed")
	})
	uri := func(object string) string { return "PYRO:" + object + "@127.0.0.1:" + port }
	up := proxy(t, uri("odd"), service.Dialect(wire(d)))
	require.Eventually(t, func() bool {
		select {
		case err := <-ended:
			ended <- err
			require.NoError(t, err)
		default:
		}
		return up.Ping(ctx) == nil
	}, soon, tick)
	return uri
}

// A daemon that changes its key in the middle: its reply is no longer genuine.
func TestRepliesHaveToBeSigned(t *testing.T) {
	uri := serveOdd(t, peers.Pyro4)("traitor")
	setup := proxy(t, uri)
	require.NoError(t, service.Do(t.Context(), setup, "trust", "secret", service.AsOneway()))
	var p *service.Proxy
	require.Eventually(t, func() bool { // until the one-way call is carried out
		p = proxy(t, uri, service.HMACKey("secret"))
		return service.Do(t.Context(), p, "echo", 1) == nil
	}, soon, tick)
	require.ErrorIs(t, service.Do(t.Context(), p, "trust", "another"), transport.ErrUnauthenticated)
}

func TestPythonObjectThatExposesNothing(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, serveOdd(t, d)("empty"))
		err := service.Do(t.Context(), p, "hidden")
		require.ErrorIs(t, err, transport.ErrPermissionDenied)
		require.ErrorContains(t, err, "doesn't expose any methods or attributes")
	})
}

func TestOddResults(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		uri := serveOdd(t, d)("odd")
		p := proxy(t, uri)
		type thing struct {
			Weight float64 `pyro:"weight"`
		}
		things, err := service.Call[[]thing](t.Context(), p, "thing")
		require.NoError(t, err, "an instance of a class that nobody registered")
		require.Equal(t, []thing{{1.5}}, things)

		for _, serializer := range both {
			p := proxy(t, uri, service.Serializer(serializer))
			var e *transport.Error
			require.ErrorAs(t, service.Do(t.Context(), p, "unserializable"), &e)
			require.True(t, e.Remote, "%v", e)
			require.ErrorIs(t, service.Do(t.Context(), p, "silent"), transport.ErrUnavailable,
				"Python closes the connection without a word")
			require.NoError(t, p.Ping(t.Context()))
		}
	})
}
