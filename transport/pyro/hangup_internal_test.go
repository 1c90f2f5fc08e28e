package pyro

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/transport"
)

// secured returns both ends of a connection of TLS that takes nothing which is not read.
func secured(t *testing.T) (client, server *tls.Conn) {
	t.Helper()
	cert := certtest.SelfSigned(t)
	secret, err := tls.X509KeyPair(cert.CertPEM, cert.KeyPEM)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	near, far := net.Pipe()
	client = tls.Client(near, &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12})
	server = tls.Server(far, &tls.Config{Certificates: []tls.Certificate{secret}, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12})
	return client, server
}

// To tell peers that do not read of the end takes a second for all of them, not five for each.
func TestClosingDoesNotWaitForEachPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newWorkplace(t, false)
		var ends []*end
		for range 5 {
			client, server := secured(t)
			p.start(server, ListenConfig{})
			e := newEnd(t, client, codec.Pyro5)
			e.write(e.message(frameFields{typ: msgConnect}, kitHello(ownFeatures), []byte("{'handshake':'hello','object':'o'}")))
			e.requireReply(msgConnectOK, 0)
			ends = append(ends, e)
		}
		synctest.Wait()
		begun := time.Now()
		closed := make(chan error)
		go func() { closed <- p.Close() }()
		synctest.Wait()
		p.Connections()
		require.Zero(t, time.Since(begun), "nobody has to wait for the lock")
		require.NoError(t, <-closed)
		require.LessOrEqual(t, time.Since(begun), closeWait)
		for _, e := range ends {
			require.NoError(t, e.nc.(*tls.Conn).NetConn().Close())
		}
	})
}

// Who asks for a connection's state, or waits for an answer, is told at once of its end.
func TestNobodyWaitsForAConnectionThatIsBeingClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := secured(t)
		desk := newEnd(t, server, codec.Pyro5)
		go desk.welcome(ownFeatures)
		u := URI{Protocol: ProtocolPyro, Object: "o", Host: "memory", Port: 1}
		c, err := Dial(t.Context(), u, DialConfig{Dialect: codec.Pyro5, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return client, client.HandshakeContext(ctx)
		}})
		require.NoError(t, err)
		called := make(chan error, 1)
		go func() {
			_, err := c.Call(context.Background(), &transport.Call{Object: "o", Method: "m"})
			called <- err
		}()
		desk.read()
		synctest.Wait()
		begun := time.Now()
		closed := make(chan error, 1)
		go func() { closed <- c.Close() }()
		require.ErrorIs(t, <-called, ErrClosed)
		require.ErrorIs(t, c.Err(), ErrClosed)
		require.Zero(t, time.Since(begun))
		require.NoError(t, <-closed)
		require.Equal(t, closeWait, time.Since(begun), "the peer does not read")
		require.NoError(t, server.NetConn().Close())
	})
}

// A server that outlives its listeners does not keep them.
func TestAListenerThatFailedIsForgotten(t *testing.T) {
	p := newWorkplace(t, false)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.ErrorIs(t, p.Serve(l, ListenConfig{}), net.ErrClosed)
	require.Empty(t, p.listeners)
	require.NoError(t, p.Close())
}
