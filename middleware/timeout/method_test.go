package timeout_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/timeout"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestLimitsByMethod(t *testing.T) {
	batch := func(methods ...string) transport.Call {
		call := transport.Call{Kind: transport.Batch, Method: transport.BatchMethod}
		for _, m := range methods {
			call.Entries = append(call.Entries, codec.BatchEntry{Method: m})
		}
		return call
	}
	tests := []struct {
		name string
		call transport.Call
		want time.Duration // 0: none
	}{
		{"its own", transport.Call{Method: "report"}, time.Minute},
		{"that of all", transport.Call{Method: "get"}, time.Second},
		{"of an object", transport.Call{Object: "slow", Method: "get"}, time.Hour},
		{"the first one that fits", transport.Call{Object: "slow", Method: "report"}, time.Minute},
		{"none", transport.Call{Method: "wait_for_it"}, 0},
		{"an attribute", transport.Call{Kind: transport.GetAttr, Method: "report"}, time.Minute},
		{"an item of an iterator", transport.Call{Kind: transport.StreamItem, Method: "report"}, time.Minute},
		{"a batch", batch("report", "get", "get"), time.Minute + 2*time.Second},
		{"a batch with an entry without limit", batch("report", "wait_for_it"), 0},
		{"an empty batch", batch(), 0},
		{"a batch that is longer than can be said", batch("forever", "forever"), 0},
	}
	endpoint := timeout.New(time.Second, timeout.For(time.Minute, "report"), timeout.For(time.Hour, "slow.*"),
		timeout.For(0, "wait_*"), timeout.For(math.MaxInt64, "forever")).Call(
		func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
			deadline, ok := ctx.Deadline()
			if !ok {
				return nil, nil //nolint:nilnil // there is none
			}
			return &transport.Reply{Value: codec.ValueOf(time.Until(deadline))}, nil
		})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reply, err := endpoint(context.Background(), &tt.call)
				require.NoError(t, err)
				if tt.want == 0 {
					require.Nil(t, reply)
					return
				}
				require.Equal(t, tt.want, reply.Value.Go())
			})
		})
	}
}

func TestNothingToLimitCostsNothing(t *testing.T) {
	require.Nil(t, timeout.New(0).Call)
	require.NotNil(t, timeout.New(0, timeout.For(time.Second, "m")).Call)
}

func TestOfAStreamEachItemHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service.New("s").Method("count", func(ctx context.Context) func(func(int) bool) {
			return func(yield func(int) bool) {
				if yield(1) {
					<-ctx.Done()
				}
			}
		})
		p := pairtest.Join(t, s, nil, service.Use(timeout.New(0, timeout.For(20*time.Millisecond, "count"))))
		var last error
		items := 0
		for _, err := range service.Stream[int](t.Context(), p, "count") {
			if last = err; err == nil {
				items++
			}
		}
		require.Equal(t, 1, items)
		require.ErrorIs(t, last, transport.ErrTimeout)
	})
}

func ExampleFor() {
	m := timeout.New(time.Second, timeout.For(time.Minute, "reports.make_*"))
	endpoint := m.Call(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
		deadline, _ := ctx.Deadline()
		fmt.Println(time.Until(deadline).Round(time.Second))
		return &transport.Reply{}, nil
	})
	for _, method := range []string{"list", "make_yearly"} {
		_, _ = endpoint(context.Background(), &transport.Call{Object: "reports", Method: method})
	}
	// Output:
	// 1s
	// 1m0s
}

func BenchmarkTimeout(b *testing.B) {
	for name, d := range map[string]time.Duration{"shorter than the caller's": time.Minute, "longer": 2 * time.Hour} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			endpoint := timeout.New(d).Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return nil, nil }) //nolint:nilnil // it is not looked at
			call := &transport.Call{Method: "m"}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = endpoint(ctx, call)
			}
		})
	}
}
