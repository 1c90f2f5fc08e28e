package bind

import "github.com/pyrokit/pyrokit/codec"

// Options returns the options that e follows, for a ClassSink; it may be nil.
func (e *Encoder) Options() *codec.Options { return e.o }

// Pair appends a key and its value as a dict has them, for a ClassSink.
func (e *Encoder) Pair(b []byte, k, v any) ([]byte, error) {
	b, err := e.key(b, k, Dict)
	if err != nil {
		return b, encodeUnder(err, "key")
	}
	b, err = e.Any(e.sink.Colon(b), v)
	return b, encodeUnder(err, keyText(k))
}
