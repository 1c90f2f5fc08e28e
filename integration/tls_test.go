//go:build integration

package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

const keyPassword = "correct horse"

// A party is one end with its files: its certificate, whose key is encrypted, and whom it trusts.
type party struct {
	cert, key, cas string
}

func newParty(t *testing.T, own, trusted *certtest.Pair) party {
	t.Helper()
	var p party
	dir := t.TempDir()
	if own != nil {
		p.cert, p.key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		p.use(t, own)
	}
	if trusted != nil {
		p.cas = certtest.Write(t, filepath.Join(dir, "cas.pem"), trusted.CertPEM)
	}
	return p
}

func (p party) use(t *testing.T, own *certtest.Pair) {
	t.Helper()
	certtest.Write(t, p.cert, own.CertPEM)
	certtest.Write(t, p.key, own.Encrypted(t, keyPassword))
}

// config is the party in Go.
func (p party) config() tlsfiles.Config {
	c := tlsfiles.Config{
		Cert: p.cert, Key: p.key, Logger: slog.New(slog.DiscardHandler),
		Password: func() (string, error) { return keyPassword, nil },
	}
	if p.cas != "" {
		c.CAs = []string{p.cas}
	}
	return c
}

func (p party) files(t *testing.T) *tlsfiles.Files {
	t.Helper()
	f, err := tlsfiles.New(p.config())
	require.NoError(t, err)
	return f
}

// items is the party in Pyro's configuration items, as "SERVER" or "CLIENT".
func (p party) items(role string) []string {
	items := []string{"SSL=True"}
	if p.cert != "" {
		items = append(items, "SSL_"+role+"CERT="+p.cert, "SSL_"+role+"KEY="+p.key, "SSL_"+role+"KEYPASSWD="+keyPassword)
	}
	if p.cas != "" {
		items = append(items, "SSL_CACERTS="+p.cas)
	}
	return items
}

// flags are items for the Python service and client.
func flags(items ...string) (args []string) {
	for _, item := range items {
		args = append(args, "--config", item)
	}
	return args
}

// serveTLS serves through TLS on 127.0.0.1 and counts the handshakes of Pyro's that came to be.
func serveTLS(t *testing.T, cfg tlsfiles.Config) (srv *service.Server, shaken *atomic.Int64) {
	t.Helper()
	files, err := tlsfiles.New(cfg)
	require.NoError(t, err)
	server, err := files.Server()
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := newService()
	s.Method("certificate", func(ctx context.Context) string {
		return transport.FromContext(ctx).Peer.TLS.PeerCertificates[0].Subject.CommonName
	})
	shaken = &atomic.Int64{}
	count := transport.Middleware{Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
		return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
			shaken.Add(1)
			return next(ctx, h)
		}
	}}
	return serveOn(t, []*service.Service{s}, service.ListenOn(tls.NewListener(l, server)), service.Use(count)), shaken
}

func named(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.Subject.CommonName = name }
}

func TestPythonCallsGoThroughTLS(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	server := newParty(t, ca.Issue(t), ca)
	client := newParty(t, ca.Issue(t, named("snake")), ca)
	cfg := server.config()
	cfg.RequireClientCert = true
	cfg.Peer.CommonName = []string{"snake*"}
	srv, _ := serveTLS(t, cfg)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d, flags(client.items("CLIENT")...)...)
		for _, serializer := range both {
			connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), Serializer: serializer})
			require.Equal(t, "'snake'", repr(t, c.Call("svc", "certificate", "()")))
			require.Equal(t, "1000000", repr(t, c.Call("svc", "length", "('x' * 1000000,)")))
			require.Equal(t, "builtins.ValueError", raised(t, c.Call("svc", "fail", "('value',)")).Class)
			require.Len(t, iterate(c, "stream", "(3,)", -1).Items, 3)
		}
	})
}

func TestGoRefusesPythonsCertificate(t *testing.T) {
	ours, theirs := certtest.NewCA(t, "ours"), certtest.NewCA(t, "theirs")
	cfg := newParty(t, ours.Issue(t), ours).config()
	cfg.RequireClientCert = true
	cfg.Peer.CommonName = []string{"snake"}
	srv, shaken := serveTLS(t, cfg)
	expired := ours.Issue(t, named("snake"), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	clients := map[string]party{
		"none":              newParty(t, nil, ours),
		"another authority": newParty(t, theirs.Issue(t, named("snake")), ours),
		"another name":      newParty(t, ours.Issue(t, named("mouse")), ours),
		"expired":           newParty(t, expired, ours),
	}
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for name, client := range clients {
			c := peers.NewClient(t, d, flags(client.items("CLIENT")...)...)
			c.Connect("svc", srv.URI("svc").String())
			require.NotNil(t, c.Call("svc", "nothing", "()").Error, name)
		}
		plain := peers.NewClient(t, d)
		plain.Connect("svc", srv.URI("svc").String())
		require.NotNil(t, plain.Call("svc", "nothing", "()").Error, "no TLS")
	})
	require.Zero(t, shaken.Load(), "nothing of theirs is looked at")
}

func TestPythonRefusesGosCertificate(t *testing.T) {
	ours, theirs := certtest.NewCA(t, "ours"), certtest.NewCA(t, "theirs")
	elsewhere := func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"elsewhere"}, nil }
	client := newParty(t, nil, ours)
	servers := map[string]party{
		"another authority": newParty(t, theirs.Issue(t), nil),
		"another host":      newParty(t, ours.Issue(t, elsewhere), nil),
	}
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for name, server := range servers {
			srv, shaken := serveTLS(t, server.config())
			c := peers.NewClient(t, d, flags(client.items("CLIENT")...)...)
			c.Connect("svc", srv.URI("svc").String())
			require.Contains(t, raised(t, c.Call("svc", "nothing", "()")).Text, "CERTIFICATE_VERIFY_FAILED", name)
			require.Zero(t, shaken.Load())
		}
	})
}

func TestGoCallsPythonThroughTLS(t *testing.T) {
	ours, theirs := certtest.NewCA(t, "ours"), certtest.NewCA(t, "theirs")
	gopher := ours.Issue(t, named("gopher"))
	server, client := newParty(t, ours.Issue(t), ours), newParty(t, gopher, ours)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		uri := peers.Service(t, d, flags(append(server.items("SERVER"), "SSL_REQUIRECLIENTCERT=True")...)...).URIs["svc"]
		for _, serializer := range both {
			p := proxy(t, uri, service.DialWith(client.files(t).Dialer(nil)), service.Serializer(serializer))
			sum, err := service.Call[int](t.Context(), p, "add", 20, 22)
			require.NoError(t, err)
			require.Equal(t, 42, sum)
			n := 0
			for _, err := range service.Stream[int](t.Context(), p, "stream", 3) {
				require.NoError(t, err)
				n++
			}
			require.Equal(t, 3, n)
		}
		p := proxy(t, uri, service.TLS(client.files(t).Client("")))
		size, err := service.Call[int](t.Context(), p, "blob_size", make([]byte, 1_000_000))
		require.NoError(t, err)
		require.Equal(t, 1_000_000, size)

		for name, other := range map[string]party{"no certificate": newParty(t, nil, ours), "another authority's": newParty(t, theirs.Issue(t), ours)} {
			err := service.Do(t.Context(), proxy(t, uri, service.DialWith(other.files(t).Dialer(nil))), "nothing")
			require.ErrorIs(t, err, transport.ErrUnavailable, name)
			require.True(t, transport.AsError(err).NotSent, name)
		}
		err = service.Do(t.Context(), proxy(t, uri, service.DialWith(newParty(t, gopher, theirs).files(t).Dialer(nil))), "nothing")
		require.ErrorIs(t, err, transport.ErrUnauthenticated)
		require.ErrorContains(t, err, "unknown authority")
		cfg := client.config()
		cfg.ServerName = "elsewhere"
		wrong, err := tlsfiles.New(cfg)
		require.NoError(t, err)
		err = service.Do(t.Context(), proxy(t, uri, service.DialWith(wrong.Dialer(nil))), "nothing")
		require.ErrorIs(t, err, transport.ErrUnauthenticated)
	})
}

func certificates(t *testing.T, role string, d peers.Dialect, args ...string) *peers.Process {
	t.Helper()
	args = append([]string{role, strconv.Itoa(int(d))}, args...)
	return peers.StartFor(t, peers.Program{Script: "certificates.py", Args: args})
}

func TestPythonSeesGosCertificate(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	server, client := newParty(t, ca.Issue(t), ca), newParty(t, ca.Issue(t, named("gopher")), ca)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		uri := certificates(t, "server", d, append(server.items("SERVER"), "SSL_REQUIRECLIENTCERT=True")...).URIs["svc"]
		info, err := proxy(t, uri, service.DialWith(client.files(t).Dialer(nil))).Info(t.Context())
		require.NoError(t, err)
		seen, _ := info.Answer.(map[string]any)
		require.Equal(t, map[string]any{"commonName": "gopher", "organizationName": "Pyrokit", "countryName": "NL"}, seen["subject"])
		require.Equal(t, "peer", info.Peer.TLS.PeerCertificates[0].Subject.CommonName)
	})
}

// A name server is an object like any other: through TLS, too.
func TestGoLooksNamesUpThroughTLS(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	server, client := newParty(t, ca.Issue(t), ca), newParty(t, ca.Issue(t), ca)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var env []string
		for _, item := range append(server.items("SERVER"), "SSL_REQUIRECLIENTCERT=True") {
			env = append(env, "PYRO_"+item)
		}
		script := strings.ToLower(d.String()) + "-ns"
		ns := peers.StartFor(t, peers.Program{Script: script, Args: []string{"-n", "127.0.0.1", "-p", "0", "-x"}, Env: env})
		_, location, _ := strings.Cut(ns.URIs["uri"], "@")
		p := proxy(t, "PYRONAME:Pyro.NameServer@"+location, service.DialWith(client.files(t).Dialer(nil)))
		count, err := service.Call[int](t.Context(), p, "count")
		require.NoError(t, err)
		require.Equal(t, 1, count)
	})
}

func TestGoServesAChangedCertificateToPython(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	first, second := ca.Issue(t), ca.Issue(t)
	server := newParty(t, first, nil)
	srv, _ := serveTLS(t, server.config())
	client := newParty(t, nil, ca)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		server.use(t, first)
		python := certificates(t, "client", d, append([]string{srv.URI("svc").String()}, client.items("CLIENT")...)...)
		serial := func() string {
			var seen struct{ Serial string }
			require.NoError(t, python.Ask("", &seen))
			return strings.TrimLeft(strings.ToLower(seen.Serial), "0")
		}
		shows := func(pair *certtest.Pair) func() bool {
			return func() bool { return serial() == pair.Leaf.SerialNumber.Text(16) }
		}
		old := peers.NewClient(t, d, flags(client.items("CLIENT")...)...)
		old.Connect("svc", srv.URI("svc").String())
		require.Eventually(t, shows(first), soon, 100*tick)
		require.Equal(t, "1", repr(t, old.Call("svc", "echo", "(1,)")))
		server.use(t, second)
		require.Eventually(t, shows(second), soon, 100*tick)
		require.Equal(t, "2", repr(t, old.Call("svc", "echo", "(2,)")), "open connections stay")
	})
}

// As the certificates that come with Pyro: self-signed, each the other's authority, with a common name and no
// other.
func TestCertificatesAsTheyComeWithPyro(t *testing.T) {
	like := func(c *x509.Certificate) {
		c.Subject.CommonName = "localhost"
		c.DNSNames, c.IPAddresses, c.ExtKeyUsage, c.KeyUsage = nil, nil, nil, 0
		c.IsCA, c.BasicConstraintsValid = true, true
	}
	serverPair, clientPair := certtest.SelfSigned(t, like), certtest.SelfSigned(t, like)
	server, client := newParty(t, serverPair, clientPair), newParty(t, clientPair, serverPair)
	cfg := server.config()
	cfg.RequireClientCert = true
	srv, _ := serveTLS(t, cfg)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d, flags(client.items("CLIENT")...)...)
		c.Connect("svc", strings.Replace(srv.URI("svc").String(), "127.0.0.1", "localhost", 1))
		require.Equal(t, "'localhost'", repr(t, c.Call("svc", "certificate", "()")))

		args := flags(append(server.items("SERVER"), "SSL_REQUIRECLIENTCERT=True")...)
		uri := peers.Service(t, d, append(args, "--host", "localhost")...).URIs["svc"]
		for _, allow := range []bool{true, false} {
			cfg := client.config()
			cfg.AllowCommonName = allow
			files, err := tlsfiles.New(cfg)
			require.NoError(t, err)
			err = service.Do(t.Context(), proxy(t, uri, service.DialWith(files.Dialer(nil))), "nothing")
			if allow {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "relies on legacy Common Name")
			}
		}
	})
}
