package retry_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/ratelimit"
	"github.com/pyrokit/pyrokit/middleware/retry"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func remote(class string) error {
	e := transport.NewError(class, "x")
	e.Remote = true
	return e
}

func TestPolicies(t *testing.T) {
	exhausted := middleware.Refusal(transport.CodeResourceExhausted, 0, "too much")
	codes := retry.For(retry.Policy{Attempts: 5, Codes: []transport.Code{transport.CodeResourceExhausted, transport.CodeInvalidArgument}}, "o.get_*", "peek")
	never := retry.For(retry.Policy{Attempts: 1}, "get_secret")
	tests := []struct {
		name string
		opts []retry.Option
		call transport.Call
		err  error
		want int
	}{
		{"a code of the policy", []retry.Option{codes}, transport.Call{Method: "get_a"}, exhausted, 5},
		{"an exception of the method of such a code", []retry.Option{codes}, transport.Call{Method: "get_a"}, remote("ValueError"), 5},
		{"an exception of another", []retry.Option{codes}, transport.Call{Method: "get_a"}, remote("KeyError"), 1},
		{"a code that the policy does not name", []retry.Option{codes}, transport.Call{Method: "get_a"}, lost(true), 1},
		{"what never left all the same", []retry.Option{codes}, transport.Call{Method: "get_a"}, lost(false), 5},
		{"a method that the policy is not for", []retry.Option{codes}, transport.Call{Method: "set_a"}, exhausted, 1},
		{"the first policy that fits counts", []retry.Option{never, codes}, transport.Call{Method: "get_secret"}, exhausted, 1},
		{"one attempt", []retry.Option{never}, transport.Call{Method: "get_secret"}, lost(false), 1},
		{"Safe comes last", []retry.Option{retry.Safe("*"), codes}, transport.Call{Method: "get_a"}, lost(true), 1},
		{"without codes, what this side noticed", []retry.Option{retry.For(retry.Policy{}, "*")}, transport.Call{Method: "m"}, lost(true), 3},
		{"not what the peer raised", []retry.Option{retry.For(retry.Policy{}, "*")}, transport.Call{Method: "m"}, remote("ConnectionError"), 1},
		{"one-way, whatever is declared", []retry.Option{codes, retry.Safe("*")}, transport.Call{Method: "get_a", Oneway: true}, exhausted, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				endpoint := retry.New(tt.opts...).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
					n++
					return &transport.Reply{}, tt.err
				})
				tt.call.Object = "o"
				_, err := endpoint(t.Context(), &tt.call)
				require.ErrorIs(t, err, tt.err)
				require.Equal(t, tt.want, n)
			})
		})
	}
}

func TestARefusalSaysWhenToComeBack(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration
		want  int
	}{
		{"soon", time.Second, 2},
		{"later than the policy waits", 3 * time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, n := time.Now(), 0
				endpoint := retry.New(retry.Attempts(2)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
					n++
					return nil, middleware.Refusal(transport.CodeUnavailable, tt.after, "open")
				})
				_, err := endpoint(t.Context(), &transport.Call{})
				require.Error(t, err)
				require.Equal(t, tt.want, n)
				require.Equal(t, time.Duration(tt.want-1)*tt.after, time.Since(begun))
			})
		})
	}
}

func TestTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		failing := true
		endpoint := retry.New(retry.Budget(0.25, 2), retry.Attempts(10)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
			n++
			if failing {
				return nil, lost(false)
			}
			return &transport.Reply{}, nil
		})
		calls := func(k int) int {
			n = 0
			for range k {
				_, _ = endpoint(t.Context(), &transport.Call{})
			}
			return n
		}
		require.Equal(t, 1+2, calls(1), "what was spared")
		require.Equal(t, 100+25, calls(100), "a quarter of the calls")
		failing = false
		require.Equal(t, 100, calls(100))
		failing = true
		require.Equal(t, 1+2, calls(1), "no more is put aside than that")
	})
}

func TestHedging(t *testing.T) {
	type try struct {
		takes time.Duration
		err   error
	}
	failed := errors.New("failed")
	tests := []struct {
		name  string
		tries []try
		made  int
		want  error
		takes time.Duration
	}{
		{"quick enough", []try{{takes: time.Second}}, 1, nil, time.Second},
		{"the second is quicker", []try{{takes: time.Hour}, {takes: time.Second}}, 2, nil, 3 * time.Second},
		{"the first ends first", []try{{takes: 3 * time.Second}, {takes: time.Hour}}, 2, nil, 3 * time.Second},
		{"the first fails, the second does not", []try{{takes: 3 * time.Second, err: failed}, {takes: 5 * time.Second}}, 2, nil, 7 * time.Second},
		{"the second fails, the first does not", []try{{takes: 9 * time.Second}, {takes: time.Second, err: failed}}, 2, nil, 9 * time.Second},
		{"both fail", []try{{takes: 3 * time.Second, err: failed}, {takes: 5 * time.Second, err: failed}}, 2, failed, 7 * time.Second},
		{"it fails before", []try{{takes: time.Second, err: failed}}, 1, failed, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var made atomic.Int32
				hedge := retry.For(retry.Policy{Hedge: 2 * time.Second}, "m")
				endpoint := retry.New(hedge).Call(func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
					this := tt.tries[made.Add(1)-1]
					call.Header.Annotations.Set("TEST", []byte{1})
					select {
					case <-time.After(this.takes):
						call.Got(transport.Header{Seq: uint16(this.takes / time.Second)})
						return &transport.Reply{StreamID: ""}, this.err
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				})
				begun := time.Now()
				seen := 0
				call := &transport.Call{Method: "m", OnReply: func(transport.Header) { seen++ }}
				_, err := endpoint(t.Context(), call)
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, tt.made, int(made.Load()))
				require.Equal(t, tt.takes, time.Since(begun))
				require.Equal(t, 1, seen, "the header of one reply")
				require.Empty(t, call.Header.Annotations, "each has its own")
			})
		})
	}
}

func TestAHedgedIteratorThatNobodyWantsIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int32
		var closed []string
		endpoint := retry.New(retry.For(retry.Policy{Hedge: time.Second}, "m")).Call(
			func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
				if call.Kind == transport.StreamClose {
					closed = append(closed, call.StreamID)
					return &transport.Reply{}, nil
				}
				n := made.Add(1)
				time.Sleep(3 * time.Second)
				return &transport.Reply{StreamID: string('a' + n - 1)}, nil
			})
		reply, err := endpoint(t.Context(), &transport.Call{Method: "m"})
		require.NoError(t, err)
		require.Equal(t, "a", reply.StreamID)
		require.Equal(t, []string{"b"}, closed)
	})
}

func TestAPanicOfAHedgedCallIsAnError(t *testing.T) {
	endpoint := retry.New(retry.For(retry.Policy{Hedge: time.Second}, "m")).Call(
		func(context.Context, *transport.Call) (*transport.Reply, error) { panic("x") })
	_, err := endpoint(t.Context(), &transport.Call{Method: "m"})
	require.ErrorIs(t, err, transport.ErrInternal)
}

// A rate limit of a server says how long to wait, and the client does.
func TestAServersRateLimit(t *testing.T) {
	var n atomic.Int32
	s := service.New("o").Method("m", func() int32 { return n.Add(1) })
	limit := ratelimit.New(ratelimit.Limit(ratelimit.Rule{Rate: 20, Burst: 1}))
	p := pairtest.Join(t, s, []service.ServerOption{service.Use(limit)}, service.Use(retry.New(
		retry.For(retry.Policy{Attempts: 50, Backoff: time.Millisecond, Codes: []transport.Code{transport.CodeResourceExhausted}}, "m"))))
	for range 3 {
		require.NoError(t, service.Do(t.Context(), p, "m"))
	}
	require.Equal(t, int32(3), n.Load())
}

func TestHedgingOverAPool(t *testing.T) {
	var calls atomic.Int32
	s := service.New("o").Method("m", func(ctx context.Context) int {
		if calls.Add(1) == 1 {
			<-ctx.Done()
		}
		return 7
	})
	p := pairtest.Join(t, s, nil, service.Pool(2), service.Use(retry.New(retry.For(retry.Policy{Hedge: 10 * time.Millisecond}, "m"))))
	v, err := service.Call[int](t.Context(), p, "m")
	require.NoError(t, err)
	require.Equal(t, 7, v)
	require.Equal(t, int32(2), calls.Load())
}

func BenchmarkNothingFails(b *testing.B) {
	endpoint := retry.New(retry.Safe("get_*"), retry.Budget(0.1, 10)).Call(
		func(context.Context, *transport.Call) (*transport.Reply, error) { return nil, nil }) //nolint:nilnil // it is not looked at
	call := &transport.Call{Object: "o", Method: "get_x"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := endpoint(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
