//go:build integration

package integration

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// largeIn is the size that is sent in a serializer: most in the one that nearly everybody uses.
func largeIn(serializer string) int {
	if serializer == "serpent" {
		return 64 << 20
	}
	return 8 << 20
}

// exchange sends and fetches n bytes or characters and prints the sizes that were seen.
const exchange = `
import json, sys
import serpent
dialect, uri, serializer, kind, n = sys.argv[1:]
api = __import__("Pyro4") if dialect == "Pyro4" else __import__("Pyro5.api").api
n = int(n)
with api.Proxy(uri) as svc:
    svc._pyroSerializer = serializer
    if kind == "text":
        seen = [svc.length("x" * n), len(svc.big(n))]
    else:
        got = svc.big_bytes(n)
        seen = [svc.size(b"x" * n), len(serpent.tobytes(got) if isinstance(got, dict) else got)]
print(json.dumps(seen))
`

func TestPythonExchangesLargeMessagesWithGo(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for _, serializer := range both {
			for _, kind := range []string{"text", "bytes"} {
				if serializer == "json" && kind == "bytes" {
					continue // json has no bytes
				}
				t.Run(serializer+" "+kind, func(t *testing.T) {
					large := largeIn(serializer)
					var seen []int
					err := peers.Run(within(t, 3*soon), &seen, exchange, d.String(), srv.URI("svc").String(), serializer, kind, strconv.Itoa(large))
					require.NoError(t, err)
					require.Equal(t, []int{large, large}, seen)
				})
			}
		}
	})
}

func TestGoExchangesLargeMessagesWithPython(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, serializer string) {
		ctx, large := within(t, 3*soon), largeIn(serializer)
		text, err := service.Call[string](ctx, p, "big", large)
		require.NoError(t, err)
		require.Len(t, text, large)
		n, err := service.Call[int](ctx, p, "blob_size", text)
		require.NoError(t, err)
		require.Equal(t, large, n)
		if serializer == "json" {
			return
		}
		data, err := service.Call[[]byte](ctx, p, "big_bytes", large)
		require.NoError(t, err)
		require.Len(t, data, large)
		n, err = service.Call[int](ctx, p, "blob_size", data)
		require.NoError(t, err)
		require.Equal(t, large, n)
	})
}

func TestGoServerRefusesWhatIsTooLarge(t *testing.T) {
	srv := serve(t, newService(), service.MaxMessageSize(10000))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		require.Equal(t, "9000", repr(t, c.Call("svc", "length", "('x' * 9000,)")))
		for what, a := range map[string]peers.Answer{
			"request": c.Call("svc", "length", "('x' * 20000,)"),
			"result":  c.Call("svc", "big", "(20000,)"),
		} {
			require.Contains(t, raised(t, a).Class, of(d, "ConnectionClosedError"), what)
			require.Equal(t, "3", repr(t, c.Call("svc", "add", "(1,)")), "a new connection works")
		}
	})
}

func TestPythonClientRefusesWhatIsTooLarge(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d, "--config", "MAX_MESSAGE_SIZE=10000")
		python := peers.Service(t, d)
		c.Connect("go", srv.URI("svc").String())
		c.Connect("python", python.URIs["svc"])
		require.Equal(t, raised(t, c.Call("python", "big", "(20000,)")).Class, raised(t, c.Call("go", "big", "(20000,)")).Class)
		require.Equal(t, "3", repr(t, c.Call("go", "add", "(1,)")))
	})
}

func TestPythonServerRefusesWhatIsTooLarge(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d, "--config", "MAX_MESSAGE_SIZE=10000").URIs["svc"])
		ctx := t.Context()
		for what, call := range map[string]func() error{
			"request": func() error { return service.Do(ctx, p, "echo", strings.Repeat("x", 20000)) },
			"result":  func() error { return service.Do(ctx, p, "big", 20000) },
		} {
			require.ErrorIs(t, call(), transport.ErrUnavailable, what)
			n, err := service.Call[int](ctx, p, "add", 1)
			require.NoError(t, err, "a new connection works")
			require.Equal(t, 3, n)
		}
	})
}

func TestGoProxyRefusesWhatIsTooLarge(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"], service.MaxMessageSize(10000))
		ctx := t.Context()
		err := service.Do(ctx, p, "echo", strings.Repeat("x", 20000))
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.NotSent, "%v", err)
		require.ErrorContains(t, err, "10000")
		err = service.Do(ctx, p, "big", 20000)
		require.ErrorAs(t, err, &e)
		require.False(t, e.NotSent)
		require.ErrorContains(t, err, "10000")
		n, err := service.Call[int](ctx, p, "add", 1)
		require.NoError(t, err, "a new connection works")
		require.Equal(t, 3, n)
	})
}

// A counter counts the bytes of connections, as their client sees them.
type counter struct{ sent, received atomic.Int64 }

type countedConn struct {
	net.Conn
	c *counter
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.c.received.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	// Before it is written: the peer may have answered when Write returns.
	c.c.sent.Add(int64(len(p)))
	return c.Conn.Write(p)
}

func (c *counter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return countedConn{nc, c}, err
}

// countedListener counts the bytes of the connections that it accepts.
type countedListener struct {
	net.Listener
	c *counter
}

func (l countedListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return countedConn{nc, l.c}, err
}

// Each end compresses what it sends, if it was told to, and reads either.
func TestCompression(t *testing.T) {
	const size = 100000
	check := func(t *testing.T, compressed bool, n int64) {
		t.Helper()
		if compressed {
			require.Less(t, n, int64(size/10))
		} else {
			require.Greater(t, n, int64(size))
		}
	}
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for name, tt := range map[string]struct{ golang, python bool }{
			"both": {true, true}, "only Go": {true, false}, "only Python": {false, true}, "neither": {false, false},
		} {
			t.Run(name, func(t *testing.T) {
				args := []string{}
				if tt.python {
					args = []string{"--config", "COMPRESSION=True"}
				}
				var calls counter
				opts := []service.ProxyOption{service.DialWith(calls.dial), service.Dialect(wire(d))}
				if tt.golang {
					opts = append(opts, service.Compression())
				}
				p := proxy(t, peers.Service(t, d, args...).URIs["svc"], opts...)
				text := strings.Repeat("x", size)
				got, err := service.Call[string](t.Context(), p, "echo", text)
				require.NoError(t, err)
				require.Equal(t, text, got)
				check(t, tt.golang, calls.sent.Load())
				check(t, tt.python, calls.received.Load())

				var served counter
				l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
				require.NoError(t, err)
				serving := []service.ServerOption{service.ListenOn(countedListener{l, &served})}
				if tt.golang {
					serving = append(serving, service.Compression())
				}
				srv := serveOn(t, []*service.Service{newService()}, serving...)
				c := peers.NewClient(t, d, args...)
				c.Connect("svc", srv.URI("svc").String())
				require.Equal(t, "100000", repr(t, c.Call("svc", "length", "('x' * 100000,)")))
				check(t, tt.python, served.received.Load())
				require.Len(t, repr(t, c.Call("svc", "big", "(100000,)")), size+2)
				check(t, tt.golang, served.sent.Load())
				require.Equal(t, "builtins.ValueError", raised(t, c.Call("svc", "fail", "('value',)")).Class)
			})
		}
	})
}

// What inflates beyond bounds is refused before it fills the memory.
func TestInflatedSizeIsBounded(t *testing.T) {
	srv := serve(t, newService(), service.MaxInflatedSize(1<<20))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d, "--config", "COMPRESSION=True")
		c.Connect("svc", srv.URI("svc").String())
		require.Equal(t, "500000", repr(t, c.Call("svc", "length", "('x' * 500000,)")))
		raised(t, c.Call("svc", "length", "('x' * 5000000,)"))
		require.Equal(t, "500000", repr(t, c.Call("svc", "length", "('x' * 500000,)")), "others go on")

		svc := peers.Service(t, d, "--config", "COMPRESSION=True")
		p := proxy(t, svc.URIs["svc"], service.MaxInflatedSize(1<<20))
		_, err := service.Call[string](t.Context(), p, "big", 5000000)
		require.ErrorContains(t, err, "MaxInflatedSize")
		s, err := service.Call[string](t.Context(), p, "big", 500000)
		require.NoError(t, err)
		require.Len(t, s, 500000)
	})
}
