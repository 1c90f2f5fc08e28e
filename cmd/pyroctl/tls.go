package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/pyrokit/pyrokit/internal/pyroenv"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// tlsFlags set up TLS for the whole process, as Pyro's SSL items do: what it connects to and what it
// listens on.
type tlsFlags struct {
	on                        bool
	ca, cert, key, serverName string

	env *pyroenv.Values // says what there is, where no flag does; nil otherwise
}

// fromEnv takes the SSL items, where no flag says anything of TLS.
func (t *tlsFlags) fromEnv(v *pyroenv.Values) {
	if on, _ := v.Bool("SSL"); on && !t.enabled() {
		t.on, t.env = true, v
	}
}

// files are those that the SSL items name for one end.
func (t *tlsFlags) files(end string) (*tlsfiles.Files, error) {
	cfg, _ := t.env.TLS(end)
	files, err := tlsfiles.New(cfg)
	if err != nil {
		return nil, &usageError{fmt.Errorf("PYRO_SSL: %w", err)}
	}
	return files, nil
}

func (t *tlsFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&t.on, "tls", false, "speak TLS, as client and as server; each other --tls flag implies it")
	fs.StringVar(&t.ca, "tls-ca", "", "PEM `file` with the authorities to trust; a server then demands certificates of its clients")
	fs.StringVar(&t.cert, "tls-cert", "", "PEM `file` with this side's certificate")
	fs.StringVar(&t.key, "tls-key", "", "PEM `file` with the certificate's key (default: the file of --tls-cert)")
	fs.StringVar(&t.serverName, "tls-server-name", "", "`name` that the server's certificate has to carry (default: the host of the URI)")
}

func (t *tlsFlags) enabled() bool {
	return t.on || t.ca != "" || t.cert != "" || t.key != "" || t.serverName != ""
}

// client returns what connections are made with.
func (t *tlsFlags) client() (*tls.Config, error) {
	if t.env != nil {
		files, err := t.files(pyroenv.ClientEnd)
		if err != nil {
			return nil, err
		}
		return files.Client(""), nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.serverName}
	var err error
	if cfg.Certificates, err = t.certificates(); err != nil {
		return nil, err
	}
	if t.ca != "" {
		cfg.RootCAs, err = t.authorities()
	}
	return cfg, err
}

// server returns what is listened with.
func (t *tlsFlags) server() (*tls.Config, error) {
	if t.env != nil {
		files, err := t.files(pyroenv.ServerEnd)
		if err != nil {
			return nil, err
		}
		cfg, err := files.Server()
		if err != nil {
			return nil, &usageError{fmt.Errorf("PYRO_SSL: %w", err)}
		}
		return cfg, nil
	}
	if t.cert == "" {
		return nil, usagef("--tls: a server needs --tls-cert")
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if cfg.Certificates, err = t.certificates(); err != nil {
		return nil, err
	}
	if t.ca != "" {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
		cfg.ClientCAs, err = t.authorities()
	}
	return cfg, err
}

func (t *tlsFlags) certificates() ([]tls.Certificate, error) {
	switch {
	case t.cert == "" && t.key != "":
		return nil, usagef("--tls-key: needs --tls-cert")
	case t.cert == "":
		return nil, nil
	}
	key := t.key
	if key == "" {
		key = t.cert
	}
	pair, err := tls.LoadX509KeyPair(t.cert, key)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--tls-cert: %w", err)}
	}
	return []tls.Certificate{pair}, nil
}

func (t *tlsFlags) authorities() (*x509.CertPool, error) {
	pem, err := os.ReadFile(t.ca)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--tls-ca: %w", err)}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usagef("--tls-ca: %s holds no certificate", t.ca)
	}
	return pool, nil
}
