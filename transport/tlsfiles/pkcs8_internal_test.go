package tlsfiles

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatCannotBeDecrypted(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, 16))
	require.NoError(t, err)
	tests := map[string]struct {
		iv, data int // their lengths
		want     error
	}{
		"no IV":                        {0, 16, errBroken},
		"the IV of another cipher":     {8, 16, errBroken},
		"no data":                      {16, 0, errBroken},
		"data of no whole blocks":      {16, 17, errBroken},
		"zeros, which is no padding":   {16, 16, x509.IncorrectPasswordError},
		"several blocks, as they come": {16, 64, x509.IncorrectPasswordError},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := decryptCBC(block, make([]byte, tt.iv), make([]byte, tt.data))
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestAKeyOfWholeBlocksIsPaddedByOne(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, 16))
	require.NoError(t, err)
	want := []byte("sixteen bytes ok")
	padded := append(bytes.Clone(want), bytes.Repeat([]byte{16}, 16)...)
	iv := make([]byte, 16)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	got, err := decryptCBC(block, iv, padded)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
