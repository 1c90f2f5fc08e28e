package fastdict_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	_ "github.com/pyrokit/pyrokit/codec/json"
	_ "github.com/pyrokit/pyrokit/codec/marshal"
	_ "github.com/pyrokit/pyrokit/codec/msgpack"
	_ "github.com/pyrokit/pyrokit/codec/pickle"
	_ "github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/fastdict"
)

// writtenAsDict requires that every serializer writes v as it writes the dict that it stands for, and refuses what it
// refuses there.
func writtenAsDict(t *testing.T, v any, same *codec.Dict) {
	t.Helper()
	for _, name := range []string{"serpent", "json", "marshal", "msgpack", "pickle"} {
		c, err := codec.Named(name)
		require.NoError(t, err, name)
		for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
			for _, depth := range []int{0, 1, 2, 3} {
				o := &codec.Options{Dialect: dialect, MaxDepth: depth}
				want, wantErr := c.Append(nil, []any{same}, o)
				got, err := c.Append(nil, []any{v}, o)
				require.Equal(t, wantErr, err, "%s %+v", name, v)
				require.Equal(t, want, got, "%s %+v", name, v)
			}
		}
	}
}

func TestTextsAreWrittenAsADict(t *testing.T) {
	for _, texts := range [][]string{
		{},
		{"a", "b"},
		{"b", "1", "a", "2"},
		{"", "", "it's", "\"\\\n"},
		{"ünï", "\U0001F600", "\x00", "x"},
		{"__class__", "float", "value", "nan"}, // which is an instance
	} {
		d, same := fastdict.Texts{}, &codec.Dict{}
		for i := 0; i < len(texts); i += 2 {
			d = append(d, fastdict.Entry{Key: texts[i], Value: texts[i+1]})
			same.Set(texts[i], texts[i+1])
		}
		writtenAsDict(t, d, same)
	}
}

func TestAURIIsWrittenAsItsDict(t *testing.T) {
	for _, u := range []*fastdict.URI{
		{Class: "Pyro5.core.URI", Protocol: "PYRO", Object: "obj_1", Host: "localhost", Port: 4711},
		{Class: "Pyro4.core.URI", Protocol: "PYRO", Object: "it's \U0001F600", Host: "::1"},
		{Class: "Pyro5.core.URI", Protocol: "PYRO", Object: "o", Socket: "/tmp/a b"},
		{Class: "Pyro5.core.URI", Protocol: "PYRONAME", Object: ""},
		{Class: "Pyro5.core.URI", Protocol: "PYRO", Object: "\xff", Host: "h", Port: 1},
		{Class: "Pyro5.core.URI", Protocol: "PYRO", Object: "o", Host: "\xed\xa0\x80", Port: 1},
	} {
		state := codec.Tuple{u.Protocol, u.Object, nil, nil, nil}
		if u.Socket != "" {
			state[2] = u.Socket
		}
		if u.Host != "" {
			state[3], state[4] = u.Host, u.Port
		}
		writtenAsDict(t, u, codec.NewDict(codec.ClassKey, u.Class, "state", state))
	}
}
