//go:build integration

package integration

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/service"
)

// Bounds of what has to happen; nothing passes because they are long.
const (
	soon = 30 * time.Second
	tick = 5 * time.Millisecond
)

// both are the serializers that every peer of either dialect has.
var both = []string{"serpent", "json", "marshal"}

func TestMain(m *testing.M) {
	flag.Parse()
	// What servers log hides what failed; it is shown with -v.
	if !testing.Verbose() {
		slog.SetDefault(slog.New(slog.DiscardHandler))
	}
	goleak.VerifyTestMain(m)
}

// eachDialect runs a test for Pyro4 and for Pyro5.
func eachDialect(t *testing.T, test func(t *testing.T, d peers.Dialect)) {
	t.Helper()
	for _, d := range peers.Dialects {
		t.Run(d.String(), func(t *testing.T) { test(t, d) })
	}
}

// eachClient runs a test for each dialect and serializer with a Python client whose proxy "svc" stands
// for the Go service.
func eachClient(t *testing.T, test func(t *testing.T, c *peers.Client, serializer string)) {
	t.Helper()
	srv := serve(t, newService())
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		for _, serializer := range both {
			t.Run(serializer, func(t *testing.T) {
				connect(t, c, peers.Request{Proxy: "svc", URI: srv.URI("svc").String(), Serializer: serializer})
				test(t, c, serializer)
			})
		}
	})
}

// eachProxy runs a test for each dialect and serializer with a Go proxy of the Python service.
func eachProxy(t *testing.T, test func(t *testing.T, p *service.Proxy, serializer string)) {
	t.Helper()
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		svc := peers.Service(t, d)
		for _, serializer := range both {
			t.Run(serializer, func(t *testing.T) {
				test(t, proxy(t, svc.URIs["svc"], service.Serializer(serializer)), serializer)
			})
		}
	})
}

// serve runs a Go server until the test ends: on a free port of 127.0.0.1, unless options say otherwise.
func serve(t *testing.T, s *service.Service, opts ...service.ServerOption) *service.Server {
	t.Helper()
	return serveOn(t, []*service.Service{s}, append([]service.ServerOption{service.Listen("tcp", "127.0.0.1:0")}, opts...)...)
}

// serveOn is serve for several services, on the addresses that the options name.
func serveOn(t *testing.T, services []*service.Service, opts ...service.ServerOption) *service.Server {
	t.Helper()
	srv := service.NewServer(append([]service.ServerOption{service.Logger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(t, srv.Add(services...))
	require.NoError(t, srv.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		require.NoError(t, srv.Shutdown(ctx))
	})
	return srv
}

// proxy returns a Go proxy that is closed when the test ends.
func proxy(t *testing.T, uri string, opts ...service.ProxyOption) *service.Proxy {
	t.Helper()
	p, err := service.Connect(uri, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// connect makes a Python proxy. Nothing is sent yet.
func connect(t *testing.T, c *peers.Client, request peers.Request) {
	t.Helper()
	request.Op = "proxy"
	answer := c.Do(request)
	require.True(t, answer.OK, "%+v", answer.Error)
}

// repr returns what a Python client got, as Python prints it.
func repr(t *testing.T, a peers.Answer) string {
	t.Helper()
	require.Nil(t, a.Error, "%+v", a.Error)
	return a.Repr
}

// raised returns the exception that a Python client got.
func raised(t *testing.T, a peers.Answer) *peers.Exception {
	t.Helper()
	require.NotNil(t, a.Error, "no exception, but %s", a.Repr)
	return a.Error
}

// within returns a context that no test should ever see the end of.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// of names a class of the dialect's own errors: Pyro5.errors.NamingError.
func of(d peers.Dialect, class string) string {
	return fmt.Sprintf("%s.errors.%s", d, class)
}

// wire returns the dialect in the codec's words.
func wire(d peers.Dialect) codec.Dialect {
	return codec.Dialect(d)
}
