package pyro_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// napping takes its time for the method "sleep", whoever waits; a plain server answers nothing else meanwhile.
func napping(nap time.Duration) pyro.Handler {
	return answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
		if call.Method == "sleep" {
			time.Sleep(nap)
		}
		return &transport.Reply{}, nil
	})
}

// giveUp makes a call that has so much time.
func giveUp(t *testing.T, c *pyro.Conn, method string, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := invoke(ctx, c, method)
	require.ErrorIs(t, err, transport.ErrTimeout)
}

// A peer that cannot be asked whether it is there, as Python's cannot while it is at work, has 15 s.
func TestAPlainPeerThatIsSilent(t *testing.T) {
	tests := map[string]struct {
		nap  time.Duration // of each call
		over bool
	}{
		"for longer":         {nap: time.Hour, over: true},
		"for not that long":  {nap: 14500 * time.Millisecond},
		"just a little more": {nap: 16500 * time.Millisecond, over: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := serveInMemory(t, napping(tt.nap), pyro.ServerConfig{Plain: true})
				c := m.dial(nil)
				giveUp(t, c, "sleep", time.Second)
				since := time.Now()
				for c.Err() == nil && time.Since(since) < 12*time.Second {
					giveUp(t, c, "quick", time.Second)
				}
				require.NoError(t, c.Err(), "it may be at work")
				var err error
				for n := 0; n < 20 && c.Err() == nil; n++ {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					if _, err = invoke(ctx, c, "quick"); err == nil {
						n = 20
					}
					cancel()
				}
				if tt.over {
					require.ErrorIs(t, c.Err(), transport.ErrUnavailable)
					require.ErrorContains(t, c.Err(), "nothing has come from the peer for 15s, while calls were given up")
					require.Equal(t, 15*time.Second, time.Since(since))
				} else {
					require.NoError(t, err, "it has answered")
					require.NoError(t, c.Err())
				}
				time.Sleep(tt.nap)
				m.end(c)
			})
		})
	}
}

// Calls that were sent before the first one was given up say nothing of the time since.
func TestASilenceIsOfCallsThatCameLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, napping(time.Minute), pyro.ServerConfig{Plain: true})
		c := m.dial(nil)
		errs := make(chan error, 2)
		for _, limit := range []time.Duration{time.Second, 30 * time.Second} {
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, err := invoke(ctx, c, "sleep")
				errs <- err
			}()
		}
		require.ErrorIs(t, <-errs, transport.ErrTimeout)
		require.ErrorIs(t, <-errs, transport.ErrTimeout)
		require.NoError(t, c.Err())
		giveUp(t, c, "quick", time.Second)
		require.ErrorIs(t, c.Err(), transport.ErrUnavailable)
		time.Sleep(3 * time.Minute)
		m.end(c)
	})
}
