//go:build integration

package integration

import (
	"context"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
)

func TestPythonReachesGoAtEveryAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	srv := serveOn(t, []*service.Service{newService()},
		service.Listen("tcp", "127.0.0.1:0"), service.Listen("tcp", "[::1]:0"), service.Listen("unix", path), service.Listen("tcp", "localhost:0"))
	uris := srv.URIs("svc")
	require.Len(t, uris, 4)
	require.Equal(t, "PYRO:svc@./u:"+path, uris[2].String())
	require.Contains(t, uris[1].String(), "PYRO:svc@[::1]:")
	require.Contains(t, uris[3].String(), "PYRO:svc@localhost:", "the host as it was given")
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		for _, uri := range uris {
			c.Connect("svc", uri.String())
			require.Equal(t, "'here'", repr(t, c.Call("svc", "echo", "('here',)")), uri.String())
		}
	})
}

func TestGoReachesPythonAtEveryAddress(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for _, args := range [][]string{
			{"--host", "::1"},
			{"--host", "localhost"},
			{"--unix", filepath.Join(t.TempDir(), "s")},
			{"--config", "SERVERTYPE=multiplex"},
		} {
			svc := peers.Service(t, d, args...)
			p := proxy(t, svc.URIs["svc"])
			s, err := service.Call[string](t.Context(), p, "echo", "here")
			require.NoError(t, err, "%v", args)
			require.Equal(t, "here", s)
			info, err := p.Info(t.Context())
			require.NoError(t, err)
			require.Equal(t, svc.URIs["svc"], info.URI.String(), "printed as Python prints it")
		}
	})
}

// Behind NAT the URIs carry another host and port than the server is bound to.
func TestNAT(t *testing.T) {
	srv := serveOn(t, []*service.Service{newService()}, service.Listen("tcp", "127.0.0.1:0"), service.Advertise("outside.example:4444"))
	require.Equal(t, "PYRO:svc@outside.example:4444", srv.URI("svc").String())
	hostOnly := serveOn(t, []*service.Service{newService()}, service.Listen("tcp", "127.0.0.1:0"), service.Advertise("localhost"))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", hostOnly.URI("svc").String())
		require.Equal(t, "'here'", repr(t, c.Call("svc", "echo", "('here',)")))

		port := freePort(t)
		inside := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		svc := peers.Service(t, d, "--port", strconv.Itoa(port), "--nathost", "outside.example", "--natport", "4444")
		require.Equal(t, "PYRO:svc@outside.example:4444", svc.URIs["svc"])
		forward := func(ctx context.Context, network, address string) (net.Conn, error) {
			require.Equal(t, "outside.example:4444", address)
			return (&net.Dialer{}).DialContext(ctx, network, inside)
		}
		p := proxy(t, svc.URIs["svc"], service.DialWith(forward), service.Dialect(wire(d)))
		s, err := service.Call[string](t.Context(), p, "echo", "there")
		require.NoError(t, err)
		require.Equal(t, "there", s)
	})
}

// freePort returns a port for servers that have to know theirs beforehand. It is none that the system gives out by itself,
// so that nobody takes it before they do.
func freePort(t *testing.T) int {
	t.Helper()
	const from, to, tries = 10_000, 32_000, 100
	for range tries {
		port := from + rand.IntN(to-from)
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // it is in use
		}
		require.NoError(t, l.Close())
		return port
	}
	require.Fail(t, "no port is free")
	return 0
}
