package concurrency_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/concurrency"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// both runs a test with either kind of limit, of n places.
func both(t *testing.T, n int, test func(t *testing.T, limit concurrency.Option)) {
	t.Helper()
	for name, limit := range map[string]concurrency.Option{
		"fixed": concurrency.Limit(n), "adaptive": concurrency.Adaptive(n, n, n),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, limit) })
		})
	}
}

// sleeps answers after a second, unless the context ends.
func sleeps(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
	select {
	case <-time.After(time.Second):
		return &transport.Reply{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// outcomes makes n calls at the same time and tells how many passed and how many were refused.
func outcomes(t *testing.T, endpoint transport.Endpoint, n int) (passed, refused int64) {
	t.Helper()
	var ok, no atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			switch _, err := endpoint(t.Context(), &transport.Call{}); {
			case err == nil:
				ok.Add(1)
			case errors.Is(err, transport.ErrExhausted):
				no.Add(1)
			}
		})
	}
	wg.Wait()
	return ok.Load(), no.Load()
}

func TestHowManyRunAndWait(t *testing.T) {
	tests := []struct {
		name            string
		queue           int
		patience        time.Duration
		passed, refused int64
		lasts           time.Duration
	}{
		{"no queue", 0, 0, 2, 8, time.Second},
		{"a queue", 3, 10 * time.Second, 5, 5, 3 * time.Second},
		{"a queue for a shorter time than a call takes", 3, 500 * time.Millisecond, 2, 8, time.Second},
		{"a queue for all", 100, time.Minute, 10, 0, 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			both(t, 2, func(t *testing.T, limit concurrency.Option) {
				endpoint := concurrency.New(limit, concurrency.Queue(tt.queue, tt.patience)).Call(sleeps)
				begun := time.Now()
				passed, refused := outcomes(t, endpoint, 10)
				require.Equal(t, tt.passed, passed)
				require.Equal(t, tt.refused, refused)
				require.Equal(t, tt.lasts, time.Since(begun))
				passed, _ = outcomes(t, endpoint, 2)
				require.Equal(t, int64(2), passed, "all places were given back")
			})
		})
	}
}

func TestWhoGivesUpLeavesTheQueue(t *testing.T) {
	both(t, 1, func(t *testing.T, limit concurrency.Option) {
		endpoint := concurrency.New(limit, concurrency.Queue(1, time.Minute)).Call(sleeps)
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := endpoint(t.Context(), &transport.Call{})
			require.NoError(t, err)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := endpoint(ctx, &transport.Call{})
		require.ErrorIs(t, err, transport.ErrTimeout)
		require.True(t, transport.AsError(err).NotSent)
		_, err = endpoint(t.Context(), &transport.Call{})
		require.NoError(t, err, "its place in the queue is free")
		wg.Wait()
	})
}

func TestAMethodThatPanicsGivesItsPlaceBack(t *testing.T) {
	both(t, 1, func(t *testing.T, limit concurrency.Option) {
		endpoint := concurrency.New(limit).Call(func(context.Context, *transport.Call) (*transport.Reply, error) { panic("x") })
		for range 3 {
			require.PanicsWithValue(t, "x", func() { _, _ = endpoint(t.Context(), &transport.Call{}) })
		}
	})
}

func TestOnlyWhatFitsIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := concurrency.New(concurrency.Limit(1), concurrency.Calls("slow*")).Call(sleeps)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = endpoint(t.Context(), &transport.Call{Method: "slow"}) })
		synctest.Wait()
		_, err := endpoint(t.Context(), &transport.Call{Method: "slow_too"})
		require.ErrorIs(t, err, transport.ErrExhausted)
		for _, c := range []transport.Call{{Method: "fast"}, {Kind: transport.Ping, Method: "slow"}, {Kind: transport.StreamClose, Method: "slow"}} {
			_, err = endpoint(t.Context(), &c)
			require.NoError(t, err)
		}
		wg.Wait()
	})
}

// When calls take longer than they used to, fewer are let through.
func TestTheLimitAdapts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most, pace atomic.Int64
		pace.Store(int64(10 * time.Millisecond))
		endpoint := concurrency.New(concurrency.Adaptive(1, 20, 40)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Duration(pace.Load() * max(running.Load(), 1)))
			return &transport.Reply{}, nil
		})
		load := func(d time.Duration) {
			most.Store(0)
			until := time.Now().Add(d)
			var wg sync.WaitGroup
			for range 60 {
				wg.Go(func() {
					for time.Now().Before(until) {
						if _, err := endpoint(t.Context(), &transport.Call{}); err != nil {
							time.Sleep(10 * time.Millisecond)
						}
					}
				})
			}
			wg.Wait()
		}
		load(5 * time.Second)
		pace.Store(int64(100 * time.Millisecond))
		load(time.Minute)
		load(10 * time.Second)
		require.Less(t, most.Load(), int64(20))
	})
}

// chairs is a limiter that never has anybody wait.
type chairs struct{ free int }

func (c *chairs) Try() concurrency.Place {
	if c.free == 0 {
		return nil
	}
	c.free--
	return c
}

func (c *chairs) Wait(context.Context) (concurrency.Place, error) {
	return nil, errors.New("unexpected")
}
func (c *chairs) Done(bool) { c.free++ }

func TestALimiterOfOnesOwn(t *testing.T) {
	c := &chairs{free: 1}
	var nested error
	var endpoint transport.Endpoint
	endpoint = concurrency.New(concurrency.LimitWith(c)).Call(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
		_, nested = endpoint(ctx, &transport.Call{})
		return &transport.Reply{}, nil
	})
	_, err := endpoint(t.Context(), &transport.Call{})
	require.NoError(t, err)
	require.ErrorIs(t, nested, transport.ErrExhausted)
	require.Equal(t, 1, c.free)
}

func TestOnAServerAndAClient(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	s := service.New("slow").Method("hold", func() { entered <- struct{}{}; <-release }).Method("fine", func() {})
	pair, err := pairtest.Serve(s, service.Use(concurrency.New(concurrency.Limit(1))))
	require.NoError(t, err)
	defer func() { require.NoError(t, pair.Close()) }()
	one, err := pair.Connect()
	require.NoError(t, err)
	two, err := pair.Connect(service.Use(concurrency.New(concurrency.Limit(1))))
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() { require.NoError(t, service.Do(t.Context(), one, "hold")) })
	<-entered
	err = service.Do(t.Context(), two, "fine")
	require.ErrorContains(t, err, "too many calls at once")
	require.True(t, transport.AsError(err).Remote)
	b := two.Batch()
	service.Queue[any](b, "fine")
	require.ErrorContains(t, b.Do(t.Context()), "too many calls at once")
	close(release)
	wg.Wait()
	require.NoError(t, service.Do(t.Context(), two, "fine"))
}

func BenchmarkFixed(b *testing.B)    { benchmark(b, concurrency.Limit(10)) }
func BenchmarkAdaptive(b *testing.B) { benchmark(b, concurrency.Adaptive(10, 10, 10)) }

func benchmark(b *testing.B, limit concurrency.Option) {
	endpoint := concurrency.New(limit).Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return nil, nil }) //nolint:nilnil // it is not looked at
	call := &transport.Call{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := endpoint(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
