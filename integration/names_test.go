//go:build integration

package integration

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	goserver "github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// pythonNames starts Python's name server and returns its location, HOST:PORT.
func pythonNames(t *testing.T, d peers.Dialect) string {
	t.Helper()
	_, location, ok := strings.Cut(peers.NameServer(t, d).URIs["uri"], "@")
	require.True(t, ok)
	return location
}

// goNames starts a Go name server and returns its location, HOST:PORT.
func goNames(t *testing.T) string {
	t.Helper()
	ns := goserver.New()
	srv := serve(t, ns.Service())
	require.NoError(t, ns.RegisterSelf(srv.URI(goserver.ObjectName)))
	t.Cleanup(ns.Close)
	return srv.URI("").Location()
}

func split(t *testing.T, location string) (host string, port int) {
	t.Helper()
	host, digits, ok := strings.Cut(location, ":")
	require.True(t, ok)
	port, err := strconv.Atoi(digits)
	require.NoError(t, err)
	return host, port
}

func parse(t *testing.T, uri string) pyro.URI {
	t.Helper()
	u, err := pyro.ParseURI(uri)
	require.NoError(t, err)
	return u
}

// eachNameServer runs a test against Pyro4's, Pyro5's and our own name server.
func eachNameServer(t *testing.T, test func(t *testing.T, location string)) {
	t.Helper()
	eachDialect(t, func(t *testing.T, d peers.Dialect) { test(t, pythonNames(t, d)) })
	t.Run("Go", func(t *testing.T) { test(t, goNames(t)) })
}

func TestGoClientOfEveryNameServer(t *testing.T) {
	eachNameServer(t, func(t *testing.T, location string) {
		// Not in marshal: Python's name servers cannot put a URI beside its metadata in it.
		for _, serializer := range []string{"serpent", "json"} {
			t.Run(serializer, func(t *testing.T) {
				ctx := t.Context()
				c, err := nameserver.Locate(ctx, pyro.DialConfig{Serializer: serializer}, "127.0.0.1:1", location)
				require.NoError(t, err, "the second location answers")
				defer c.Close()
				require.NoError(t, c.Ping(ctx))
				n, err := c.Count(ctx)
				require.NoError(t, err)
				require.Equal(t, 1, n, "itself")

				one, two := parse(t, "PYRO:one@host:1111"), parse(t, "PYRO:two@[::1]:2222")
				require.NoError(t, c.Register(ctx, "shop.tea", one, false, "drinks", "hot"))
				require.NoError(t, c.Register(ctx, "shop.bread", two, true, "food"))
				require.ErrorIs(t, c.Register(ctx, "shop.tea", two, true), transport.ErrAlreadyExists)

				tea := discovery.Entry{Name: "shop.tea", URI: one, Metadata: []string{"drinks", "hot"}}
				bread := discovery.Entry{Name: "shop.bread", URI: two, Metadata: []string{"food"}}
				got, err := c.Lookup(ctx, "shop.tea")
				require.NoError(t, err)
				require.Equal(t, tea, got)
				_, err = c.Lookup(ctx, "shop.nothing")
				require.ErrorIs(t, err, transport.ErrNotFound)
				require.ErrorContains(t, err, "unknown name: shop.nothing")

				for _, filter := range []nameserver.Filter{{Prefix: "shop."}, {Regex: `shop\.(tea|bread)$`}} {
					list, err := c.List(ctx, filter)
					require.NoError(t, err)
					require.Equal(t, []discovery.Entry{bread, tea}, list)
				}
				list, err := c.List(ctx, nameserver.Filter{})
				require.NoError(t, err)
				require.Len(t, list, 3)
				require.Equal(t, nameserver.ObjectName, list[0].Name)
				list, err = c.List(ctx, nameserver.Filter{Prefix: "none"})
				require.NoError(t, err)
				require.Empty(t, list)
				_, err = c.List(ctx, nameserver.Filter{Regex: "("})
				require.ErrorContains(t, err, "invalid regex")

				require.NoError(t, c.SetMetadata(ctx, "shop.bread", "fresh"))
				got, err = c.Lookup(ctx, "shop.bread")
				require.NoError(t, err)
				require.Equal(t, []string{"fresh"}, got.Metadata)
				require.ErrorIs(t, c.SetMetadata(ctx, "shop.nothing", "x"), transport.ErrNotFound)

				require.NoError(t, c.Register(ctx, "shop.bread", one, false, "moved"), "replaced")
				got, err = c.Resolve(ctx, "shop.bread")
				require.NoError(t, err)
				require.Equal(t, one, got.URI)

				removed, err := c.Remove(ctx, "shop.tea")
				require.NoError(t, err)
				require.True(t, removed)
				removed, err = c.Remove(ctx, "shop.tea")
				require.NoError(t, err)
				require.False(t, removed)
				removed, err = c.Remove(ctx, nameserver.ObjectName)
				require.NoError(t, err)
				require.False(t, removed, "never itself")
				n, err = c.RemoveMatching(ctx, nameserver.Filter{Prefix: "shop."})
				require.NoError(t, err)
				require.Equal(t, 1, n)
				n, err = c.RemoveMatching(ctx, nameserver.Filter{Regex: ".*"})
				require.NoError(t, err)
				require.Zero(t, n)
				require.Equal(t, location, c.URI().Location())
			})
		}
	})
}

func TestGoFindsNoNameServer(t *testing.T) {
	location := "127.0.0.1:" + strconv.Itoa(freePort(t))
	_, err := nameserver.Locate(t.Context(), pyro.DialConfig{}, location)
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.ErrorContains(t, err, location)
	p := proxy(t, "PYRONAME:svc@"+location)
	require.ErrorIs(t, service.Do(t.Context(), p, "nothing"), transport.ErrUnavailable)
}

var address = regexp.MustCompile(` at 0x[0-9a-f]+`)

// What a Python client does with the Go name server has the results, and the errors, that it has with
// Python's.
func TestGoNameServerAnswersAsPythons(t *testing.T) {
	type call struct{ method, args, kwargs string }
	calls := map[peers.Dialect][]call{
		peers.Pyro4: {
			{"list", "()", "{'prefix': 'a.', 'return_metadata': True}"},
			{"list", "(None, None, ['x'], None, True)", "{}"},
			{"list", "('a.',)", "{'metadata_all': []}"},
			{"list", "('a.one',)", "{'return_metadata': True}"},
			{"list", "()", "{'metadata_all': {'x'}}"},
			{"list", "()", "{'metadata_all': ['x', 'missing']}"},
			{"list", "()", "{'metadata_any': ['x', 'missing'], 'return_metadata': True}"},
			{"list", "()", "{'metadata_any': 'x'}"},
			{"list", "('a.', 'b')", "{}"},
			{"list", "()", "{'prefix': 'a.', 'metadata_any': ['x']}"},
		},
		peers.Pyro5: {
			{"list", "()", "{'prefix': 'a.tw', 'return_metadata': True}"},
			{"list", "('a.tw', None, True)", "{}"},
			{"yplookup", "()", "{'meta_all': {'x'}}"},
			{"yplookup", "()", "{'meta_all': ['x', 'missing']}"},
			{"yplookup", "()", "{'meta_any': ['x', 'missing'], 'return_metadata': False}"},
			{"yplookup", "()", "{'meta_any': 'x'}"},
			{"yplookup", "()", "{}"},
			{"yplookup", "({'x'}, {'x'})", "{}"},
			{"list", "('a.', 'b')", "{}"},
			{"list", "('', '')", "{'return_metadata': False, 'prefix': 'a.'}"},
		},
	}
	first := []call{
		{"ping", "()", "{}"},
		{"count", "()", "{}"},
		{"register", "('a.one', 'PYRO:one@host:1')", "{}"},
		{"register", "('a.two', 'PYRO:two@host:2')", "{'metadata': {'x'}}"},
		{"register", "('a.two', 'PYRO:two@host:3')", "{'safe': True}"},
		{"register", "('a.three', proxies['ns']._pyroUri.__class__('PYRO:three@host:3'), True, ['x'])", "{}"},
		{"register", "('a.bad', 'PYRO:nowhere')", "{}"},
		{"register", "(1, 'PYRO:one@host:1')", "{}"},
		{"register", "('a.bad', 5)", "{}"},
		{"register", "('a.bad', 'PYRO:one@host:1')", "{'metadata': 'text'}"},
		{"lookup", "('a.one',)", "{}"},
		{"lookup", "('a.two',)", "{'return_metadata': True}"},
		{"lookup", "('a.none',)", "{}"},
		{"list", "()", "{'prefix': 'a.'}"},
		{"list", "('a.t',)", "{}"},
		{"list", "()", `{'regex': 'a\\.t.*e'}`},
		{"list", "()", "{'regex': '.t'}"},
	}
	last := []call{
		{"set_metadata", "('a.one', {'m'})", "{}"},
		{"lookup", "('a.one', True)", "{}"},
		{"set_metadata", "('a.none', ['m'])", "{}"},
		{"set_metadata", "('a.one', 'text')", "{}"},
		{"remove", "('a.one',)", "{}"},
		{"remove", "('a.none',)", "{}"},
		{"remove", "('Pyro.NameServer',)", "{}"},
		{"remove", "()", `{'regex': 'a\\.tw'}`},
		{"count", "()", "{}"},
		{"remove", "()", "{'prefix': 'a.'}"},
		{"remove", "()", "{}"},
		{"count", "()", "{}"},
	}
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		for _, serializer := range []string{"serpent", "json"} {
			t.Run(serializer, func(t *testing.T) {
				names := map[string]string{"python": pythonNames(t, d), "go": goNames(t)}
				all := append(append(append([]call{}, first...), calls[d]...), last...)
				for _, do := range all {
					seen := map[string]peers.Answer{}
					for side, location := range names {
						connect(t, c, peers.Request{Proxy: "ns", URI: "PYRO:Pyro.NameServer@" + location, Serializer: serializer})
						seen[side] = c.Do(peers.Request{Op: "call", Proxy: "ns", Method: do.method, Args: do.args, Kwargs: do.kwargs})
					}
					got, want := seen["go"], seen["python"]
					require.Equal(t, want.OK, got.OK, "%v: %+v, Python %+v", do, got.Error, want.Error)
					if !want.OK {
						require.Equal(t, want.Error.Class, got.Error.Class, "%v", do)
						if strings.Contains(want.Error.Class, "NamingError") {
							require.Equal(t, want.Error.Text, got.Error.Text, "%v", do)
						}
						continue
					}
					require.Equal(t, want.Type, got.Type, "%v", do)
					if strings.HasPrefix(want.Repr, "{") { // a dict, whose order means nothing
						require.JSONEq(t, string(want.Value), string(got.Value), "%v", do)
						continue
					}
					require.Equal(t, address.ReplaceAllString(want.Repr, ""), address.ReplaceAllString(got.Repr, ""), "%v", do)
				}
			})
		}
	})
}

// What does not add up is refused with the text of the Python that runs here. Unknown keywords are like no parameter:
// Python 3.13 guesses which one was meant.
func TestGoNameServerRefusesArgumentsAsPythons(t *testing.T) {
	methods := map[string][]string{
		"ping": nil, "count": nil, "lookup": {"name", "return_metadata"}, "register": {"name", "uri", "safe", "metadata"},
		"set_metadata": {"name", "metadata"}, "remove": {"name", "prefix", "regex"},
	}
	type call struct{ method, args, kwargs string }
	var calls []call
	for method, params := range methods {
		for n := range 3 {
			calls = append(calls, call{method, "[9]*" + strconv.Itoa(len(params)+1+n), "{}"})
		}
		calls = append(calls, call{method, "[9]*7", "{'qqq': 1}"}, call{method, "[]", "{'self': 1}"})
		for i, p := range params {
			calls = append(calls, call{method, "[9]*" + strconv.Itoa(i+1), "{'" + p + "': 1}"}, call{method, "[9]*7", "{'" + p + "': 1}"})
		}
	}
	for _, method := range []string{"lookup", "register", "set_metadata"} {
		calls = append(calls, call{method, "[]", "{}"}, call{method, "[]", "{'" + methods[method][1] + "': 'PYRO:o@h:1'}"})
	}
	values := []string{
		"None", "True", "0", "7", "-1.5", "2**70", "''", "'x'", "[]", "['x']", "()", "{'k': 1}", "[[1]]", "[{}]", "float('nan')",
		"proxies['ns']._pyroUri",
	}
	for _, v := range values {
		calls = append(calls, call{"lookup", "(" + v + ",)", "{}"}, call{"register", "(" + v + ", 'PYRO:o@h:1')", "{}"},
			call{"register", "('r', " + v + ")", "{}"}, call{"remove", "()", "{'name': " + v + "}"},
			call{"remove", "()", "{'regex': " + v + "}"}, call{"list", "()", "{'prefix': " + v + "}"},
			call{"list", "()", "{'regex': " + v + "}"}, call{"list", "(" + v + ", 'x')", "{}"})
	}
	calls = append(calls, call{"nothing", "()", "{}"})
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		python, goServer := pythonNames(t, d), goNames(t)
		for _, do := range calls {
			ask := func(location string) peers.Answer {
				connect(t, c, peers.Request{Proxy: "ns", URI: "PYRO:Pyro.NameServer@" + location})
				return c.Do(peers.Request{Op: "call", Proxy: "ns", Method: do.method, Args: do.args, Kwargs: do.kwargs})
			}
			want, got := ask(python), ask(goServer)
			require.Equal(t, want.OK, got.OK, "%v: %+v, Python %+v", do, got.Error, want.Error)
			if !want.OK {
				require.Equal(t, want.Error.Class, got.Error.Class, "%v", do)
				text := strings.ReplaceAll(want.Error.Text, python, goServer)
				require.Equal(t, text, got.Error.Text, "%v", do)
			}
		}
	})
}

func TestPythonLocatesTheGoNameServer(t *testing.T) {
	location := goNames(t)
	host, port := split(t, location)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		a := c.Do(peers.Request{Op: "locate", Proxy: "ns", Host: host, Port: port})
		require.Equal(t, "PYRO:Pyro.NameServer@"+location, repr(t, a))
		require.Contains(t, repr(t, c.Call("ns", "lookup", "('Pyro.NameServer',)")), "PYRO:Pyro.NameServer@"+location)
	})
}

// Pyro's own command works with the Go name server, and prints what it prints with Python's.
func TestNameServerCommand(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		python, golang := pythonNames(t, d), goNames(t)
		tool := "pyro" + strings.TrimPrefix(d.String(), "Pyro") + "-nsc"
		for _, step := range []struct{ stdin, args, want string }{
			{"", "ping", "Name server ping ok."},
			{"", "register tea PYRO:one@host:1", "Registered tea"},
			{"", "register bread PYRO:two@host:2", "Registered bread"},
			{"", "lookup tea", "PYRO:one@host:1"},
			{"", "setmeta tea hot", "Metadata updated"},
			{"", "lookup tea", "hot"},
			{"", "list t", "tea --> PYRO:one@host:1"},
			{"", "listmatching .*ea", "tea --> PYRO:one@host:1"},
			{"", "setmeta tea", "Metadata cleared"},
			{"", "remove tea", "Removed tea"},
			{"", "remove tea", "Nothing removed"},
			{"y\n", "removematching b", "items removed."},
		} {
			printed := map[string]string{}
			for side, location := range map[string]string{"python": python, "go": golang} {
				host, port := split(t, location)
				args := append([]string{"-n", host, "-p", strconv.Itoa(port)}, strings.Fields(step.args)...)
				out, err := peers.Tool(t.Context(), step.stdin, tool, args...)
				require.NoError(t, err, step.args)
				printed[side] = out
			}
			require.Contains(t, printed["go"], step.want, step.args)
			require.Equal(t, printed["python"], printed["go"], step.args)
		}
	})
}
