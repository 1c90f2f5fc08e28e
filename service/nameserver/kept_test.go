package nameserver_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A keeper keeps the contexts that it gets, as database/sql does for a moment after rows were read.
type keeper struct {
	mu   sync.Mutex
	kept []context.Context
}

func (k *keeper) keep(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, ctx)
}

// requireKept checks that nobody has used the memory of what was kept again.
func (k *keeper) requireKept(t *testing.T) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	require.NotEmpty(t, k.kept)
	for _, ctx := range k.kept {
		require.NotPanics(t, func() { _ = ctx.Err() })
		require.Equal(t, "lookup", transport.FromContext(ctx).Method)
	}
}

type keepingStorage struct {
	*storage.Memory
	keeper
}

func (s *keepingStorage) Get(ctx context.Context, name string) (storage.Record, error) {
	s.keep(ctx)
	return s.Memory.Get(ctx, name)
}

type keepingHandler struct {
	slog.Handler
	*keeper
}

func (h keepingHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h keepingHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "lookup" {
		h.keep(ctx)
	}
	return nil
}

// Whatever keeps the contexts of lookups for a while, the memory of a call that it may have is not used for the next one.
func TestTheContextOfALookupMayBeKept(t *testing.T) {
	store, log := &keepingStorage{Memory: storage.NewMemory()}, &keeper{}
	tests := map[string]struct {
		opts []nameserver.Option
		kept *keeper
	}{
		"by a storage":        {[]nameserver.Option{nameserver.Storage(store)}, &store.keeper},
		"by what writes logs": {[]nameserver.Option{nameserver.Logger(slog.New(keepingHandler{slog.DiscardHandler, log}))}, log},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ns := nameserver.New(tt.opts...)
			t.Cleanup(ns.Close)
			srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
			require.NoError(t, srv.Add(ns.Service()))
			require.NoError(t, srv.Start())
			t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) })
			c, err := pyro.Dial(t.Context(), srv.URI(nameserver.ObjectName), pyro.DialConfig{Plain: true, Dialect: codec.Pyro5})
			require.NoError(t, err)
			defer c.Close()
			for _, method := range []string{"register", "lookup", "lookup", "lookup", "ping"} {
				call := &transport.Call{Object: nameserver.ObjectName, Method: method}
				switch method {
				case "register":
					call.Args.Positional = []any{"x", "PYRO:o@h:1"}
				case "lookup":
					call.Args.Positional = []any{"x"}
				}
				_, err := c.Call(t.Context(), call)
				require.NoError(t, err)
			}
			tt.kept.requireKept(t)
		})
	}
}
