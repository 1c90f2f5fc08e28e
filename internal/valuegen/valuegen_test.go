package valuegen_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/pyrokit/pyrokit/codec"
	_ "github.com/pyrokit/pyrokit/codec/json"
	_ "github.com/pyrokit/pyrokit/codec/marshal"
	_ "github.com/pyrokit/pyrokit/codec/msgpack"
	_ "github.com/pyrokit/pyrokit/codec/pickle"
	_ "github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/internal/valuegen"
)

// What Go writes, Go reads: the value, but for what the serializer loses.
func TestGoReadsWhatItWrites(t *testing.T) {
	for _, c := range valuegen.Carriers() {
		t.Run(c.String(), func(t *testing.T) {
			values := c.Values()
			rapid.Check(t, func(t *rapid.T) {
				v := values.Draw(t, "value")
				ordered := c.Options()
				ordered.OrderedDicts = true
				data := write(t, c, v)
				want := c.Arrives(c.Sent(valuegen.Describe(v)))
				for _, o := range []*codec.Options{c.Options(), ordered} {
					got := read(t, c, data, o)
					same(t, want, got, o.OrderedDicts)
					if s := valuegen.Ungeneric(got, o.OrderedDicts); s != "" {
						t.Fatal(s)
					}
				}
			})
		})
	}
}

// A value of a type made for it is written as the value is, and the value is read into the type.
func TestTypedValuesAreWrittenAndReadAsOthers(t *testing.T) {
	for _, c := range valuegen.Carriers() {
		t.Run(c.String(), func(t *testing.T) {
			values := c.Values()
			rapid.Check(t, func(t *rapid.T) {
				plain := read(t, c, write(t, c, values.Draw(t, "value")), c.Options())
				typ := c.TypeFor(plain, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") })
				typed, ok := valuegen.Convert(plain, typ)
				if !ok {
					t.Fatalf("%v cannot hold %v", typ, plain)
				}
				data := write(t, c, typed.Interface())
				same(t, valuegen.Describe(plain), read(t, c, data, c.Options()), false)
				dst := reflect.New(typ)
				if err := codecOf(t, c).Unmarshal(data, dst.Interface(), c.Options()); err != nil {
					t.Fatalf("reading %.500q into a %v: %v", data, typ, err)
				}
				same(t, valuegen.Describe(plain), dst.Elem().Interface(), false)
			})
		})
	}
}

func codecOf(t *rapid.T, c valuegen.Carrier) codec.Codec {
	serializer, err := codec.Named(c.Serializer)
	if err != nil {
		t.Fatal(err)
	}
	return serializer
}

func write(t *rapid.T, c valuegen.Carrier, v any) []byte {
	data, err := codecOf(t, c).Append(nil, v, c.Options())
	if err != nil {
		t.Fatalf("writing %s: %v", valuegen.Text(valuegen.Describe(v)), err)
	}
	return data
}

func read(t *rapid.T, c valuegen.Carrier, data []byte, o *codec.Options) any {
	var v any
	if err := codecOf(t, c).Unmarshal(data, &v, o); err != nil {
		t.Fatalf("reading %.500q: %v", data, err)
	}
	return v
}

func same(t *rapid.T, want, got any, ordered bool) {
	if d := valuegen.Difference(want, valuegen.Describe(got), ordered); d != "" {
		t.Fatal(d)
	}
}
