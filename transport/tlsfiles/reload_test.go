package tlsfiles_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// news gathers what a Files tells of its reloads.
type news struct {
	log  bytes.Buffer
	told []error
}

func (n *news) of(c *tlsfiles.Config) {
	c.Logger = slog.New(slog.NewTextHandler(&n.log, nil))
	c.Reloaded = func(err error) { n.told = append(n.told, err) }
}

func TestChangedCertificatesAreUsedFromTheNextHandshakeOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certtest.NewCA(t, "ours")
		first, second := ca.Issue(t), ca.Issue(t)
		server, client := newSide(t, first, ca), newSide(t, first, ca)
		server.RequireClientCert = true
		var n news
		n.of(&server.Config)
		serverTLS, clientFiles := serverConfig(t, server), client.files(t)
		serials := func() (ofServer, ofClient string) {
			m := meet(t, serverTLS, clientFiles.Dialer, "localhost:1")
			require.NoError(t, m.clientErr)
			require.NoError(t, m.serverErr)
			return m.client.PeerCertificates[0].SerialNumber.String(), m.server.PeerCertificates[0].SerialNumber.String()
		}
		before, after := first.Leaf.SerialNumber.String(), second.Leaf.SerialNumber.String()
		want := func(ofServer, ofClient string) {
			t.Helper()
			s, c := serials()
			require.Equal(t, ofServer, s)
			require.Equal(t, ofClient, c)
		}
		want(before, before)

		server.use(t, second)
		time.Sleep(time.Second - time.Nanosecond)
		want(before, before)
		require.Empty(t, n.told)
		time.Sleep(time.Nanosecond)
		want(after, before)
		client.use(t, second)
		time.Sleep(time.Second)
		want(after, after)
		want(after, after)
		require.Equal(t, []error{nil}, n.told)
		require.Contains(t, n.log.String(), "level=INFO msg=\"TLS files have changed and are in use\" cert="+server.Cert)
	})
}

func TestChangedAuthorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, young := certtest.NewCA(t, "old"), certtest.NewCA(t, "new")
		server, client := newSide(t, old.Issue(t), old), newSide(t, old.Issue(t), old)
		server.RequireClientCert = true
		serverTLS, clientFiles := serverConfig(t, server), client.files(t)
		require.NoError(t, meet(t, serverTLS, clientFiles.Dialer, "localhost:1").clientErr)

		server.trust(t, young)
		client.use(t, young.Issue(t))
		time.Sleep(time.Second)
		require.NoError(t, meet(t, serverTLS, clientFiles.Dialer, "localhost:1").clientErr)

		server.use(t, young.Issue(t))
		time.Sleep(time.Second)
		m := meet(t, serverTLS, clientFiles.Dialer, "localhost:1")
		require.ErrorContains(t, m.clientErr, "unknown authority")
		client.trust(t, young)
		time.Sleep(time.Second)
		require.NoError(t, meet(t, serverTLS, clientFiles.Dialer, "localhost:1").clientErr)
	})
}

func TestWhatCannotBeReadLeavesTheOldInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certtest.NewCA(t, "ours")
		first, second := ca.Issue(t), ca.Issue(t)
		server := newSide(t, first, ca)
		var n news
		n.of(&server.Config)
		files := server.files(t)
		serverTLS, err := files.Server()
		require.NoError(t, err)
		client := newSide(t, nil, ca).files(t)
		serial := func() string {
			m := meet(t, serverTLS, client.Dialer, "localhost:1")
			require.NoError(t, m.clientErr)
			return m.client.PeerCertificates[0].SerialNumber.String()
		}
		before, after := first.Leaf.SerialNumber.String(), second.Leaf.SerialNumber.String()
		steps := []struct {
			name   string
			change func()
			err    string // "" when all is well
			serial string
			told   int
		}{
			{"nothing", func() {}, "", before, 0},
			{"a certificate whose key is not there yet", func() { certtest.Write(t, server.Cert, second.CertPEM) }, "does not match", before, 1},
			{"still not there", func() {}, "does not match", before, 1},
			{"another key", func() { certtest.Write(t, server.Key, ca.KeyPEM) }, "does not match", before, 1},
			{"half a key", func() { certtest.Write(t, server.Key, second.KeyPEM[:60]) }, "no private key in PEM form", before, 2},
			{"no key", func() { require.NoError(t, os.Remove(server.Key)) }, "no such file", before, 3},
			{"its key", func() { certtest.Write(t, server.Key, second.KeyPEM) }, "", after, 4},
			{"no authority", func() { require.NoError(t, os.Remove(server.CAs[0])) }, "no such file", after, 5},
			{"the same again", func() { server.trust(t, ca) }, "", after, 6},
		}
		for _, step := range steps {
			step.change()
			time.Sleep(time.Second)
			require.Equal(t, step.serial, serial(), step.name)
			if step.err == "" {
				require.NoError(t, files.Err(), step.name)
			} else {
				require.ErrorContains(t, files.Err(), step.err, step.name)
			}
			require.Len(t, n.told, step.told, step.name)
			if step.told > 0 {
				require.Equal(t, files.Err(), n.told[step.told-1], step.name)
			}
		}
		require.Contains(t, n.log.String(), "level=WARN msg=\"TLS files cannot be used, those of before stay in use\" error=")
	})
}

func TestErrLooksByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSide(t, certtest.NewCA(t, "ours"), nil)
		f := s.files(t)
		certtest.Write(t, s.Cert, []byte("x"))
		require.NoError(t, f.Err(), "not looked at yet")
		time.Sleep(time.Second)
		require.ErrorContains(t, f.Err(), s.Cert)
	})
}

func TestAFileOfTheSameSizeAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certtest.NewCA(t, "ours")
		path := filepath.Join(t.TempDir(), "ca.pem")
		f, err := tlsfiles.New(tlsfiles.Config{CAs: []string{certtest.Write(t, path, ca.CertPEM)}})
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		certtest.Write(t, path, bytes.Repeat([]byte("x"), int(info.Size())))
		require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		time.Sleep(time.Second)
		require.ErrorContains(t, f.Err(), "no certificate", "it is another file all the same")

		certtest.Write(t, path, ca.CertPEM)
		time.Sleep(time.Second)
		require.NoError(t, f.Err())
		require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), int(info.Size())), 0o600))
		require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime().Add(time.Hour)))
		time.Sleep(time.Second)
		require.ErrorContains(t, f.Err(), "no certificate", "written in place")
	})
}

func TestAPasswordThatChangesWithItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certtest.NewCA(t, "ours")
		s := newSide(t, ca, nil)
		password := filepath.Join(s.dir, "password")
		certtest.Write(t, s.Key, ca.Encrypted(t, "old"))
		certtest.Write(t, password, []byte("old\n"))
		s.Password = tlsfiles.PasswordFile(password)
		f := s.files(t)
		certtest.Write(t, s.Key, ca.Encrypted(t, "new"))
		time.Sleep(time.Second)
		require.ErrorContains(t, f.Err(), "password incorrect")
		certtest.Write(t, password, []byte("new\n"))
		time.Sleep(time.Second)
		require.NoError(t, f.Err())
	})
}

func TestHandshakesWhileFilesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certtest.NewCA(t, "ours")
		server := newSide(t, ca.Issue(t), ca)
		server.RequireClientCert = true
		var n news
		n.of(&server.Config)
		serverTLS := serverConfig(t, server)
		var wg sync.WaitGroup
		for range 4 {
			client := newSide(t, ca.Issue(t), ca).files(t)
			wg.Go(func() {
				for range 20 {
					m := meet(t, serverTLS, client.Dialer, "localhost:1")
					if m.clientErr != nil || m.serverErr != nil {
						t.Errorf("client %v, server %v", m.clientErr, m.serverErr)
					}
					time.Sleep(time.Second)
				}
			})
		}
		for range 10 {
			server.use(t, ca.Issue(t))
			time.Sleep(2 * time.Second)
		}
		wg.Wait()
		var used int
		for _, err := range n.told {
			if err == nil {
				used++
				continue
			}
			require.ErrorContains(t, err, "does not match", "one file was there before the other")
		}
		require.GreaterOrEqual(t, used, 10, "files that are written while they are looked at are read once more")
	})
}

func TestTheConfigurationOfAServerServesListeners(t *testing.T) {
	ca := certtest.NewCA(t, "ours")
	cfg := serverConfig(t, newSide(t, ca.Issue(t), nil))
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}
