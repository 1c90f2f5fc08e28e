//go:build integration

package integration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// eachFullClient is eachClient without marshal, in which Python's clients can neither access attributes nor
// send batches (they fail on the keyword arguments that are None).
func eachFullClient(t *testing.T, test func(t *testing.T, c *peers.Client)) {
	t.Helper()
	eachClient(t, func(t *testing.T, c *peers.Client, serializer string) {
		if serializer != "marshal" {
			test(t, c)
		}
	})
}

func TestPythonAccessesGoProperties(t *testing.T) {
	eachFullClient(t, func(t *testing.T, c *peers.Client) {
		for _, value := range []string{"2.5", "-0.0", "3"} {
			require.Nil(t, c.Do(peers.Request{Op: "set", Proxy: "svc", Attr: "velocity", Value: value}).Error)
			got := repr(t, c.Do(peers.Request{Op: "get", Proxy: "svc", Attr: "velocity"}))
			if value == "3" {
				value = "3.0" // the property's type is float64
			}
			require.Equal(t, value, got)
		}
		require.Equal(t, "'cannot be set'", repr(t, c.Do(peers.Request{Op: "get", Proxy: "svc", Attr: "readonly"})))

		e := raised(t, c.Do(peers.Request{Op: "set", Proxy: "svc", Attr: "readonly", Value: "1"}))
		require.Equal(t, "builtins.AttributeError", e.Class)
		e = raised(t, c.Do(peers.Request{Op: "get", Proxy: "svc", Attr: "missing"}))
		require.Equal(t, "builtins.AttributeError", e.Class)
		e = raised(t, c.Do(peers.Request{Op: "set", Proxy: "svc", Attr: "velocity", Value: "'fast'"}))
		require.Equal(t, "builtins.TypeError", e.Class)
		require.Contains(t, e.Text, "float64")
	})
}

func TestGoAccessesPythonAttributes(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, serializer string) {
		ctx := t.Context()
		require.NoError(t, service.Set(ctx, p, "velocity", 7.25))
		v, err := service.Get[float64](ctx, p, "velocity")
		require.NoError(t, err)
		require.InDelta(t, 7.25, v, 0)
		require.NoError(t, service.Set(ctx, p, "velocity", []string{"any", "value"}))
		list, err := service.Get[[]string](ctx, p, "velocity")
		require.NoError(t, err)
		require.Equal(t, []string{"any", "value"}, list)

		var e *transport.Error
		require.ErrorAs(t, service.Set(ctx, p, "readonly", 1), &e)
		require.Equal(t, "builtins.AttributeError", e.Class)
		require.True(t, e.Remote)
		_, err = service.Get[any](ctx, p, "missing")
		require.ErrorAs(t, err, &e)
		require.Equal(t, "builtins.AttributeError", e.Class)
		require.True(t, e.NotSent)
		_, err = service.Get[any](ctx, p, "echo")
		require.ErrorAs(t, err, &e, "a method is no attribute")
		require.True(t, e.NotSent)

		info, err := p.Info(ctx)
		require.NoError(t, err)
		blind := proxy(t, info.URI.String(), service.NoMetadata(), service.Serializer(serializer))
		_, err = service.Get[any](ctx, blind, "missing")
		require.ErrorAs(t, err, &e)
		require.True(t, e.Remote)
		require.Equal(t, "builtins.AttributeError", e.Class)
	})
}

func TestPythonCallsGoOneway(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		for _, serializer := range both {
			srv := serve(t, newService()) // a new one: it remembers what it received
			connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), Serializer: serializer})
			require.Equal(t, "None", repr(t, c.Call("svc", "notify_fails", "()")), "nobody hears of it")
			require.Equal(t, "None", repr(t, c.Call("svc", "notify", "('heard',)")))
			require.Equal(t, "None", repr(t, c.Call("svc", "notify", "(1, 2, 'wrong arguments')")))
			require.Eventually(t, func() bool {
				return repr(t, c.Call("svc", "received", "()")) == "['heard']"
			}, soon, tick)
		}
	})
}

// The flag alone decides, not what the server declares; and a one-way call of what is not there is never
// answered either.
func TestPythonForcesOneway(t *testing.T) {
	const forced = `
import json, sys
dialect, uri = sys.argv[1:]
api = __import__("Pyro4") if dialect == "Pyro4" else __import__("Pyro5.api").api
with api.Proxy(uri) as svc:
    svc._pyroBind()
    svc._pyroOneway = set(svc._pyroOneway) | {"echo", "fail", "gone"}
    svc._pyroMethods = set(svc._pyroMethods) | {"gone"}
    print(json.dumps([svc.echo(1), svc.fail("value"), svc.gone(), svc.add(40)]))
`
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var seen []any
		require.NoError(t, peers.Run(t.Context(), &seen, forced, d.String(), srv.URI("svc").String()))
		require.Equal(t, []any{nil, nil, nil, 42.0}, seen)
	})
}

func TestGoCallsPythonOneway(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		for _, serializer := range both {
			t.Run(serializer, func(t *testing.T) {
				svc := peers.Service(t, d)
				p := proxy(t, svc.URIs["svc"], service.Serializer(serializer))
				ctx := t.Context()
				require.NoError(t, service.Do(ctx, p, "notify_fails"))
				require.NoError(t, service.Do(ctx, p, "notify", "declared"))
				require.NoError(t, service.Do(ctx, p, "fail", "value", service.AsOneway()))
				v, err := service.Call[any](ctx, p, "echo", "no reply", service.AsOneway())
				require.NoError(t, err)
				require.Nil(t, v)
				n, err := service.Call[int](ctx, p, "add", 40)
				require.NoError(t, err)
				require.Equal(t, 42, n)
				require.Eventually(t, func() bool {
					got, err := service.Call[[]string](ctx, p, "received")
					return err == nil && len(got) == 1 && got[0] == "declared"
				}, soon, tick)
			})
		}
	})
}

func batch(c *peers.Client, oneway bool, calls ...peers.Request) peers.Answer {
	return c.Do(peers.Request{Op: "batch", Proxy: "svc", Calls: calls, Oneway: oneway})
}

func TestPythonSendsBatchesToGo(t *testing.T) {
	add := peers.Request{Method: "add", Args: "(1,)", Kwargs: "{'b': 2}"}
	echo := peers.Request{Method: "echo", Args: "([1, {'a': None}],)"}
	eachFullClient(t, func(t *testing.T, c *peers.Client) {
		a := batch(c, false, add, peers.Request{Method: "nothing"}, echo)
		require.Nil(t, a.Error)
		require.Nil(t, a.Failure)
		require.Equal(t, []string{"3", "None", "[1, {'a': None}]"}, reprs(a.Items))

		require.Empty(t, batch(c, false).Items)

		a = batch(c, false, add, peers.Request{Method: "fail", Args: "('value',)"}, echo)
		require.Nil(t, a.Error)
		require.Equal(t, []string{"3"}, reprs(a.Items), "the exception ends the batch")
		require.Equal(t, "builtins.ValueError", a.Failure.Class)
		require.Equal(t, "('wrong', 42)", a.Failure.Args)
		require.Contains(t, a.Failure.RemoteTraceback, "integration.fail")

		a = batch(c, false, add, peers.Request{Method: "add", Args: "('one',)"})
		require.Equal(t, []string{"3"}, reprs(a.Items))
		require.Equal(t, "builtins.TypeError", a.Failure.Class)

		a = batch(c, false, add, peers.Request{Method: "missing"})
		require.Equal(t, "builtins.AttributeError", raised(t, a).Class, "an unknown name fails the whole batch")
		require.Equal(t, "None", repr(t, c.Call("svc", "nothing", "()")))

		large := make([]peers.Request, 300)
		for i := range large {
			large[i] = peers.Request{Method: "add", Args: fmt.Sprintf("(%d, 1)", i)}
		}
		a = batch(c, false, large...)
		require.Len(t, a.Items, len(large))
		require.Equal(t, "300", a.Items[299].Repr)
	})
}

func TestPythonSendsOnewayBatchesToGo(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		for _, serializer := range []string{"serpent", "json"} {
			srv := serve(t, newService())
			connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), Serializer: serializer})
			notify := func(n string) peers.Request { return peers.Request{Method: "notify", Args: "(" + n + ",)"} }
			a := batch(c, true, notify("1"), notify("2"), peers.Request{Method: "fail", Args: "('value',)"}, notify("3"))
			require.Nil(t, a.Error)
			require.Eventually(t, func() bool {
				return repr(t, c.Call("svc", "received", "()")) == "[1, 2]"
			}, soon, tick, "in order, and no further than the exception")
		}
	})
}

// A batch of a Python client is answered as by Python, results and refusals alike.
func TestBatchesAreAnsweredAlike(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		python := peers.Service(t, d)
		for _, serializer := range []string{"serpent", "json"} {
			for _, calls := range [][]peers.Request{
				{{Method: "echo", Args: "({1, 2},)"}, {Method: "echo", Args: "((1, 'two'),)"}},
				{{Method: "echo", Args: "(nan,)"}, {Method: "echo", Args: "('it\\'s 😀',)"}},
				{{Method: "_private"}},
				{{Method: "velocity"}},
				{{Method: "add", Args: "(1, 2, 3)"}},
			} {
				seen := map[string]peers.Answer{}
				for side, uri := range map[string]string{"go": srv.URI("svc").String(), "python": python.URIs["svc"]} {
					connect(t, c, peers.Request{Proxy: "svc", URI: uri, Serializer: serializer})
					seen[side] = batch(c, false, calls...)
				}
				require.Equal(t, reprs(seen["python"].Items), reprs(seen["go"].Items))
				for _, pick := range []func(peers.Answer) *peers.Exception{
					func(a peers.Answer) *peers.Exception { return a.Error },
					func(a peers.Answer) *peers.Exception { return a.Failure },
				} {
					want, got := pick(seen["python"]), pick(seen["go"])
					require.Equal(t, want == nil, got == nil, "%+v", calls)
					if want != nil {
						require.Equal(t, want.Class, got.Class)
					}
				}
			}
		}
	})
}

func TestMetadata(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		a := c.Do(peers.Request{Op: "metadata", Proxy: "svc"})
		got := repr(t, a)
		require.Contains(t, got, "'oneway': ['notify', 'notify_fails']")
		require.Contains(t, got, "'attrs': ['readonly', 'velocity']")
		require.Contains(t, got, "'echo', 'echo_dict', 'fail'")
	})
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		info, err := p.Info(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"notify", "notify_fails"}, info.Metadata.Oneway)
		require.ElementsMatch(t, []string{"readonly", "velocity"}, info.Metadata.Attrs)
		require.Subset(t, info.Metadata.Methods, []string{"echo", "__len__", "notify"})
		require.Equal(t, "hello", info.Answer)
		require.Contains(t, []codec.Dialect{codec.Pyro4, codec.Pyro5}, info.Peer.Dialect)
	})
}
