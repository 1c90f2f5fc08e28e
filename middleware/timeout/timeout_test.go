package timeout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/timeout"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheEarlierDeadlineHolds(t *testing.T) {
	tests := []struct {
		name           string
		callers, limit time.Duration // 0: none
		want           time.Duration
	}{
		{"only the middleware's", 0, time.Second, time.Second},
		{"the caller's is later", time.Minute, time.Second, time.Second},
		{"the caller's is earlier", time.Second, time.Minute, time.Second},
		{"only the caller's", time.Second, 0, time.Second},
		{"a negative limit is none", time.Second, -1, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				endpoint := transport.Chain(timeout.New(tt.limit)).Call(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				})
				ctx := t.Context()
				if tt.callers > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.callers)
					defer cancel()
				}
				begun := time.Now()
				_, err := endpoint(ctx, &transport.Call{})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, tt.want, time.Since(begun))
			})
		})
	}
}

// sleeper's method lasts as long as its context, or until release is closed.
func sleeper(release <-chan struct{}) *service.Service {
	s := service.New("sleeper")
	s.Method("sleep", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-release:
		}
		return ctx.Err()
	})
	s.Method("echo", func(v int) int { return v })
	return s
}

func TestOnAClientTheConnectionStays(t *testing.T) {
	release := make(chan struct{})
	p := pairtest.Join(t, sleeper(release), nil, service.Use(timeout.New(20*time.Millisecond)), service.NoMetadata())
	before, err := p.Info(t.Context())
	require.NoError(t, err)
	err = service.Do(t.Context(), p, "sleep")
	require.ErrorIs(t, err, transport.ErrTimeout)
	require.False(t, transport.AsError(err).Remote)
	after, err := p.Info(t.Context())
	require.NoError(t, err)
	require.Same(t, before.Peer, after.Peer)
	close(release)
}

func TestOnAServerTheCallerSeesATimeoutError(t *testing.T) {
	p := pairtest.Join(t, sleeper(nil), []service.ServerOption{service.Use(timeout.New(20 * time.Millisecond))})
	err := service.Do(t.Context(), p, "sleep")
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, transport.ErrTimeout)
	require.True(t, e.Remote)
	require.Equal(t, "builtins.TimeoutError", e.Class)
	n, err := service.Call[int](t.Context(), p, "echo", 5)
	require.NoError(t, err)
	require.Equal(t, 5, n)
}
