package codec_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

type celsius float64

type reading struct {
	Sensor string `pyro:"sensor"`
	Value  celsius
}

func TestRegistryEncoders(t *testing.T) {
	r := codec.NewRegistry()
	o := &codec.Options{Registry: r, Dialect: codec.Pyro4}
	text := func(v any) string {
		t.Helper()
		b, err := serpent.Codec.Append(nil, v, o)
		require.NoError(t, err)
		return string(b[len("# serpent utf-8 python3.2\n"):])
	}
	require.Equal(t, "{'sensor':'s','Value':21.5}", text(reading{"s", 21.5}))
	r.RegisterEncoder(reflect.TypeFor[celsius](), func(v any, d codec.Dialect) (any, error) {
		return codec.Tuple{float64(v.(celsius)), d.String()}, nil
	})
	require.Equal(t, "{'sensor':'s','Value':(21.5,'pyro4')}", text(reading{"s", 21.5})) // what was known is forgotten
	r.RegisterEncoder(reflect.TypeFor[error](), func(v any, _ codec.Dialect) (any, error) {
		return v.(error).Error(), nil
	})
	require.Equal(t, "['broken',None]", text([]any{errors.New("broken"), (*codec.SyntaxError)(nil)}))
	codec.RegisterType[*reading](r, "lab.Reading")
	require.Equal(t, "{'sensor':'s','Value':(1.0,'pyro4'),'__class__':'lab.Reading'}", text(&reading{"s", 1}))

	r.RegisterEncoder(reflect.TypeFor[celsius](), func(any, codec.Dialect) (any, error) { return nil, errors.New("too hot") })
	_, err := serpent.Codec.Append(nil, []reading{{}}, o)
	var refused *codec.EncodeError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "[0].Value", refused.Path)

	r.RegisterEncoder(reflect.TypeFor[celsius](), func(v any, _ codec.Dialect) (any, error) { return v, nil })
	_, err = serpent.Codec.Append(nil, celsius(1), o)
	var limit *codec.LimitError
	require.ErrorAs(t, err, &limit) // it never comes to an end
}

func TestRegistryDecoders(t *testing.T) {
	parent := codec.Default
	r := codec.NewRegistry()
	codec.RegisterType[*reading](r, "lab.Reading")
	before := r.Version()
	parent.RegisterDecoder("test.Parent", func(string, *codec.Dict) (any, error) { return "parent", nil })
	require.NotEqual(t, before, r.Version())
	fn, typ := r.Decoder("test.Parent")
	require.NotNil(t, fn)
	require.Nil(t, typ)
	_, typ = r.Decoder("lab.Reading")
	require.Equal(t, reflect.TypeFor[*reading](), typ)
	fn, typ = r.Decoder("test.Unknown")
	require.Nil(t, fn)
	require.Nil(t, typ)

	var v any
	in := []byte("{'sensor':'x','__class__':'lab.Reading','Value':2}")
	require.NoError(t, serpent.Codec.Unmarshal(in, &v, &codec.Options{Registry: r}))
	require.Equal(t, &reading{"x", 2}, v)
	err := serpent.Codec.Unmarshal([]byte("[{'sensor':1,'__class__':'lab.Reading'}]"), &v, &codec.Options{Registry: r})
	require.ErrorContains(t, err, "sensor: want string, found int")
	require.Panics(t, func() { codec.RegisterType[int](r, "x") })
}

func TestConvertDict(t *testing.T) {
	d := codec.NewDict("a", 1)
	v, err := codec.ConvertDict(d, nil)
	require.NoError(t, err)
	require.Same(t, d, v)
	v, err = codec.ConvertDict(codec.NewDict("__class__", []byte("m.C"), "a", 1), nil)
	require.NoError(t, err)
	require.Equal(t, codec.Object{Class: "m.C", Attrs: map[string]any{"a": 1}}, v)
	var class *codec.ClassError
	_, err = codec.ConvertDict(codec.NewDict("__class__", "m.C", 1, 1), nil)
	require.ErrorAs(t, err, &class)
	require.Equal(t, "m.C", class.Class)
}

func TestValueDecode(t *testing.T) {
	var s string
	require.NoError(t, codec.ValueOf("x").Decode(&s))
	require.Equal(t, "x", s)
	require.Error(t, codec.ValueOf(1).Decode(&s))
	require.Error(t, codec.ValueOf(1).Decode(s))
	require.Error(t, codec.ValueOf(nil).Decode(&s))
	var e error
	require.NoError(t, codec.ValueOf(nil).Decode(&e))
	raw := codec.RawValue([]byte("'y'"), serpent.Codec, nil)
	require.True(t, raw.Encoded())
	require.NoError(t, raw.Decode(&s))
	require.Equal(t, "y", s)
	b, err := raw.Append(nil, serpent.Codec, &codec.Options{Dialect: codec.Pyro5})
	require.NoError(t, err)
	require.Equal(t, "# serpent utf-8 python3.2\n'y'", string(b))
}
