package valuegen

import (
	"fmt"
	"slices"

	"github.com/pyrokit/pyrokit/codec"
)

// A Carrier is a way for values to travel: one of Pyro's serializers, in a dialect.
type Carrier struct {
	Serializer string
	Dialect    codec.Dialect
	Protocol   int  // of pickles, 2 to 5; 0 for other serializers
	BytesRepr  bool // serpent writes bytes as literals
}

// Carriers returns the ways in which the serializers that are registered carry values.
func Carriers() []Carrier {
	var all []Carrier
	for _, name := range codec.Names() {
		switch name {
		case "pickle":
			for protocol := 2; protocol <= 5; protocol++ {
				all = append(all, Carrier{Serializer: name, Dialect: codec.Pyro4, Protocol: protocol})
			}
		case "cloudpickle", "dill":
			all = append(all, Carrier{Serializer: name, Dialect: codec.Pyro4, Protocol: 4})
		default:
			all = append(all, Carrier{Serializer: name, Dialect: codec.Pyro4}, Carrier{Serializer: name, Dialect: codec.Pyro5})
		}
		if name == "serpent" {
			all = append(all, Carrier{Serializer: name, Dialect: codec.Pyro5, BytesRepr: true})
		}
	}
	return all
}

// String names c as a test does: "pyro4 pickle 2".
func (c Carrier) String() string {
	s := c.Dialect.String() + " " + c.Serializer
	if c.Protocol != 0 {
		s += fmt.Sprintf(" %d", c.Protocol)
	}
	if c.BytesRepr {
		s += " with bytes literals"
	}
	return s
}

// Options returns the options that make a codec write as c says.
func (c Carrier) Options() *codec.Options {
	return &codec.Options{Dialect: c.Dialect, PickleProtocol: c.Protocol, BytesRepr: c.BytesRepr}
}

// Pickles reports whether c's serializer is pickle or one of its kin.
func (c Carrier) Pickles() bool {
	return slices.Contains([]string{"pickle", "cloudpickle", "dill"}, c.Serializer)
}
