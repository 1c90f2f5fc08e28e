package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"path"
	"strings"
)

// Attributes are what a certificate has to say. Each list that is not empty has to be met: one of the
// certificate's values of that kind matches one of the patterns. Patterns are those of path.Match: '*'
// stands for any characters but '/'. Names of hosts are compared without regard to case.
type Attributes struct {
	// Of the subject.
	CommonName, Organization, OrganizationalUnit, Country []string
	// Of the alternative names: hosts, e-mail addresses, and URIs such as spiffe://example.org/stock.
	DNSName, Email, URI []string
}

// An attribute is what is wanted of one kind, and how to find what a certificate has.
type attribute struct {
	name     string
	patterns []string
	values   func(*x509.Certificate) []string
}

func (a *Attributes) all() []attribute {
	return []attribute{
		{"common name", a.CommonName, func(c *x509.Certificate) []string { return []string{c.Subject.CommonName} }},
		{"organization", a.Organization, func(c *x509.Certificate) []string { return c.Subject.Organization }},
		{"organizational unit", a.OrganizationalUnit, func(c *x509.Certificate) []string { return c.Subject.OrganizationalUnit }},
		{"country", a.Country, func(c *x509.Certificate) []string { return c.Subject.Country }},
		{"DNS name", lower(a.DNSName), func(c *x509.Certificate) []string { return lower(c.DNSNames) }},
		{"e-mail address", a.Email, func(c *x509.Certificate) []string { return c.EmailAddresses }},
		{"URI", a.URI, uris},
	}
}

func lower(names []string) (low []string) {
	for _, n := range names {
		low = append(low, strings.ToLower(n))
	}
	return low
}

func uris(c *x509.Certificate) (texts []string) {
	for _, u := range c.URIs {
		texts = append(texts, u.String())
	}
	return texts
}

func (a *Attributes) empty() bool {
	for _, kind := range a.all() {
		if len(kind.patterns) > 0 {
			return false
		}
	}
	return true
}

// check finds patterns that are none.
func (a *Attributes) check() error {
	for _, kind := range a.all() {
		for _, p := range kind.patterns {
			if _, err := path.Match(p, ""); err != nil {
				return fmt.Errorf("pattern %q for the peer's %s: %w", p, kind.name, err)
			}
		}
	}
	return nil
}

// match tells what of the attributes a certificate lacks.
func (a *Attributes) match(c *x509.Certificate) error {
	for _, kind := range a.all() {
		if values := kind.values(c); len(kind.patterns) > 0 && !anyMatch(kind.patterns, values) {
			return fmt.Errorf("%s %q of the certificate, want %q", kind.name, values, kind.patterns)
		}
	}
	return nil
}

func anyMatch(patterns, values []string) bool {
	for _, p := range patterns {
		for _, v := range values {
			if ok, _ := path.Match(p, v); ok { // check has seen the patterns
				return true
			}
		}
	}
	return false
}

// judge verifies what the standard library does not: the chain of a resumed session, against the CAs as
// they are now, and what the certificate says. It runs for each connection, resumed or not.
func (c *Config) judge(state tls.ConnectionState, opts x509.VerifyOptions) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the peer has shown no certificate")
	}
	leaf := state.PeerCertificates[0]
	if state.DidResume || len(state.VerifiedChains) == 0 {
		opts.Intermediates = x509.NewCertPool()
		for _, i := range state.PeerCertificates[1:] {
			opts.Intermediates.AddCert(i)
		}
		if _, err := leaf.Verify(opts); err != nil {
			return unverified(state, err)
		}
	}
	if err := c.Peer.match(leaf); err != nil {
		return unverified(state, err)
	}
	if c.Check == nil {
		return nil
	}
	return unverified(state, c.Check(leaf))
}

// verifyHost is leaf.VerifyHostname that falls back on the common name.
func verifyHost(leaf *x509.Certificate, host string) error {
	if len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.EmailAddresses)+len(leaf.URIs) > 0 {
		return leaf.VerifyHostname(host)
	}
	named := &x509.Certificate{DNSNames: []string{leaf.Subject.CommonName}}
	return named.VerifyHostname(host)
}

// unverified makes a refusal what the standard library's refusals are.
func unverified(state tls.ConnectionState, err error) error {
	if err == nil {
		return nil
	}
	return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
}
