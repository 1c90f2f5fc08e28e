package service_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
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
