//go:build integration

package integration

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A Python server is killed while it carries out calls; the test knows that it does, because the call has
// come through it to a Go server.
func TestPythonServerIsKilledInTheMiddleOfACall(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		g := newGoService()
		srv := serve(t, g.service())
		defer close(g.release)
		port := strconv.Itoa(freePort(t))
		python := peers.Service(t, d, "--port", port)
		p := proxy(t, python.URIs["svc"])
		ctx := within(t, soon)
		waiting := make(chan error, 10)
		for range cap(waiting) {
			go func() {
				waiting <- service.Do(ctx, p, "call_back", remote(d, srv.URI("svc").String()), "hold")
			}()
		}
		<-g.entered
		python.Stop()
		for range cap(waiting) {
			err := <-waiting
			require.ErrorIs(t, err, transport.ErrUnavailable)
			require.NotErrorIs(t, err, transport.ErrTimeout, "it was told at once")
		}

		err := service.Do(ctx, p, "nothing")
		require.ErrorIs(t, err, transport.ErrUnavailable)
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.NotSent, "nobody listens: it may be sent again")

		peers.Service(t, d, "--port", port)
		n, err := service.Call[int](ctx, p, "add", 40)
		require.NoError(t, err, "the proxy connects again by itself")
		require.Equal(t, 42, n)
	})
}

// An idle proxy of a server that was killed and started again: the first call may fail, because the
// request could have arrived; then all is well.
func TestPythonServerIsReplacedBehindAnIdleProxy(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		port := strconv.Itoa(freePort(t))
		python := peers.Service(t, d, "--port", port)
		p := proxy(t, python.URIs["svc"])
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
		python.Stop()
		peers.Service(t, d, "--port", port)
		if err := service.Do(t.Context(), p, "nothing"); err != nil {
			require.ErrorIs(t, err, transport.ErrUnavailable)
			require.NoError(t, service.Do(t.Context(), p, "nothing"))
		}
	})
}

// A stream ends with its server.
func TestPythonServerIsKilledInTheMiddleOfAStream(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		python := peers.Service(t, d)
		p := proxy(t, python.URIs["svc"])
		items := 0
		var last error
		for _, err := range service.Stream[int](within(t, soon), p, "stream", 1000) {
			last = err
			if items++; items == 3 {
				python.Stop()
			}
		}
		require.ErrorIs(t, last, transport.ErrUnavailable)
		require.Equal(t, 4, items, "three items and the error")
	})
}

// dying are Python clients that wait to be killed. Each calls hold last, so the test knows when it has
// come so far.
var dying = map[string]string{
	"in the middle of a call": `
svc.hold()
`,
	"in the middle of a stream": `
stream = svc.stream(1000)
next(stream), next(stream)
svc.hold()
`,
	"in the middle of a message": `
svc._pyroBind()
message = b"PYRO" + (b"\0\x30\0\4" if dialect == "Pyro4" else b"\1\xf6\4\1")
svc._pyroConnection.sock.sendall(message)
other = api.Proxy(uri)
other.hold()
`,
	"in the middle of a large payload": `
svc._pyroBind()
seq, size = b"\0\1", 1 << 26
if dialect == "Pyro4":
    from Pyro4.message import Message, MSG_INVOKE
    message = Message(MSG_INVOKE, b"x" * size, 1, 0, 1).to_bytes()
else:
    from Pyro5.protocol import SendingMessage, MSG_INVOKE
    message = SendingMessage(MSG_INVOKE, 0, 1, 1, b"x" * size).data
svc._pyroConnection.sock.sendall(bytes(message)[:size // 2])
other = api.Proxy(uri)
other.hold()
`,
	"in the handshake": `
import socket
sock = socket.create_connection((svc._pyroUri.host, svc._pyroUri.port))
sock.sendall(b"PYR")
svc.hold()
`,
}

func TestPythonClientIsKilled(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for when, code := range dying {
			t.Run(when, func(t *testing.T) {
				g := newGoService()
				srv := serve(t, g.service(), service.StreamLinger(0))
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				ended := make(chan error, 1)
				head := "import sys\ndialect, uri = sys.argv[1:]\n" +
					"api = __import__('Pyro4') if dialect == 'Pyro4' else __import__('Pyro5.api').api\nsvc = api.Proxy(uri)\n"
				go func() {
					var none any
					ended <- peers.Run(ctx, &none, head+code, d.String(), srv.URI("svc").String())
				}()
				select {
				case <-g.entered:
				case err := <-ended:
					require.NoError(t, err, "the client ended before it was killed")
				}
				kill()
				require.ErrorContains(t, <-ended, "killed")
				close(g.release)

				c := peers.NewClient(t, d)
				c.Connect("svc", srv.URI("svc").String())
				require.Equal(t, "42", repr(t, c.Call("svc", "add", "(40,)")), "others are served")
				c.Connect("daemon", daemonOf(srv.URI("svc").String()))
				require.Eventually(t, func() bool { // this client has two
					return strings.HasSuffix(repr(t, c.Call("daemon", "info", "()")), "2 connections'")
				}, soon, tick, "the dead client's connections are given up")
				if strings.Contains(code, "stream") {
					require.Equal(t, int64(1), g.closed.Load(), "its iterator is closed")
				}
			})
		}
	})
}

// A one-way call was made, even if its caller is gone before it is carried out.
func TestOnewayOutlivesItsCaller(t *testing.T) {
	const goodbye = `
import sys
dialect, uri = sys.argv[1:]
api = __import__("Pyro4") if dialect == "Pyro4" else __import__("Pyro5.api").api
with api.Proxy(uri) as svc:
    svc.hold_oneway()
print("null")
`
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		g := newGoService()
		s := g.service()
		s.Method("hold_oneway", func(ctx context.Context) { g.notify(g.hold(ctx)) }, service.Oneway())
		srv := serve(t, s)
		var none any
		require.NoError(t, peers.Run(t.Context(), &none, goodbye, d.String(), srv.URI("svc").String()))
		<-g.entered
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		c.Connect("daemon", daemonOf(srv.URI("svc").String()))
		require.Equal(t, "[]", repr(t, c.Call("svc", "received", "()")))
		require.Eventually(t, func() bool {
			return strings.HasSuffix(repr(t, c.Call("daemon", "info", "()")), "2 connections'")
		}, soon, tick, "the caller's connection has ended")
		close(g.release)
		require.Eventually(t, func() bool { return len(g.all()) == 1 }, soon, tick)
		require.Equal(t, []any{"released"}, g.all(), "not cut off")
	})
}
