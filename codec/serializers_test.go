package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

// namedCodec is a codec of which only the name is of interest.
type namedCodec struct {
	codec.Codec
	name string
}

func (c namedCodec) Name() string { return c.name }

func TestSerializerNumbers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		id4, id5 uint16
	}{
		{"serpent", 1, 1}, {"json", 2, 3}, {"marshal", 3, 2}, {"pickle", 4, 0}, {"dill", 5, 0}, {"msgpack", 6, 4}, {"cloudpickle", 7, 0},
	} {
		require.Equal(t, tt.id4, codec.ID(tt.name, codec.Pyro4), tt.name)
		require.Equal(t, tt.id5, codec.ID(tt.name, codec.Pyro5), tt.name)
		name, _ := codec.Numbered(tt.id4, codec.Pyro4)
		require.Equal(t, tt.name, name)
	}
	name, c := codec.Numbered(0, codec.Pyro5)
	require.Empty(t, name)
	require.Nil(t, c)
	require.Zero(t, codec.ID("yaml", codec.Pyro4))
}

func TestRegisterSerializers(t *testing.T) {
	require.Panics(t, func() { codec.Register(namedCodec{name: "yaml"}) })
	_, err := codec.Named("dill")
	require.ErrorContains(t, err, `unknown serializer "dill"`)
	codec.Register(namedCodec{name: "dill"})
	c, err := codec.Named("dill")
	require.NoError(t, err)
	require.Equal(t, "dill", c.Name())
	require.Contains(t, codec.Names(), "dill")
	name, c := codec.Numbered(5, codec.Pyro4)
	require.Equal(t, "dill", name)
	require.NotNil(t, c)
}
