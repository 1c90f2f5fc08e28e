package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/pickle"
	"github.com/pyrokit/pyrokit/transport"
)

// longKey is the length from which on a key is hashed.
const longKey = 256

// appendKey appends what tells call from all others that have another answer: each part behind its length, so
// that no two lists of parts are the same. It is not ok if there is none.
func appendKey(b []byte, call *transport.Call) ([]byte, bool) {
	b = appendPart(b, call.Object)
	b = appendPart(b, call.Method)
	b = appendPart(b, call.Serializer)
	b = append(b, call.Header.Serializer)
	if call.Peer != nil {
		b = append(b, byte(call.Peer.Dialect))
	}
	var s sink
	if err := call.Args.Decode(&s); err != nil { // the method says it better
		return nil, false
	}
	slices.SortFunc(s.keywords, func(x, y *keyword) int { return strings.Compare(x.name, y.name) })
	b = binary.AppendUvarint(b, uint64(len(s.positional)))
	var ok bool
	for _, v := range s.positional {
		if b, ok = appendValue(b, *v); !ok {
			return nil, false
		}
	}
	for _, k := range s.keywords {
		b = appendPart(b, k.name)
		if b, ok = appendValue(b, k.value); !ok {
			return nil, false
		}
	}
	if len(b) > longKey {
		sum := sha256.Sum256(b)
		b = append(b[:0], sum[:]...)
	}
	return b, true
}

func appendPart[T string | []byte](b []byte, part T) []byte {
	b = binary.AppendUvarint(b, uint64(len(part)))
	return append(b, part...)
}

// appendValue appends v as it came; what has no encoded form of its own as a pickle, which tells all types
// apart.
func appendValue(b []byte, v codec.Value) ([]byte, bool) {
	if raw, c := v.Raw(); c != nil {
		return appendPart(append(b, 'r'), raw), true
	}
	data, err := pickle.Codec.Append(nil, v.Go(), nil)
	if err != nil {
		return b, false
	}
	return appendPart(append(b, 'p'), data), true
}

// A sink takes arguments as they are encoded, as far as the serializer hands that out.
type sink struct {
	positional []*codec.Value
	keywords   []*keyword
}

type keyword struct {
	name  string
	value codec.Value
}

func (s *sink) Positional(int) (any, error) {
	v := &codec.Value{}
	s.positional = append(s.positional, v)
	return v, nil
}

func (s *sink) Keyword(name []byte) (any, error) {
	k := &keyword{name: string(name)}
	s.keywords = append(s.keywords, k)
	return &k.value, nil
}

func (s *sink) None(bool) error { return nil }
