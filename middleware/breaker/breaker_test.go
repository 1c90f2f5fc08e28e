package breaker_test

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

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/breaker"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errLost = transport.Errorf(transport.CodeUnavailable, "connection lost")

// A script answers calls with what it holds.
type script struct {
	err   error
	calls int
}

func (s *script) endpoint(context.Context, *transport.Call) (*transport.Reply, error) {
	s.calls++
	return &transport.Reply{}, s.err
}

func TestItOpensProbesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		s := &script{err: errLost}
		endpoint := breaker.New(
			breaker.Failures(3), breaker.Delay(10*time.Second), breaker.Probes(2),
			breaker.OnChange(func(target string, from, to breaker.State) {
				changes = append(changes, fmt.Sprint(target, " ", from, " ", to))
			})).Call(s.endpoint)
		call := &transport.Call{Object: "bank", Method: "pay"}
		for range 3 {
			_, err := endpoint(t.Context(), call)
			require.Same(t, errLost, err)
		}
		_, err := endpoint(t.Context(), call)
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.ErrorContains(t, err, "circuit breaker of bank is open: try again in ")
		require.True(t, transport.AsError(err).NotSent)
		wait, ok := middleware.RetryAfter(err)
		require.True(t, ok)
		require.InDelta(t, 10, wait.Seconds(), 1.001)
		require.Equal(t, 3, s.calls)

		time.Sleep(wait)
		_, err = endpoint(t.Context(), call)
		require.Same(t, errLost, err, "a probe")
		_, err = endpoint(t.Context(), call)
		require.ErrorContains(t, err, "is open", "it failed")

		time.Sleep(11 * time.Second)
		s.err = nil
		for range 2 {
			_, err = endpoint(t.Context(), call)
			require.NoError(t, err)
		}
		require.Equal(t, []string{
			"bank closed open", "bank open half-open", "bank half-open open", "bank open half-open", "bank half-open closed",
		}, changes)
	})
}

func TestOnlyAsManyProbesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{err: errLost}
		var endpoint transport.Endpoint
		endpoint = breaker.New(breaker.Failures(1)).Call(func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if s.calls == 1 {
				s.calls++
				_, err := endpoint(ctx, call)
				require.ErrorContains(t, err, "circuit breaker of bank is probing")
				return &transport.Reply{}, nil
			}
			return s.endpoint(ctx, call)
		})
		call := &transport.Call{Object: "bank"}
		_, err := endpoint(t.Context(), call)
		require.Error(t, err)
		time.Sleep(time.Minute)
		_, err = endpoint(t.Context(), call)
		require.NoError(t, err)
	})
}

func TestWhatCounts(t *testing.T) {
	raised := transport.NewError("ConnectionError", "down there")
	raised.Remote = true
	tests := []struct {
		name  string
		opts  []breaker.Option
		err   error
		opens bool
	}{
		{"a lost connection", nil, errLost, true},
		{"in wrapping", nil, fmt.Errorf("w: %w", errLost), true},
		{"a deadline", nil, context.DeadlineExceeded, true},
		{"an exception of that code", nil, raised, true},
		{"another exception", nil, transport.NewError("ValueError"), false},
		{"success", nil, nil, false},
		{"a call given up", nil, context.Canceled, false},
		{"another code", []breaker.Option{breaker.Codes(transport.CodeInternal)}, errLost, false},
		{"a code of one's choice", []breaker.Option{breaker.Codes(transport.CodeInvalidArgument)}, transport.NewError("ValueError"), true},
		{"a call that is not meant", []breaker.Option{breaker.Calls("other")}, errLost, false},
		{"a call that is meant", []breaker.Option{breaker.Calls("o.*")}, errLost, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{err: tt.err}
			endpoint := breaker.New(append(tt.opts, breaker.Failures(2))...).Call(s.endpoint)
			for range 4 {
				_, _ = endpoint(t.Context(), &transport.Call{Object: "o", Method: "m"})
			}
			require.Equal(t, map[bool]int{true: 2, false: 4}[tt.opens], s.calls)
		})
	}
}

func TestThresholds(t *testing.T) {
	tests := []struct {
		name   string
		option breaker.Option
		pause  time.Duration
		calls  string // f fails
		opens  bool
	}{
		{"in a row", breaker.Failures(2), 0, "f.f.f.", false},
		{"so many of the last ones", breaker.FailuresOf(2, 4), 0, ".f.f", true},
		{"fewer of the last ones", breaker.FailuresOf(2, 4), 0, "f...f...", false},
		{"within a time", breaker.FailuresWithin(2, 10*time.Second), time.Second, "f.f", true},
		{"not within it", breaker.FailuresWithin(2, 10*time.Second), time.Minute, "f.f", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				endpoint := breaker.New(tt.option).Call(s.endpoint)
				for _, c := range tt.calls {
					s.err = nil
					if c == 'f' {
						s.err = errLost
					}
					_, _ = endpoint(t.Context(), &transport.Call{Object: "o"})
					time.Sleep(tt.pause)
				}
				s.err = nil
				_, err := endpoint(t.Context(), &transport.Call{Object: "o"})
				require.Equal(t, tt.opens, err != nil)
			})
		})
	}
}

// Whatever becomes of a probe, the next one is let through.
func TestAProbeThatEndsOddly(t *testing.T) {
	odd := map[string]func() error{
		"a panic":            func() error { panic("x") },
		"it was given up":    func() error { return context.Canceled },
		"an error of Pyro's": func() error { return transport.NewError("ValueError") },
	}
	for name, end := range odd {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				do := func() error { return errLost }
				endpoint := breaker.New(breaker.Failures(1)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
					return &transport.Reply{}, do()
				})
				call := func() (err error) {
					defer func() {
						if r := recover(); r != nil {
							err = errors.New("panicked")
						}
					}()
					_, err = endpoint(t.Context(), &transport.Call{Object: "o"})
					return err
				}
				require.Error(t, call())
				do = end
				for range 3 {
					time.Sleep(time.Minute)
					require.NotErrorIs(t, call(), transport.ErrUnavailable)
				}
				do = func() error { return nil }
				time.Sleep(time.Minute)
				require.NoError(t, call())
			})
		})
	}
}

func TestEachObjectOrMethodHasItsOwn(t *testing.T) {
	s := &script{err: errLost}
	a, b, other := &transport.Call{Object: "o", Method: "a"}, &transport.Call{Object: "o", Method: "b"}, &transport.Call{Object: "p", Method: "a"}
	reached := func(endpoint transport.Endpoint, call *transport.Call) bool {
		before := s.calls
		_, _ = endpoint(t.Context(), call)
		return s.calls > before
	}
	m := breaker.New(breaker.Failures(1))
	perObject := m.Call(s.endpoint)
	require.True(t, reached(perObject, a))
	require.False(t, reached(perObject, b))
	require.True(t, reached(perObject, other))
	require.True(t, reached(m.Call(s.endpoint), a), "another proxy")

	perMethod := breaker.New(breaker.Failures(1), breaker.PerMethod()).Call(s.endpoint)
	require.True(t, reached(perMethod, a))
	require.True(t, reached(perMethod, b))
	require.False(t, reached(perMethod, a))

	few := breaker.New(breaker.Failures(1), breaker.PerMethod(), breaker.Breakers(1)).Call(s.endpoint)
	require.True(t, reached(few, a))
	require.True(t, reached(few, b))
	require.False(t, reached(few, other), "it shares one with b")

	for _, kind := range []transport.Kind{transport.Ping, transport.StreamItem, transport.StreamClose, transport.Metadata} {
		require.True(t, reached(few, &transport.Call{Kind: kind, Object: "o", Method: "a"}))
	}
}

// Of a real proxy: a server that is gone is not dialled again.
func TestAServerThatIsGone(t *testing.T) {
	s := service.New("o").Method("m", func() int { return 1 }).Property("a", func() int { return 2 }, nil)
	pair, err := pairtest.Serve(s)
	require.NoError(t, err)
	defer func() { require.NoError(t, pair.Close()) }()
	var dialled atomic.Int32
	p, err := service.Connect("PYRO:o@memory:1",
		service.DialWith(func(_ context.Context, network, _ string) (net.Conn, error) {
			dialled.Add(1)
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		}),
		service.Use(breaker.New(breaker.Failures(2))))
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	var last error
	for range 5 {
		last = service.Do(t.Context(), p, "m")
	}
	require.ErrorContains(t, last, "circuit breaker of o is open")
	_, err = service.Get[int](t.Context(), p, "a")
	require.ErrorContains(t, err, "circuit breaker")
	before := dialled.Load()
	b := p.Batch()
	service.Queue[int](b, "m")
	require.ErrorContains(t, b.Do(t.Context()), "circuit breaker")
	require.Equal(t, before, dialled.Load())
}

func BenchmarkClosed(b *testing.B) {
	endpoint := breaker.New(breaker.PerMethod()).Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return nil, nil }) //nolint:nilnil // it is not looked at
	call := &transport.Call{Object: "o", Method: "m"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := endpoint(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
