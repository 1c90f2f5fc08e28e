package pyro_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// dialed returns a client of an object on a network that dial is.
func dialed(t *testing.T, attempts int, dial func(context.Context) (net.Conn, error)) *pyro.Client {
	t.Helper()
	uri, err := pyro.ParseURI("PYRO:o@nowhere:1")
	require.NoError(t, err)
	cfg := pyro.DialConfig{Attempts: attempts, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	c := pyro.NewClient(func(context.Context) (pyro.URI, error) { return uri, nil }, cfg, false)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// Callers that wait for one connection to where nobody answers do not wait one after the other.
func TestWaitingCallersShareAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		c := dialed(t, 1, func(ctx context.Context) (net.Conn, error) {
			dials.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		call := func() time.Duration {
			begun := time.Now()
			_, err := c.Call(t.Context(), &transport.Call{Object: "o", Method: "m"})
			require.ErrorIs(t, err, transport.ErrTimeout)
			require.True(t, transport.AsError(err).NotSent)
			return time.Since(begun)
		}
		one := call()
		require.EqualValues(t, 1, dials.Load())
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				if took := call(); took != one {
					t.Errorf("waited for %v, one alone for %v", took, one)
				}
			})
		}
		calls.Wait()
		require.EqualValues(t, 2, dials.Load())
		call()
		require.EqualValues(t, 3, dials.Load(), "who comes later tries again")
	})
}

// What ended for a reason of the caller's own says nothing of the peer, and who wants more attempts makes them.
func TestWaitingCallersTryThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		c := dialed(t, 1, func(ctx context.Context) (net.Conn, error) {
			dials.Add(1)
			select {
			case <-time.After(time.Second):
				return nil, syscall.ECONNREFUSED
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		long, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var calls sync.WaitGroup
		calls.Go(func() {
			_, _, _, err := c.Connect(short)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		calls.Go(func() {
			_, _, _, err := c.Connect(t.Context())
			require.ErrorIs(t, err, transport.ErrUnavailable)
		})
		time.Sleep(600 * time.Millisecond)
		require.EqualValues(t, 2, dials.Load())
		calls.Go(func() { require.Error(t, c.Reconnect(long)) })
		calls.Wait()
		require.Greater(t, dials.Load(), int32(10))
	})
}

// The network and servers know deadlines, too, and may be the first to say that one is over: before the context has.
func TestWaitingCallersDoNotShareADeadline(t *testing.T) {
	early := func(ctx context.Context) error {
		until, limited := ctx.Deadline()
		if !limited {
			<-ctx.Done()
			return ctx.Err()
		}
		time.Sleep(time.Until(until))
		return context.DeadlineExceeded
	}
	for name, waits := range map[string]struct{ resolve, dial func(context.Context) error }{
		"network":   {func(context.Context) error { return nil }, early},
		"directory": {early, func(context.Context) error { return syscall.ECONNREFUSED }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				uri, err := pyro.ParseURI("PYRO:o@nowhere:1")
				require.NoError(t, err)
				resolve := func(ctx context.Context) (pyro.URI, error) { return uri, waits.resolve(ctx) }
				cfg := pyro.DialConfig{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, waits.dial(ctx) }}
				c := pyro.NewClient(resolve, cfg, false)
				var calls sync.WaitGroup
				for _, patience := range []time.Duration{time.Second, time.Minute} {
					calls.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						begun := time.Now()
						_, _, _, err := c.Connect(undecided{ctx})
						require.ErrorIs(t, err, transport.ErrTimeout)
						require.GreaterOrEqual(t, time.Since(begun), min(patience, pyro.DefaultTimeout))
					})
					synctest.Wait()
				}
				calls.Wait()
				require.NoError(t, c.Close())
			})
		})
	}
}

// An undecided context says late that its deadline is over, as on a machine that is busy.
type undecided struct{ context.Context } //nolint:containedctx // it is one

func (u undecided) Err() error {
	if until, _ := u.Deadline(); !time.Now().After(until) {
		return nil
	}
	return u.Context.Err()
}
