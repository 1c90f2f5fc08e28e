package pyro_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Cancelled calls hold their numbers only until their late replies have come: many more of them than a
// connection has numbers do it no harm, as long as they are answered.
func TestLateRepliesFreeWhatTheirCallsHeld(t *testing.T) {
	const rounds, each = 70, 1000
	echo, none := captured(t, "pyro5", "serpent/echo")[0], captured(t, "pyro5", "serpent/no-arguments")[0]
	arrived := make(chan struct{}, each)
	var held []*vectortest.Frame
	p := startFaulty(t, "pyro5", func(conn net.Conn, f *vectortest.Frame) bool {
		if strings.Contains(string(f.Payload), "nothing") {
			held = append(held, f)
			arrived <- struct{}{}
			return true
		}
		for _, late := range held {
			reply(conn, none, late)
		}
		held = nil
		return reply(conn, echo, f)
	})
	proxy := proxyFor(t, p.uri("svc"), service.Dialect(codec.Pyro5))
	for range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range each {
			wg.Go(func() {
				require.ErrorIs(t, service.Do(ctx, proxy, "nothing"), transport.ErrCanceled)
			})
		}
		for range each {
			<-arrived
		}
		cancel()
		wg.Wait()
		s, err := service.Call[string](t.Context(), proxy, "echo", "hello")
		require.NoError(t, err)
		require.Equal(t, "hello", s)
	}
	require.Equal(t, int32(1), p.connections.Load())
}

// Of two calls on a connection whose peer has stopped to read, the first may have left in part; the
// second has not.
func TestWhatWasQueuedWhenTheConnectionEndedWasNotSent(t *testing.T) {
	welcome := captured(t, "pyro5", "serpent/connect")[0]
	synctest.Test(t, func(t *testing.T) {
		l := inmem.Listen()
		end := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			conn, err := l.Accept()
			require.NoError(t, err)
			_, err = vectortest.ReadFrame(conn)
			require.NoError(t, err)
			_, err = conn.Write(welcome)
			require.NoError(t, err)
			_, err = conn.Read(make([]byte, 1)) // and no more
			require.NoError(t, err)
			<-end
			require.NoError(t, conn.Close())
		})
		u := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "svc", Host: "memory", Port: 1}
		c, err := pyro.Dial(t.Context(), u, pyro.DialConfig{Dial: l.DialContext, Dialect: codec.Pyro5})
		require.NoError(t, err)
		results := make([]error, 2)
		for i := range results {
			wg.Go(func() {
				_, results[i] = c.Call(context.Background(), &transport.Call{Object: "svc", Method: "nothing"})
			})
			synctest.Wait()
		}
		close(end)
		wg.Wait()
		for i, notSent := range []bool{false, true} {
			require.ErrorIs(t, results[i], transport.ErrUnavailable)
			require.Equal(t, notSent, transport.AsError(results[i]).NotSent)
		}
		require.NoError(t, c.Close())
		require.NoError(t, l.Close())
	})
}
