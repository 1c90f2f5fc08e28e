//go:build integration

package integration

import (
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

const correlationID = "9613299a-464e-45c8-98ca-39ebc337e3fc"

// headers is a middleware that keeps the header of the last reply.
type headers struct {
	mu   sync.Mutex
	last transport.Header
}

func (h *headers) middleware() transport.Middleware {
	return transport.Middleware{Name: "headers", Call: func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			reply, err := next(ctx, call)
			if err == nil {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.last = reply.Header
			}
			return reply, err
		}
	}}
}

func (h *headers) get() transport.Header {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

func TestAnnotationsFromPythonToGo(t *testing.T) {
	hexed := func(s string) string { return hex.EncodeToString([]byte(s)) }
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		a := c.Do(peers.Request{
			Op: "call", Proxy: "svc", Method: "context",
			Annotations: map[string]string{"ABCD": hexed("one"), "EMPT": "", "LONG": hexed(strings.Repeat("x", 40000))},
		})
		got := repr(t, a)
		require.Contains(t, got, "'ABCD': 'one'")
		require.Contains(t, got, "'EMPT': ''")
		require.Contains(t, got, "'LONG': '"+strings.Repeat("x", 40000)+"'")

		a = c.Call("svc", "annotated", "()")
		require.Equal(t, "'annotated'", repr(t, a))
		require.Equal(t, hexed("from the method"), a.Annotations["RESP"])
		require.NotContains(t, c.Call("svc", "nothing", "()").Annotations, "RESP")
	})
}

func TestAnnotationsOfAGoServer(t *testing.T) {
	srv := serve(t, newService(), service.Annotate(func() transport.Annotations {
		return transport.Annotations{{Key: "DMON", Value: []byte("from the server")}}
	}))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		want := hex.EncodeToString([]byte("from the server"))
		require.Equal(t, want, c.Call("svc", "annotated", "()").Annotations["DMON"])
		require.Equal(t, want, c.Call("svc", "fail", "('value',)").Annotations["DMON"], "also with an exception")
	})
}

func TestAnnotationsFromGoToPython(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d, "--annotate")
		for _, serializer := range both {
			var seen headers
			p := proxy(t, svc.URIs["svc"], service.Serializer(serializer), service.Use(seen.middleware()))
			got, err := service.Call[map[string]any](t.Context(), p, "context",
				service.WithAnnotation("ABCD", []byte("one")), service.WithAnnotation("EMPT", nil))
			require.NoError(t, err)
			require.Subset(t, got["annotations"], map[string]any{"ABCD": hex.EncodeToString([]byte("one")), "EMPT": ""})

			_, err = service.Call[string](t.Context(), p, "annotated")
			require.NoError(t, err)
			reply := seen.get()
			value, ok := reply.Annotations.Get("RESP")
			require.True(t, ok)
			require.Equal(t, "from the method", string(value))
			value, ok = reply.Annotations.Get("DMON")
			require.True(t, ok)
			require.Equal(t, "from the daemon", string(value))
		}
	})
}

// Pyro4 counts the length of all annotations in 16 bits, Pyro5 in 32.
func TestAnnotationsThatAreTooLong(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"])
		got, err := service.Call[map[string]any](t.Context(), p, "context", service.WithAnnotation("LONG", make([]byte, 70000)))
		if d == peers.Pyro5 {
			require.NoError(t, err)
			annotations, _ := got["annotations"].(map[string]any)
			require.Len(t, annotations["LONG"], 140000)
			return
		}
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.NotSent)
		require.NoError(t, service.Do(t.Context(), p, "nothing"), "the connection stands")
	})
}

func TestCorrelationBetweenTwo(t *testing.T) {
	eachClient(t, func(t *testing.T, c *peers.Client, _ string) {
		a := c.Do(peers.Request{Op: "call", Proxy: "svc", Method: "context", CorrelationID: correlationID})
		require.Contains(t, repr(t, a), correlationID)
		require.Equal(t, correlationID, a.CorrelationID, "and back")
		fresh := repr(t, c.Call("svc", "context", "()"))
		require.NotContains(t, fresh, correlationID)
		require.NotContains(t, fresh, uuid.Nil.String(), "the server makes an id where none came")
	})
	eachProxy(t, func(t *testing.T, p *service.Proxy, _ string) {
		ctx := transport.WithCorrelationID(t.Context(), uuid.MustParse(correlationID))
		got, err := service.Call[map[string]any](ctx, p, "context")
		require.NoError(t, err)
		require.Equal(t, correlationID, got["correlation_id"])
		got, err = service.Call[map[string]any](t.Context(), p, "context")
		require.NoError(t, err)
		require.NotEqual(t, correlationID, got["correlation_id"])
	})
}

func TestCorrelationOfTheReply(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		var seen headers
		p := proxy(t, peers.Service(t, d).URIs["svc"], service.Use(seen.middleware(), correlation.New()))
		got, err := service.Call[map[string]any](t.Context(), p, "context")
		require.NoError(t, err)
		require.NotEqual(t, uuid.Nil, seen.get().CorrelationID)
		require.Equal(t, seen.get().CorrelationID.String(), got["correlation_id"], "made by the middleware")
	})
}

// A Python client calls Go, which calls Python, which may be of the other dialect.
func TestCorrelationFromPythonThroughGoToPython(t *testing.T) {
	eachDialect(t, func(t *testing.T, last peers.Dialect) {
		p := proxy(t, peers.Service(t, last).URIs["svc"])
		relay := service.New("relay")
		relay.Method("context", func(ctx context.Context) (map[string]any, error) {
			return service.Call[map[string]any](ctx, p, "context")
		})
		srv := serve(t, relay, service.Use(correlation.New()))
		eachDialect(t, func(t *testing.T, first peers.Dialect) {
			c := peers.NewClient(t, first)
			c.Connect("relay", srv.URI("relay").String())
			a := c.Do(peers.Request{Op: "call", Proxy: "relay", Method: "context", CorrelationID: correlationID})
			require.Contains(t, repr(t, a), "'correlation_id': '"+correlationID+"'")
		})
	})
}

// remote is what Python takes for a proxy.
func remote(d peers.Dialect, uri string) codec.Object {
	none := codec.Tuple{}
	if d == peers.Pyro4 {
		return codec.Object{Class: "Pyro4.core.Proxy", Attrs: map[string]any{
			"state": codec.Tuple{uri, none, none, none, 0.0, nil, "hello", 0, nil},
		}}
	}
	return codec.Object{Class: "Pyro5.client.Proxy", Attrs: map[string]any{
		"state": codec.Tuple{uri, none, none, none, "hello", nil},
	}}
}

// A Go proxy calls Python, which calls Go. Python passes the id of the call it is answering on by
// itself.
func TestCorrelationFromGoThroughPythonToGo(t *testing.T) {
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"])
		ctx := transport.WithCorrelationID(t.Context(), uuid.MustParse(correlationID))
		got, err := service.Call[map[string]any](ctx, p, "call_back", remote(d, srv.URI("svc").String()), "context")
		require.NoError(t, err)
		require.Equal(t, correlationID, got["correlation_id"])
		require.Equal(t, wire(d).String(), got["dialect"])
	})
}
