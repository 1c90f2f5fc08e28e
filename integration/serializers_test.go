//go:build integration

package integration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
)

// serializersOf returns all serializers of a dialect.
func serializersOf(d peers.Dialect) []string {
	all := []string{"serpent", "json", "marshal", "msgpack", "pickle", "cloudpickle", "dill"}
	known := all[:0:0]
	for _, name := range all {
		if codec.ID(name, wire(d)) != 0 {
			known = append(known, name)
		}
	}
	return known
}

// everySerializer are the arguments of a Python service that accepts them all.
func everySerializer(d peers.Dialect) []string {
	if d == peers.Pyro5 {
		return nil
	}
	return []string{"--serializers", "serpent,json,marshal,msgpack,pickle,cloudpickle,dill"}
}

// A Go server accepts what a Python daemon accepts.
func TestSerializersThatAreAcceptedByDefault(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		python := peers.Service(t, d)
		c := peers.NewClient(t, d)
		for _, serializer := range serializersOf(d) {
			connect(t, c, peers.Request{Proxy: "go", URI: srv.URI("svc").String(), Serializer: serializer})
			connect(t, c, peers.Request{Proxy: "python", URI: python.URIs["svc"], Serializer: serializer})
			want, got := c.Call("python", "add", "(1, 2)"), c.Call("go", "add", "(1, 2)")
			require.Equal(t, want.OK, got.OK, serializer)
			if !want.OK {
				require.Equal(t, want.Error.Class, got.Error.Class, serializer)
				require.Contains(t, got.Error.Text, "not accepted", serializer)
			}
		}
	})
}

// What is not accepted after the handshake is refused in its own words.
func TestASerializerThatIsNotAcceptedLater(t *testing.T) {
	srv := serve(t, newService())
	c := peers.NewClient(t, peers.Pyro4)
	for _, serializer := range []string{"msgpack", "pickle", "cloudpickle", "dill"} {
		c.Connect("svc", srv.URI("svc").String())
		require.Equal(t, "3", repr(t, c.Call("svc", "add", "(1, 2)")))
		require.True(t, c.Do(peers.Request{Op: "set", Proxy: "svc", Attr: "_pyroSerializer", Value: "'" + serializer + "'"}).OK)
		e := raised(t, c.Call("svc", "add", "(1, 2)"))
		require.Equal(t, "Pyro4.errors.SerializeError", e.Class, serializer)
		require.Contains(t, e.Text, "message used serializer that is not accepted", serializer)
	}
}

// A Python client calls Go with each serializer.
func TestPythonCallsGoWithEachSerializer(t *testing.T) {
	srv := serve(t, newService(), service.Serializers(serializersOf(peers.Pyro4)...))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		for _, serializer := range serializersOf(d) {
			t.Run(serializer, func(t *testing.T) {
				connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), Serializer: serializer})
				require.Equal(t, "[1, 'two', {'three': 3.0}]", repr(t, c.Call("svc", "echo", "([1, 'two', {'three': 3.0}],)")))
				require.Equal(t, "{'a': 1}", repr(t, c.Do(peers.Request{Op: "call", Proxy: "svc", Method: "keywords", Kwargs: "{'a': 1}"})))
				e := raised(t, c.Call("svc", "fail", "('value',)"))
				require.Equal(t, "builtins.ValueError", e.Class)
				require.Equal(t, "('wrong', 42)", e.Args)
				require.Equal(t, "{'kind': 'value'}", e.Attributes["detail"])
				require.Equal(t, of(d, "NamingError"), raised(t, c.Call("svc", "fail", "('naming',)")).Class)
				items := c.Do(peers.Request{Op: "iterate", Proxy: "svc", Method: "stream", Args: "(3,)"})
				require.Nil(t, items.Failure, "%+v", items.Failure)
				require.Len(t, items.Items, 3)
				if serializer == "marshal" { // which Python's clients cannot do the rest with
					return
				}
				require.True(t, c.Do(peers.Request{Op: "set", Proxy: "svc", Attr: "velocity", Value: "2.5"}).OK)
				require.Equal(t, "2.5", repr(t, c.Do(peers.Request{Op: "get", Proxy: "svc", Attr: "velocity"})))
				batch := c.Do(peers.Request{Op: "batch", Proxy: "svc", Calls: []peers.Request{
					{Method: "add", Args: "(1, 2)"}, {Method: "fail", Args: "('key',)"}, {Method: "nothing"},
				}})
				require.Len(t, batch.Items, 1)
				require.Equal(t, "builtins.KeyError", batch.Failure.Class)
			})
		}
	})
}

// A Go client calls Python with each serializer.
func TestGoCallsPythonWithEachSerializer(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		python := peers.Service(t, d, everySerializer(d)...)
		for _, serializer := range serializersOf(d) {
			t.Run(serializer, func(t *testing.T) {
				p := proxy(t, python.URIs["svc"], service.Serializer(serializer))
				v, err := service.Call[[]any](t.Context(), p, "echo", []any{1, "two", map[string]any{"three": 3.0}})
				require.NoError(t, err)
				require.Equal(t, []any{int64(1), "two", map[string]any{"three": 3.0}}, v)
				require.ErrorContains(t, service.Do(t.Context(), p, "fail", "value", "wrong", 42), "ValueError: ('wrong', 42)")
				require.ErrorContains(t, service.Do(t.Context(), p, "fail", "naming", "lost"), "NamingError: lost")
				if serializer != "marshal" {
					require.NoError(t, service.Set(t.Context(), p, "velocity", 2.5))
				}
				var items []int
				for item, err := range service.Stream[int](t.Context(), p, "stream", 3) {
					require.NoError(t, err)
					items = append(items, item)
				}
				require.Equal(t, []int{0, 1, 2}, items)
			})
		}
	})
}

// Whoever writes old pickles is answered in old pickles.
func TestOldPicklesAreAnsweredInKind(t *testing.T) {
	srv := serve(t, newService(), service.Serializers("pickle"))
	for _, version := range []string{"2", "3", "4", "5"} {
		c := peers.NewClient(t, peers.Pyro4, "--config", "PICKLE_PROTOCOL_VERSION="+version)
		connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), Serializer: "pickle"})
		require.True(t, c.Do(peers.Request{Op: "set", Proxy: "svc", Attr: "_pyroRawWireResponse", Value: "True"}).OK)
		// The raw reply is a message, whose data begin with the opcode PROTO.
		require.True(t, c.Do(peers.Request{Op: "call", Proxy: "svc", Method: "echo", Args: "(b'bytes',)", Save: "reply"}).OK)
		c.Connect("plain", peers.Service(t, peers.Pyro4).URIs["svc"])
		want := version
		if version == "5" {
			want = "4"
		}
		require.Equal(t, want, repr(t, c.Call("plain", "echo", "(bytes(proxies['reply'].data)[1],)")))
	}
}
