package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

// between serves s with options of its own, and calls it with others.
func between(t *testing.T, s *service.Service, server []service.ServerOption, proxy ...service.ProxyOption) *service.Proxy {
	t.Helper()
	l := inmem.Listen()
	server = append(server, service.ListenOn(l), service.Logger(slog.New(slog.DiscardHandler)),
		service.Serializers("serpent", "json", "marshal", "msgpack", "pickle"))
	srv := service.NewServer(server...)
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) })
	p, err := service.Connect("PYRO:"+s.Name()+"@memory:1", append(proxy, service.DialWith(l.DialContext))...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func echoOfAny() *service.Service {
	return service.New("o").
		Method("echo", func(v any) any { return v }).
		Method("kind", func(v any) string { return fmt.Sprintf("%T %T", v, v.([]any)[0]) }).
		Method("content", func(b *service.SerializedBlob) (string, error) {
			var v any
			err := b.Decode(&v)
			return literal.String(v), err
		}).
		Method("fail", func(v any) error { return transport.NewError("ValueError", v) })
}

// Dicts keep their order where either end passes them on, if it was told to.
func TestOrderedDicts(t *testing.T) {
	sent := []any{codec.NewDict("z", int64(1), "a", codec.NewDict("y", int64(2), "b", int64(3)))}
	const inOrder, byName = "[{'z': 1, 'a': {'y': 2, 'b': 3}}]", "[{'a': {'b': 3, 'y': 2}, 'z': 1}]"
	for _, name := range []string{"serpent", "json", "marshal", "msgpack", "pickle"} {
		t.Run(name, func(t *testing.T) {
			dialect := codec.Pyro5
			if name == "pickle" {
				dialect = codec.Pyro4
			}
			how := []service.ProxyOption{service.Serializer(name), service.Dialect(dialect)}
			both := between(t, echoOfAny(), []service.ServerOption{service.OrderedDicts()}, append(how, service.OrderedDicts())...)
			got, err := service.Call[any](t.Context(), both, "echo", sent)
			require.NoError(t, err)
			require.Equal(t, inOrder, literal.String(got))
			var raised *transport.Error
			require.ErrorAs(t, service.Do(t.Context(), both, "fail", sent), &raised)
			require.Equal(t, inOrder, raised.Message)
			content, err := service.Call[string](t.Context(), both, "content", service.NewSerializedBlob("i", sent))
			require.NoError(t, err)
			require.Equal(t, inOrder, content)

			one := between(t, echoOfAny(), nil, append(how, service.OrderedDicts())...)
			got, err = service.Call[any](t.Context(), one, "echo", sent)
			require.NoError(t, err)
			require.Equal(t, byName, literal.String(got), "the server passes on a map")

			none := between(t, echoOfAny(), nil, how...)
			kind, err := service.Call[string](t.Context(), none, "kind", sent)
			require.NoError(t, err)
			require.Equal(t, "[]interface {} map[string]interface {}", kind)
		})
	}
}

// The handshake's dicts are maps all the same.
func TestOrderedDictsLeaveTheHandshakeAlone(t *testing.T) {
	var seen any
	check := service.ValidateHandshake(func(_ context.Context, h *transport.Handshake) (any, error) {
		seen = h.Value.Go()
		return map[string]any{"welcome": true, "more": 1}, nil
	})
	strict := []service.ProxyOption{
		service.Handshake(map[string]any{"token": "t"}), service.OrderedDicts(), service.DisallowUnknownFields(),
	}
	p := between(t, echoOfAny(), []service.ServerOption{check, service.OrderedDicts(), service.DisallowUnknownFields()}, strict...)
	require.NoError(t, service.Do(t.Context(), p, "echo", 1))
	require.Equal(t, map[string]any{"token": "t"}, seen)
}

func TestDisallowUnknownFields(t *testing.T) {
	type item struct {
		Name string `pyro:"name"`
	}
	svc := func() *service.Service {
		return service.New("o").
			Method("take", func(i item) string { return i.Name }).
			Method("give", func() any { return map[string]any{"name": "tea", "price": 3} }).
			Method("content", func(b *service.SerializedBlob) (string, error) {
				var i item
				err := b.Decode(&i)
				return i.Name, err
			})
	}
	more := map[string]any{"name": "tea", "price": 3}
	for _, name := range []string{"serpent", "json", "marshal", "msgpack"} {
		strict := between(t, svc(), []service.ServerOption{service.DisallowUnknownFields()}, service.DisallowUnknownFields(), service.Serializer(name))
		require.ErrorContains(t, service.Do(t.Context(), strict, "take", more), "unknown key price")
		_, err := service.Call[item](t.Context(), strict, "give")
		require.ErrorContains(t, err, "unknown key price")
		require.ErrorContains(t, service.Do(t.Context(), strict, "content", service.NewSerializedBlob("i", more)), "unknown key price")
		got, err := service.Call[string](t.Context(), strict, "content", service.NewSerializedBlob("i", item{"tea"}))
		require.NoError(t, err)
		require.Equal(t, "tea", got)

		lax := between(t, svc(), nil, service.Serializer(name))
		require.NoError(t, service.Do(t.Context(), lax, "take", more))
		given, err := service.Call[item](t.Context(), lax, "give")
		require.NoError(t, err)
		require.Equal(t, item{"tea"}, given)
	}
}
