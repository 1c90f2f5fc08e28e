package pyro_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

var pulledCalls = flag.Int("pyro.calls", 5000, "calls over a network that is pulled at")

// relayBadly passes on what it reads: in pieces, late, and at times not at all, when it ends both
// connections in the middle of a message.
func relayBadly(dst, src net.Conn) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 4096)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return
		}
		b := buf[:n]
		half := rand.N(n + 1)
		switch rand.N(200) {
		case 0:
			_, _ = dst.Write(b[:half])
			return
		case 1, 2, 3, 4:
			time.Sleep(rand.N(4 * time.Millisecond))
		case 5, 6, 7, 8, 9, 10:
			if _, err := dst.Write(b[:half]); err != nil {
				return
			}
			time.Sleep(rand.N(time.Millisecond))
			b = b[half:]
		}
		if _, err := dst.Write(b); err != nil {
			return
		}
	}
}

// badNetwork has a relay in front of address and returns where that listens.
func badNetwork(t *testing.T, address string) string {
	t.Helper()
	return startPeer(t, func(conn net.Conn) {
		to, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		wg.Go(func() { relayBadly(to, conn) })
		relayBadly(conn, to)
		wg.Wait()
	}).listener.Addr().String()
}

// overBadNetwork serves svc and returns a proxy of it.
func overBadNetwork(t *testing.T, svc *service.Service) *service.Proxy {
	t.Helper()
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(svc))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) })
	_, address := srv.URI("svc").Address()
	return proxyFor(t, "PYRO:svc@"+badNetwork(t, address))
}

// Whatever the network does, an answer is that of the call, and no call is carried out twice.
func TestNoCallIsAnsweredWronglyOrTwice(t *testing.T) {
	calls := *pulledCalls
	ran := make([]atomic.Int32, calls)
	s := service.New("svc").Method("take", func(ctx context.Context, i int) (string, error) {
		ran[i].Add(1)
		if i%50 == 0 { // longer than its connection is left with the goroutine that read it
			select {
			case <-time.After(rand.N(5 * time.Millisecond)):
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		return strconv.Itoa(i), nil
	})
	p := overBadNetwork(t, s)
	var next, answered, failed atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				i := int(next.Add(1) - 1)
				if i >= calls {
					return
				}
				ctx, cancel := context.WithCancel(t.Context())
				if i%20 == 0 {
					ctx, cancel = context.WithTimeout(t.Context(), rand.N(3*time.Millisecond))
				}
				got, err := service.Call[string](ctx, p, "take", i)
				cancel()
				e := transport.AsError(err)
				switch {
				case err == nil:
					require.Equal(t, strconv.Itoa(i), got)
					require.Equal(t, int32(1), ran[i].Load())
					answered.Add(1)
				case e.NotSent:
					require.Zero(t, ran[i].Load(), err)
					failed.Add(1)
				default:
					if !errors.Is(err, transport.ErrUnavailable) && !errors.Is(err, transport.ErrTimeout) && !errors.Is(err, io.EOF) {
						require.NoError(t, err)
					}
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	for i := range ran {
		require.LessOrEqual(t, ran[i].Load(), int32(1), "call %d", i)
	}
	require.Positive(t, answered.Load())
	require.Positive(t, failed.Load())
}

// A walk over items that come ahead has them all up to where it ends, and ends with the connection's error, whoever has
// noticed that first.
func TestItemsAheadOverABadNetwork(t *testing.T) {
	const items = 200
	s := service.New("svc").Method("numbers", func() iter.Seq[int] {
		return func(yield func(int) bool) {
			for i := range items {
				if !yield(i) {
					return
				}
			}
		}
	}).Method("quick", func() {})
	p := overBadNetwork(t, s)
	var next, whole, cut atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for next.Add(1) <= int64(*pulledCalls/20) || cut.Load() == 0 || whole.Load() == 0 { // of few messages all may arrive
				want := 0
				var ended error
				for n, err := range service.Stream[int](t.Context(), p, "numbers", service.Ahead()) {
					if ended = err; err != nil {
						break
					}
					require.Equal(t, want, n)
					want++
					if n%32 == 0 { // somebody else may be the first to see that the connection is gone
						_ = service.Do(t.Context(), p, "quick")
					}
				}
				if ended == nil {
					require.Equal(t, items, want)
					whole.Add(1)
					continue
				}
				require.ErrorIs(t, ended, transport.ErrUnavailable)
				cut.Add(1)
			}
		})
	}
	wg.Wait()
	require.Positive(t, whole.Load())
	require.Positive(t, cut.Load())
}
