package nameserver

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// failingConn is a socket of which reading fails, as long as fails is above 0.
type failingConn struct {
	net.PacketConn

	fails, reads int
	answered     chan string
}

func (c *failingConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.reads++
	if c.fails--; c.fails >= 0 {
		return 0, nil, errors.New("the network is gone")
	}
	return copy(b, broadcastRequest), &net.UDPAddr{}, nil
}

func (c *failingConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	c.answered <- string(b)
	return len(b), nil
}

func TestABrokenSocketOfBroadcastsIsTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fails int
		log   []string
	}{
		{"once", 1, nil},
		{"for a while", 14, []string{"broadcasts are not answered, trying again", "broadcasts are answered again"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				ctx, cancel := context.WithCancel(t.Context())
				conn := &failingConn{fails: tt.fails, answered: make(chan string)}
				r := &responder{conn: conn, answered: new(atomic.Uint64)}
				ended := make(chan struct{})
				go func() {
					r.run(ctx, slog.New(slog.NewTextHandler(&log, nil)))
					close(ended)
				}()
				<-conn.answered
				cancel()
				select { // it may have read another one already
				case <-conn.answered:
					<-ended
				case <-ended:
				}
				require.Equal(t, len(tt.log), strings.Count(log.String(), "\n"), log.String())
				for _, line := range tt.log {
					require.Contains(t, log.String(), line)
				}
			})
		})
	}
}

func TestABrokenSocketOfBroadcastsTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		conn := &failingConn{fails: 1 << 30}
		r := &responder{conn: conn, answered: new(atomic.Uint64)}
		ended := make(chan struct{})
		go func() {
			r.run(ctx, slog.New(slog.DiscardHandler))
			close(ended)
		}()
		time.Sleep(time.Hour)
		cancel() // with the name server, without waiting for the socket
		<-ended
		require.InDelta(t, time.Hour/maxPause, conn.reads, 20)
	})
}
