//go:build integration

package integration

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestPythonSignsForGo(t *testing.T) {
	tests := []struct{ server, client, denied string }{
		{"secret", "secret", ""},
		{"schlüssel", "schlüssel", ""},
		{"", "", ""},
		{"secret", "another", "hmac"},
		{"secret", "", "hmac"},
		{"", "secret", "hmac"},
	}
	for _, tt := range tests {
		t.Run("server "+tt.server+" client "+tt.client, func(t *testing.T) {
			var shaken atomic.Int64 // handshakes that the server took for genuine
			opts := []service.ServerOption{service.Use(transport.Middleware{Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
				return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
					shaken.Add(1)
					return next(ctx, h)
				}
			}})}
			python := []string{}
			if tt.server != "" {
				opts, python = append(opts, service.HMACKey(tt.server)), []string{"--hmac", tt.server}
			}
			srv := serve(t, newService(), opts...)
			c := peers.NewClient(t, peers.Pyro4)
			connect(t, c, peers.Request{Proxy: "go", URI: srv.URI("svc").String(), HMAC: tt.client})
			connect(t, c, peers.Request{Proxy: "python", URI: peers.Service(t, peers.Pyro4, python...).URIs["svc"], HMAC: tt.client})
			got, want := c.Call("go", "echo", "('signed',)"), c.Call("python", "echo", "('signed',)")
			if tt.denied == "" {
				require.Equal(t, "'signed'", repr(t, got))
				e := raised(t, c.Call("go", "fail", "('value',)"))
				require.Equal(t, "builtins.ValueError", e.Class, "exceptions are signed, too")
				connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), HMAC: tt.client})
				require.Len(t, iterate(c, "stream", "(3,)", -1).Items, 3)
				return
			}
			require.Equal(t, raised(t, want).Class, raised(t, got).Class)
			require.Contains(t, got.Error.Text, tt.denied)
			require.Zero(t, shaken.Load(), "nothing of the client's is looked at")
		})
	}
}

// The handshake is not enough: each message is checked.
func TestEveryMessageHasToBeSigned(t *testing.T) {
	const forge = `
import json, sys
import Pyro4, Pyro4.errors
uri, = sys.argv[1:]
forger, honest = Pyro4.Proxy(uri), Pyro4.Proxy(uri)
forger._pyroHmacKey = honest._pyroHmacKey = "secret"
seen = [forger.echo(1)]
forger._pyroHmacKey = "another"
forger.notify("forged")
try:
    seen.append(forger.echo(2))
except Pyro4.errors.ConnectionClosedError:
    seen.append("closed")
except OSError:
    seen.append("closed")
print(json.dumps(seen + [honest.received()]))
`
	srv := serve(t, newService(), service.HMACKey("secret"))
	var seen []any
	require.NoError(t, peers.Run(t.Context(), &seen, forge, srv.URI("svc").String()))
	require.Equal(t, []any{1.0, "closed", []any{}}, seen)
}

func TestPyro5CannotSign(t *testing.T) {
	c := peers.NewClient(t, peers.Pyro5)
	c.Connect("refused", serve(t, newService(), service.HMACKey("secret")).URI("svc").String())
	e := raised(t, c.Call("refused", "echo", "(1,)"))
	require.Equal(t, "Pyro5.errors.CommunicationError", e.Class)
	require.Contains(t, e.Text, "signed messages only")

	both := serve(t, newService(), service.HMACKey("secret"), service.AllowUnsigned())
	c.Connect("allowed", both.URI("svc").String())
	require.Equal(t, "1", repr(t, c.Call("allowed", "echo", "(1,)")))
	signing := peers.NewClient(t, peers.Pyro4, "--hmac", "secret")
	signing.Connect("svc", both.URI("svc").String())
	require.Equal(t, "1", repr(t, signing.Call("svc", "echo", "(1,)")))
}

func TestGoSignsForPython(t *testing.T) {
	keyed := peers.Service(t, peers.Pyro4, "--hmac", "secret").URIs["svc"]
	open := peers.Service(t, peers.Pyro4).URIs["svc"]
	tests := []struct {
		name, uri, key string
		denied         bool
	}{
		{"right key", keyed, "secret", false},
		{"wrong key", keyed, "another", true},
		{"no key", keyed, "", true},
		{"no key wanted", open, "secret", true},
		{"no keys", open, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var opts []service.ProxyOption
			if tt.key != "" {
				opts = append(opts, service.HMACKey(tt.key))
			}
			p := proxy(t, tt.uri, opts...)
			got, err := service.Call[string](t.Context(), p, "echo", "signed", service.WithAnnotation("AAAA", []byte("signed, too")))
			if tt.denied {
				require.ErrorIs(t, err, transport.ErrUnauthenticated)
				require.ErrorContains(t, err, "hmac")
				return
			}
			require.NoError(t, err)
			require.Equal(t, "signed", got)
			n := 0
			for _, err := range service.Stream[int](t.Context(), p, "stream", 3) {
				require.NoError(t, err)
				n++
			}
			require.Equal(t, 3, n)
		})
	}
}

func TestHandshakeWithPython(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d, "--handshake", "{'user': 'ann', 'code': [1, 2]}")
		right := map[string]any{"user": "ann", "code": []int{1, 2}}
		for _, serializer := range both {
			t.Run(serializer, func(t *testing.T) {
				p := proxy(t, svc.URIs["svc"], service.Handshake(right), service.Serializer(serializer))
				info, err := p.Info(t.Context())
				require.NoError(t, err)
				require.Equal(t, []any{"welcome", map[string]any{"user": "ann", "code": []any{int64(1), int64(2)}}}, info.Answer)

				p = proxy(t, svc.URIs["svc"], service.Use(auth.Credential(right)), service.Serializer(serializer))
				require.NoError(t, service.Do(t.Context(), p, "nothing"))

				for name, opts := range map[string][]service.ProxyOption{
					"default value": {service.Serializer(serializer)},
					"another value": {service.Serializer(serializer), service.Handshake("bob")},
				} {
					err = service.Do(t.Context(), proxy(t, svc.URIs["svc"], opts...), "nothing")
					require.ErrorIs(t, err, transport.ErrUnauthenticated, name)
					require.ErrorContains(t, err, "handshake refused", name)
				}
			})
		}
	})
}

func TestHandshakeOfPython(t *testing.T) {
	tokens := auth.Verify(auth.Tokens(map[string]string{"ann": "token of ann", "bob": "token of bob"}))
	srv := serve(t, newService(), service.Use(tokens))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		for _, serializer := range both {
			for _, tt := range []struct{ said, principal string }{
				{"'token of ann'", "ann"},
				{"{'token': 'token of bob'}", "bob"},
				{"'token of eve'", ""},
				{"'hello'", ""},
				{"''", ""},
				{"None", ""},
				{"{'token': None}", ""},
				{"[1, 2]", ""},
			} {
				connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), Handshake: tt.said, Serializer: serializer})
				a := c.Call("svc", "context", "()")
				if tt.principal != "" {
					require.Contains(t, repr(t, a), "'principal': '"+tt.principal+"'")
					continue
				}
				e := raised(t, a)
				require.Equal(t, of(d, "CommunicationError"), e.Class)
				require.Contains(t, e.Text, "rejected: authentication failed", tt.said)
			}
		}
	})
}

// Another's iterator cannot be read with another principal, even by who knows its id.
func TestStreamsBelongToTheirPrincipal(t *testing.T) {
	const steal = `
import json, sys
dialect, uri = sys.argv[1:]
api = __import__("Pyro4") if dialect == "Pyro4" else __import__("Pyro5.api").api
ann, bob = api.Proxy(uri), api.Proxy(uri)
ann._pyroHandshake, bob._pyroHandshake = "a", "b"
stream = ann.stream(3)
seen = [next(stream)]
daemon = api.Proxy("PYRO:Pyro.Daemon@" + ann._pyroUri.location)
daemon._pyroHandshake = "b"
try:
    seen.append(daemon.get_next_stream_item(stream.streamId))
except Exception as error:
    seen.append(str(error))
daemon.close_stream(stream.streamId)
seen += list(stream)
print(json.dumps(seen))
`
	srv := serve(t, newService(), service.Use(auth.Verify(auth.Tokens(map[string]string{"ann": "a", "bob": "b"}))))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var seen []any
		require.NoError(t, peers.Run(t.Context(), &seen, steal, d.String(), srv.URI("svc").String()))
		require.Equal(t, []any{0.0, "item stream terminated", 1.0, 2.0}, seen)
	})
}
