package service_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

type resolverFunc func(context.Context, string) (discovery.Entry, error)

func (f resolverFunc) Resolve(ctx context.Context, name string) (discovery.Entry, error) {
	return f(ctx, name)
}

func TestTLSChecksTheHostOfTheObjectNotOfTheNameServer(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	defer web.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := service.New("o").Method("m", func() int { return 7 })
	start(t, s, service.ListenOn(tls.NewListener(l, &tls.Config{Certificates: web.TLS.Certificates})))
	port := l.Addr().(*net.TCPAddr).Port
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	resolver := resolverFunc(func(context.Context, string) (discovery.Entry, error) {
		return discovery.Entry{URI: pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "127.0.0.1", Port: port}}, nil
	})
	p := connect(t, "PYRONAME:o@names.invalid:9090", service.Resolver(resolver), service.TLS(&tls.Config{RootCAs: roots}))
	n, err := service.Call[int](t.Context(), p, "m")
	require.NoError(t, err)
	require.Equal(t, 7, n)
}

func TestAnEncodedResultIsTheCallersToKeep(t *testing.T) {
	srv := start(t, service.New("o").Method("echo", func(s string) string { return s }))
	p := connect(t, srv.URI("o").String())
	kept, err := service.Call[codec.Value](t.Context(), p, "echo", strings.Repeat("a", 100))
	require.NoError(t, err)
	for range 100 {
		_, err = service.Call[string](t.Context(), p, "echo", strings.Repeat("b", 100))
		require.NoError(t, err)
	}
	v, err := kept.Any()
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("a", 100), v)
}

// tlsServer serves s through TLS, and notes how many certificates each client shows.
func tlsServer(t *testing.T, web *httptest.Server, s *service.Service) (port int, certificates chan int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	certificates = make(chan int, 10)
	shown := transport.Middleware{Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
		return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
			certificates <- len(h.Peer.TLS.PeerCertificates)
			return next(ctx, h)
		}
	}}
	cfg := &tls.Config{Certificates: web.TLS.Certificates, ClientAuth: tls.RequestClientCert}
	start(t, s, service.ListenOn(tls.NewListener(l, cfg)), service.Use(shown))
	addr, ok := l.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return addr.Port, certificates
}

// namesOnly is a name server that knows one object.
func namesOnly(uri pyro.URI) *service.Service {
	return service.New("Pyro.NameServer").Method("ping", func() {}).
		Method("lookup", func(string, bool) (pyro.URI, []string) { return uri, nil }, service.Params("name", "return_metadata"))
}

// Whoever answers a lookup decides where a proxy connects to: it has to be the right one, and need not know
// who asks.
func TestNamesAreLookedUpThroughTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	port, objectSaw := tlsServer(t, web, service.New("o").Method("m", func() int { return 7 }))
	uri := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "127.0.0.1", Port: port}
	secure, lookupSaw := tlsServer(t, web, namesOnly(uri))
	plain := start(t, namesOnly(uri), service.Listen("tcp", "127.0.0.1:0")).URI("Pyro.NameServer").Port

	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	own := &tls.Config{RootCAs: roots, Certificates: web.TLS.Certificates}
	call := func(port int, opts ...service.ProxyOption) error {
		t.Helper()
		p := connect(t, fmt.Sprintf("PYRONAME:o@127.0.0.1:%d", port), append(opts, service.TLS(own))...)
		_, err := service.Call[int](t.Context(), p, "m")
		return err
	}

	require.NoError(t, call(secure))
	require.Equal(t, 0, <-lookupSaw, "certificates are for the object")
	require.Equal(t, 1, <-objectSaw)

	require.ErrorIs(t, call(plain), transport.ErrUnavailable)
	require.Empty(t, objectSaw)

	require.NoError(t, call(plain, service.NameServerTLS(nil)))
	require.Equal(t, 1, <-objectSaw)

	require.NoError(t, call(secure, service.NameServerTLS(own)))
	require.Equal(t, 1, <-lookupSaw)

	require.Error(t, call(secure, service.NameServerTLS(&tls.Config{RootCAs: x509.NewCertPool()})))
}

func TestNamesAreLookedUpWithTheProxysDialer(t *testing.T) {
	l := inmem.Listen()
	uri := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}
	srv := start(t, service.New("o").Method("m", func() int { return 7 }), service.ListenOn(l))
	require.NoError(t, srv.Add(namesOnly(uri)))
	p := connect(t, "PYRONAME:o@nowhere.invalid:1", service.DialWith(l.DialContext))
	n, err := service.Call[int](t.Context(), p, "m")
	require.NoError(t, err)
	require.Equal(t, 7, n)
}
