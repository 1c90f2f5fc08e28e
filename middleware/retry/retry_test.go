package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/retry"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func lost(sent bool) error {
	e := transport.Errorf(transport.CodeUnavailable, "connection lost")
	e.NotSent = !sent
	return e
}

func batch(methods ...string) transport.Call {
	call := transport.Call{Kind: transport.Batch, Method: transport.BatchMethod}
	for _, m := range methods {
		call.Entries = append(call.Entries, codec.BatchEntry{Method: m})
	}
	return call
}

func TestWhatIsRepeated(t *testing.T) {
	timedOut := transport.Wrap(transport.CodeDeadlineExceeded, context.DeadlineExceeded)
	raised := transport.NewError("ConnectionResetError")
	raised.Remote = true
	unknown := transport.Errorf(transport.CodeNotFound, "no such method")
	unknown.NotSent = true
	call := func(c transport.Call) transport.Call {
		c.Object = "example.greeting"
		if c.Method == "" {
			c.Method = "greet"
		}
		return c
	}
	tests := []struct {
		name string
		call transport.Call
		safe []string
		err  error
		want int // attempts
	}{
		{name: "what never left", err: lost(false), want: 3},
		{name: "what never left, in wrapping", err: fmt.Errorf("w: %w", lost(false)), want: 3},
		{name: "what may have left", err: lost(true), want: 1},
		{name: "what may have left, declared safe", safe: []string{"greet"}, err: lost(true), want: 3},
		{name: "a timeout", err: timedOut, want: 1},
		{name: "a timeout, declared safe", safe: []string{"greet"}, err: timedOut, want: 3},
		{name: "another method is safe", safe: []string{"other"}, err: lost(true), want: 1},
		{name: "a pattern of methods", safe: []string{"gr*"}, err: lost(true), want: 3},
		{name: "the object, too", safe: []string{"example.greeting.greet"}, err: lost(true), want: 3},
		{name: "a pattern of objects", safe: []string{"example.*.greet"}, err: lost(true), want: 3},
		{name: "another object", safe: []string{"example.other.greet"}, err: lost(true), want: 1},
		{name: "all", safe: []string{"*"}, err: lost(true), want: 3},
		{name: "a bad pattern is safe for nothing", safe: []string{"[gr"}, err: lost(true), want: 1},
		{name: "an exception of the method", safe: []string{"*"}, err: raised, want: 1},
		{name: "an error that repeating does not change", safe: []string{"*"}, err: unknown, want: 1},
		{name: "a foreign error", safe: []string{"*"}, err: errors.New("x"), want: 1},
		{name: "a one-way call", call: transport.Call{Oneway: true}, safe: []string{"*"}, err: lost(true), want: 1},
		{name: "a one-way call that never left", call: transport.Call{Oneway: true}, err: lost(false), want: 1},
		{name: "an item of an iterator", call: transport.Call{Kind: transport.StreamItem}, safe: []string{"*"}, err: lost(true), want: 1},
		{name: "reading an attribute, declared safe", call: transport.Call{Kind: transport.GetAttr, Method: "velocity"}, safe: []string{"velocity"}, err: lost(true), want: 3},
		{name: "a batch of safe calls", call: batch("greet", "wave"), safe: []string{"greet", "wave"}, err: lost(true), want: 3},
		{name: "a batch with a call that is not safe", call: batch("greet", "pay"), safe: []string{"greet"}, err: lost(true), want: 1},
		{name: "a batch that never left", call: batch("pay"), err: lost(false), want: 3},
		{name: "an empty batch where nothing is declared", call: batch(), err: lost(true), want: 1},
		{name: "success", want: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				endpoint := retry.New(retry.Safe(tt.safe...)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
					n++
					return &transport.Reply{}, tt.err
				})
				c := call(tt.call)
				_, err := endpoint(t.Context(), &c)
				require.ErrorIs(t, err, tt.err)
				require.Equal(t, tt.want, n)
			})
		})
	}
}

func TestASecondAttemptMaySucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		endpoint := retry.New().Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
			if n++; n == 1 {
				return nil, lost(false)
			}
			return &transport.Reply{}, nil
		})
		_, err := endpoint(t.Context(), &transport.Call{})
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

func TestEachWaitIsBetweenHalfAndAllOfADoublingTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		endpoint := retry.New(retry.Attempts(6), retry.Backoff(time.Second, 4*time.Second)).Call(
			func(context.Context, *transport.Call) (*transport.Reply, error) {
				at = append(at, time.Now())
				return nil, lost(false)
			})
		_, err := endpoint(t.Context(), &transport.Call{})
		require.Error(t, err)
		require.Len(t, at, 6)
		for i, longest := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 4 * time.Second} {
			wait := at[i+1].Sub(at[i])
			require.GreaterOrEqual(t, wait, longest/2)
			require.LessOrEqual(t, wait, longest)
		}
	})
}

func TestTheEndOfTheContextEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		endpoint := retry.New(retry.Backoff(time.Hour, time.Hour)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
			return nil, lost(false)
		})
		_, err := endpoint(ctx, &transport.Call{})
		require.ErrorIs(t, err, transport.ErrUnavailable, "what went wrong says more than that time ran out")
		require.Equal(t, time.Second, time.Since(begun))
	})
}

// At the end of a real proxy: the first two attempts to connect fail.
func TestAServerThatIsNotThereYet(t *testing.T) {
	pair, err := pairtest.Serve(service.New("greeter").Method("greet", func() string { return "Hello" }))
	require.NoError(t, err)
	defer func() { require.NoError(t, pair.Close()) }()
	var dialled atomic.Int32
	p, err := service.Connect("PYRO:greeter@memory:1",
		service.DialWith(func(ctx context.Context, network, address string) (net.Conn, error) {
			if dialled.Add(1) < 3 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
			}
			return pair.Dial(ctx, network, address)
		}),
		service.Use(retry.New(retry.Backoff(time.Millisecond, time.Millisecond))))
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	s, err := service.Call[string](t.Context(), p, "greet")
	require.NoError(t, err)
	require.Equal(t, "Hello", s)
	require.Equal(t, int32(3), dialled.Load())
}
