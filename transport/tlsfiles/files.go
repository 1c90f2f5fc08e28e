package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Config says what there is and what peers have to show. The zero value is a client that has no
// certificate and trusts the system's roots.
type Config struct {
	// Cert is a PEM file with this end's certificate, first, and those that lead from it to a root that
	// the peers know. A server needs one.
	Cert string
	// Key is a PEM file with the key of Cert, as PKCS#8, PKCS#1 or SEC 1, encrypted or not. Empty means
	// that the key stands in Cert.
	Key string
	// Password returns the password of an encrypted key. It is asked each time that the key is read.
	Password func() (string, error)
	// CAs are PEM files, or folders of them, with the certificates that peers are checked against: of
	// authorities, or of the peers themselves. In a folder, files that hold no certificate, and those
	// whose name begins with a dot, do not count.
	CAs []string
	// SystemRoots trusts the system's roots beside the CAs. A client without CAs does so anyway; a
	// server never does by itself.
	SystemRoots bool

	// ServerName is the name that a server's certificate has to be for, in the place of the host that is
	// dialled.
	ServerName string
	// AllowCommonName takes a server's certificate without any alternative name for that of the host
	// its common name says, as Python does.
	AllowCommonName bool
	// RequireClientCert has a server refuse clients without a certificate that leads to one of the CAs.
	// Peer and Check imply it.
	RequireClientCert bool
	// RequestClientCert has a server ask clients for a certificate, and let in those who show none, so that others
	// than they may say by a certificate who they are. One that is shown has to lead to one of the CAs. Without this
	// and RequireClientCert no client is asked.
	RequestClientCert bool
	// Peer is what the peer's certificate has to say, on either side.
	Peer Attributes
	// Check, if set, judges the peer's certificate, on either side, after all else was found right. Its
	// error refuses the peer, which is not told why.
	Check func(*x509.Certificate) error
	// MinVersion is the lowest version of TLS; 0 means 1.2.
	MinVersion uint16

	// Logger is told of files that changed; nil means slog.Default.
	Logger *slog.Logger
	// Reloaded, if set, is called when changed files were read: with nil when they are in use now, else
	// with the reason why those of before still are. The same reason is told once.
	Reloaded func(error)
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// Files are a Config's files as they were read last. Its methods may be called concurrently.
//
// With each handshake, at most once a second, the files are looked at; where one has changed, all are read
// again, and used together if nothing is wrong with any of them. Else those of before stay in use, and the
// next look tries again, so that files may be replaced one by one. Open connections are not touched.
type Files struct {
	cfg   Config
	state atomic.Pointer[state]

	mu     sync.Mutex // held by who looks; guards what follows
	looked time.Time
	stats  []stat
	err    error // of the last look
}

// A state is what the files held.
type state struct {
	cert   *tls.Certificate // nil if there is none
	roots  *x509.CertPool   // nil for the system's
	server *tls.Config
}

// New reads the files. An error names the file that it is about; a wrong password is an
// x509.IncorrectPasswordError.
func New(cfg Config) (*Files, error) {
	if cfg.Cert == "" && cfg.Key != "" {
		return nil, fmt.Errorf("there is a key, %s, but no certificate", cfg.Key)
	}
	if err := cfg.Peer.check(); err != nil {
		return nil, err
	}
	if cfg.Key == "" {
		cfg.Key = cfg.Cert
	}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	f := &Files{cfg: cfg}
	if f.look(); f.err != nil {
		return nil, f.err
	}
	return f, nil
}

// Err looks at the files, if the last look is a second ago, and returns why they cannot be used: nil says
// that what is in use is what they hold.
func (f *Files) Err() error {
	f.current()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// current returns what is to be used now. While somebody looks at the files, the others go on with what
// there is.
func (f *Files) current() *state {
	if f.mu.TryLock() {
		changed := f.look()
		err := f.err
		f.mu.Unlock()
		if changed {
			f.report(err)
		}
	}
	return f.state.Load()
}

// look looks at the files, if it is time to, and reads them if need be, under mu. It tells whether there
// is news.
func (f *Files) look() (news bool) {
	if time.Since(f.looked) < lookEvery {
		return false
	}
	f.looked = time.Now()
	stats, err := f.cfg.stat()
	if err == nil && f.err == nil && f.state.Load() != nil && sameStats(stats, f.stats) {
		return false
	}
	var s *state
	if err == nil {
		s, err = f.cfg.load()
	}
	if err != nil {
		news = f.err == nil || f.err.Error() != err.Error()
		f.err = err
		return news
	}
	s.server = f.serverConfig(s)
	f.state.Store(s)
	f.stats, f.err = stats, nil
	return true
}

func (f *Files) report(err error) {
	if err != nil {
		f.cfg.Logger.Warn("TLS files cannot be used, those of before stay in use", "error", err)
	} else {
		f.cfg.Logger.Info("TLS files have changed and are in use", "cert", f.cfg.Cert)
	}
	if f.cfg.Reloaded != nil {
		f.cfg.Reloaded(err)
	}
}

// Server returns the configuration of a server. It follows the files as they change.
func (f *Files) Server() (*tls.Config, error) {
	if f.cfg.Cert == "" {
		return nil, errors.New("a TLS server needs a certificate")
	}
	if (f.cfg.wantsClientCert() || f.cfg.RequestClientCert) && len(f.cfg.CAs) == 0 && !f.cfg.SystemRoots {
		return nil, errors.New("client certificates are asked for, but there are no CAs to check them against")
	}
	return &tls.Config{
		MinVersion:         f.cfg.MinVersion,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.current().server, nil },
	}, nil
}

// serverConfig is the configuration of the connections that begin while s is current.
func (f *Files) serverConfig(s *state) *tls.Config {
	if s.cert == nil {
		return nil
	}
	cfg := &tls.Config{MinVersion: f.cfg.MinVersion, Certificates: []tls.Certificate{*s.cert}}
	if f.cfg.wantsClientCert() {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	} else if f.cfg.RequestClientCert {
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if cfg.ClientAuth != tls.NoClientCert {
		cfg.ClientCAs = s.roots
		cfg.VerifyConnection = func(c tls.ConnectionState) error {
			if len(c.PeerCertificates) == 0 && cfg.ClientAuth == tls.VerifyClientCertIfGiven {
				return nil
			}
			return f.cfg.judge(c, x509.VerifyOptions{Roots: s.roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		}
	}
	return cfg
}

func (c *Config) wantsClientCert() bool {
	return c.RequireClientCert || c.Check != nil || !c.Peer.empty()
}

// Client returns the configuration of a client for a connection to host, a name or an IP address. It has
// the CAs as they are now, so each connection wants one of its own: see Dialer. An empty host is left to
// who dials, as service.TLS does.
func (f *Files) Client(host string) *tls.Config {
	s := f.current()
	if f.cfg.ServerName != "" {
		host = f.cfg.ServerName
	}
	return &tls.Config{
		MinVersion:           f.cfg.MinVersion,
		ServerName:           host,
		RootCAs:              s.roots,
		GetClientCertificate: f.clientCert,
		// With it set, VerifyConnection does the same and no less.
		InsecureSkipVerify: f.cfg.AllowCommonName, //nolint:gosec // see above
		VerifyConnection: func(c tls.ConnectionState) error {
			if err := f.cfg.judge(c, x509.VerifyOptions{Roots: s.roots}); err != nil || !f.cfg.AllowCommonName {
				return err
			}
			if host != "" { // the state's name is empty where an IP address was dialled
				c.ServerName = host
			}
			return unverified(c, verifyHost(c.PeerCertificates[0], c.ServerName))
		},
	}
}

// clientCert returns this end's certificate, for servers that ask for one.
func (f *Files) clientCert(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if s := f.current(); s.cert != nil {
		return s.cert, nil
	}
	return &tls.Certificate{}, nil
}
