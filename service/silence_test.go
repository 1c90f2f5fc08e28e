package service_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/servicetest"
	"github.com/pyrokit/pyrokit/transport"
)

// sleeper has a method that returns at once, and one that does not heed its caller.
func sleeper() *service.Service {
	s := service.New("o").Method("quick", func() int { return 1 })
	return s.Method("sleep", func(d time.Duration) { time.Sleep(d) })
}

// A connection whose peer says nothing more, but does not end, is left for a new one.
func TestAPeerThatIsGoneWithoutAWord(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		synctest.Test(t, func(t *testing.T) {
			srv := servicetest.NewServer(t, sleeper())
			p := srv.Connect(t, "o", service.Dialect(d), service.Timeout(300*time.Millisecond))
			require.NoError(t, service.Do(t.Context(), p, "quick"))
			srv.Network.Each(func(l *servicetest.Link) {
				if l.Number() == 1 {
					l.Stall(servicetest.Both)
				}
			})
			begin := time.Now()
			for {
				err := service.Do(t.Context(), p, "quick")
				if err == nil {
					break
				}
				require.Less(t, time.Since(begin), 4*time.Second)
			}
			require.Greater(t, time.Since(begin), 2*time.Second)
			srv.Network.Heal()
		})
	}
}

// A peer that is slow, but there, keeps its connection.
func TestASlowPeerIsNotGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := servicetest.NewServer(t, sleeper())
		p := srv.Connect(t, "o", service.Timeout(300*time.Millisecond))
		before, err := p.Info(t.Context())
		require.NoError(t, err)
		for range 30 {
			require.ErrorIs(t, service.Do(context.Background(), p, "sleep", 20*time.Second), transport.ErrTimeout)
		}
		require.NoError(t, service.Do(t.Context(), p, "quick"))
		after, err := p.Info(t.Context())
		require.NoError(t, err)
		require.Same(t, before.Peer, after.Peer, "it is the same connection")
		time.Sleep(21 * time.Second)
	})
}
