package pyro

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// heldServer has n connections with so many bytes each of answers that are not written yet.
func heldServer(tb testing.TB, n int, each int64) *Server {
	tb.Helper()
	s, err := NewServer(Handler{}, ServerConfig{})
	require.NoError(tb, err)
	near, far := net.Pipe()
	tb.Cleanup(func() { _, _ = near.Close(), far.Close() })
	for range n {
		c := newServerConn(s, near, ListenConfig{})
		c.unsent.Store(each)
		s.unsent.held.Add(each)
		s.conns[c] = struct{}{}
	}
	return s
}

// In a flood all connections are looked at once for as much as comes, and not for each write; nobody looks beside another.
func TestAFloodIsLookedAtOnceForMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, writers, writes = 16 << 20, 8, 512
		var looks, looking atomic.Int32
		r := newUnsentRoom(size, func() bool {
			require.Equal(t, int32(1), looking.Add(1))
			looks.Add(1)
			looking.Add(-1)
			return false
		})
		r.held.Store(2 * size)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range writes {
					r.add(unsentUnit)
				}
			})
		}
		wg.Wait()
		require.LessOrEqual(t, looks.Load(), int32(writers*writes*unsentUnit/(size/floodParts)))
		require.Greater(t, looks.Load(), int32(writers*writes/(size/floodParts/unsentUnit+writers)-1), "what comes meanwhile counts")
		r.give(r.held.Load())
	})
}

// What a write that waits costs when many peers read nothing, and there is far too much.
func BenchmarkHoldInAFlood(b *testing.B) {
	s := heldServer(b, 10_000, 60<<10)
	var c *serverConn
	for c = range s.conns {
		break
	}
	require.Greater(b, s.unsent.held.Load(), 2*s.unsent.size.Load())
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.hold(unsentUnit)
			c.hold(-unsentUnit)
		}
	})
	b.StopTimer()
	s.conns = nil
	require.NoError(b, s.Close())
}
