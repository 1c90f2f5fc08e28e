package pyro_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// 200 goroutines share a connection and cancel at any moment: nobody may get the answer of another, and
// the connection has to last.
func TestNoAnswerGoesToTheWrongCaller(t *testing.T) {
	const callers, each = 200, 50
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(dialect.String(), func(t *testing.T) {
			address := startPython(t)
			proxy := proxyFor(t, "PYRO:svc@"+address, service.Dialect(dialect))
			before, err := proxy.Info(t.Context())
			require.NoError(t, err)
			var answered, cancelled, wrong atomic.Int64
			var wg sync.WaitGroup
			for caller := range callers {
				wg.Go(func() {
					for i := range each {
						want := caller*each + i
						ctx, cancel := context.WithCancel(t.Context())
						stop := func() bool { return true }
						if rand.N(3) == 0 {
							stop = time.AfterFunc(rand.N(2*time.Millisecond), cancel).Stop
						}
						got, err := service.Call[int](ctx, proxy, "echo", want)
						switch {
						case err == nil && got == want:
							answered.Add(1)
						case errors.Is(err, transport.ErrCanceled):
							cancelled.Add(1)
						default:
							t.Logf("got %d, want %d: %v", got, want, err)
							wrong.Add(1)
						}
						stop()
						cancel()
					}
				})
			}
			wg.Wait()
			require.Zero(t, wrong.Load())
			require.Equal(t, int64(callers*each), answered.Load()+cancelled.Load())
			require.Positive(t, answered.Load())
			require.Positive(t, cancelled.Load())
			after, err := proxy.Info(t.Context())
			require.NoError(t, err)
			require.Same(t, before.Peer, after.Peer, "it is still the same connection")
		})
	}
}
