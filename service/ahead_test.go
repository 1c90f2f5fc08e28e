package service_test

import (
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A source counts what its iterators make and how many of them have ended.
type source struct{ made, ended atomic.Int32 }

func (s *source) service() *service.Service {
	numbers := func(n int, fails bool) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			defer s.ended.Add(1)
			for i := range n {
				s.made.Add(1)
				if !yield(i, nil) {
					return
				}
			}
			if fails {
				yield(0, errors.New("dried up"))
			}
		}
	}
	return service.New("source").Method("numbers", numbers, service.Params("n", service.Default("fails", false)))
}

func TestItemsComeAheadWhereTheyAreWanted(t *testing.T) {
	for name, opts := range map[string][]service.ProxyOption{"one connection": nil, "a pool": {service.Pool(4)}} {
		t.Run(name, func(t *testing.T) {
			var src source
			p := connect(t, start(t, src.service()).URI("source").String(), opts...)
			for range 8 { // each over whatever connection it comes
				want := 0
				for n, err := range service.Stream[int](t.Context(), p, "numbers", 3000, service.Ahead()) {
					require.NoError(t, err)
					require.Equal(t, want, n)
					want++
				}
				require.Equal(t, 3000, want)
			}
			var last error
			for _, err := range service.Stream[int](t.Context(), p, "numbers", 100, true, service.Ahead()) {
				last = err
			}
			require.ErrorContains(t, last, "dried up")
			require.True(t, transport.AsError(last).Remote)
			src.made.Store(0)
			for range service.Stream[int](t.Context(), p, "numbers", 1<<30, service.Ahead()) {
				break
			}
			require.Eventually(t, func() bool { return src.ended.Load() == 10 }, 20*time.Second, time.Millisecond)
			require.LessOrEqual(t, src.made.Load(), int32(16), "no more than there was room for")
		})
	}
}

func TestItemsAreMadeOneByOneUnlessAskedFor(t *testing.T) {
	var src source
	p := connect(t, start(t, src.service()).URI("source").String())
	for n, err := range service.Stream[int](t.Context(), p, "numbers", 100) {
		require.NoError(t, err)
		require.NoError(t, p.Ping(t.Context()))
		require.Equal(t, int32(n+1), src.made.Load())
	}
}
