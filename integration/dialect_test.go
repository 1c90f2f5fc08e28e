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

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// countDials returns an option that counts the connections that a proxy makes, all of them to this machine, whatever its
// name is.
func countDials(n *atomic.Int64) service.ProxyOption {
	return service.DialWith(func(ctx context.Context, network, address string) (net.Conn, error) {
		n.Add(1)
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	})
}

func dialectOf(t *testing.T, p *service.Proxy) codec.Dialect {
	t.Helper()
	info, err := p.Info(t.Context())
	require.NoError(t, err)
	return info.Peer.Dialect
}

// The dialect of an address is found out once.
func TestDialectIsFoundOutAndRemembered(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for _, serializer := range both {
			svc := peers.Service(t, d)
			// The port may be one of which is known what a server spoke that another test had there.
			at := func(object string) string {
				u, err := pyro.ParseURI(svc.URIs[object])
				require.NoError(t, err)
				u.Host = strings.ToLower(d.String() + "-" + serializer + ".test")
				return u.String()
			}
			var dials atomic.Int64
			require.Equal(t, wire(d), dialectOf(t, proxy(t, at("svc"), countDials(&dials), service.Serializer(serializer))))
			first := map[peers.Dialect]int64{peers.Pyro4: 2, peers.Pyro5: 1}[d] // Pyro5 is tried first
			require.Equal(t, first, dials.Load())
			require.Equal(t, wire(d), dialectOf(t, proxy(t, at("single"), countDials(&dials))))
			require.Equal(t, first+1, dials.Load(), "another object at the same address")
		}
	})
}

// A server that was replaced by one of the other dialect is found again.
func TestDialectChanges(t *testing.T) {
	for _, d := range peers.Dialects {
		other := peers.Pyro4 + peers.Pyro5 - d
		t.Run("from "+d.String()+" to "+other.String(), func(t *testing.T) {
			port := strconv.Itoa(freePort(t))
			before := peers.Service(t, d, "--port", port)
			p := proxy(t, before.URIs["svc"])
			require.Equal(t, wire(d), dialectOf(t, p))
			before.Stop()
			peers.Service(t, other, "--port", port)
			require.Eventually(t, func() bool { return service.Do(t.Context(), p, "nothing") == nil }, soon, tick)
			require.Equal(t, wire(other), dialectOf(t, p))
		})
	}
}

func TestFixedDialect(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d)
		var dials atomic.Int64
		p := proxy(t, svc.URIs["svc"], service.Dialect(wire(d)), countDials(&dials))
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
		wrong := proxy(t, svc.URIs["svc"], service.Dialect(codec.Pyro4+codec.Pyro5-wire(d)), countDials(&dials))
		require.ErrorContains(t, service.Do(t.Context(), wrong, "nothing"), "the other dialect")
		require.Equal(t, int64(2), dials.Load(), "once each")
	})
}

// A server that does not accept the serializer says so.
func TestSerializerThatIsNotAccepted(t *testing.T) {
	srv := serve(t, newService(), service.Serializers("serpent"))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		python := peers.Service(t, d, "--serializers", "serpent")
		connect(t, c, peers.Request{Proxy: "go", URI: srv.URI("svc").String(), Serializer: "json"})
		connect(t, c, peers.Request{Proxy: "python", URI: python.URIs["svc"], Serializer: "json"})
		want, got := raised(t, c.Call("python", "nothing", "()")), raised(t, c.Call("go", "nothing", "()"))
		require.Equal(t, want.Class, got.Class)

		p := proxy(t, python.URIs["svc"], service.Serializer("json"), service.Dialect(wire(d)))
		require.Error(t, service.Do(t.Context(), p, "nothing"))
		p = proxy(t, python.URIs["svc"])
		require.NoError(t, service.Do(t.Context(), p, "nothing"))
	})
}
