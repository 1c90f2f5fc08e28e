package nameserver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// kw are keyword arguments.
type kw = service.Kwargs

// The texts are those of Pyro4 4.82 and Pyro5 5.16 with Python 3.11, whose name servers say the same.
func TestWrongArgumentsAreRefusedInPythonsWords(t *testing.T) {
	uri, err := pyro.ParseURI("PYRO:a@b:1")
	require.NoError(t, err)
	tests := []struct {
		method string
		args   []any
		want   string
	}{
		{"ping", []any{1}, "NameServer.ping() takes 1 positional argument but 2 were given"},
		{"ping", []any{kw{"zzz": 1}}, "NameServer.ping() got an unexpected keyword argument 'zzz'"},
		{"count", []any{1, 2}, "NameServer.count() takes 1 positional argument but 3 were given"},
		{"count", []any{kw{"self": 1}}, "NameServer.count() got multiple values for argument 'self'"},
		{"lookup", nil, "NameServer.lookup() missing 1 required positional argument: 'name'"},
		{"lookup", []any{1, 2, 3}, "NameServer.lookup() takes from 2 to 3 positional arguments but 4 were given"},
		{"lookup", []any{"a", kw{"name": "b"}}, "NameServer.lookup() got multiple values for argument 'name'"},
		{"lookup", []any{1, 2, 3, kw{"zzz": 1}}, "NameServer.lookup() got an unexpected keyword argument 'zzz'"},
		{"lookup", []any{kw{"return_metadata": true}}, "NameServer.lookup() missing 1 required positional argument: 'name'"},
		{"lookup", []any{nil}, `can only concatenate str (not "NoneType") to str`},
		{"lookup", []any{codec.Tuple{}}, `can only concatenate str (not "tuple") to str`},
		{"lookup", []any{uri}, `can only concatenate str (not "URI") to str`},
		{"lookup", []any{[]any{}}, "unhashable type: 'list'"},
		{"lookup", []any{map[string]any{"k": 1}}, "unhashable type: 'dict'"},
		{"lookup", []any{codec.NewSet("x")}, "unhashable type: 'set'"},
		{"register", nil, "NameServer.register() missing 2 required positional arguments: 'name' and 'uri'"},
		{"register", []any{"x"}, "NameServer.register() missing 1 required positional argument: 'uri'"},
		{"register", []any{1, 2, 3, 4, 5}, "NameServer.register() takes from 3 to 5 positional arguments but 6 were given"},
		{"register", []any{"a", "PYRO:o@h:1", kw{"metadata": []any{[]any{"x"}}}}, "unhashable type: 'list'"},
		{"register", []any{"a", "PYRO:o@h:1", kw{"metadata": uri}}, "'URI' object is not iterable"},
		{"set_metadata", nil, "NameServer.set_metadata() missing 2 required positional arguments: 'name' and 'metadata'"},
		{"set_metadata", []any{1, 2, 3}, "NameServer.set_metadata() takes 3 positional arguments but 4 were given"},
		{"remove", []any{1, 2, 3, 4}, "NameServer.remove() takes from 1 to 4 positional arguments but 5 were given"},
		{"remove", []any{[]any{"x"}}, "unhashable type: 'list'"},
		{"remove", []any{kw{"prefix": 1}}, "startswith first arg must be str or a tuple of str, not int"},
		{"remove", []any{kw{"regex": 1}}, "first argument must be string or compiled pattern"},
		{"remove", []any{kw{"regex": []any{"x"}}}, "unhashable type: 'list'"},
		{"list", []any{"a", "a", "a", "a", "a", "a"}, "NameServer.list() takes from 1 to 6 positional arguments but 7 were given"},
		{"list", []any{kw{"prefix": true}}, "startswith first arg must be str or a tuple of str, not bool"},
		{"list", []any{kw{"prefix": codec.Tuple{"a", "b"}}}, `can only concatenate tuple (not "str") to tuple`}, // with sql
		{"list", []any{kw{"regex": 1.5}}, "first argument must be string or compiled pattern"},
		{"yplookup", []any{1, 2, 3, 4}, "NameServer.yplookup() takes from 1 to 4 positional arguments but 5 were given"},
		{"yplookup", []any{[]any{map[string]any{"a": 1}}}, "unhashable type: 'dict'"},
		{"yplookup", []any{5}, "'int' object is not iterable"},
	}
	_, address := start(t)
	for _, d := range both {
		p := proxy(t, address, d)
		for _, tt := range tests {
			err := service.Do(t.Context(), p, tt.method, tt.args...)
			var e *transport.Error
			require.ErrorAs(t, err, &e, "%s%v", tt.method, tt.args)
			require.Equal(t, "builtins.TypeError", e.Class, "%s%v", tt.method, tt.args)
			require.Equal(t, tt.want, e.Message, "%s%v", tt.method, tt.args)
		}
	}
}

// Python looks into metadata after it has found the name that they are for.
func TestMetadataOfAnUnknownNameAreNotLookedInto(t *testing.T) {
	_, address := start(t)
	for _, d := range both {
		p := proxy(t, address, d)
		wrong := []any{[]any{"x"}}
		require.ErrorContains(t, service.Do(t.Context(), p, "set_metadata", "unknown", wrong), "unknown name: unknown")
		require.ErrorContains(t, service.Do(t.Context(), p, "set_metadata", nameserver.ObjectName, wrong), "unhashable type: 'list'")
		require.ErrorContains(t, service.Do(t.Context(), p, "set_metadata", "unknown", 5), "'int' object is not iterable")
	}
}

// What is false in Python is no filter, and a name that is no text is not there.
func TestWhatIsFalseIsNoFilter(t *testing.T) {
	_, address := start(t)
	for _, d := range both {
		p := proxy(t, address, d)
		for _, none := range []any{nil, "", 0, false, 0.0, []any{}, codec.Tuple{}, map[string]any{}} {
			for _, by := range []string{"prefix", "regex"} {
				all, err := service.Call[map[string]any](t.Context(), p, "list", kw{by: none})
				require.NoError(t, err, "%s %v", by, none)
				require.Len(t, all, 1, "%s %v", by, none)
			}
			for _, by := range []string{"name", "prefix", "regex"} {
				removed, err := service.Call[int](t.Context(), p, "remove", kw{by: none})
				require.NoError(t, err, "%s %v", by, none)
				require.Zero(t, removed)
			}
		}
		for _, other := range []any{1, 1.5, true, codec.Tuple{"x"}} {
			removed, err := service.Call[int](t.Context(), p, "remove", other)
			require.NoError(t, err, "%v", other)
			require.Zero(t, removed)
		}
	}
}
