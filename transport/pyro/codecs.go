package pyro

import (
	"fmt"
	"slices"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/json"
	"github.com/pyrokit/pyrokit/codec/marshal"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

// Names of the serializers.
const (
	Serpent = "serpent"
	JSON    = "json"
	Marshal = "marshal"
)

// A serializer has a number in each dialect; 0 where the dialect does not know it.
type serializer struct {
	name     string
	id4, id5 uint16
	codec    codec.Codec // nil: known to the protocol, not built in
}

var serializers = []serializer{
	{Serpent, 1, 1, serpent.Codec},
	{JSON, 2, 3, json.Codec},
	{Marshal, 3, 2, marshal.Codec},
	{"pickle", 4, 0, nil},
	{"dill", 5, 0, nil},
	{"msgpack", 6, 4, nil},
	{"cloudpickle", 7, 0, nil},
}

func (s *serializer) id(d codec.Dialect) uint16 {
	if d == codec.Pyro4 {
		return s.id4
	}
	return s.id5
}

// DefaultSerializers are what a server accepts unless told otherwise.
func DefaultSerializers() []string { return []string{Serpent, JSON, Marshal} }

// Serializers returns the names of the serializers that are built in.
func Serializers() []string {
	var names []string
	for i := range serializers {
		if serializers[i].codec != nil {
			names = append(names, serializers[i].name)
		}
	}
	return names
}

// CheckSerializer returns an error unless name is a serializer that is built in.
func CheckSerializer(name string) error {
	_, err := serializerNamed(name)
	return err
}

func serializerNamed(name string) (*serializer, error) {
	for i := range serializers {
		if serializers[i].name == name && serializers[i].codec != nil {
			return &serializers[i], nil
		}
	}
	return nil, fmt.Errorf("unknown serializer %q, want one of %v", name, Serializers())
}

// serializerNumbered returns the serializer that dialect d numbers id, or nil.
func serializerNumbered(id uint16, d codec.Dialect) *serializer {
	i := slices.IndexFunc(serializers, func(s serializer) bool { return id != 0 && s.id(d) == id })
	if i < 0 {
		return nil
	}
	return &serializers[i]
}
