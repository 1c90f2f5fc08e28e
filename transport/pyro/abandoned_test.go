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

// A heldPeer keeps the calls of "nothing" waiting, and answers the others.
type heldPeer struct {
	*faultyPeer

	held chan heldCall
}

type heldCall struct {
	conn  net.Conn
	frame *vectortest.Frame
}

func startHeld(t *testing.T) *heldPeer {
	t.Helper()
	p := &heldPeer{held: make(chan heldCall, 10)}
	echo := captured(t, "pyro5", "serpent/echo")[0]
	p.faultyPeer = startFaulty(t, "pyro5", func(conn net.Conn, f *vectortest.Frame) bool {
		if strings.Contains(string(f.Payload), "nothing") {
			p.held <- heldCall{conn, f}
			return true
		}
		return reply(conn, echo, f)
	})
	return p
}

// giveUp calls what is not answered, and gives it up.
func (p *heldPeer) giveUp(t *testing.T, proxy *service.Proxy) heldCall {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- service.Do(ctx, proxy, "nothing") }()
	call := <-p.held
	cancel()
	require.ErrorIs(t, <-over, transport.ErrCanceled)
	return call
}

func TestACallAfterOneThatWasGivenUp(t *testing.T) {
	tests := []struct {
		name string
		opts []service.ProxyOption
		want int32 // connections
	}{
		{"waits on the same connection", nil, 1},
		{"connects anew", []service.ProxyOption{service.ReconnectAfterTimeout()}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := startHeld(t)
			proxy := proxyFor(t, p.uri("svc"), append(tt.opts, service.Dialect(codec.Pyro5))...)
			p.giveUp(t, proxy)
			_, err := service.Call[string](t.Context(), proxy, "echo", "hello")
			require.NoError(t, err)
			require.Equal(t, tt.want, p.connections.Load())
		})
	}
}

func TestAConnectionThatWasLeftStaysForTheCallsOnIt(t *testing.T) {
	none := captured(t, "pyro5", "serpent/no-arguments")[0]
	p := startHeld(t)
	proxy := proxyFor(t, p.uri("svc"), service.ReconnectAfterTimeout(), service.Dialect(codec.Pyro5))
	_, err := service.Call[string](t.Context(), proxy, "echo", "hello")
	require.NoError(t, err)
	waiting := make(chan error, 1)
	go func() { waiting <- service.Do(t.Context(), proxy, "nothing") }()
	first := <-p.held
	givenUp := p.giveUp(t, proxy)
	require.Same(t, first.conn, givenUp.conn)
	_, err = service.Call[string](t.Context(), proxy, "echo", "hello")
	require.NoError(t, err)
	require.Equal(t, int32(2), p.connections.Load())
	require.True(t, reply(first.conn, none, first.frame))
	require.NoError(t, <-waiting)
}

func TestCloseEndsConnectionsThatWereLeft(t *testing.T) {
	p := startHeld(t)
	proxy, err := service.Connect(p.uri("svc"), service.ReconnectAfterTimeout(), service.Dialect(codec.Pyro5))
	require.NoError(t, err)
	waiting := make(chan error, 1)
	go func() { waiting <- service.Do(t.Context(), proxy, "nothing") }()
	<-p.held
	p.giveUp(t, proxy)
	require.NoError(t, proxy.Close())
	require.ErrorIs(t, <-waiting, transport.ErrUnavailable)
}
