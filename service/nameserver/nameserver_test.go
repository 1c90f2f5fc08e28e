package nameserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func proxy(t *testing.T, address string, d codec.Dialect) *service.Proxy {
	t.Helper()
	p, err := service.Connect("PYRO:"+nameserver.ObjectName+"@"+address, service.Dialect(d))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// fill registers what the tests of looking up look for.
func fill(t *testing.T, p *service.Proxy) {
	t.Helper()
	for name, tags := range map[string][]string{"app.one": {"red", "blue"}, "app.two": {"red"}, "App.three": nil} {
		require.NoError(t, service.Do(t.Context(), p, "register", name, "PYRO:o@h:1", service.Kwargs{"metadata": tags}))
	}
}

var both = []codec.Dialect{codec.Pyro4, codec.Pyro5}

func TestWhatIsFound(t *testing.T) {
	const four, five = codec.Pyro4, codec.Pyro5
	one, two, three := `app.one:"PYRO:o@h:1"`, `app.two:"PYRO:o@h:1"`, `App.three:"PYRO:o@h:1"`
	tests := []struct {
		name   string
		only   codec.Dialect
		method string
		args   []any
		want   string
	}{
		{name: "a prefix is case-sensitive", method: "list", args: []any{"app."}, want: "{" + one + " " + two + "}"},
		{name: "a prefix is no pattern", method: "list", args: []any{"app%"}, want: "{}"},
		{name: "a regex matches from the start", method: "list", args: []any{service.Kwargs{"regex": "one"}}, want: "{}"},
		{name: "a regex need not match to the end", method: "list", args: []any{service.Kwargs{"regex": "[Aa]pp.t"}}, want: "{" + three + " " + two + "}"},
		{name: "an alternative is anchored as a whole", method: "list", args: []any{service.Kwargs{"regex": "x|wo"}}, want: "{}"},
		{name: "all tags", only: four, method: "list", args: []any{service.Kwargs{"metadata_all": []string{"red", "blue"}}}, want: "{" + one + "}"},
		{name: "any tag", only: four, method: "list", args: []any{service.Kwargs{"metadata_any": []string{"blue", "red"}}}, want: "{" + one + " " + two + "}"},
		{name: "a tuple of tags", only: four, method: "list", args: []any{service.Kwargs{"metadata_all": codec.Tuple{"blue"}}}, want: "{" + one + "}"},
		{name: "a set of tags", only: five, method: "yplookup", args: []any{codec.NewSet("blue"), nil, false}, want: "{" + one + "}"},
		{name: "the third parameter is return_metadata in Pyro5", only: five, method: "list", args: []any{"app.two", nil, true}, want: `{app.two:("PYRO:o@h:1" {"red"})}`},
		{name: "a number is return_metadata, too", only: five, method: "list", args: []any{"app.two", nil, 1}, want: `{app.two:("PYRO:o@h:1" {"red"})}`},
		{name: "with another filter anything is", only: five, method: "list", args: []any{"app.two", nil, []string{"x"}}, want: `{app.two:("PYRO:o@h:1" {"red"})}`},
		{name: "metadata to look for are not", only: five, method: "list", args: []any{nil, nil, []string{"blue"}}, want: "{" + one + "}"},
		{name: "no filter of yellow pages finds nothing", only: five, method: "yplookup", want: "{}"},
		{name: "empty filters are none in Pyro5", only: five, method: "list", args: []any{"app.one", ""}, want: "{" + one + "}"},
		{name: "a regex that looks ahead", method: "list", args: []any{service.Kwargs{"regex": `(?!Pyro)(?i:APP)\.(?!one)`}}, want: "{" + three + " " + two + "}"},
		{name: "a lookup is of the exact name", method: "lookup", args: []any{"app.one"}, want: "URI PYRO:o@h:1"},
	}
	_, address := start(t)
	fill(t, proxy(t, address, codec.Pyro5))
	for _, d := range both {
		p := proxy(t, address, d)
		for _, tt := range tests {
			if tt.only != 0 && tt.only != d {
				continue
			}
			t.Run(d.String()+"/"+tt.name, func(t *testing.T) {
				v, err := service.Call[any](t.Context(), p, tt.method, tt.args...)
				require.NoError(t, err)
				require.Equal(t, tt.want, valuetest.Describe(v))
			})
		}
	}
}

// That a name is taken is what a safe registration asks; other errors are failures.
func TestWhatCountsAsFailed(t *testing.T) {
	ns, address := start(t)
	p := proxy(t, address, codec.Pyro5)
	fill(t, p)
	for _, c := range []struct {
		method string
		args   []any
		failed uint64
	}{
		{"register", []any{"app.one", "PYRO:o@h:1", true}, 0},
		{"register", []any{"app.one", "nonsense", true}, 1},
		{"lease", []any{"app.one", "PYRO:o@h:1", 60, nil, true}, 0},
		{"lease", []any{"app.new", "PYRO:o@h:1", -1}, 1},
		{"lookup", []any{"app.none"}, 1},
	} {
		require.Error(t, service.Do(t.Context(), p, c.method, c.args...))
		stats, err := ns.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, c.failed, stats.Methods[c.method].Failed, c.method)
	}
}

func TestErrorsAreThoseOfPython(t *testing.T) {
	tests := []struct {
		name   string
		only   codec.Dialect
		method string
		args   []any
		class  string
		text   string
	}{
		{name: "an unknown name", method: "lookup", args: []any{"x"}, class: "NamingError", text: "unknown name: x"},
		{name: "metadata of an unknown name", method: "set_metadata", args: []any{"x", []string{"a"}}, class: "NamingError", text: "unknown name: x"},
		{name: "safe registration of a known name", method: "register", args: []any{"app.one", "PYRO:o@h:1", true}, class: "NamingError", text: "name already registered: app.one"},
		{name: "the URI is checked first", method: "register", args: []any{5, 5}, class: "builtins.TypeError", text: "only URIs or strings can be registered"},
		{name: "metadata that is a number", method: "register", args: []any{"a", "PYRO:o@h:1", false, 5}, class: "builtins.TypeError", text: "'int' object is not iterable"},
		{name: "metadata of numbers", method: "register", args: []any{"a", "PYRO:o@h:1", false, []int{5}}, class: "builtins.TypeError", text: "metadata should hold str only, not int"},
		{name: "a name that makes lists an instance", method: "register", args: []any{"__class__", "PYRO:o@h:1"}, class: "NamingError", text: "the name __class__ cannot be registered"},
		{name: "looking up what is no text", method: "lookup", args: []any{5}, class: "builtins.TypeError", text: `can only concatenate str (not "int") to str`},
		{name: "a bad regex", method: "list", args: []any{nil, "(a"}, class: "NamingError", text: "invalid regex: missing ), unterminated subpattern at position 0"},
		{name: "a bad regex to remove by", method: "remove", args: []any{nil, nil, "*"}, class: "NamingError", text: "invalid regex: nothing to repeat at position 0"},
		{name: "a prefix that is no text", method: "list", args: []any{5}, class: "builtins.TypeError", text: "startswith first arg must be str or a tuple of str, not int"},
		{name: "a regex that is no text", method: "remove", args: []any{nil, nil, 5.5}, class: "builtins.TypeError", text: "first argument must be string or compiled pattern"},
		{name: "no URI", method: "register", args: []any{"a", 5}, class: "builtins.TypeError", text: "only URIs or strings can be registered"},
		{name: "a bad URI", method: "register", args: []any{"a", "PYRO:o@h"}, class: "PyroError", text: "invalid port in uri, port=None"},
		{name: "an unknown protocol", method: "register", args: []any{"a", "PYROLOC:o@h:5"}, class: "PyroError", text: "invalid uri (protocol)"},
		{name: "a name that is no text", method: "register", args: []any{5, "PYRO:o@h:1"}, class: "builtins.TypeError", text: "name must be a str"},
		{name: "metadata that is a text", method: "register", args: []any{"a", "PYRO:o@h:1", false, "red"}, class: "builtins.TypeError", text: "metadata should not be a str, but another iterable (set, list, etc)"},
		{name: "a name that is not UTF-8", method: "register", args: []any{"\xed\xa0\x80", "PYRO:o@h:1"}, class: "NamingError", text: `name "\xed\xa0\x80": not a text in UTF-8`},
		{name: "metadata that are not UTF-8", method: "set_metadata", args: []any{"app.one", []any{"\xed\xa0\x80"}}, class: "NamingError", text: `metadata "\xed\xa0\x80" of "app.one": not a text in UTF-8`},
		{name: "two filters", method: "list", args: []any{"a", "b"}, class: "builtins.ValueError", text: "you can only filter on one thing at a time"},
		{name: "an empty filter counts in Pyro4", only: codec.Pyro4, method: "list", args: []any{"a", ""}, class: "builtins.ValueError", text: "you can only filter on one thing at a time"},
		{name: "both filters of yellow pages", only: codec.Pyro5, method: "yplookup", args: []any{[]string{"a"}, []string{"b"}}, class: "builtins.ValueError", text: "you can't use meta_all or meta_any at the same time"},
		{name: "a filter that is a text", only: codec.Pyro5, method: "yplookup", args: []any{"a"}, class: "builtins.TypeError", text: "metadata_all should not be a str, but another iterable (set, list, etc)"},
	}
	_, address := start(t)
	fill(t, proxy(t, address, codec.Pyro4))
	for _, d := range both {
		p := proxy(t, address, d)
		for _, tt := range tests {
			if tt.only != 0 && tt.only != d {
				continue
			}
			t.Run(d.String()+"/"+tt.name, func(t *testing.T) {
				_, err := service.Call[any](t.Context(), p, tt.method, tt.args...)
				var e *transport.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, tt.text, e.Message)
				want := tt.class
				if want == "NamingError" || want == "PyroError" {
					want = map[codec.Dialect]string{codec.Pyro4: "Pyro4.errors.", codec.Pyro5: "Pyro5.errors."}[d] + want
				}
				require.Equal(t, want, e.Class)
			})
		}
	}
}

// Java's serpent writes a character beyond U+FFFF as two surrogates, which a Go string has three bytes each for.
func TestACharacterAsJavaWritesIt(t *testing.T) {
	const java, name = "\xed\xa0\xbd\xed\xb8\x80é", "😀é"
	_, address := start(t)
	for _, d := range both {
		p := proxy(t, address, d)
		call := func(method string, args ...any) any {
			t.Helper()
			result, err := service.Call[any](t.Context(), p, method, args...)
			require.NoError(t, err)
			return result
		}
		call("register", java, "PYRO:"+java+"@h:1", false, []any{java})
		want := "PYRO:" + name + "@h:1"
		require.Equal(t, want, fmt.Sprint(call("lookup", name)))
		require.Equal(t, want, fmt.Sprint(call("lookup", java)))
		call("set_metadata", java, []any{java, "b"})
		for _, by := range []any{java, service.Kwargs{"regex": java}} {
			require.Equal(t, map[string]any{name: want}, call("list", by))
		}
		require.EqualValues(t, 1, call("remove", java))
		for _, halves := range []string{java[:3] + "x" + java[3:], java[3:6] + java[:3], java[:5]} {
			_, err := service.Call[any](t.Context(), p, "register", halves, "PYRO:o@h:1")
			require.Error(t, err, "%q", halves)
		}
	}
}

func TestRemovingTakesTheFirstFilterAndNeverTheNameServer(t *testing.T) {
	tests := []struct {
		name string
		args []any
		want int
		left []string
	}{
		{"by name", []any{"app.one"}, 1, []string{"App.three", "app.two"}},
		{"a name that is not there", []any{"x"}, 0, []string{"App.three", "app.one", "app.two"}},
		{"the name wins", []any{"app.one", "app.", ".*"}, 1, []string{"App.three", "app.two"}},
		{"the prefix is second", []any{nil, "app.", ".*"}, 2, []string{"App.three"}},
		{"by regex", []any{service.Kwargs{"regex": ".*"}}, 3, nil},
		{"itself", []any{nameserver.ObjectName}, 0, []string{"App.three", "app.one", "app.two"}},
		{"a name that is not there, and a prefix", []any{"x", "app."}, 2, []string{"App.three"}},
		{"nothing", nil, 0, []string{"App.three", "app.one", "app.two"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ns, address := start(t)
			p := proxy(t, address, codec.Pyro5)
			fill(t, p)
			n, err := service.Call[int](t.Context(), p, "remove", tt.args...)
			require.NoError(t, err)
			require.Equal(t, tt.want, n)
			all, err := service.Call[map[string]string](t.Context(), p, "list")
			require.NoError(t, err)
			require.Contains(t, all, nameserver.ObjectName)
			for _, name := range tt.left {
				require.Contains(t, all, name)
			}
			require.Len(t, all, 1+len(tt.left))
			count, err := ns.Count(t.Context())
			require.NoError(t, err)
			require.Equal(t, len(all), count)
		})
	}
}

func TestBothDialectsSeeOneNameSpace(t *testing.T) {
	_, address := start(t)
	four, five := proxy(t, address, codec.Pyro4), proxy(t, address, codec.Pyro5)
	uri, err := pyro.ParseURI("PYRO:o@h:1")
	require.NoError(t, err)
	require.NoError(t, service.Do(t.Context(), four, "register", "x", uri, service.Kwargs{"metadata": []string{"b", "a", "a"}}))
	got, err := service.Call[any](t.Context(), five, "lookup", "x", true)
	require.NoError(t, err)
	require.Equal(t, `(URI PYRO:o@h:1 {"a" "b"})`, valuetest.Describe(got))
	require.NoError(t, service.Do(t.Context(), five, "set_metadata", "x", codec.NewSet("c")))
	got, err = service.Call[any](t.Context(), four, "lookup", "x", true)
	require.NoError(t, err)
	require.Equal(t, `(URI PYRO:o@h:1 ["c"])`, valuetest.Describe(got))
}

// failing is a storage that fails.
type failing struct{ *storage.Memory }

func (failing) Get(context.Context, string) (storage.Record, error) {
	return storage.Record{}, errors.New("names.sqlite: no room left")
}

func TestThatTheStorageFailsIsNoUnknownName(t *testing.T) {
	var log bytes.Buffer
	ns := run(t, nameserver.Storage(failing{storage.NewMemory()}), nameserver.Listen("tcp", "127.0.0.1:0"),
		nameserver.Logger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))))
	err := service.Do(t.Context(), proxy(t, ns.URI().Location(), codec.Pyro5), "lookup", "app")
	require.ErrorContains(t, err, "NamingError: storage: names.sqlite: no room left")
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.NotErrorIs(t, err, transport.ErrNotFound)
	require.Contains(t, log.String(), "the storage has failed")
}
