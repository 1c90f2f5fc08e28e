package pyro_test

import (
	"context"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A counter serves iterators over 0, 1, 2 ... and knows how many of them are open.
type counter struct{ open atomic.Int32 }

func (c *counter) handler() pyro.Handler {
	return answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
		c.open.Add(1)
		return &transport.Reply{Stream: numbers, Cancel: sync.OnceFunc(func() { c.open.Add(-1) })}, nil
	})
}

var numbers = iter.Seq2[any, error](func(yield func(any, error) bool) {
	for i := 0; yield(i, nil); i++ { //nolint:revive // the condition is the body
	}
})

// A memoryServer serves without sockets, so that it can live in a bubble with a clock of its own.
type memoryServer struct {
	*pyro.Server

	t *testing.T
	l *inmem.Listener
}

func serveInMemory(t *testing.T, h pyro.Handler, cfg pyro.ServerConfig) *memoryServer {
	t.Helper()
	srv, err := pyro.NewServer(h, cfg)
	require.NoError(t, err)
	m := &memoryServer{Server: srv, t: t, l: inmem.Listen()}
	go func() { _ = srv.Serve(m.l, pyro.ListenConfig{}) }()
	return m
}

func (m *memoryServer) dial(handshake any) *pyro.Conn {
	u := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}
	c, err := pyro.Dial(m.t.Context(), u, pyro.DialConfig{Dial: m.l.DialContext, Handshake: handshake, Dialect: codec.Pyro5})
	require.NoError(m.t, err)
	return c
}

func (m *memoryServer) open(c *pyro.Conn) (id string) {
	r, err := invoke(m.t.Context(), c, "m")
	require.NoError(m.t, err)
	require.NotEmpty(m.t, r.StreamID)
	return r.StreamID
}

func (m *memoryServer) requireNext(c *pyro.Conn, id string, want int) {
	m.t.Helper()
	v, err := fetch(m.t.Context(), c, id)
	require.NoError(m.t, err)
	require.Equal(m.t, int64(want), v)
}

func (m *memoryServer) requireGone(c *pyro.Conn, id string) {
	m.t.Helper()
	_, err := fetch(m.t.Context(), c, id)
	var e *transport.Error
	require.ErrorAs(m.t, err, &e)
	require.Equal(m.t, "Pyro5.errors.PyroError", e.Class)
	require.Equal(m.t, "item stream terminated", e.Message)
}

func (m *memoryServer) end(conns ...*pyro.Conn) {
	for _, c := range conns {
		require.NoError(m.t, c.Close())
	}
	require.NoError(m.t, m.Shutdown(m.t.Context()))
}

func TestAStreamOutlivesItsConnectionByTheLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		m := serveInMemory(t, c.handler(), pyro.ServerConfig{})
		first, second := m.dial(nil), m.dial(nil)
		kept, left := m.open(first), m.open(first)
		m.requireNext(first, kept, 0)
		require.NoError(t, first.Close())

		time.Sleep(29 * time.Second)
		m.requireNext(second, kept, 1) // any connection may fetch, and is the owner then
		time.Sleep(2 * time.Second)
		m.requireGone(second, left)
		m.requireNext(second, kept, 2)
		require.Equal(t, int32(1), c.open.Load())

		require.NoError(t, second.Close())
		time.Sleep(31 * time.Second)
		require.Zero(t, c.open.Load())
		m.end()
	})
}

func TestAStreamWithoutLingerEndsWithItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		m := serveInMemory(t, c.handler(), pyro.ServerConfig{Streams: pyro.StreamConfig{Linger: -1}})
		first, second := m.dial(nil), m.dial(nil)
		id := m.open(first)
		m.requireNext(second, id, 0)
		require.NoError(t, first.Close())
		synctest.Wait()
		m.requireNext(second, id, 1) // it belongs to the connection that fetched last
		require.NoError(t, second.Close())
		synctest.Wait()
		require.Zero(t, c.open.Load())
		m.end()
	})
}

func TestAStreamHasALifetimeUsedOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		m := serveInMemory(t, c.handler(), pyro.ServerConfig{Streams: pyro.StreamConfig{Lifetime: time.Minute}})
		conn := m.dial(nil)
		id := m.open(conn)
		for i := range 5 {
			m.requireNext(conn, id, i)
			time.Sleep(11 * time.Second)
		}
		time.Sleep(6 * time.Second)
		m.requireGone(conn, id)
		require.Zero(t, c.open.Load())
		m.end(conn)
	})
}

func TestTheEndOfTheServerEndsItsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		m := serveInMemory(t, c.handler(), pyro.ServerConfig{})
		conn := m.dial(nil)
		m.open(conn)
		require.NoError(t, conn.Close())
		m.end()
		require.Zero(t, c.open.Load())
		time.Sleep(time.Hour) // nothing is left that could go off
	})
}

func TestStreamsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		m := serveInMemory(t, c.handler(), pyro.ServerConfig{Streams: pyro.StreamConfig{Max: 2}})
		conn := m.dial(nil)
		id := m.open(conn)
		m.open(conn)
		_, err := invoke(t.Context(), conn, "m")
		require.ErrorContains(t, err, "no room for another item stream (option MaxStreams, 2)")
		require.Equal(t, int32(2), c.open.Load(), "the third one was told")
		require.NoError(t, conn.CloseStream(t.Context(), id))
		synctest.Wait()
		m.open(conn)
		m.end(conn)
	})
}

// byName is a handshake that takes the client's word for who it is.
func byName(h pyro.Handler) pyro.Handler {
	next := h.Handshake
	h.Handshake = func(ctx context.Context, shake *transport.Handshake) (*transport.Welcome, error) {
		name, err := shake.Value.Any()
		if err != nil {
			return nil, err
		}
		shake.Peer.Principal = name
		return next(ctx, shake)
	}
	return h
}

func TestAStreamIsForThePrincipalItWasAnnouncedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		m := serveInMemory(t, byName(c.handler()), pyro.ServerConfig{})
		irma, again, eve := m.dial("irma"), m.dial("irma"), m.dial("eve")
		id := m.open(irma)
		m.requireGone(eve, id)
		require.NoError(t, eve.CloseStream(t.Context(), id))
		synctest.Wait()
		require.Equal(t, int32(1), c.open.Load())
		m.requireNext(again, id, 0)
		require.NoError(t, again.CloseStream(t.Context(), id))
		synctest.Wait()
		require.Zero(t, c.open.Load())
		m.end(irma, again, eve)
	})
}

func TestAOnewayCallOpensNoStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		m := serveInMemory(t, c.handler(), pyro.ServerConfig{Streams: pyro.StreamConfig{Max: 1}})
		conn := m.dial(nil)
		for range 3 {
			_, err := conn.Call(t.Context(), &transport.Call{Object: "o", Method: "m", Oneway: true})
			require.NoError(t, err)
		}
		synctest.Wait()
		require.Zero(t, c.open.Load())
		m.open(conn)
		m.end(conn)
	})
}

func TestEachItemGoesToOneOfThoseWhoFetchAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		m := serveInMemory(t, c.handler(), pyro.ServerConfig{})
		first := m.dial(nil)
		id := m.open(first)
		var mu sync.Mutex
		seen := map[any]bool{}
		var wg sync.WaitGroup
		for range 4 {
			conn := m.dial(nil)
			wg.Go(func() {
				for range 25 {
					v, err := fetch(t.Context(), conn, id)
					require.NoError(t, err)
					mu.Lock()
					seen[v] = true
					mu.Unlock()
				}
				require.NoError(t, conn.Close())
			})
		}
		wg.Wait()
		require.Len(t, seen, 100)
		m.end(first)
	})
}

// A service's iterator works with a context that outlives the call and ends with the stream.
func TestTheContextOfAnIteratorEndsWithIt(t *testing.T) {
	ended := make(chan error, 1)
	s := service.New("counter").Method("count", func(ctx context.Context, n int) iter.Seq2[int, error] {
		context.AfterFunc(ctx, func() { ended <- context.Cause(ctx) })
		return func(yield func(int, error) bool) {
			for i := range n {
				if !yield(i, ctx.Err()) {
					return
				}
			}
		}
	})
	srv := service.NewServer()
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) }()
	p := proxyFor(t, srv.URI("counter").String())
	for name, take := range map[string]int{"read to its end": 5, "left early": 2} {
		got := 0
		for i, err := range service.Stream[int](t.Context(), p, "count", 3) {
			require.NoError(t, err, name)
			require.Equal(t, got, i)
			if got++; got == take {
				break
			}
		}
		require.Equal(t, min(take, 3), got)
		require.ErrorIs(t, <-ended, context.Canceled)
	}
}

func TestTheEndOfAnIteratorIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
			return &transport.Reply{Stream: func(yield func(any, error) bool) { yield("only", nil) }}, nil
		}), pyro.ServerConfig{})
		conn := m.dial(nil)
		id := m.open(conn)
		v, err := fetch(t.Context(), conn, id)
		require.NoError(t, err)
		require.Equal(t, "only", v)
		_, err = fetch(t.Context(), conn, id)
		require.ErrorIs(t, err, io.EOF)
		m.requireGone(conn, id)
		m.end(conn)
	})
}
