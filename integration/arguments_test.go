//go:build integration

package integration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestPythonPassesArguments(t *testing.T) {
	tests := []struct{ method, args, kwargs, want string }{
		{"add", "(1, 5)", "{}", "6"},
		{"add", "(3,)", "{}", "5"},
		{"add", "(1,)", "{'b': 5}", "6"},
		{"add", "()", "{'b': 5, 'a': 1}", "6"},
		{"add", "()", "{'a': 1}", "3"},
		{"variadic", "('a',)", "{}", "['a']"},
		{"variadic", "('a', 1, None, [2])", "{}", "['a', 1, None, [2]]"},
		{"keywords", "()", "{}", "{}"},
		{"keywords", "()", "{'a': 1, 'b': [2]}", "{'a': 1, 'b': [2]}"},
		{"nothing", "()", "{}", "None"},
		{"__len__", "()", "{}", "3"},
	}
	eachClient(t, func(t *testing.T, c *peers.Client, serializer string) {
		for _, tt := range tests {
			a := c.Do(peers.Request{Op: "call", Proxy: "svc", Method: tt.method, Args: tt.args, Kwargs: tt.kwargs})
			require.Equal(t, tt.want, repr(t, a), "%s%s %s", tt.method, tt.args, tt.kwargs)
		}
		several := "(1, 'two', True)"
		if serializer == "json" {
			several = "[1, 'two', True]"
		}
		require.Equal(t, several, repr(t, c.Call("svc", "several", "()")))
	})
}

func TestPythonPassesWrongArguments(t *testing.T) {
	tests := []struct{ method, args, kwargs, text string }{
		{"add", "()", "{}", "missing 1 required positional argument"},
		{"add", "(1, 2, 3)", "{}", "takes from 1 to 2 positional arguments but 3 were given"},
		{"add", "(1,)", "{'c': 2}", "unexpected keyword argument 'c'"},
		{"add", "(1,)", "{'a': 2}", "multiple values for argument 'a'"},
		{"add", "('one', 2)", "{}", "want int, found str"},
		{"add", "(1,)", "{'b': None}", "want int, found None"},
		{"nothing", "(1,)", "{}", "takes 0 positional arguments but 1 was given"},
		{"nothing", "()", "{'x': 1}", "unexpected keyword argument 'x'"},
		{"keywords", "(1,)", "{}", "takes 0 positional arguments but 1 was given"},
		{"variadic", "()", "{}", "missing 1 required positional argument"},
		{"variadic", "(1,)", "{}", "want string, found int"},
	}
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		for _, tt := range tests {
			e := raised(t, c.Do(peers.Request{Op: "call", Proxy: "svc", Method: tt.method, Args: tt.args, Kwargs: tt.kwargs}))
			require.Equal(t, "builtins.TypeError", e.Class, "%s%s %s", tt.method, tt.args, tt.kwargs)
			require.Contains(t, e.Text, tt.text)
		}
		require.Equal(t, "3", repr(t, c.Call("svc", "add", "(1, 2)")), "the connection stands")
	})
}

func TestGoPassesArguments(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		ctx := t.Context()
		for want, args := range map[int][]any{
			5:  {3},
			6:  {1, 5},
			7:  {1, service.Kwargs{"b": 6}},
			8:  {service.Kwargs{"b": 6, "a": 2}},
			-2: {service.Kwargs{"a": -4}},
		} {
			n, err := service.Call[int](ctx, p, "add", args...)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		got, err := service.Call[[]any](ctx, p, "keywords", 1, "two", service.Kwargs{"b": []int{2}, "a": nil})
		require.NoError(t, err)
		require.Equal(t, []any{[]any{int64(1), "two"}, map[string]any{"a": nil, "b": []any{int64(2)}}}, got)
		none, err := service.Call[any](ctx, p, "nothing")
		require.NoError(t, err)
		require.Nil(t, none)
		n, err := service.Call[int](ctx, p, "__len__")
		require.NoError(t, err)
		require.Equal(t, 3, n)
		item, err := service.Call[string](ctx, p, "__getitem__", 1)
		require.NoError(t, err)
		require.Equal(t, "two", item)
	})
}

func TestGoPassesWrongArguments(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		for name, args := range map[string][]any{
			"too few":          {},
			"too many":         {1, 2, 3},
			"an unknown name":  {1, service.Kwargs{"c": 3}},
			"the same twice":   {1, service.Kwargs{"a": 3}},
			"of another class": {codec.Tuple{}, 1},
		} {
			err := service.Do(t.Context(), p, "add", args...)
			var e *transport.Error
			require.ErrorAs(t, err, &e, name)
			require.True(t, e.Remote, name)
			require.Equal(t, "builtins.TypeError", e.Class, name)
			require.ErrorIs(t, err, transport.ErrInvalidArgument, name)
		}
	})
}
