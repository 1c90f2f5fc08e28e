package bind

import "encoding/base64"

// Base64 decodes standard base64, passing over line ends.
func Base64(text []byte) ([]byte, error) {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	return out[:n], err
}
