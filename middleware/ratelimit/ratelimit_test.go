package ratelimit_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/ratelimit"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func answer(context.Context, *transport.Call) (*transport.Reply, error) {
	return &transport.Reply{}, nil
}

func peer(principal any, address string) *transport.Peer {
	return &transport.Peer{Principal: principal, Addr: &net.TCPAddr{IP: net.ParseIP(address), Port: 1}}
}

// allowed counts how many of the calls pass one after another, at the same time.
func allowed(t *testing.T, endpoint transport.Endpoint, calls ...*transport.Call) int {
	t.Helper()
	n := 0
	for _, call := range calls {
		_, err := endpoint(t.Context(), call)
		if err == nil {
			n++
			continue
		}
		require.ErrorIs(t, err, transport.ErrExhausted)
	}
	return n
}

func TestWhoSharesABucket(t *testing.T) {
	irma, kees := peer("irma", "10.0.0.1"), peer("kees", "10.0.0.1")
	here, there := peer(nil, "10.0.0.1"), peer(nil, "10.0.0.2")
	a := func(p *transport.Peer, object, method string) *transport.Call {
		return &transport.Call{Peer: p, Object: object, Method: method}
	}
	tests := []struct {
		name  string
		rule  ratelimit.Rule
		calls []*transport.Call
		want  int
	}{
		{"all do", ratelimit.Rule{Burst: 2}, []*transport.Call{a(irma, "o", "m"), a(kees, "p", "n"), a(nil, "q", "m")}, 2},
		{"principals", ratelimit.Rule{Per: ratelimit.Principal, Burst: 1}, []*transport.Call{a(irma, "o", "m"), a(kees, "o", "m"), a(irma, "p", "n")}, 2},
		{"hosts without a principal", ratelimit.Rule{Per: ratelimit.Principal}, []*transport.Call{a(here, "o", "m"), a(there, "o", "m"), a(here, "o", "m"), a(nil, "o", "m")}, 3},
		{"objects", ratelimit.Rule{Per: ratelimit.Object}, []*transport.Call{a(irma, "o", "m"), a(irma, "p", "m"), a(kees, "o", "n")}, 2},
		{"methods", ratelimit.Rule{Per: ratelimit.Method}, []*transport.Call{a(irma, "o", "m"), a(irma, "p", "m"), a(kees, "o", "n")}, 2},
		{"methods of objects", ratelimit.Rule{Per: ratelimit.Object | ratelimit.Method}, []*transport.Call{a(irma, "o", "m"), a(irma, "p", "m"), a(kees, "o", "m")}, 2},
		{"only calls that fit", ratelimit.Rule{Calls: "o.set_*"}, []*transport.Call{a(irma, "o", "set_a"), a(irma, "o", "set_b"), a(irma, "o", "get"), a(irma, "p", "set_a")}, 3},
		{"only principals that fit", ratelimit.Rule{Principals: "ir*"}, []*transport.Call{a(irma, "o", "m"), a(irma, "o", "m"), a(kees, "o", "m"), a(nil, "o", "m")}, 3},
		{"a rate is its own burst", ratelimit.Rule{Rate: 1.5}, []*transport.Call{a(irma, "o", "m"), a(irma, "o", "m"), a(irma, "o", "m")}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				endpoint := ratelimit.New(ratelimit.Limit(tt.rule)).Call(answer)
				require.Equal(t, tt.want, allowed(t, endpoint, tt.calls...))
			})
		})
	}
}

func TestARefusalSaysHowLongToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := ratelimit.New(ratelimit.Limit(ratelimit.Rule{Rate: 0.5})).Call(answer)
		call := &transport.Call{Object: "bank", Method: "pay"}
		require.Equal(t, 1, allowed(t, endpoint, call))
		time.Sleep(500 * time.Millisecond)
		_, err := endpoint(t.Context(), call)
		require.EqualError(t, err, "rate limit of bank.pay exceeded: try again in 1.5s")
		wait, ok := middleware.RetryAfter(err)
		require.True(t, ok)
		time.Sleep(wait)
		require.Equal(t, 1, allowed(t, endpoint, call, call), "what was refused took nothing")
	})
}

func TestARefusedCallTakesNothingFromOtherRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := ratelimit.New(ratelimit.Limit(
			ratelimit.Rule{Rate: 1, Burst: 2}, ratelimit.Rule{Calls: "pay", Rate: 0.001})).Call(answer)
		pay, get := &transport.Call{Method: "pay"}, &transport.Call{Method: "get"}
		require.Equal(t, 1, allowed(t, endpoint, pay, pay, pay))
		require.Equal(t, 1, allowed(t, endpoint, get, get))
	})
}

func TestABatchOfAClientTakesATokenForEachEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := ratelimit.New(ratelimit.Limit(ratelimit.Rule{Calls: "pay", Rate: 1, Burst: 2})).Call(answer)
		batch := &transport.Call{
			Kind: transport.Batch, Method: transport.BatchMethod,
			Entries: []codec.BatchEntry{{Method: "pay"}, {Method: "get"}, {Method: "pay"}},
		}
		require.Equal(t, 1, allowed(t, endpoint, batch, batch))
		require.Zero(t, allowed(t, endpoint, &transport.Call{Method: "pay"}))
	})
}

func TestWaitingForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := ratelimit.New(ratelimit.Limit(ratelimit.Rule{Rate: 1}), ratelimit.Wait(2*time.Second)).Call(answer)
		begun := time.Now()
		for range 3 {
			_, err := endpoint(t.Context(), &transport.Call{})
			require.NoError(t, err)
		}
		require.Equal(t, 2*time.Second, time.Since(begun))

		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := endpoint(short, &transport.Call{})
		require.ErrorIs(t, err, transport.ErrExhausted, "the deadline would pass before its turn")
		require.Equal(t, 2*time.Second, time.Since(begun), "that is known at once")

		gone, cancel2 := context.WithCancel(t.Context())
		cancel2()
		_, err = endpoint(gone, &transport.Call{})
		require.ErrorIs(t, err, transport.ErrCanceled)
	})
}

func TestWhatIsNeverRefused(t *testing.T) {
	endpoint := ratelimit.New(ratelimit.Limit(ratelimit.Rule{})).Call(answer)
	require.Equal(t, 1, allowed(t, endpoint, &transport.Call{}, &transport.Call{}), "no rate: the burst, ever")
	for _, kind := range []transport.Kind{transport.Ping, transport.Metadata, transport.StreamClose} {
		require.Equal(t, 1, allowed(t, endpoint, &transport.Call{Kind: kind}))
	}
	require.Nil(t, ratelimit.New().Call, "no rule costs nothing")
}

// Who comes under ever new names gets no more than who keeps one, and takes nothing from others.
func TestBucketsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := ratelimit.New(ratelimit.Buckets(2), ratelimit.Limit(ratelimit.Rule{Rate: 1, Per: ratelimit.Method})).Call(answer)
		named := func(i int) *transport.Call { return &transport.Call{Method: fmt.Sprint("m", i)} }
		var calls []*transport.Call
		for i := range 100 {
			calls = append(calls, named(i))
		}
		require.Equal(t, 3, allowed(t, endpoint, calls...), "two buckets, and one that all others share")
		require.Zero(t, allowed(t, endpoint, named(0)), "it is not forgotten")
		time.Sleep(time.Second)
		require.Equal(t, 2, allowed(t, endpoint, named(200), named(201)), "a bucket that is full again makes room")
	})
}

func counting() (*service.Service, *atomic.Int64) {
	var n atomic.Int64
	s := service.New("counter")
	s.Method("add", func() int64 { return n.Add(1) })
	s.Method("stream", func() func(func(int) bool) {
		return func(yield func(int) bool) {
			for i := range 3 {
				if !yield(i) {
					return
				}
			}
		}
	})
	return s, &n
}

func TestOnAServerBatchesAndStreamsAreCounted(t *testing.T) {
	s, n := counting()
	limit := ratelimit.New(ratelimit.Limit(
		ratelimit.Rule{Calls: "add", Burst: 2}, ratelimit.Rule{Calls: "stream", Burst: 3}))
	p := pairtest.Join(t, s, []service.ServerOption{service.Use(limit)})
	b := p.Batch()
	for range 3 {
		service.Queue[int](b, "add")
	}
	err := b.Do(t.Context())
	require.ErrorContains(t, err, "rate limit")
	require.Equal(t, int64(2), n.Load())

	items := 0
	for _, err = range service.Stream[int](t.Context(), p, "stream") {
		if err != nil {
			break
		}
		items++
	}
	require.ErrorContains(t, err, "rate limit of counter.stream exceeded")
	require.Equal(t, 2, items, "the call that makes the stream is one, too")
}

func TestManyAtOnce(t *testing.T) {
	s, n := counting()
	p := pairtest.Join(t, s, nil, service.Use(ratelimit.New(ratelimit.Limit(ratelimit.Rule{Burst: 5}))))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _ = service.Do(t.Context(), p, "add") })
	}
	wg.Wait()
	require.Equal(t, int64(5), n.Load())
}

func BenchmarkLimit(b *testing.B) {
	rule := ratelimit.Rule{Rate: 1e9, Burst: 1e9, Per: ratelimit.Principal | ratelimit.Object | ratelimit.Method}
	reply := &transport.Reply{}
	endpoint := ratelimit.New(ratelimit.Limit(rule)).Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return reply, nil })
	call := &transport.Call{Object: "o", Method: "m", Peer: peer("irma", "10.0.0.1")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := endpoint(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
