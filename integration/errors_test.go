//go:build integration

package integration

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// What a Python caller sees of the errors of Go methods. PyroX stands for the caller's own Pyro.
func TestGoErrorsInPython(t *testing.T) {
	tests := []struct{ kind, class, text string }{
		{"value", "builtins.ValueError", "('wrong', 42)"},
		{"key", "builtins.KeyError", "'missing'"},
		{"naming", "PyroX.errors.NamingError", "unknown"},
		{"custom", "builtins.RuntimeError", "shop.errors.SoldOut: tea"},
		{"timeout", "builtins.TimeoutError", "too slow"},
		{"closed", "builtins.ConnectionError", "ConnectionClosedError: gone"},
		{"file", "builtins.FileNotFoundError", "open shop: file does not exist"},
		{"deadline", "builtins.TimeoutError", "context deadline exceeded"},
		{"unimplemented", "builtins.NotImplementedError", "unimplemented"},
		{"wrapped", "builtins.RuntimeError", "effect of the cause"},
		{"panic", "builtins.RuntimeError", "internal error"},
	}
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		dialect := repr(t, c.Call("svc", "context", "()"))
		x := "Pyro5"
		if strings.Contains(dialect, "pyro4") {
			x = "Pyro4"
		}
		for _, tt := range tests {
			e := raised(t, c.Call("svc", "fail", "('"+tt.kind+"',)"))
			require.Equal(t, strings.Replace(tt.class, "PyroX", x, 1), e.Class, tt.kind)
			require.Equal(t, tt.text, e.Text, tt.kind)
			require.Contains(t, e.RemoteTraceback, "Traceback (most recent call last)", tt.kind)
			require.Regexp(t, `File ".*service_test\.go", line \d+, in .*integration\.fail\n`, e.RemoteTraceback, tt.kind)
			require.NotContains(t, e.Text+e.RemoteTraceback, "secret", "what a panic says stays here")
		}
		value := raised(t, c.Call("svc", "fail", "('value',)"))
		require.Equal(t, "('wrong', 42)", value.Args)
		require.Equal(t, "{'kind': 'value'}", value.Attributes["detail"])
		wrapped := raised(t, c.Call("svc", "fail", "('wrapped',)"))
		require.Contains(t, wrapped.RemoteTraceback, "*errors.errorString", "the Go type is in the traceback")
	})
}

// Python's daemons close the connection after their SecurityError, and so does a Go server.
func TestSecurityErrorEndsTheConnection(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		require.Contains(t, raised(t, c.Call("svc", "fail", "('security',)")).Class, ".errors.SecurityError")
		require.Contains(t, raised(t, c.Call("svc", "nothing", "()")).Class, ".errors.ConnectionClosedError")
		require.Equal(t, "None", repr(t, c.Call("svc", "nothing", "()")), "a new connection works")
	})
}

func TestPythonErrorsInGo(t *testing.T) {
	tests := []struct {
		args  []any
		class string
		text  string
		is    error
	}{
		{[]any{"value", "wrong", 42}, "builtins.ValueError", "('wrong', 42)", transport.ErrInvalidArgument},
		{[]any{"key", "missing"}, "builtins.KeyError", "'missing'", transport.ErrNotFound},
		{[]any{"zero"}, "builtins.ZeroDivisionError", "integer division or modulo by zero", nil},
		{[]any{"file", "no such file"}, "builtins.FileNotFoundError", "no such file", transport.ErrNotFound},
		{[]any{"timeout", "too slow"}, "builtins.TimeoutError", "too slow", transport.ErrTimeout},
		{[]any{"naming", "unknown name: x"}, "PyroX.errors.NamingError", "unknown name: x", transport.ErrNotFound},
		{[]any{"chained"}, "builtins.ValueError", "effect", transport.ErrInvalidArgument},
		{[]any{"custom", "x"}, "common.CustomError", "x", nil},
		{[]any{"stop", 3}, "builtins.StopIteration", "3", nil},
	}
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		info, err := p.Info(t.Context())
		require.NoError(t, err)
		x := "Pyro5"
		if info.Peer.Dialect == codec.Pyro4 {
			x = "Pyro4"
		}
		for _, tt := range tests {
			err := service.Do(t.Context(), p, "fail", tt.args...)
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, strings.Replace(tt.class, "PyroX", x, 1), e.Class)
			require.Equal(t, tt.text, e.Message)
			require.True(t, e.Remote)
			require.False(t, e.NotSent)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			traceback := strings.Join(e.Traceback, "")
			require.Contains(t, traceback, "Traceback (most recent call last)")
			require.Contains(t, traceback, "common.py")
			require.Contains(t, traceback, "in fail")
			require.ErrorContains(t, err, "call fail of PYRO:svc@127.0.0.1:")
		}
		var e *transport.Error
		require.ErrorAs(t, service.Do(t.Context(), p, "fail", "value", "wrong", 42), &e)
		require.Equal(t, []any{"wrong", int64(42)}, e.Args)
		require.Equal(t, map[string]any{"kind": "value"}, e.Attrs["detail"])
		require.ErrorAs(t, service.Do(t.Context(), p, "fail", "chained"), &e)
		require.Contains(t, strings.Join(e.Traceback, ""), "direct cause")
		require.Contains(t, strings.Join(e.Traceback, ""), "KeyError: 'cause'")
	})
}

// What is not there, in the words of who says so: Python clients judge by the metadata before anything
// is sent.
func TestWhatIsNotExposed(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		for _, name := range []string{"missing", "_private", "velocity.real"} {
			e := raised(t, c.Call("svc", name, "()"))
			require.Equal(t, "builtins.AttributeError", e.Class, name)
		}
		require.Equal(t, "None", repr(t, c.Call("svc", "nothing", "()")))
	})
	eachProxy(t, func(t *testing.T, p *service.Proxy, serializer string) {
		info, err := p.Info(t.Context())
		require.NoError(t, err)
		blind := proxy(t, info.URI.String(), service.NoMetadata(), service.Serializer(serializer))
		for name, text := range map[string]string{
			"missing":  "no attribute 'missing'",
			"_private": "private attribute '_private'",
			"velocity": "unexposed",
		} {
			err := service.Do(t.Context(), p, name)
			var e *transport.Error
			require.ErrorAs(t, err, &e, name)
			require.True(t, e.NotSent, "the metadata says that there is no %s", name)
			err = service.Do(t.Context(), blind, name)
			require.ErrorAs(t, err, &e, name)
			require.True(t, e.Remote, name)
			require.Equal(t, "builtins.AttributeError", e.Class, name)
			require.Contains(t, e.Message, text)
		}
		_, err = service.Call[string](t.Context(), blind, "echo", "the connection stands")
		require.NoError(t, err)
	})
}

// A Go server says to callers that look at no metadata what a Python daemon says to them.
func TestBlindCallsAreRefusedAlike(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		uris := []string{srv.URI("svc").String(), peers.Service(t, d).URIs["svc"]}
		for _, name := range []string{"missing", "_private", "__init__"} {
			var texts []string
			for _, uri := range uris {
				p := proxy(t, uri, service.NoMetadata(), service.Dialect(wire(d)))
				var e *transport.Error
				require.ErrorAs(t, service.Do(t.Context(), p, name), &e)
				require.Equal(t, "builtins.AttributeError", e.Class)
				texts = append(texts, strings.NewReplacer("'svc'", "'Service'").Replace(e.Message))
			}
			require.Equal(t, texts[1], texts[0])
		}
	})
}

func TestUnknownObject(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		python := peers.Service(t, d)
		c := peers.NewClient(t, d)
		c.Connect("nobody", strings.Replace(srv.URI("svc").String(), ":svc@", ":nobody@", 1))
		e := raised(t, c.Call("nobody", "echo", "(1,)"))
		require.Equal(t, of(d, "CommunicationError"), e.Class)
		require.Contains(t, e.Text, "unknown object")

		p := proxy(t, strings.Replace(python.URIs["svc"], ":svc@", ":nobody@", 1))
		err := service.Do(t.Context(), p, "echo", 1)
		require.ErrorIs(t, err, transport.ErrNotFound)
		require.ErrorContains(t, err, "unknown object")
	})
}

// An exception on its way through Go stays what it is, in the words of the caller's own Pyro, and its
// traceback names every place it came through.
func TestExceptionFromPythonThroughGoToPython(t *testing.T) {
	eachDialect(t, func(t *testing.T, last peers.Dialect) {
		p := proxy(t, peers.Service(t, last).URIs["svc"])
		relay := service.New("relay")
		relay.Method("fail", func(ctx context.Context, args ...any) error { return service.Do(ctx, p, "fail", args...) })
		srv := serve(t, relay)
		eachDialect(t, func(t *testing.T, first peers.Dialect) {
			c := peers.NewClient(t, first)
			c.Connect("relay", srv.URI("relay").String())
			e := raised(t, c.Call("relay", "fail", "('value', 'wrong', 42)"))
			require.Equal(t, "builtins.ValueError", e.Class)
			require.Equal(t, "('wrong', 42)", e.Args)
			require.Equal(t, "{'kind': 'value'}", e.Attributes["detail"])
			require.Contains(t, e.RemoteTraceback, "common.py")
			require.Contains(t, e.RemoteTraceback, "errors_test.go")
			require.Equal(t, of(first, "NamingError"), raised(t, c.Call("relay", "fail", "('naming', 'x')")).Class)
			e = raised(t, c.Call("relay", "fail", "('custom', 'x')"))
			require.Equal(t, "builtins.RuntimeError", e.Class, "a class that the caller may not know")
			require.Contains(t, e.Text, "common.CustomError: x")
		})
	})
}

// Python hangs up after a class that it does not know; the next call does not have to find that out.
func TestPythonHangsUpAfterItsReply(t *testing.T) {
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		for range 5 {
			err := service.Do(t.Context(), p, "echo", codec.Object{Class: "shop.Tea", Attrs: map[string]any{"hot": true}})
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.Contains(t, e.Class, ".errors.SerializeError")
			require.Contains(t, e.Message, "unsupported serialized class: shop.Tea")
			require.NoError(t, service.Do(t.Context(), p, "nothing"))
		}
	})
}
