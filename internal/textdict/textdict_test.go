package textdict_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	_ "github.com/pyrokit/pyrokit/codec/json"
	_ "github.com/pyrokit/pyrokit/codec/marshal"
	_ "github.com/pyrokit/pyrokit/codec/msgpack"
	_ "github.com/pyrokit/pyrokit/codec/pickle"
	_ "github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/textdict"
)

// Every serializer writes a Dict as it writes a codec.Dict of the same texts.
func TestADictIsWrittenAsAnyOther(t *testing.T) {
	for _, name := range []string{"serpent", "json", "marshal", "msgpack", "pickle"} {
		c, err := codec.Named(name)
		require.NoError(t, err, name)
		for _, texts := range [][]string{
			{},
			{"a", "b"},
			{"b", "1", "a", "2"},
			{"", "", "it's", "\"\\\n"},
			{"ünï", "\U0001F600", "\x00", "x"},
			{"__class__", "float", "value", "nan"}, // which is an instance
		} {
			d, same := textdict.Dict{}, &codec.Dict{}
			for i := 0; i < len(texts); i += 2 {
				d = append(d, textdict.Entry{Key: texts[i], Value: texts[i+1]})
				same.Set(texts[i], texts[i+1])
			}
			for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
				o := &codec.Options{Dialect: dialect}
				want, wantErr := c.Append(nil, []any{same}, o)
				got, err := c.Append(nil, []any{d}, o)
				require.Equal(t, wantErr, err, "%s %q", name, texts)
				require.Equal(t, want, got, "%s %q", name, texts)
			}
		}
		o := &codec.Options{MaxDepth: 1}
		_, err = c.Append(nil, []any{textdict.Dict{}}, o)
		require.ErrorContains(t, err, "nesting", name)
	}
}
