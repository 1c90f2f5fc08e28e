// Package certtest makes certificates for tests: nothing that it makes is valid for longer than a day.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Pair is a certificate and its key.
type Pair struct {
	Leaf *x509.Certificate
	Key  *ecdsa.PrivateKey

	CertPEM, KeyPEM []byte // the key as PKCS#8
}

// NewCA returns an authority.
func NewCA(t testing.TB, name string) *Pair {
	t.Helper()
	return sign(t, nil, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: name}
		c.IsCA, c.BasicConstraintsValid = true, true
		c.KeyUsage = x509.KeyUsageCertSign
		c.DNSNames, c.IPAddresses, c.ExtKeyUsage = nil, nil, nil
	})
}

// Issue returns a certificate for localhost, 127.0.0.1 and ::1, for a server as well as a client, with what
// edit changes of that.
func (p *Pair) Issue(t testing.TB, edit ...func(*x509.Certificate)) *Pair {
	t.Helper()
	return sign(t, p, edit...)
}

// SelfSigned returns such a certificate that no authority has signed.
func SelfSigned(t testing.TB, edit ...func(*x509.Certificate)) *Pair {
	t.Helper()
	return sign(t, nil, edit...)
}

func sign(t testing.TB, ca *Pair, edit ...func(*x509.Certificate)) *Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "peer", Organization: []string{"Pyrokit"}, Country: []string{"NL"}},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(23 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, e := range edit {
		e(template)
	}
	issuer, signer := template, key
	if ca != nil {
		issuer, signer = ca.Leaf, ca.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
	require.NoError(t, err)
	p := &Pair{Key: key}
	p.Leaf, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	p.CertPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p.KeyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	return p
}

// Encrypted returns the key encrypted in OpenSSL's old form.
func (p *Pair) Encrypted(t testing.TB, password string) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(p.Key)
	require.NoError(t, err)
	//nolint:staticcheck // a form that is still met
	block, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte(password), x509.PEMCipherAES256)
	require.NoError(t, err)
	return pem.EncodeToMemory(block)
}

// Write puts a file in the place of the one at path, if there is one, and returns path. As with a deployment,
// nobody ever sees half of it.
func Write(t testing.TB, path string, parts ...[]byte) string {
	t.Helper()
	var all []byte
	for _, part := range parts {
		all = append(all, part...)
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path+".new", all, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
	return path
}
