package pyroenv

import "github.com/pyrokit/pyrokit/transport/tlsfiles"

// The ends of connections, as the SSL items have them in their names.
const (
	ServerEnd = "SERVER"
	ClientEnd = "CLIENT"
)

// TLS returns what the SSL items say of one end, and whether they switch TLS on.
func (v *Values) TLS(end string) (cfg tlsfiles.Config, on bool) {
	if on, _ = v.Bool("SSL"); !on {
		return cfg, false
	}
	cfg = tlsfiles.Config{
		Cert:        v.Text("SSL_" + end + "CERT"),
		Key:         v.Text("SSL_" + end + "KEY"),
		SystemRoots: end == ClientEnd, // as Python's default contexts have it
	}
	if end == ServerEnd {
		cfg.RequireClientCert, _ = v.Bool("SSL_REQUIRECLIENTCERT")
	}
	if ca := v.Text("SSL_CACERTS"); ca != "" {
		cfg.CAs = []string{ca}
	}
	if password := v.Text("SSL_" + end + "KEYPASSWD"); password != "" {
		cfg.Password = func() (string, error) { return password, nil }
	}
	return cfg, true
}
