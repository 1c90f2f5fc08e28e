//go:build integration

package integration

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// announced returns what a name server knows of the Go service; nothing while it knows it not.
func announced(t *testing.T, location string) (uri string, metadata []string) {
	t.Helper()
	c, err := nameserver.Locate(t.Context(), pyro.DialConfig{}, location)
	require.NoError(t, err)
	defer c.Close()
	e, err := c.Lookup(t.Context(), "svc")
	if err != nil {
		require.ErrorIs(t, err, transport.ErrNotFound)
		return "", nil
	}
	return e.URI.String(), e.Metadata
}

// A Go server makes its names known to every name server while it runs, and clients of both languages
// find it there.
func TestAnnounce(t *testing.T) {
	eachNameServer(t, func(t *testing.T, location string) {
		srv := service.NewServer(
			service.Listen("tcp", "127.0.0.1:0"),
			service.Announce(nameserver.Registrar(pyro.DialConfig{}, location)),
			service.Logger(slog.New(slog.DiscardHandler)),
		)
		require.NoError(t, srv.Add(newService().Tagged("shop", "go")))
		require.NoError(t, srv.Start())
		require.Eventually(t, func() bool {
			uri, _ := announced(t, location)
			return uri == srv.URI("svc").String()
		}, soon, tick)
		_, metadata := announced(t, location)
		require.Equal(t, []string{"go", "shop"}, metadata)

		for _, p := range []*service.Proxy{
			proxy(t, "PYRONAME:svc@"+location),
			proxy(t, "PYRONAME:svc", service.NameServers("127.0.0.1:1", location)),
		} {
			n, err := service.Call[int](t.Context(), p, "add", 40)
			require.NoError(t, err)
			require.Equal(t, 42, n)
			info, err := p.Info(t.Context())
			require.NoError(t, err)
			require.Equal(t, srv.URI("svc"), info.URI)
		}
		require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context())))
		uri, _ := announced(t, location)
		require.Empty(t, uri, "withdrawn")
	})
}

// Python finds Go and Go finds Python by name, whoever keeps the names.
func TestNamesBothWays(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for keeper, location := range map[string]string{"python": pythonNames(t, d), "go": goNames(t)} {
			t.Run("kept by "+keeper, func(t *testing.T) {
				srv := serve(t, newService().Tagged("tea"), service.Announce(nameserver.Registrar(pyro.DialConfig{}, location)))
				python := peers.Service(t, d, "--ns", location)
				require.Eventually(t, func() bool {
					uri, _ := announced(t, location)
					return uri != ""
				}, soon, tick)

				c := peers.NewClient(t, d)
				c.Connect("go", "PYRONAME:svc@"+location)
				require.Equal(t, "42", repr(t, c.Call("go", "add", "(40,)")))
				c.Connect("meta", "PYROMETA:tea@"+location)
				require.Equal(t, srv.URI("svc").String(), address.ReplaceAllString(c.Do(peers.Request{Op: "bind", Proxy: "meta"}).Repr, ""))
				require.Equal(t, "42", repr(t, c.Call("meta", "add", "(40,)")))
				c.Connect("none", "PYRONAME:nobody@"+location)
				require.Equal(t, of(d, "NamingError"), raised(t, c.Call("none", "add", "(40,)")).Class)

				p := proxy(t, "PYRONAME:test.svc@"+location)
				n, err := service.Call[int](t.Context(), p, "add", 40)
				require.NoError(t, err)
				require.Equal(t, 42, n)
				info, err := p.Info(t.Context())
				require.NoError(t, err)
				require.Equal(t, python.URIs["svc"], info.URI.String())
				nobody := proxy(t, "PYRONAME:nobody@"+location)
				require.ErrorIs(t, service.Do(t.Context(), nobody, "add", 1), transport.ErrNotFound)
			})
		}
	})
}

// What is announced is the address that others can reach.
func TestAnnounceBehindNAT(t *testing.T) {
	location := goNames(t)
	serveOn(t, []*service.Service{newService()}, service.Listen("tcp", "127.0.0.1:0"), service.Advertise("outside.example:4444"),
		service.Announce(nameserver.Registrar(pyro.DialConfig{}, location)))
	require.Eventually(t, func() bool {
		uri, _ := announced(t, location)
		return uri == "PYRO:svc@outside.example:4444"
	}, soon, tick)
}

// A name that now leads elsewhere is resolved anew when the connection has ended.
func TestNameThatMoved(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		location := goNames(t)
		old := peers.Service(t, d, "--ns", location)
		p := proxy(t, "PYRONAME:test.svc@"+location)
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
		old.Stop()
		moved := peers.Service(t, d, "--ns", location)
		require.Eventually(t, func() bool { return service.Do(t.Context(), p, "nothing") == nil }, soon, tick)
		info, err := p.Info(t.Context())
		require.NoError(t, err)
		require.Equal(t, moved.URIs["svc"], info.URI.String())
	})
}
