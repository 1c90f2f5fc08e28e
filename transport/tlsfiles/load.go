package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// PasswordFile returns a Config.Password that reads a file. A line end at its end does not count.
func PasswordFile(file string) func() (string, error) {
	return func() (string, error) {
		data, err := os.ReadFile(file) //nolint:gosec // what the configuration names
		return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), err
	}
}

// PasswordEnv returns a Config.Password that is the value of an environment variable.
func PasswordEnv(name string) func() (string, error) {
	return func() (string, error) {
		v, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Errorf("environment variable %s is not set", name)
		}
		return v, nil
	}
}

// A stat is what tells that a file has changed.
type stat struct {
	path string
	info os.FileInfo
}

func sameStats(a, b []stat) bool {
	return slices.EqualFunc(a, b, func(a, b stat) bool {
		return a.path == b.path && os.SameFile(a.info, b.info) &&
			a.info.Size() == b.info.Size() && a.info.ModTime().Equal(b.info.ModTime())
	})
}

// stat looks at all files.
func (c *Config) stat() ([]stat, error) {
	var paths []string
	if c.Cert != "" {
		paths = append(paths, c.Cert, c.Key)
	}
	files, err := c.caFiles()
	if err != nil {
		return nil, err
	}
	var all []stat
	for _, p := range append(paths, files...) {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		all = append(all, stat{p, info})
	}
	return all, nil
}

// caFiles lists the files of the CAs, those in folders one by one.
func (c *Config) caFiles() (files []string, err error) {
	for _, p := range c.CAs {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, p)
			continue
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			file := filepath.Join(p, e.Name())
			if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
				files = append(files, file)
			}
		}
	}
	return files, nil
}

// load reads all files.
func (c *Config) load() (s *state, err error) {
	s = &state{}
	if c.Cert != "" {
		if s.cert, err = c.loadCert(); err != nil {
			return nil, err
		}
	}
	s.roots, err = c.loadCAs()
	return s, err
}

func (c *Config) loadCert() (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(c.Cert)
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(c.Key)
	if err != nil {
		return nil, err
	}
	if keyPEM, err = c.decryptKey(keyPEM); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Key, err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s with the key in %s: %w", c.Cert, c.Key, err)
	}
	return &pair, nil
}

// decryptKey returns the first key of a PEM file, decrypted if need be.
func (c *Config) decryptKey(data []byte) ([]byte, error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("no private key in PEM form")
		}
		if block.Type != "PRIVATE KEY" && !strings.HasSuffix(block.Type, " PRIVATE KEY") {
			continue
		}
		pkcs8, legacy := block.Type == "ENCRYPTED PRIVATE KEY", x509.IsEncryptedPEMBlock(block) //nolint:staticcheck // see decryptPEM
		if !pkcs8 && !legacy {
			return pem.EncodeToMemory(block), nil
		}
		if c.Password == nil {
			return nil, errors.New("the key is encrypted, and there is no password")
		}
		password, err := c.Password()
		if err != nil {
			return nil, fmt.Errorf("password of the key: %w", err)
		}
		der := block.Bytes
		if pkcs8 {
			der, err = decryptPKCS8(der, password)
		} else {
			der, err = decryptPEM(block, password)
		}
		if err != nil {
			return nil, err
		}
		if !isKey(der) { // one wrong password in 256 makes something that looks decrypted
			return nil, x509.IncorrectPasswordError
		}
		return pem.EncodeToMemory(&pem.Block{Type: strings.TrimPrefix(block.Type, "ENCRYPTED "), Bytes: der}), nil
	}
}

// decryptPEM decrypts what OpenSSL wrote before PKCS#8. That form does not protect against who can change
// the file; it is read because there are such files.
func decryptPEM(block *pem.Block, password string) ([]byte, error) {
	return x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // see above
}

func isKey(der []byte) bool {
	_, err8 := x509.ParsePKCS8PrivateKey(der)
	_, err1 := x509.ParsePKCS1PrivateKey(der)
	_, errEC := x509.ParseECPrivateKey(der)
	return err8 == nil || err1 == nil || errEC == nil
}

// loadCAs returns nil for the system's roots alone.
func (c *Config) loadCAs() (*x509.CertPool, error) {
	if len(c.CAs) == 0 {
		return nil, nil //nolint:nilnil // see above
	}
	pool := x509.NewCertPool()
	if c.SystemRoots {
		var err error
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, err
		}
	}
	files, err := c.caFiles()
	if err != nil {
		return nil, err
	}
	count := 0
	for _, file := range files {
		n, err := addCerts(pool, file)
		if err == nil && n == 0 && slices.Contains(c.CAs, file) {
			err = errors.New("no certificate in PEM form")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		count += n
	}
	if count == 0 {
		return nil, fmt.Errorf("no certificate in %s", strings.Join(c.CAs, ", "))
	}
	return pool, nil
}

// addCerts adds the certificates of a PEM file and returns how many those are.
func addCerts(pool *x509.CertPool, file string) (n int, err error) {
	data, err := os.ReadFile(file) //nolint:gosec // what the configuration names
	if err != nil {
		return 0, err
	}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return n, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return n, err
		}
		pool.AddCert(cert)
		n++
	}
}
