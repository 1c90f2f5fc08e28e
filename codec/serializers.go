package codec

import (
	"fmt"
	"slices"
	"sync"
)

// A serializer is a row of the table of serializers: its number in each dialect, 0 where the dialect
// does not know it (Pyro4.util, Pyro5.serializers).
type serializer struct {
	name     string
	id4, id5 uint16
}

var serializers = [...]serializer{
	{"serpent", 1, 1},
	{"json", 2, 3},
	{"marshal", 3, 2},
	{"pickle", 4, 0},
	{"dill", 5, 0},
	{"msgpack", 6, 4},
	{"cloudpickle", 7, 0},
}

var (
	codecsMu sync.RWMutex
	codecs   [len(serializers)]Codec // in the order of the table; guarded by codecsMu
)

// Register makes c known by its name and numbers. The packages of the serializers register
// themselves. It panics when Pyro has no serializer of that name; the last one registered counts.
func Register(c Codec) {
	i := slices.IndexFunc(serializers[:], func(s serializer) bool { return s.name == c.Name() })
	if i < 0 {
		panic("codec: Pyro has no serializer named " + c.Name())
	}
	codecsMu.Lock()
	defer codecsMu.Unlock()
	codecs[i] = c
}

// Named returns the serializer of that name. The error names those that are registered.
func Named(name string) (Codec, error) {
	codecsMu.RLock()
	defer codecsMu.RUnlock()
	for i, s := range serializers {
		if s.name == name && codecs[i] != nil {
			return codecs[i], nil
		}
	}
	return nil, fmt.Errorf("unknown serializer %q, want one of %v", name, namesLocked())
}

// Names returns the names of the serializers that are registered.
func Names() []string {
	codecsMu.RLock()
	defer codecsMu.RUnlock()
	return namesLocked()
}

func namesLocked() []string {
	var names []string
	for i, s := range serializers {
		if codecs[i] != nil {
			names = append(names, s.name)
		}
	}
	return names
}

// ID returns the number that dialect d gives the serializer name; 0 if it does not know it.
func ID(name string, d Dialect) uint16 {
	for _, s := range serializers {
		if s.name == name {
			return s.id(d)
		}
	}
	return 0
}

// Numbered returns the name of the serializer that has number id in dialect d, and the serializer
// itself, nil if it is not registered. The name is empty for a number that d does not know.
func Numbered(id uint16, d Dialect) (name string, c Codec) {
	codecsMu.RLock()
	defer codecsMu.RUnlock()
	for i, s := range serializers {
		if id != 0 && s.id(d) == id {
			return s.name, codecs[i]
		}
	}
	return "", nil
}

func (s serializer) id(d Dialect) uint16 {
	if d == Pyro4 {
		return s.id4
	}
	return s.id5
}
