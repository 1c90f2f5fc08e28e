package tlsfiles

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // keys that were encrypted with it are to be read
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // PBKDF2's default
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// maxIterations bounds the work that a key file can ask for; OpenSSL's default is 2048.
const maxIterations = 10_000_000

// Structures of RFC 5958 and RFC 8018.
type (
	encryptedPrivateKeyInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params struct {
		KDF, Cipher pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
)

// prfs are the pseudo-random functions: HMAC with these.
var prfs = map[string]func() hash.Hash{
	"":                    sha1.New,
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

// ciphers are block ciphers, all in CBC mode.
var ciphers = map[string]struct {
	keySize int
	block   func([]byte) (cipher.Block, error)
}{
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
}

// errBroken is a key that no program has written like that.
var errBroken = errors.New("the encrypted key is damaged")

// decryptPKCS8 decrypts an EncryptedPrivateKeyInfo that was encrypted as PBES2 has it, with PBKDF2: what
// OpenSSL, Java and Python's cryptography write unless told otherwise.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var info encryptedPrivateKeyInfo
	var scheme pbes2Params
	var kdf pbkdf2Params
	var iv []byte
	if err := unmarshal(der, &info); err != nil {
		return nil, err
	}
	if id := info.Algorithm.Algorithm.String(); id != oidPBES2 {
		return nil, unsupported("scheme", id)
	}
	if err := unmarshal(info.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	if id := scheme.KDF.Algorithm.String(); id != oidPBKDF2 {
		return nil, unsupported("key derivation", id)
	}
	if err := unmarshal(scheme.KDF.Parameters.FullBytes, &kdf); err != nil {
		return nil, err
	}
	prf, known := prfs[kdf.PRF.Algorithm.String()]
	if !known {
		return nil, unsupported("pseudo-random function", kdf.PRF.Algorithm.String())
	}
	c, known := ciphers[scheme.Cipher.Algorithm.String()]
	if !known {
		return nil, unsupported("cipher", scheme.Cipher.Algorithm.String())
	}
	if err := unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	if kdf.Iterations < 1 || kdf.Iterations > maxIterations {
		return nil, fmt.Errorf("%w: %d iterations", errBroken, kdf.Iterations)
	}
	key, err := pbkdf2.Key(prf, password, kdf.Salt, kdf.Iterations, c.keySize)
	if err != nil {
		return nil, err
	}
	block, err := c.block(key)
	if err != nil {
		return nil, err
	}
	return decryptCBC(block, iv, info.Data)
}

// decryptCBC decrypts, and takes the padding of RFC 8018 away. A padding that is none means that the
// password was wrong.
func decryptCBC(block cipher.Block, iv, data []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, errBroken
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > size {
		return nil, x509.IncorrectPasswordError
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return nil, x509.IncorrectPasswordError
		}
	}
	return plain[:len(plain)-pad], nil
}

func unmarshal(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = errors.New("more than one value")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	return nil
}

func unsupported(what, id string) error {
	return fmt.Errorf("the key is encrypted with a %s that is not known here (%s); "+
		"openssl pkcs8 -topk8 -v2 aes-256-cbc makes one that is", what, id)
}
