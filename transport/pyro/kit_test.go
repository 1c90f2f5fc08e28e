package pyro_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// dialAs connects with one side or the other, or neither, that says what more it can do.
func (m *memoryServer) dialAs(cfg pyro.DialConfig) *pyro.Conn {
	cfg.Dial = m.l.DialContext
	if cfg.Dialect == 0 {
		cfg.Dialect = codec.Pyro5
	}
	u := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}
	c, err := pyro.Dial(m.t.Context(), u, cfg)
	require.NoError(m.t, err)
	return c
}

func TestASlowCallDelaysNobody(t *testing.T) {
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(dialect.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				m := serveInMemory(t, answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
					if call.Method == "slow" {
						<-release
					}
					return &transport.Reply{Value: codec.ValueOf(call.Method)}, nil
				}), pyro.ServerConfig{})
				c := m.dialAs(pyro.DialConfig{Dialect: dialect})
				var slow sync.WaitGroup
				for range 10 {
					slow.Go(func() {
						r, err := invoke(t.Context(), c, "slow")
						require.NoError(t, err)
						v, err := r.Value.Any()
						require.NoError(t, err)
						require.Equal(t, "slow", v)
					})
				}
				synctest.Wait()
				for i := range 100 {
					name := fmt.Sprint("quick", i)
					r, err := invoke(t.Context(), c, name)
					require.NoError(t, err)
					v, err := r.Value.Any()
					require.NoError(t, err)
					require.Equal(t, name, v)
				}
				close(release)
				slow.Wait()
				m.end(c)
			})
		})
	}
}

// A crowd counts how many calls run at the same time.
type crowd struct {
	mu            sync.Mutex
	running, most int
}

// call takes a second.
func (c *crowd) call(context.Context, *transport.Call) (*transport.Reply, error) {
	c.mu.Lock()
	c.running++
	c.most = max(c.most, c.running)
	c.mu.Unlock()
	time.Sleep(time.Second)
	c.mu.Lock()
	c.running--
	c.mu.Unlock()
	return &transport.Reply{}, nil
}

// Where one side does not say that it can do more, or the object keeps a state for the connection, calls
// run one after the other.
func TestWhereOrderIsKept(t *testing.T) {
	tests := map[string]struct {
		server  pyro.ServerConfig
		client  pyro.DialConfig
		ordered bool
	}{
		"plain server":  {server: pyro.ServerConfig{Plain: true}},
		"plain client":  {client: pyro.DialConfig{Plain: true}},
		"session bound": {ordered: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all crowd
				h := answers(all.call)
				h.Ordered = func(object string) bool { return tt.ordered && object == "o" }
				m := serveInMemory(t, h, tt.server)
				c := m.dialAs(tt.client)
				begun := time.Now()
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						_, err := invoke(t.Context(), c, "m")
						require.NoError(t, err)
					})
				}
				wg.Wait()
				require.Equal(t, 1, all.most)
				require.Equal(t, 8*time.Second, time.Since(begun))
				if tt.ordered { // others are not held up by it
					go func() { _, _ = invoke(t.Context(), c, "m") }()
					synctest.Wait()
					begun = time.Now()
					require.NoError(t, c.Ping(t.Context()))
					require.Less(t, time.Since(begun), time.Second)
				}
				time.Sleep(time.Minute)
				m.end(c)
			})
		})
	}
}

func TestTheDeadlineTravels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan time.Duration, 1)
		m := serveInMemory(t, answers(func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
			deadline, ok := ctx.Deadline()
			if !ok {
				left <- 0
				return &transport.Reply{}, nil
			}
			left <- time.Until(deadline)
			<-ctx.Done()
			return nil, ctx.Err()
		}), pyro.ServerConfig{})
		c, plain := m.dial(nil), m.dialAs(pyro.DialConfig{Plain: true})
		_, err := invoke(t.Context(), c, "m")
		require.NoError(t, err)
		require.Zero(t, <-left)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err = invoke(ctx, plain, "m")
		require.NoError(t, err)
		require.Zero(t, <-left)
		_, err = invoke(ctx, c, "m")
		require.ErrorIs(t, err, transport.ErrTimeout)
		require.Equal(t, 3*time.Second, <-left)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, c.Ping(ctx), "the connection stands")
		m.end(c, plain)
	})
}

// Behind a call that takes until then, the deadline of one that waits passes.
func TestACallThatIsTooLateIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var ran []string
		h := answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
			mu.Lock()
			ran = append(ran, call.Method)
			mu.Unlock()
			time.Sleep(2 * time.Second)
			return &transport.Reply{}, nil
		})
		h.Ordered = func(string) bool { return true }
		m := serveInMemory(t, h, pyro.ServerConfig{})
		c := m.dial(nil)
		go func() { _, _ = invoke(context.Background(), c, "first") }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := invoke(ctx, c, "late")
		require.ErrorIs(t, err, transport.ErrTimeout)
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		_, err = invoke(ctx, c, "cancelled")
		require.ErrorIs(t, err, transport.ErrCanceled)
		_, err = invoke(t.Context(), c, "last")
		require.NoError(t, err)
		require.Equal(t, []string{"first", "last"}, ran)
		m.end(c)
	})
}

func TestCancellationTravels(t *testing.T) {
	for _, callers := range []int{1, 5} { // as the one who reads, and as one who does not
		synctest.Test(t, func(t *testing.T) {
			causes := make(chan error, callers)
			m := serveInMemory(t, answers(func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				if call.Method == "quick" {
					return &transport.Reply{}, ctx.Err()
				}
				<-ctx.Done()
				causes <- context.Cause(ctx)
				return nil, ctx.Err()
			}), pyro.ServerConfig{})
			c := m.dial(nil)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					_, err := invoke(ctx, c, "m")
					require.ErrorIs(t, err, context.Canceled)
				})
			}
			time.Sleep(time.Second)
			cancel()
			wg.Wait()
			for range callers {
				require.ErrorIs(t, <-causes, pyro.ErrCallCancelled)
			}
			for range 10 {
				_, err := invoke(t.Context(), c, "quick")
				require.NoError(t, err)
			}
			m.end(c)
		})
	}
}

func TestCallsInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all crowd
		throttled := 0
		m := serveInMemory(t, answers(all.call), pyro.ServerConfig{MaxConcurrent: 4, Throttled: func(*transport.Peer) { throttled++ }})
		c := m.dial(nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := invoke(t.Context(), c, "m")
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 4, all.most)
		require.Positive(t, throttled)
		m.end(c)
	})
}

func TestSlowAndQuickCallsAtRandom(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		t.Run(fmt.Sprint("ordered ", ordered), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := answers(func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
					var wait int
					_, _ = fmt.Sscanf(call.Method, "m%d", &wait)
					select {
					case <-time.After(time.Duration(wait) * time.Millisecond / 2):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
					return &transport.Reply{Value: codec.ValueOf(call.Method)}, nil
				})
				h.Ordered = func(string) bool { return ordered }
				m := serveInMemory(t, h, pyro.ServerConfig{MaxConcurrent: 16})
				c := m.dial(nil)
				var wg sync.WaitGroup
				for caller := range 32 {
					wg.Go(func() {
						for i := range 30 {
							ctx, cancel := context.WithCancel(t.Context())
							if i%3 == 0 {
								ctx, cancel = context.WithTimeout(t.Context(), time.Duration(caller+i)*time.Millisecond)
							}
							name := fmt.Sprint("m", (caller+i*7)%9)
							r, err := invoke(ctx, c, name)
							if err == nil {
								v, _ := r.Value.Any()
								require.Equal(t, name, v)
							} else {
								require.ErrorIs(t, err, transport.ErrTimeout)
							}
							cancel()
						}
					})
				}
				wg.Wait()
				_, err := invoke(t.Context(), c, "m0")
				require.NoError(t, err)
				m.end(c)
			})
		})
	}
}

// lateContext is a context whose deadline has passed although nobody has told it yet.
type lateContext struct {
	context.Context //nolint:containedctx // it is one
	deadline        time.Time
}

func (c lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

// A server that knows the deadline may be the first to say that it has passed; what it says of time is then what
// the caller's own context says. Everything else is the method's.
func TestTheDeadlineIsTheSameWhoeverNoticesIt(t *testing.T) {
	tests := map[string]struct {
		class   string
		left    time.Duration
		overdue bool
	}{
		"it has passed":          {class: "TimeoutError", left: -1, overdue: true},
		"another limit":          {class: "TimeoutError", left: time.Hour},
		"the method has its own": {class: "ValueError", left: -1},
		"the method was in time": {class: "ValueError", left: time.Hour},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := serveInMemory(t, answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
					return nil, transport.NewError(tt.class, "no")
				}), pyro.ServerConfig{Plain: true})
				c := m.dial(nil)
				_, err := invoke(lateContext{t.Context(), time.Now().Add(tt.left)}, c, "m")
				e := transport.AsError(err)
				require.Equal(t, !tt.overdue, e.Remote)
				require.Equal(t, tt.overdue, errors.Is(err, context.DeadlineExceeded))
				require.Equal(t, tt.class == "TimeoutError", errors.Is(err, transport.ErrTimeout))
				m.end(c)
			})
		})
	}
}

// A reply to a batch says whether it has come after the deadline.
func TestALateBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, atOnce(1), pyro.ServerConfig{Plain: true})
		c := m.dial(nil)
		for left, late := range map[time.Duration]bool{-1: true, time.Hour: false} {
			ctx := lateContext{t.Context(), time.Now().Add(left)}
			r, err := c.Call(ctx, &transport.Call{Kind: transport.Batch, Object: "o", Entries: []codec.BatchEntry{{Method: "m"}}})
			require.NoError(t, err)
			require.Equal(t, late, r.Late)
			r.Release()
		}
		m.end(c)
	})
}
