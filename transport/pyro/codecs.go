package pyro

import (
	"slices"

	"github.com/pyrokit/pyrokit/codec"
	_ "github.com/pyrokit/pyrokit/codec/json"    // registers itself
	_ "github.com/pyrokit/pyrokit/codec/marshal" // registers itself
	_ "github.com/pyrokit/pyrokit/codec/msgpack" // registers itself
	_ "github.com/pyrokit/pyrokit/codec/pickle"  // registers itself, under three names
	_ "github.com/pyrokit/pyrokit/codec/serpent" // registers itself
)

// Names of the serializers.
const (
	Serpent     = "serpent"
	JSON        = "json"
	Marshal     = "marshal"
	Msgpack     = "msgpack"
	Pickle      = "pickle"
	CloudPickle = "cloudpickle"
	Dill        = "dill"
)

// DefaultSerializers are what a server accepts in both dialects unless told otherwise. In Pyro5 it
// accepts msgpack besides, as Python's daemons do.
func DefaultSerializers() []string { return []string{Serpent, JSON, Marshal} }

// Serializers returns the names of all serializers.
func Serializers() []string { return codec.Names() }

// CheckSerializer returns an error unless name is a serializer.
func CheckSerializer(name string) error {
	_, err := codec.Named(name)
	return err
}

// IsPickle reports whether name is one of the serializers that write pickles. They are never used
// unless somebody names them.
func IsPickle(name string) bool { return name == Pickle || name == CloudPickle || name == Dill }

// A serializer is one of Pyro's serializers as a connection uses it.
type serializer struct {
	name     string
	id       uint16 // in the connection's dialect; 0 if that does not know it
	codec    codec.Codec
	accepted bool // by a server
}

func serializerNamed(name string, d codec.Dialect) (*serializer, error) {
	c, err := codec.Named(name)
	if err != nil {
		return nil, err
	}
	return &serializer{name: name, id: codec.ID(name, d), codec: c}, nil
}

// maxSerializer is the largest number that a dialect gives a serializer.
const maxSerializer = 7

// A serializerTable has the serializers of one dialect by their numbers. A server makes its own, so that
// no message takes a lock for it.
type serializerTable [maxSerializer + 1]*serializer

// newSerializerTable returns the table of dialect d with those accepted that are named; nil names mean
// the default.
func newSerializerTable(d codec.Dialect, accepted []string) *serializerTable {
	if accepted == nil {
		accepted = DefaultSerializers()
		if d == codec.Pyro5 {
			accepted = append(accepted, Msgpack)
		}
	}
	t := &serializerTable{}
	for id := range t {
		name, c := codec.Numbered(uint16(id), d)
		if name != "" {
			t[id] = &serializer{name: name, id: uint16(id), codec: c, accepted: slices.Contains(accepted, name)}
		}
	}
	return t
}

// numbered returns the serializer with number id, or nil.
func (t *serializerTable) numbered(id uint16) *serializer {
	if int(id) >= len(t) {
		return nil
	}
	return t[id]
}

// defaultPickleProtocol is what 0 in codec.Options means.
const defaultPickleProtocol = 4

// pickleProtocol returns the version of a pickle: that of its PROTO opcode, 2 for older ones, which have
// none. What reads those reads 2.
func pickleProtocol(data []byte) int {
	const (
		proto  = 0x80
		oldest = 2
	)
	if len(data) < 2 || data[0] != proto {
		return oldest
	}
	return max(oldest, int(data[1]))
}
