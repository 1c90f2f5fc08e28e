package config

import (
	"crypto/tls"
	"errors"
	"path"

	"google.golang.org/protobuf/proto"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// tlsFiles reads the files of m. What they hold is looked after from then on, so that files which change are used from
// the next handshake on.
func tlsFiles(m *configv1.Tls, env Env) (*tlsfiles.Files, error) {
	b := newBuilder(env, transport.AnyEnd)
	cfg := tlsfiles.Config{
		Cert:              m.GetCert(),
		Key:               m.GetKey(),
		CAs:               m.GetCa(),
		SystemRoots:       m.GetSystemRoots(),
		ServerName:        m.GetServerName(),
		AllowCommonName:   m.GetAllowCommonName(),
		RequireClientCert: m.GetRequireClientCert(),
		RequestClientCert: m.GetRequestClientCert(),
		Peer: tlsfiles.Attributes{
			CommonName:         m.GetPeer().GetCommonName(),
			Country:            m.GetPeer().GetCountry(),
			Organization:       m.GetPeer().GetOrganization(),
			OrganizationalUnit: m.GetPeer().GetOrganizationalUnit(),
			DNSName:            m.GetPeer().GetDnsName(),
			Email:              m.GetPeer().GetEmail(),
			URI:                m.GetPeer().GetUri(),
		},
		Logger: b.env.Log,
	}
	if m.GetMinVersion() == configv1.TlsVersion_TLS_VERSION_1_3 {
		cfg.MinVersion = tls.VersionTLS13
	}
	b.failed("cert", refuseSpecial(m.GetCert()))
	b.failed("key", refuseSpecial(m.GetKey()))
	for i, ca := range m.GetCa() {
		b.failed(indexed("ca", i), refuseSpecial(ca))
	}
	if password := m.GetKeyPassword(); password != nil {
		b.secret("key_password", password)
		cfg.Password = func() (string, error) { return b.env.Secret(password) }
	}
	if err := b.err(); err != nil {
		return nil, err
	}
	files, err := tlsfiles.New(cfg)
	if err != nil {
		return nil, &FieldError{Path: env.Path, Err: err}
	}
	return files, nil
}

// ServerTLS returns what listens with the files of m. It follows files that change, from the next handshake on. env has
// the log, and what reads the password of the key, each time that the key is read.
func ServerTLS(m *configv1.Tls, env Env) (*tls.Config, error) {
	if err := checkTLS(m, true, env); err != nil {
		return nil, err
	}
	files, err := tlsFiles(m, env)
	if err != nil {
		return nil, err
	}
	cfg, err := files.Server()
	if err != nil {
		return nil, &FieldError{Path: env.Path, Err: err}
	}
	return cfg, nil
}

// ClientTLS is [ServerTLS] for what connects.
func ClientTLS(m *configv1.Tls, env Env) (*tlsfiles.Files, error) {
	if err := checkTLS(m, false, env); err != nil {
		return nil, err
	}
	return tlsFiles(m, env)
}

// checkTLS checks what can be said of m without its files.
func checkTLS(m *configv1.Tls, listens bool, env Env) error {
	b := newBuilder(env, transport.AnyEnd)
	only := func(isSet bool, field string, err error) {
		if isSet {
			b.failed(field, err)
		}
	}
	if listens {
		only(m.GetServerName() != "", "server_name", errOnlyClient)
		only(m.GetAllowCommonName(), "allow_common_name", errOnlyClient)
		only(m.GetCert() == "", "cert", errNoCertificate)
		asks := m.GetRequireClientCert() || m.GetRequestClientCert() || proto.Size(m.GetPeer()) > 0
		only(asks && len(m.GetCa()) == 0 && !m.GetSystemRoots(), "ca", errNoAuthority)
	} else {
		only(m.GetRequireClientCert(), "require_client_cert", errOnlyServer)
		only(m.GetRequestClientCert(), "request_client_cert", errOnlyServer)
	}
	peer := m.GetPeer()
	for field, patterns := range map[string][]string{
		"common_name": peer.GetCommonName(), "country": peer.GetCountry(), "organization": peer.GetOrganization(),
		"organizational_unit": peer.GetOrganizationalUnit(), "dns_name": peer.GetDnsName(), "email": peer.GetEmail(), "uri": peer.GetUri(),
	} {
		for i, pattern := range patterns {
			_, err := path.Match(pattern, "")
			b.failed("peer."+indexed(field, i), err)
		}
	}
	return b.err()
}

var (
	errOnlyClient = errors.New("it is for what connects, and this listens")
	errOnlyServer = errors.New("it is for what listens, and this connects")

	errNoCertificate = errors.New("has to be set: a TLS server needs a certificate")
	errNoAuthority   = errors.New("has to be set: client certificates are asked for, and there is nothing to check them against")
)
