package tlsfiles_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/service/servicetest"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A side is a Config and the folder of its files.
type side struct {
	tlsfiles.Config

	dir string
}

// newSide writes the files of one end: its certificate, if it has one, and the authority that it trusts.
func newSide(t *testing.T, own, trusted *certtest.Pair) *side {
	t.Helper()
	s := &side{dir: t.TempDir()}
	if own != nil {
		s.Cert, s.Key = filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem")
		s.use(t, own)
	}
	if trusted != nil {
		s.CAs = []string{filepath.Join(s.dir, "ca.pem")}
		s.trust(t, trusted)
	}
	return s
}

func (s *side) use(t *testing.T, own *certtest.Pair) {
	t.Helper()
	certtest.Write(t, s.Cert, own.CertPEM)
	certtest.Write(t, s.Key, own.KeyPEM)
}

func (s *side) trust(t *testing.T, ca *certtest.Pair) {
	t.Helper()
	certtest.Write(t, s.CAs[0], ca.CertPEM)
}

func (s *side) files(t *testing.T) *tlsfiles.Files {
	t.Helper()
	f, err := tlsfiles.New(s.Config)
	require.NoError(t, err)
	return f
}

// A met is what both ends of a connection came to.
type met struct {
	client, server       tls.ConnectionState
	clientErr, serverErr error
}

// meet connects a client to a server at address.
func meet(t *testing.T, server *tls.Config, dial func(tlsfiles.DialFunc) tlsfiles.DialFunc, address string) (m met) {
	t.Helper()
	n := servicetest.NewNetwork(t)
	l, err := n.Listen(address)
	require.NoError(t, err)
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		raw, err := l.Accept()
		if err != nil {
			m.serverErr = err
			return
		}
		c := tls.Server(raw, server)
		m.serverErr = echo(c)
		m.server = c.ConnectionState()
		_ = c.Close()
	}()
	c, err := dial(n.DialContext)(t.Context(), "tcp", address)
	if err != nil {
		m.clientErr = err
		<-done
		return m
	}
	defer c.Close()
	_, _ = c.Write([]byte("x")) // where it fails, reading tells why
	_, m.clientErr = io.ReadFull(c, make([]byte, 1))
	<-done
	m.client = c.(*tls.Conn).ConnectionState()
	return m
}

func echo(c *tls.Conn) error {
	if err := c.Handshake(); err != nil {
		return err
	}
	b := make([]byte, 1)
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	_, err := c.Write(b)
	return err
}

func serverConfig(t *testing.T, s *side) *tls.Config {
	t.Helper()
	cfg, err := s.files(t).Server()
	require.NoError(t, err)
	return cfg
}

func TestWhoIsLetIn(t *testing.T) {
	ours, theirs := certtest.NewCA(t, "ours"), certtest.NewCA(t, "theirs")
	server, client := ours.Issue(t), ours.Issue(t)
	expired := ours.Issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	elsewhere := ours.Issue(t, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"elsewhere"}, nil })
	onlyServer := ours.Issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] })
	selfSigned := certtest.SelfSigned(t)
	tests := []struct {
		name           string
		server, client *side
		edit           func(server, client *tlsfiles.Config)
		address        string
		clientErr      string // "" where each end likes the other
		serverErr      string
	}{
		{name: "a client that needs no certificate", server: newSide(t, server, nil), client: newSide(t, nil, ours)},
		{name: "an IP address", server: newSide(t, server, nil), client: newSide(t, nil, ours), address: "127.0.0.1:1"},
		{name: "an IPv6 address", server: newSide(t, server, nil), client: newSide(t, nil, ours), address: "[::1]:1"},
		{
			name: "certificates on both sides", server: newSide(t, server, ours), client: newSide(t, client, ours),
			edit: func(s, _ *tlsfiles.Config) { s.RequireClientCert = true },
		},
		{
			name: "peers that know each other's certificate", server: newSide(t, server, selfSigned), client: newSide(t, selfSigned, server),
			edit: func(s, _ *tlsfiles.Config) { s.RequireClientCert = true },
		},
		{
			name: "no client certificate", server: newSide(t, server, ours), client: newSide(t, nil, ours),
			edit:      func(s, _ *tlsfiles.Config) { s.RequireClientCert = true },
			clientErr: "certificate required", serverErr: "client didn't provide a certificate",
		},
		{
			name: "another authority's client", server: newSide(t, server, ours), client: newSide(t, theirs.Issue(t), ours),
			edit:      func(s, _ *tlsfiles.Config) { s.RequireClientCert = true },
			clientErr: "remote error", serverErr: "unknown authority",
		},
		{
			name: "an expired client", server: newSide(t, server, ours), client: newSide(t, expired, ours),
			edit:      func(s, _ *tlsfiles.Config) { s.RequireClientCert = true },
			clientErr: "remote error", serverErr: "expired",
		},
		{
			name: "a certificate that is not for clients", server: newSide(t, server, ours), client: newSide(t, onlyServer, ours),
			edit:      func(s, _ *tlsfiles.Config) { s.RequireClientCert = true },
			clientErr: "remote error", serverErr: "incompatible key usage",
		},
		{
			name: "another authority's server", server: newSide(t, theirs.Issue(t), nil), client: newSide(t, nil, ours),
			clientErr: "unknown authority", serverErr: "remote error",
		},
		{
			name: "an expired server", server: newSide(t, expired, nil), client: newSide(t, nil, ours),
			clientErr: "expired", serverErr: "remote error",
		},
		{
			name: "another host's server", server: newSide(t, elsewhere, nil), client: newSide(t, nil, ours),
			clientErr: "is valid for elsewhere, not localhost", serverErr: "remote error",
		},
		{
			name: "a server that may have another name", server: newSide(t, elsewhere, nil), client: newSide(t, nil, ours),
			edit: func(_, c *tlsfiles.Config) { c.ServerName = "elsewhere" },
		},
		{
			name: "a name where there is an IP address", server: newSide(t, elsewhere, nil), client: newSide(t, nil, ours),
			address:   "127.0.0.1:1",
			clientErr: "127.0.0.1", serverErr: "remote error",
		},
		{
			name: "an unknown server and the system's roots", server: newSide(t, server, nil), client: newSide(t, nil, nil),
			clientErr: "unknown authority", serverErr: "remote error",
		},
		{
			name: "roots of the system and ours", server: newSide(t, server, nil), client: newSide(t, nil, ours),
			edit: func(_, c *tlsfiles.Config) { c.SystemRoots = true },
		},
		{
			name: "versions that have nothing in common", server: newSide(t, server, nil), client: newSide(t, nil, ours),
			edit:      func(s, _ *tlsfiles.Config) { s.MinVersion = tls.VersionTLS13 + 1 },
			clientErr: "protocol version", serverErr: "unsupported versions",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.edit != nil {
				tt.edit(&tt.server.Config, &tt.client.Config)
			}
			address := tt.address
			if address == "" {
				address = "localhost:1"
			}
			m := meet(t, serverConfig(t, tt.server), tt.client.files(t).Dialer, address)
			if tt.clientErr == "" {
				require.NoError(t, m.clientErr)
				require.NoError(t, m.serverErr)
				require.GreaterOrEqual(t, m.client.Version, uint16(tls.VersionTLS12))
				return
			}
			require.ErrorContains(t, m.clientErr, tt.clientErr)
			require.ErrorContains(t, m.serverErr, tt.serverErr)
		})
	}
}

func TestTheDialerSaysWhoWasRefused(t *testing.T) {
	ours, theirs := certtest.NewCA(t, "ours"), certtest.NewCA(t, "theirs")
	client := newSide(t, nil, ours).files(t)
	m := meet(t, serverConfig(t, newSide(t, theirs.Issue(t), nil)), client.Dialer, "localhost:1")
	require.ErrorIs(t, m.clientErr, transport.ErrUnauthenticated)
	var bad *tls.CertificateVerificationError
	require.ErrorAs(t, m.clientErr, &bad)

	old := serverConfig(t, newSide(t, ours.Issue(t), nil))
	old.MinVersion, old.MaxVersion, old.GetConfigForClient = tls.VersionTLS10, tls.VersionTLS10, nil
	m = meet(t, old, client.Dialer, "localhost:1")
	require.ErrorContains(t, m.clientErr, "remote error: tls: protocol version not supported")
	require.ErrorIs(t, m.clientErr, transport.ErrUnauthenticated)

	down := errors.New("the network is down")
	broken := func(context.Context, string, string) (net.Conn, error) { return nil, down }
	_, err := client.Dialer(broken)(t.Context(), "tcp", "localhost:1")
	require.Equal(t, down, err)
	_, err = client.Dialer(nil)(t.Context(), "unix", filepath.Join(t.TempDir(), "nobody"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestWhatACertificateHasToSay(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	spiffe, err := url.Parse("spiffe://example.org/stock/eu")
	require.NoError(t, err)
	stock := ca.Issue(t, func(c *x509.Certificate) {
		c.Subject.CommonName = "stock-7"
		c.Subject.Organization = []string{"Holding", "Stock Ltd"}
		c.Subject.OrganizationalUnit = []string{"Trade"}
		c.DNSNames = append(c.DNSNames, "Stock.Example.org")
		c.EmailAddresses = []string{"ops@example.org"}
		c.URIs = append(c.URIs, spiffe)
	})
	tests := []struct {
		name string
		want tlsfiles.Attributes
		err  string
	}{
		{name: "nothing"},
		{name: "common name", want: tlsfiles.Attributes{CommonName: []string{"stock-?"}}},
		{name: "one of several patterns", want: tlsfiles.Attributes{CommonName: []string{"shop", "stock-[0-9]"}}},
		{name: "one of several values", want: tlsfiles.Attributes{Organization: []string{"Hold*"}}},
		{name: "host in capitals", want: tlsfiles.Attributes{DNSName: []string{"*.EXAMPLE.org"}}},
		{name: "all kinds", want: tlsfiles.Attributes{
			OrganizationalUnit: []string{"Trade"}, Country: []string{"NL"}, Email: []string{"*@example.org"},
			URI: []string{"spiffe://example.org/stock/*"},
		}},
		{name: "another common name", want: tlsfiles.Attributes{CommonName: []string{"shop-?"}}, err: `common name ["stock-7"] of the certificate, want ["shop-?"]`},
		{name: "another organization", want: tlsfiles.Attributes{Organization: []string{"Stock"}}, err: `organization ["Holding" "Stock Ltd"]`},
		{name: "one kind of two", want: tlsfiles.Attributes{Country: []string{"NL"}, OrganizationalUnit: []string{"Hire"}}, err: "organizational unit"},
		{name: "another country", want: tlsfiles.Attributes{Country: []string{"BE"}}, err: "country"},
		{name: "another host", want: tlsfiles.Attributes{DNSName: []string{"example.org"}}, err: "DNS name"},
		{name: "another address", want: tlsfiles.Attributes{Email: []string{"dev@*"}}, err: "e-mail address"},
		{name: "a path that goes on", want: tlsfiles.Attributes{URI: []string{"spiffe://example.org/*"}}, err: "URI"},
	}
	for _, tt := range tests {
		for _, who := range []string{"server", "client"} {
			t.Run(tt.name+"/"+who, func(t *testing.T) {
				server, client := newSide(t, stock, ca), newSide(t, stock, ca)
				server.RequireClientCert = true
				if who == "server" {
					server.Peer = tt.want
				} else {
					client.Peer = tt.want
				}
				m := meet(t, serverConfig(t, server), client.files(t).Dialer, "localhost:1")
				judge, judged := m.serverErr, m.clientErr
				if who == "client" {
					judge, judged = judged, judge
				}
				if tt.err == "" {
					require.NoError(t, judge)
					require.NoError(t, judged)
					return
				}
				require.ErrorContains(t, judge, tt.err)
				require.ErrorContains(t, judged, "bad certificate")
			})
		}
	}
	_, err = tlsfiles.New(tlsfiles.Config{Peer: tlsfiles.Attributes{Email: []string{"[a"}}})
	require.ErrorContains(t, err, `pattern "[a" for the peer's e-mail address: syntax error in pattern`)
}

func TestAskedForACertificate(t *testing.T) {
	ours, theirs := certtest.NewCA(t, "ours"), certtest.NewCA(t, "theirs")
	server := newSide(t, ours.Issue(t), ours)
	server.RequestClientCert = true
	cfg := serverConfig(t, server)

	m := meet(t, cfg, newSide(t, nil, ours).files(t).Dialer, "localhost:1")
	require.NoError(t, m.serverErr, "who has none is let in")
	require.Empty(t, m.server.VerifiedChains)

	m = meet(t, cfg, newSide(t, ours.Issue(t), ours).files(t).Dialer, "localhost:1")
	require.NoError(t, m.serverErr)
	require.NotEmpty(t, m.server.VerifiedChains, "it counts")

	m = meet(t, cfg, newSide(t, theirs.Issue(t), ours).files(t).Dialer, "localhost:1")
	require.ErrorContains(t, m.serverErr, "unknown authority")

	f, err := tlsfiles.New(tlsfiles.Config{Cert: server.Cert, Key: server.Key, RequestClientCert: true})
	require.NoError(t, err)
	_, err = f.Server()
	require.ErrorContains(t, err, "there are no CAs to check them against")
}

func TestAttributesOfClientsAreNotWantedOfThoseWithoutCertificate(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	for name, edit := range map[string]func(*tlsfiles.Config){
		"Peer":  func(c *tlsfiles.Config) { c.Peer.Country = []string{"NL"} },
		"Check": func(c *tlsfiles.Config) { c.Check = func(*x509.Certificate) error { return nil } },
	} {
		server := newSide(t, ca.Issue(t), ca)
		edit(&server.Config)
		m := meet(t, serverConfig(t, server), newSide(t, nil, ca).files(t).Dialer, "localhost:1")
		require.ErrorContains(t, m.serverErr, "client didn't provide a certificate", name)
	}
}

// resuming returns what dials with files, and goes on with its last session.
func resuming(files *tlsfiles.Files, version uint16) func(tlsfiles.DialFunc) tlsfiles.DialFunc {
	cache := tls.NewLRUClientSessionCache(1)
	return func(dial tlsfiles.DialFunc) tlsfiles.DialFunc {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			cfg := files.Client("localhost")
			cfg.ClientSessionCache, cfg.MaxVersion = cache, version
			return tls.Client(raw, cfg), nil
		}
	}
}

func TestCheckJudgesResumedSessions(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			ca := certtest.NewCA(t, "ours")
			banned := false
			server, client := newSide(t, ca.Issue(t), ca), newSide(t, ca.Issue(t), ca)
			server.Check = func(*x509.Certificate) error {
				if banned {
					return errors.New("banned")
				}
				return nil
			}
			serverTLS, dialer := serverConfig(t, server), resuming(client.files(t), version)
			for i, resumed := range []bool{false, true} {
				m := meet(t, serverTLS, dialer, "localhost:1")
				require.NoError(t, m.clientErr)
				require.Equal(t, resumed, m.server.DidResume, i)
			}
			banned = true
			m := meet(t, serverTLS, dialer, "localhost:1")
			require.ErrorContains(t, m.serverErr, "banned")
			require.Error(t, m.clientErr)
		})
	}
}

func TestAResumedSessionOfAnAuthorityThatIsTrustedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := certtest.NewCA(t, "ours"), certtest.NewCA(t, "theirs")
		server, client := newSide(t, ours.Issue(t), ours), newSide(t, ours.Issue(t), ours)
		server.RequireClientCert = true
		serverTLS, dialer := serverConfig(t, server), resuming(client.files(t), tls.VersionTLS13)
		for _, resumed := range []bool{false, true} {
			m := meet(t, serverTLS, dialer, "localhost:1")
			require.NoError(t, m.clientErr)
			require.Equal(t, resumed, m.server.DidResume)
		}
		server.trust(t, theirs)
		time.Sleep(time.Second)
		m := meet(t, serverTLS, dialer, "localhost:1")
		require.ErrorContains(t, m.serverErr, "unknown authority")
		require.Error(t, m.clientErr)
	})
}

func TestCommonNames(t *testing.T) {
	named := func(name string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.Subject.CommonName = name
			c.DNSNames, c.IPAddresses = nil, nil
		}
	}
	tests := []struct {
		name    string
		own     *certtest.Pair
		allow   bool
		address string
		err     string
	}{
		{name: "as it comes with Pyro", own: certtest.SelfSigned(t, named("localhost")), allow: true},
		{name: "not asked for", own: certtest.SelfSigned(t, named("localhost")), err: "Common Name"},
		{name: "a pattern", own: certtest.SelfSigned(t, named("*.example.org")), allow: true, address: "a.example.org:1"},
		{name: "another host", own: certtest.SelfSigned(t, named("elsewhere")), allow: true, err: "is valid for elsewhere, not localhost"},
		{name: "for an IP address", own: certtest.SelfSigned(t, named("localhost")), allow: true, address: "127.0.0.1:1", err: "127.0.0.1"},
		{name: "alternative names come first", own: certtest.SelfSigned(t, func(c *x509.Certificate) {
			c.Subject.CommonName, c.DNSNames = "localhost", []string{"elsewhere"}
		}), allow: true, err: "is valid for elsewhere, not localhost"},
		{name: "alternative names", own: certtest.SelfSigned(t), allow: true, address: "127.0.0.1:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := newSide(t, nil, tt.own)
			client.AllowCommonName = tt.allow
			address := tt.address
			if address == "" {
				address = "localhost:1"
			}
			m := meet(t, serverConfig(t, newSide(t, tt.own, nil)), client.files(t).Dialer, address)
			if tt.err != "" {
				require.ErrorContains(t, m.clientErr, tt.err)
				return
			}
			require.NoError(t, m.clientErr)
		})
	}

	t.Run("trust is another matter", func(t *testing.T) {
		client := newSide(t, nil, certtest.NewCA(t, "another"))
		client.AllowCommonName = true
		m := meet(t, serverConfig(t, newSide(t, certtest.SelfSigned(t), nil)), client.files(t).Dialer, "localhost:1")
		require.ErrorContains(t, m.clientErr, "unknown authority")
	})

	t.Run("who dials names the host", func(t *testing.T) {
		own := certtest.SelfSigned(t)
		client := newSide(t, nil, own)
		client.AllowCommonName = true
		files := client.files(t)
		for address, want := range map[string]string{"localhost:1": "", "127.0.0.1:1": "failed to verify certificate"} {
			dialer := func(dial tlsfiles.DialFunc) tlsfiles.DialFunc {
				return func(ctx context.Context, network, address string) (net.Conn, error) {
					raw, err := dial(ctx, network, address)
					if err != nil {
						return nil, err
					}
					cfg := files.Client("")
					cfg.ServerName, _, _ = net.SplitHostPort(address)
					return tls.Client(raw, cfg), nil
				}
			}
			m := meet(t, serverConfig(t, newSide(t, own, nil)), dialer, address)
			if want == "" {
				require.NoError(t, m.clientErr)
				continue
			}
			require.ErrorContains(t, m.clientErr, want, "an IP address does not reach the check")
		}
	})
}

func TestKeys(t *testing.T) {
	right := func() (string, error) { return "correct horse", nil }
	wrong := func() (string, error) { return "battery staple", nil }
	tests := []struct {
		file     string
		password func() (string, error)
		err      string
	}{
		{file: "pkcs8.pem"},
		{file: "pkcs8.pem", password: wrong},
		{file: "sec1.pem"},
		{file: "pbes2-aes-128-cbc.pem", password: right},
		{file: "pbes2-aes-192-cbc.pem", password: right},
		{file: "pbes2-aes-256-cbc.pem", password: right},
		{file: "pbes2-des3.pem", password: right},
		{file: "pbes2-SHA1.pem", password: right},
		{file: "pbes2-SHA224.pem", password: right},
		{file: "pbes2-SHA384.pem", password: right},
		{file: "pbes2-SHA512.pem", password: right},
		{file: "legacy-aes-256.pem", password: right},
		{file: "legacy-des3.pem", password: right},
		{file: "pbes2-aes-256-cbc.pem", password: wrong, err: "x509: decryption password incorrect"},
		{file: "legacy-aes-256.pem", password: wrong, err: "x509: decryption password incorrect"},
		{file: "pbes2-aes-256-cbc.pem", err: "the key is encrypted, and there is no password"},
		{file: "legacy-des3.pem", err: "the key is encrypted, and there is no password"},
		{file: "pbes2-des3.pem", password: tlsfiles.PasswordFile("testdata/missing"), err: "password of the key: open testdata/missing"},
		{file: "unknown-scrypt.pem", password: right, err: "key derivation that is not known here (1.3.6.1.4.1.11591.4.11); openssl pkcs8"},
		{file: "unknown-pbes1.pem", password: right, err: "scheme that is not known here (1.2.840.113549.1.12.1.3)"},
		{file: "cert.pem", err: "no private key in PEM form"},
		{file: "missing.pem", err: "missing.pem: no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			key := filepath.Join("testdata", tt.file)
			_, err := tlsfiles.New(tlsfiles.Config{Cert: "testdata/cert.pem", Key: key, Password: tt.password})
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.err)
			require.ErrorContains(t, err, tt.file)
			require.Equal(t, strings.Contains(tt.err, "incorrect"), errors.Is(err, x509.IncorrectPasswordError))
		})
	}
}

func TestKeyAndCertificateInOneFile(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	pair := ca.Issue(t)
	path := certtest.Write(t, filepath.Join(t.TempDir(), "both.pem"), []byte("Subject: peer\n"), pair.KeyPEM, pair.CertPEM, ca.CertPEM)
	server := &side{Config: tlsfiles.Config{Cert: path}}
	m := meet(t, serverConfig(t, server), newSide(t, nil, ca).files(t).Dialer, "localhost:1")
	require.NoError(t, m.clientErr)
	require.Len(t, m.client.PeerCertificates, 2)
}

func TestRSAKeys(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := certtest.SelfSigned(t).Leaf
	template.SignatureAlgorithm, template.PublicKey = 0, nil
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert := certtest.Write(t, filepath.Join(t.TempDir(), "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	plain := x509.MarshalPKCS1PrivateKey(key)
	//nolint:staticcheck // a form that is still met
	encrypted, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", plain, []byte("p"), x509.PEMCipherDES)
	require.NoError(t, err)
	for _, block := range []*pem.Block{{Type: "RSA PRIVATE KEY", Bytes: plain}, encrypted} {
		path := certtest.Write(t, filepath.Join(t.TempDir(), "key.pem"), pem.EncodeToMemory(block))
		_, err := tlsfiles.New(tlsfiles.Config{Cert: cert, Key: path, Password: func() (string, error) { return "p", nil }})
		require.NoError(t, err)
	}
}

// Whatever becomes of an encrypted key, reading it is an error and no panic.
func TestDamagedKeys(t *testing.T) {
	for _, file := range []string{"pbes2-aes-256-cbc.pem", "pbes2-des3.pem"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(t, err)
		block, _ := pem.Decode(data)
		dir := t.TempDir()
		load := func(der []byte) error {
			key := certtest.Write(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}))
			_, err := tlsfiles.New(tlsfiles.Config{
				Cert: "testdata/cert.pem", Key: key, Password: func() (string, error) { return "correct horse", nil },
			})
			return err
		}
		require.NoError(t, load(block.Bytes))
		for i := range block.Bytes {
			require.Error(t, load(block.Bytes[:i]))
			bad := append([]byte(nil), block.Bytes...)
			bad[i] ^= 0x80
			_ = load(bad) // some bits of a key do not matter
		}
		require.ErrorContains(t, load(append(block.Bytes, 0)), "damaged")
	}
}

func TestPasswords(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ content, want string }{
		{"secret", "secret"},
		{"secret\n", "secret"},
		{"secret\r\n", "secret"},
		{" a b \n\n", " a b \n"},
	}
	for _, tt := range tests {
		got, err := tlsfiles.PasswordFile(certtest.Write(t, filepath.Join(dir, "p"), []byte(tt.content)))()
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
	}
	t.Setenv("STOCK_KEY_PASSWORD", "secret")
	got, err := tlsfiles.PasswordEnv("STOCK_KEY_PASSWORD")()
	require.NoError(t, err)
	require.Equal(t, "secret", got)
	_, err = tlsfiles.PasswordEnv("NO_SUCH_PASSWORD")()
	require.EqualError(t, err, "environment variable NO_SUCH_PASSWORD is not set")
}

func TestWrongFiles(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	one, other := ca.Issue(t), ca.Issue(t)
	dir := t.TempDir()
	write := func(name string, parts ...[]byte) string {
		return certtest.Write(t, filepath.Join(dir, name), parts...)
	}
	cert, key, otherKey := write("cert.pem", one.CertPEM), write("key.pem", one.KeyPEM), write("other.pem", other.KeyPEM)
	text := write("text", []byte("neither certificate nor key"))
	broken := write("broken.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	empty := filepath.Join(dir, "empty")
	write("empty/.hidden.pem", ca.CertPEM)
	write("empty/README", []byte("nothing yet"))
	write("bad/broken.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	tests := []struct {
		name string
		cfg  tlsfiles.Config
		want string
	}{
		{"key without certificate", tlsfiles.Config{Key: key}, "there is a key, " + key + ", but no certificate"},
		{"another's key", tlsfiles.Config{Cert: cert, Key: otherKey}, cert + " with the key in " + otherKey + ": tls: private key does not match public key"},
		{"no certificate in the file", tlsfiles.Config{Cert: text, Key: key}, "failed to find any PEM data"},
		{"no key in the file", tlsfiles.Config{Cert: cert}, cert + ": no private key in PEM form"},
		{"no such certificate", tlsfiles.Config{Cert: "missing.pem"}, "missing.pem: no such file"},
		{"no such CA", tlsfiles.Config{CAs: []string{"missing.pem"}}, "missing.pem: no such file"},
		{"a CA's file without certificates", tlsfiles.Config{CAs: []string{text}}, text + ": no certificate in PEM form"},
		{"a folder without certificates", tlsfiles.Config{CAs: []string{empty}}, "no certificate in " + empty},
		{"a damaged CA", tlsfiles.Config{CAs: []string{broken}}, broken + ": x509: malformed certificate"},
		{"a damaged CA among others", tlsfiles.Config{CAs: []string{filepath.Join(dir, "bad")}}, "broken.pem: x509: malformed certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tlsfiles.New(tt.cfg)
			require.ErrorContains(t, err, tt.want)
		})
	}

	f, err := tlsfiles.New(tlsfiles.Config{})
	require.NoError(t, err)
	_, err = f.Server()
	require.EqualError(t, err, "a TLS server needs a certificate")
	f, err = tlsfiles.New(tlsfiles.Config{Cert: cert, Key: key, RequireClientCert: true})
	require.NoError(t, err)
	_, err = f.Server()
	require.ErrorContains(t, err, "there are no CAs to check them against")
}

func TestAFolderOfAuthorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := certtest.NewCA(t, "ours"), certtest.NewCA(t, "theirs")
		dir := t.TempDir()
		certtest.Write(t, filepath.Join(dir, "ours.pem"), ours.CertPEM)
		certtest.Write(t, filepath.Join(dir, "README"), []byte("no certificate"))
		require.NoError(t, os.Mkdir(filepath.Join(dir, "more"), 0o700))
		client, err := tlsfiles.New(tlsfiles.Config{CAs: []string{dir}})
		require.NoError(t, err)
		server := serverConfig(t, newSide(t, theirs.Issue(t), nil))
		require.ErrorContains(t, meet(t, server, client.Dialer, "localhost:1").clientErr, "unknown authority")
		certtest.Write(t, filepath.Join(dir, "theirs.pem"), theirs.CertPEM)
		time.Sleep(time.Second)
		require.NoError(t, meet(t, server, client.Dialer, "localhost:1").clientErr)
		require.NoError(t, os.Remove(filepath.Join(dir, "theirs.pem")))
		time.Sleep(time.Second)
		require.Error(t, meet(t, server, client.Dialer, "localhost:1").clientErr)
		require.NoError(t, client.Err())
	})
}
