package uristate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	_ "github.com/pyrokit/pyrokit/codec/json"
	_ "github.com/pyrokit/pyrokit/codec/marshal"
	_ "github.com/pyrokit/pyrokit/codec/msgpack"
	_ "github.com/pyrokit/pyrokit/codec/pickle"
	_ "github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/uristate"
)

// Every serializer writes a State as it writes the dict that it stands for, and refuses what it refuses there.
func TestAStateIsWrittenAsItsDict(t *testing.T) {
	for _, name := range []string{"serpent", "json", "marshal", "msgpack", "pickle"} {
		c, err := codec.Named(name)
		require.NoError(t, err, name)
		for _, s := range []*uristate.State{
			{Class: "Pyro5.core.URI", Protocol: "PYRO", Object: "obj_1", Host: "localhost", Port: 4711},
			{Class: "Pyro4.core.URI", Protocol: "PYRO", Object: "it's \U0001F600", Host: "::1"},
			{Class: "Pyro5.core.URI", Protocol: "PYRO", Object: "o", Socket: "/tmp/a b"},
			{Class: "Pyro5.core.URI", Protocol: "PYRONAME", Object: ""},
			{Class: "Pyro5.core.URI", Protocol: "PYRO", Object: "\xff", Host: "h", Port: 1},
			{Class: "Pyro5.core.URI", Protocol: "PYRO", Object: "o", Host: "\xed\xa0\x80", Port: 1},
		} {
			for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
				for _, depth := range []int{0, 1, 2, 3} {
					o := &codec.Options{Dialect: dialect, MaxDepth: depth}
					want, wantErr := c.Append(nil, []any{dictOf(s)}, o)
					got, err := c.Append(nil, []any{s}, o)
					require.Equal(t, wantErr, err, "%s %+v", name, s)
					require.Equal(t, want, got, "%s %+v", name, s)
				}
			}
		}
	}
}

func dictOf(s *uristate.State) *codec.Dict {
	state := codec.Tuple{s.Protocol, s.Object, nil, nil, nil}
	if s.Socket != "" {
		state[2] = s.Socket
	}
	if s.Host != "" {
		state[3], state[4] = s.Host, s.Port
	}
	return codec.NewDict(codec.ClassKey, s.Class, "state", state)
}
