package tlsfiles_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/servicetest"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// whoami serves a method that tells whose certificate its caller has.
func whoami() *service.Service {
	return service.New("o").Method("whoami", func(ctx context.Context) string {
		return transport.FromContext(ctx).Peer.TLS.PeerCertificates[0].Subject.CommonName
	})
}

func stockAndShop(t *testing.T) (server *tls.Config, client *side) {
	t.Helper()
	ca := certtest.NewCA(t, "ours")
	s := newSide(t, ca.Issue(t), ca)
	s.RequireClientCert = true
	client = newSide(t, ca.Issue(t, func(c *x509.Certificate) { c.Subject.CommonName = "shop" }), ca)
	return serverConfig(t, s), client
}

func TestServiceInMemory(t *testing.T) {
	server, client := stockAndShop(t)
	n := servicetest.NewNetwork(t)
	l, err := n.Listen("localhost:1")
	require.NoError(t, err)
	srv := start(t, service.ListenOn(tls.NewListener(l, server)))
	require.Equal(t, "PYRO:o@localhost:1", srv.URI("o").String())

	p := connect(t, srv, service.DialWith(client.files(t).Dialer(n.DialContext)))
	who, err := service.Call[string](t.Context(), p, "whoami")
	require.NoError(t, err)
	require.Equal(t, "shop", who)
	info, err := p.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, "peer", info.Peer.TLS.PeerCertificates[0].Subject.CommonName)

	stranger := newSide(t, nil, certtest.NewCA(t, "theirs")).files(t)
	err = service.Do(t.Context(), connect(t, srv, service.DialWith(stranger.Dialer(n.DialContext))), "whoami")
	require.ErrorIs(t, err, transport.ErrUnauthenticated)
	require.ErrorContains(t, err, "connect to PYRO:o@localhost:1 at localhost:1: tls: failed to verify certificate")
	require.True(t, transport.AsError(err).NotSent)

	plain := connect(t, srv, service.DialWith(n.DialContext))
	require.ErrorIs(t, service.Do(t.Context(), plain, "whoami"), transport.ErrUnavailable)
}

func TestServiceOnSockets(t *testing.T) {
	server, client := stockAndShop(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := start(t, service.ListenOn(tls.NewListener(l, server)))
	files := client.files(t)
	for name, opt := range map[string]service.ProxyOption{
		"Dialer":      service.DialWith(files.Dialer(nil)),
		"service.TLS": service.TLS(files.Client("")),
	} {
		who, err := service.Call[string](t.Context(), connect(t, srv, opt), "whoami")
		require.NoError(t, err, name)
		require.Equal(t, "shop", who, name)
	}
	nobody := client.Config
	nobody.Cert, nobody.Key = "", ""
	none, err := tlsfiles.New(nobody)
	require.NoError(t, err)
	err = service.Do(t.Context(), connect(t, srv, service.DialWith(none.Dialer(nil))), "whoami")
	require.ErrorContains(t, err, "tls: certificate required")
}

func start(t *testing.T, opts ...service.ServerOption) *service.Server {
	t.Helper()
	srv := service.NewServer(opts...)
	require.NoError(t, srv.Add(whoami()))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	return srv
}

func connect(t *testing.T, srv *service.Server, opt service.ProxyOption) *service.Proxy {
	t.Helper()
	p, err := service.Connect(srv.URI("o").String(), opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}
