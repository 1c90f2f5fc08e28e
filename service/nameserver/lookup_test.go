package nameserver_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// What is looked up arrives as a URI, alone and in a batch, whatever its form.
func TestLookupAnswersWithAURI(t *testing.T) {
	texts := []string{"PYRO:o@h:1", "PYRO:it's@[::1]:00012", "PYRO:o@./u:/tmp/s", "PYRONAME:other", "PYROMETA:a,b@h:1", "PYRO:ü@h:1"}
	_, address := start(t)
	for _, d := range both {
		for _, serializer := range []string{"serpent", "json", "marshal", "msgpack"} {
			p, err := service.Connect("PYRO:"+nameserver.ObjectName+"@"+address, service.Dialect(d), service.Serializer(serializer))
			require.NoError(t, err)
			if d == codec.Pyro4 && serializer == "msgpack" {
				require.NoError(t, p.Close()) // not every Pyro4 has it
				continue
			}
			for _, text := range texts {
				want, err := pyro.ParseURI(text)
				require.NoError(t, err)
				require.NoError(t, service.Do(t.Context(), p, "register", "x", text))
				one, err := service.Call[pyro.URI](t.Context(), p, "lookup", "x")
				require.NoError(t, err, "%s %s %s", d, serializer, text)
				require.Equal(t, want, one)
				b := p.Batch()
				first, second := service.Queue[pyro.URI](b, "lookup", "x"), service.Queue[any](b, "lookup", "x")
				require.NoError(t, b.Do(t.Context()))
				got, err := first.Value()
				require.NoError(t, err)
				require.Equal(t, want, got)
				other, err := second.Value()
				require.NoError(t, err)
				require.Equal(t, want, other)
			}
			require.NoError(t, p.Close())
		}
	}
}

func TestAMiddlewareSeesWhatLookupReturns(t *testing.T) {
	var seen atomic.Value
	ns := nameserver.New(nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Logger(quiet()),
		nameserver.Server(service.Use(transport.Middleware{Name: "seeing", Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				reply, err := next(ctx, call)
				if err == nil && call.Method == "lookup" {
					seen.Store(reply.Value.Go())
				}
				return reply, err
			}
		}})))
	require.NoError(t, ns.Start(t.Context()))
	defer func() { require.NoError(t, ns.Shutdown(context.Background())) }()
	_, address := ns.URI().Address()
	p := proxy(t, address, codec.Pyro5)
	require.NoError(t, service.Do(t.Context(), p, "register", "x", "PYRO:o@h:1"))
	got, err := service.Call[pyro.URI](t.Context(), p, "lookup", "x")
	require.NoError(t, err)
	require.Equal(t, got, seen.Load())
}
