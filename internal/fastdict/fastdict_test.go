package fastdict_test

import (
	"strconv"
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
func writtenAsDict(t *testing.T, v any, same func(codec.Dialect) *codec.Dict) {
	t.Helper()
	for _, name := range []string{"serpent", "json", "marshal", "msgpack", "pickle"} {
		c, err := codec.Named(name)
		require.NoError(t, err, name)
		for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
			for _, depth := range []int{0, 1, 2, 3} {
				o := &codec.Options{Dialect: dialect, MaxDepth: depth}
				want, wantErr := c.Append(nil, []any{same(dialect)}, o)
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
		d, same := &fastdict.Texts{}, &codec.Dict{}
		for i := 0; i < len(texts); i += 2 {
			d.Add(texts[i], texts[i+1])
			same.Set(texts[i], texts[i+1])
		}
		writtenAsDict(t, d, func(codec.Dialect) *codec.Dict { return same })
	}
}

func TestManyTextsStayInOrder(t *testing.T) {
	d, same := &fastdict.Texts{}, &codec.Dict{}
	for i := range 5000 {
		text := strconv.Itoa(i)
		d.Add(text, text+text)
		same.Set(text, text+text)
		require.Equal(t, i+1, d.Len())
	}
	writtenAsDict(t, d, func(codec.Dialect) *codec.Dict { return same })
	for range d.All() { // and one can stop
		break
	}
}

func TestAURIIsWrittenAsItsDict(t *testing.T) {
	for _, u := range []*fastdict.URI{
		{Protocol: "PYRO", Object: "obj_1", Host: "localhost", Port: 4711},
		{Protocol: "PYRO", Object: "it's \U0001F600", Host: "::1"},
		{Protocol: "PYRO", Object: "o", Socket: "/tmp/a b"},
		{Protocol: "PYRONAME", Object: ""},
		{Protocol: "PYRO", Object: "\xff", Host: "h", Port: 1},
		{Protocol: "PYRO", Object: "o", Host: "\xed\xa0\x80", Port: 1},
	} {
		writtenAsDict(t, u, dictOf(u))
	}
}

// dictOf returns the dict that u stands for.
func dictOf(u *fastdict.URI) func(codec.Dialect) *codec.Dict {
	return func(d codec.Dialect) *codec.Dict {
		class := "Pyro5.core.URI"
		if d == codec.Pyro4 {
			class = "Pyro4.core.URI"
		}
		state := codec.Tuple{u.Protocol, u.Object, nil, nil, nil}
		if u.Socket != "" {
			state[2] = u.Socket
		}
		if u.Host != "" {
			state[3], state[4] = u.Host, u.Port
		}
		return codec.NewDict(codec.ClassKey, class, "state", state)
	}
}

func TestAPlainURIIsWrittenAsItsDict(t *testing.T) {
	for text, u := range map[string]*fastdict.URI{
		"PYRO:obj_1@localhost:4711":        {Protocol: "PYRO", Object: "obj_1", Host: "localhost", Port: 4711},
		"PYRO:it's:\"a\\b\"<>&@10.0.0.1:0": {Protocol: "PYRO", Object: "it's:\"a\\b\"<>&", Host: "10.0.0.1"},
		"PYRO:o@a-b_c.d:00012":             {Protocol: "PYRO", Object: "o", Host: "a-b_c.d", Port: 12},
	} {
		plain, ok := fastdict.Plain(text)
		require.True(t, ok, text)
		require.Equal(t, *u, plain.URI())
		writtenAsDict(t, plain, dictOf(u))
	}
}

func TestOtherURIsAreNotPlain(t *testing.T) {
	for _, text := range []string{
		"", "PYRO", "PYRO:", "PYRO:@", "PYRO:@h:1", "PYRO:o@h", "PYRO:o@h:", "PYRO:o@:1", "PYRO:o@h:-1", "PYRO:o@h:+1", "PYRO:o@h: 1",
		"PYRO:o@h:123456", "PYRO:o@h:1\n", "PYRO:o@h:1x", "pyro:o@h:1", "PYRONAME:o@h:1", "PYROMETA:o@h:1", "PYRO:o p@h:1", "PYRO:\x00@h:1",
		"PYRO:\u00fc@h:1", "PYRO:o@\u00fc:1", "PYRO:o@[::1]:1", "PYRO:o@::1:1", "PYRO:o@./u:1", "PYRO:o@./u:x:1", "PYRO:o@p@h:1", "PYRO:o:1",
	} {
		_, ok := fastdict.Plain(text)
		require.False(t, ok, "%q", text)
	}
}
