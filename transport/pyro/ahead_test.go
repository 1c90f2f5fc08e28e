package pyro_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A spring serves iterators over 0, 1, 2 ... and knows what was made.
type spring struct {
	made, ended atomic.Int32
	last        int           // number of items; 0: no end
	fails       error         // instead of the end
	every       time.Duration // how long each takes
	size        int           // of each item; 0: the number itself
}

func (s *spring) handler() pyro.Handler {
	return answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
		if call.Method == "quick" {
			return &transport.Reply{}, nil
		}
		return &transport.Reply{Stream: func(yield func(any, error) bool) {
			for i := 0; s.last == 0 || i < s.last; i++ {
				time.Sleep(s.every)
				s.made.Add(1)
				var v any = i
				if s.size > 0 {
					v = strings.Repeat("x", s.size)
				}
				if !yield(v, nil) {
					return
				}
			}
			if s.fails != nil {
				yield(nil, s.fails)
			}
		}, Cancel: sync.OnceFunc(func() { s.ended.Add(1) })}, nil
	})
}

// fetchAhead fetches an item that may have come by itself.
func fetchAhead(ctx context.Context, c *pyro.Conn, id string) (v any, done bool, err error) {
	r, err := c.Call(ctx, &transport.Call{Kind: transport.StreamItem, Object: "o", Method: "m", StreamID: id, Ahead: true})
	if err != nil || r.Done {
		return nil, r != nil && r.Done, err
	}
	defer r.Release()
	v, err = r.Value.Any()
	return v, false, err
}

func requireAhead(t *testing.T, c *pyro.Conn, id string, want int) {
	t.Helper()
	v, done, err := fetchAhead(t.Context(), c, id)
	require.NoError(t, err)
	require.False(t, done)
	require.Equal(t, int64(want), v)
}

func TestItemsThatComeAhead(t *testing.T) {
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		for _, fails := range []error{nil, errors.New("no more")} {
			t.Run(fmt.Sprint(dialect, fails), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &spring{last: 5000, fails: fails}
					m := serveInMemory(t, s.handler(), pyro.ServerConfig{})
					c := m.dialAs(pyro.DialConfig{Dialect: dialect})
					id := m.open(c)
					for i := range s.last {
						requireAhead(t, c, id, i)
					}
					_, done, err := fetchAhead(t.Context(), c, id)
					if fails == nil {
						require.NoError(t, err)
						require.True(t, done)
					} else {
						require.ErrorContains(t, err, "no more")
						require.True(t, transport.AsError(err).Remote)
					}
					_, _, err = fetchAhead(t.Context(), c, id)
					require.ErrorContains(t, err, "item stream terminated")
					require.Equal(t, int32(1), s.ended.Load())
					_, err = invoke(t.Context(), c, "quick")
					require.NoError(t, err)
					m.end(c)
				})
			})
		}
	}
}

func TestNoMoreComesAheadThanThereIsRoomFor(t *testing.T) {
	tests := map[string]struct {
		size  int
		taken int
		made  int32
	}{
		"at first":        {taken: 1, made: 16},
		"later":           {taken: 1000, made: 1000 + 2048},
		"of large items":  {taken: 1, size: 100_000, made: 2},
		"of larger items": {taken: 10, size: 1_000_000, made: 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &spring{size: tt.size}
				m := serveInMemory(t, s.handler(), pyro.ServerConfig{})
				c := m.dial(nil)
				id := m.open(c)
				for range tt.taken {
					_, _, err := fetchAhead(t.Context(), c, id)
					require.NoError(t, err)
				}
				for range 3 { // who waits for something else reads what has come
					_, err := invoke(t.Context(), c, "quick")
					require.NoError(t, err)
				}
				synctest.Wait()
				require.LessOrEqual(t, s.made.Load(), tt.made)
				require.NoError(t, c.CloseStream(t.Context(), id))
				synctest.Wait()
				require.Equal(t, int32(1), s.ended.Load())
				for range 3 {
					_, err := invoke(t.Context(), c, "quick")
					require.NoError(t, err)
				}
				_, _, err := fetchAhead(t.Context(), c, id)
				require.ErrorContains(t, err, "item stream terminated")
				m.end(c)
			})
		})
	}
}

// An item is sent when it is made, not when there are enough of them.
func TestItemsDoNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spring{every: time.Second}
		m := serveInMemory(t, s.handler(), pyro.ServerConfig{IdleTimeout: 100 * time.Millisecond})
		c := m.dial(nil)
		id := m.open(c)
		begun := time.Now()
		for i := range 5 {
			requireAhead(t, c, id, i)
			require.Equal(t, time.Duration(i+1)*time.Second, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, _, err := fetchAhead(ctx, c, id)
		require.ErrorIs(t, err, transport.ErrTimeout)
		requireAhead(t, c, id, 5) // it is for the next one who asks
		m.end(c)
	})
}

// A reader that takes its time is no peer that does not read.
func TestAStreamWaitsForItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spring{}
		m := serveInMemory(t, s.handler(), pyro.ServerConfig{WriteTimeout: time.Second})
		c := m.dial(nil)
		id := m.open(c)
		for i := range 100 {
			requireAhead(t, c, id, i)
			time.Sleep(time.Hour)
		}
		m.end(c)
	})
}

func TestTheEndOfTheConnectionEndsWhatComesAhead(t *testing.T) {
	for _, end := range []string{"client", "server"} {
		t.Run(end, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &spring{}
				m := serveInMemory(t, s.handler(), pyro.ServerConfig{})
				c := m.dial(nil)
				id := m.open(c)
				requireAhead(t, c, id, 0)
				if end == "server" {
					require.NoError(t, m.Shutdown(t.Context()))
					_, _, err := fetchAhead(t.Context(), c, id)
					for err == nil { // what had come
						_, _, err = fetchAhead(t.Context(), c, id)
					}
				}
				require.NoError(t, c.Close())
				synctest.Wait()
				require.Equal(t, int32(1), s.ended.Load(), "nobody can tell which items have arrived")
				if end == "client" {
					again := m.dial(nil)
					m.requireGone(again, id)
					require.NoError(t, again.Close())
				}
				m.end()
			})
		})
	}
}

func TestStreamsAndCallsShareAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spring{}
		m := serveInMemory(t, s.handler(), pyro.ServerConfig{})
		c := m.dial(nil)
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for range 20 {
					r, err := invoke(t.Context(), c, "m")
					require.NoError(t, err)
					id := r.StreamID
					for i := range worker * 30 {
						v, _, err := fetchAhead(t.Context(), c, id)
						require.NoError(t, err)
						require.Equal(t, int64(i), v)
						if i%7 == 0 {
							_, err := invoke(t.Context(), c, "quick")
							require.NoError(t, err)
						}
					}
					require.NoError(t, c.CloseStream(t.Context(), id))
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		require.Equal(t, int32(160), s.ended.Load())
		m.end(c)
	})
}

// Who waits for the first item is told at once that somebody else has closed the stream, whoever reads and whatever the server is
// at; the connection goes on.
func TestWhoWaitsForAStreamThatIsClosed(t *testing.T) {
	for _, waiters := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			m := serveInMemory(t, (&spring{every: time.Hour}).handler(), pyro.ServerConfig{})
			c, d := dialDammed(m)
			id := m.open(c)
			errs := make(chan error, waiters)
			for range waiters {
				go func() {
					_, _, err := fetchAhead(t.Context(), c, id)
					errs <- err
				}()
			}
			synctest.Wait()
			<-d.gate
			require.NoError(t, c.CloseStream(t.Context(), id))
			for range waiters {
				err := <-errs
				require.ErrorContains(t, err, "the item stream was closed")
				require.Equal(t, transport.CodeCanceled, transport.AsError(err).Code)
			}
			d.gate <- struct{}{}
			_, err := invoke(t.Context(), c, "quick")
			require.NoError(t, err)
			m.end(c)
		})
	}
}

// A dam lets nothing through while somebody has taken what is in its gate.
type dam struct {
	io.Writer

	gate chan struct{}
}

func (d *dam) Write(b []byte) (int, error) {
	d.gate <- <-d.gate
	return d.Writer.Write(b)
}

// dialDammed returns a connection with a dam in the way of what the server sends.
func dialDammed(m *memoryServer) (*pyro.Conn, *dam) {
	d := &dam{gate: make(chan struct{}, 1)}
	d.gate <- struct{}{}
	u := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}
	c, err := pyro.Dial(m.t.Context(), u, pyro.DialConfig{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		server, err := m.l.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		near, far := net.Pipe()
		d.Writer = far
		go func() { _, _ = io.Copy(server, far); _ = server.Close() }()
		go func() { _, _ = io.Copy(d, server); _ = far.Close() }()
		return near, nil
	}})
	require.NoError(m.t, err)
	return c, d
}

// A session's iterator is not run beside the session's methods: each item is asked for.
func TestItemsOfAnObjectWithAStateDoNotComeAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spring{}
		h := s.handler()
		h.Ordered = func(object string) bool { return object == "o" }
		m := serveInMemory(t, h, pyro.ServerConfig{})
		c, plain := m.dial(nil), m.dialAs(pyro.DialConfig{Plain: true})
		for _, c := range []*pyro.Conn{c, plain} {
			s.made.Store(0)
			id := m.open(c)
			for i := range 5 {
				requireAhead(t, c, id, i)
				synctest.Wait()
				require.Equal(t, int32(i+1), s.made.Load())
			}
			require.NoError(t, c.CloseStream(t.Context(), id))
		}
		synctest.Wait()
		require.Equal(t, int32(2), s.ended.Load())
		m.end(c, plain)
	})
}

// What has come is there although the connection is gone; what comes after it nobody can know.
func TestWhatHasComeOutlivesItsConnection(t *testing.T) {
	tests := map[string]struct {
		last int
		done bool
	}{
		"the middle": {},
		"the end":    {last: 10, done: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := serveInMemory(t, (&spring{last: tt.last}).handler(), pyro.ServerConfig{})
				c := m.dial(nil)
				id := m.open(c)
				requireAhead(t, c, id, 0)
				synctest.Wait()
				require.NoError(t, m.Close())
				require.Error(t, c.Ping(t.Context()))
				require.Error(t, c.Err())
				for i := 1; i < 10; i++ {
					requireAhead(t, c, id, i)
				}
				_, done, err := fetchAhead(t.Context(), c, id)
				for !tt.done && err == nil {
					_, done, err = fetchAhead(t.Context(), c, id)
				}
				require.Equal(t, tt.done, done)
				if !tt.done {
					require.ErrorIs(t, err, transport.ErrUnavailable)
					require.False(t, transport.AsError(err).NotSent, "on another connection items would be missing")
				}
				m.end(c)
			})
		})
	}
}

// cutClient returns a client of m and what cuts the connection that it has.
func cutClient(m *memoryServer) (c *pyro.Client, cut func()) {
	var conn net.Conn
	c = pyro.NewClient(func(context.Context) (pyro.URI, error) {
		return pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}, nil
	}, pyro.DialConfig{Dialect: codec.Pyro5, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		conn, err = m.l.DialContext(ctx, network, address)
		return conn, err
	}}, true)
	return c, func() { require.NoError(m.t, conn.Close()) }
}

// So does it where somebody else's call was the first to see that the connection is gone, and has made another one.
func TestWhatHasComeOutlivesItsConnectionWhereThereIsAnother(t *testing.T) {
	for name, first := range map[string]int{"the middle": 5, "before anything has come": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := serveInMemory(t, (&spring{}).handler(), pyro.ServerConfig{Streams: pyro.StreamConfig{Linger: -1}})
				c, cut := cutClient(m)
				r, err := c.Call(t.Context(), &transport.Call{Object: "o", Method: "m"})
				require.NoError(t, err)
				item := func() (any, error) {
					r, err := c.Call(t.Context(), &transport.Call{
						Kind: transport.StreamItem, Object: "o", Method: "m", StreamID: r.StreamID, Ahead: true,
					})
					if err != nil {
						return nil, err
					}
					defer r.Release()
					return r.Value.Any()
				}
				for i := range first {
					v, err := item()
					require.NoError(t, err)
					require.Equal(t, int64(i), v)
				}
				synctest.Wait()
				cut()
				for range 2 { // the first one may be the one that notices
					_, err = c.Call(t.Context(), &transport.Call{Object: "o", Method: "quick"})
				}
				require.NoError(t, err, "over a new connection")
				synctest.Wait()
				n := first
				for ; ; n++ {
					v, err := item()
					if err != nil {
						require.ErrorIs(t, err, transport.ErrUnavailable)
						break
					}
					require.Equal(t, int64(n), v)
				}
				if first > 0 {
					require.GreaterOrEqual(t, n, 16)
				}
				require.NoError(t, c.Close())
				m.end()
			})
		})
	}
}

// Items may be under way to a connection that is gone without the server's knowledge: nobody goes on behind
// them.
func TestNobodyGoesOnBesideItemsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, (&spring{}).handler(), pyro.ServerConfig{})
		c, other := m.dial(nil), m.dial(nil)
		id := m.open(c)
		requireAhead(t, c, id, 0)
		m.requireGone(other, id)
		_, _, err := fetchAhead(t.Context(), other, id)
		require.ErrorContains(t, err, "item stream terminated")
		for i := 1; i < 100; i++ {
			requireAhead(t, c, id, i)
		}
		m.end(c, other)
	})
}

// More streams than calls may run are sent item by item: the connection is read on, whatever they wait for.
func TestStreamsAheadAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, (&spring{}).handler(), pyro.ServerConfig{MaxConcurrent: 2})
		c := m.dial(nil)
		var ids []string
		for range 6 {
			ids = append(ids, m.open(c))
		}
		for i := range 200 {
			for _, id := range ids {
				requireAhead(t, c, id, i)
			}
		}
		m.end(c)
	})
}

// Whoever asks gets one of the items, none is lost and none comes twice, whether they come ahead or not.
func TestSeveralAskForItemsOfAStream(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		t.Run(strconv.FormatBool(ordered), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := (&spring{last: 1000}).handler()
				h.Ordered = func(string) bool { return ordered }
				m := serveInMemory(t, h, pyro.ServerConfig{})
				c := m.dial(nil)
				id := m.open(c)
				var mu sync.Mutex
				seen := map[any]int{}
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						for {
							v, done, err := fetchAhead(t.Context(), c, id)
							if done || err != nil && strings.Contains(err.Error(), "item stream terminated") {
								return
							}
							require.NoError(t, err)
							mu.Lock()
							seen[v]++
							mu.Unlock()
						}
					})
				}
				wg.Wait()
				require.Len(t, seen, 1000)
				for v, times := range seen {
					require.Equal(t, 1, times, v)
				}
				m.end(c)
			})
		})
	}
}

// The answers end, and their number is free, although the rules of the server keep the iterator.
func TestItemsEndWhereTheIteratorMayNotBeClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spring{}
		h := s.handler()
		inner := h.Call
		h.Call = func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if call.Kind == transport.StreamClose {
				return nil, errors.New("not you")
			}
			return inner(ctx, call)
		}
		m := serveInMemory(t, h, pyro.ServerConfig{})
		c, other := m.dial(nil), m.dialAs(pyro.DialConfig{Plain: true})
		id := m.open(c)
		requireAhead(t, c, id, 0)
		require.NoError(t, c.CloseStream(t.Context(), id))
		synctest.Wait()
		require.Zero(t, s.ended.Load())
		v, err := fetch(t.Context(), other, id) // nobody has it ahead any more
		require.NoError(t, err)
		require.Equal(t, int64(s.made.Load()-1), v)
		m.end(c, other)
	})
}

// A rule that fails an item does not end the iterator, as where each is asked for.
func TestARuleFailsAnItemAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		h := (&spring{}).handler()
		inner := h.Call
		h.Call = func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if call.Kind == transport.StreamItem && calls.Add(1) == 5 {
				return nil, errors.New("too fast")
			}
			return inner(ctx, call)
		}
		m := serveInMemory(t, h, pyro.ServerConfig{})
		c := m.dial(nil)
		id := m.open(c)
		for i := range 4 {
			requireAhead(t, c, id, i)
		}
		_, _, err := fetchAhead(t.Context(), c, id)
		require.ErrorContains(t, err, "too fast")
		for i := 4; i < 100; i++ {
			requireAhead(t, c, id, i)
		}
		m.end(c)
	})
}

// An iterator that waits is told when its connection is gone; one that is at work when the server shuts
// down is waited for, and counted if it takes too long.
func TestAnIteratorThatWaits(t *testing.T) {
	waiting := func(ended *atomic.Int32) pyro.Handler {
		return answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
			gone := make(chan struct{})
			return &transport.Reply{
				Stream: func(yield func(any, error) bool) {
					if yield(0, nil) {
						<-gone
						ended.Add(1)
					}
				},
				Cancel: sync.OnceFunc(func() { close(gone) }),
			}, nil
		})
	}
	for _, end := range []string{"the client goes", "it is closed", "the server goes"} {
		t.Run(end, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ended atomic.Int32
				m := serveInMemory(t, waiting(&ended), pyro.ServerConfig{})
				c := m.dial(nil)
				id := m.open(c)
				requireAhead(t, c, id, 0)
				synctest.Wait()
				switch end {
				case "the client goes":
					require.NoError(t, c.Close())
				case "it is closed":
					require.NoError(t, c.CloseStream(t.Context(), id))
				case "the server goes":
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					require.ErrorContains(t, m.Shutdown(ctx), "1 call was cut off")
				}
				synctest.Wait()
				require.Equal(t, int32(1), ended.Load())
				m.end(c)
			})
		})
	}
}
