package service_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

var quiet = service.Logger(slog.New(slog.DiscardHandler))

// A ledger is a service that remembers what it was asked, in order.
type ledger struct {
	mu      sync.Mutex
	entries []string
	entered chan struct{} // told by hold
	release chan struct{} // closed when hold may return
}

type point struct{ X, Y int }

func newLedger() *ledger {
	return &ledger{entered: make(chan struct{}, 10), release: make(chan struct{})}
}

func (l *ledger) service() *service.Service {
	s := service.New("ledger")
	s.Method("add", func(a, b int) int { l.note("add"); return a + b }, service.Params("a", service.Default("b", 2)))
	s.Method("echo", func(v any) any { l.note("echo"); return v })
	s.Method("text", func(n int) string { l.note("text"); return strings.Repeat("x", n) })
	s.Method("point", func(p point) point { l.note("point"); return point{p.Y, p.X} })
	s.Method("pair", func() (int, string) { return 1, "two" })
	s.Method("nothing", func() { l.note("nothing") })
	s.Method("note", func(name string) { l.note(name) }, service.Oneway())
	s.Method("fail", func() error { l.note("fail"); return transport.NewError("ValueError", "wrong", 42) })
	s.Method("give", func() *transport.Error { return transport.NewError("KeyError", "given, not raised") })
	s.Method("numbers", func() iter.Seq[int] { return slices.Values([]int{1, 2}) })
	s.Method("hold", func(ctx context.Context) error {
		l.note("hold")
		l.entered <- struct{}{}
		select {
		case <-l.release:
		case <-ctx.Done():
			l.note("gone")
		}
		return ctx.Err()
	})
	s.Property("size", func() int { return 1 }, nil)
	return s
}

func (l *ledger) note(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, name)
}

func (l *ledger) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// join serves a ledger in memory, in every serializer, and returns a proxy for it.
func join(t *testing.T, opts ...service.ProxyOption) (*ledger, *service.Proxy) {
	t.Helper()
	l := newLedger()
	all := service.Serializers("serpent", "json", "marshal", "msgpack", "pickle")
	return l, pairtest.Join(t, l.service(), []service.ServerOption{quiet, all}, opts...)
}

// eachWay runs a test in both dialects and in each serializer.
func eachWay(t *testing.T, test func(t *testing.T, l *ledger, p *service.Proxy)) {
	t.Helper()
	ways := map[codec.Dialect][]string{
		codec.Pyro4: {"serpent", "json", "marshal", "msgpack", "pickle"},
		codec.Pyro5: {"serpent", "json", "marshal", "msgpack"},
	}
	for dialect, serializers := range ways {
		for _, serializer := range serializers {
			t.Run(fmt.Sprintf("%s/%s", dialect, serializer), func(t *testing.T) {
				l, p := join(t, service.Dialect(dialect), service.Serializer(serializer))
				test(t, l, p)
			})
		}
	}
}

func value[T any](t *testing.T, r *service.Result[T]) T {
	t.Helper()
	v, err := r.Value()
	require.NoError(t, err)
	return v
}

func TestBatch(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *ledger, p *service.Proxy) {
		b := p.Batch()
		three := service.Queue[int](b, "add", 1, 2)
		six := service.Queue[int8](b, "add", service.Kwargs{"a": 4})
		seven := service.Queue[float64](b, "add", 3, service.Kwargs{"b": 4})
		text := service.Queue[string](b, "echo", "it's \u20ac\n")
		none := service.Queue[any](b, "nothing")
		pair := service.Queue[[]any](b, "pair")
		swapped := service.Queue[point](b, "point", point{1, 2})
		list := service.Queue[[]point](b, "echo", []point{{1, 2}, {3, 4}})
		given := service.Queue[*transport.Error](b, "give")
		noted := service.Queue[any](b, "note", "a one-way method has a result in a batch, as in Pyro")
		require.Equal(t, 10, b.Len())

		require.NoError(t, b.Do(t.Context()))

		require.Zero(t, b.Len())
		require.Equal(t, 3, value(t, three))
		require.EqualValues(t, 6, value(t, six))
		require.InDelta(t, 7, value(t, seven), 0)
		require.Equal(t, "it's \u20ac\n", value(t, text))
		require.Nil(t, value(t, none))
		require.Equal(t, []any{int64(1), "two"}, value(t, pair))
		require.Equal(t, point{2, 1}, value(t, swapped))
		require.Equal(t, []point{{1, 2}, {3, 4}}, value(t, list))
		require.Equal(t, "builtins.KeyError", value(t, given).Class, "an exception that is a value ends nothing")
		require.Nil(t, value(t, noted))

		var all []any
		for v, err := range b.Results() {
			require.NoError(t, err)
			all = append(all, v)
		}
		require.Len(t, all, 10)
		require.Equal(t, []any{3, int8(6), 7.0}, all[:3])
	})
}

func TestAnExceptionEndsABatch(t *testing.T) {
	eachWay(t, func(t *testing.T, l *ledger, p *service.Proxy) {
		b := p.Batch()
		before := service.Queue[int](b, "add", 1, 2)
		fails := service.Queue[any](b, "fail")
		after := service.Queue[int](b, "add", 3, 4)
		last := service.Queue[any](b, "nothing")

		err := b.Do(t.Context())

		require.Equal(t, 3, value(t, before))
		_, raised := fails.Value()
		require.Equal(t, err, raised)
		var e *transport.Error
		require.ErrorAs(t, raised, &e)
		require.True(t, e.Remote)
		require.Equal(t, "builtins.ValueError", e.Class)
		require.Equal(t, []any{"wrong", int64(42)}, e.Args)
		require.NotEmpty(t, e.Traceback)
		require.Equal(t, "call fail (2 of 4 in a batch)", e.Op)
		require.Equal(t, "PYRO:ledger@memory:1", e.URI)
		require.NotEmpty(t, e.Peer)
		_, err = after.Value()
		require.ErrorIs(t, err, service.ErrNotExecuted)
		require.ErrorAs(t, err, &e)
		require.Equal(t, transport.CodeAborted, e.Code)
		_, err = last.Value()
		require.ErrorIs(t, err, service.ErrNotExecuted)
		require.Equal(t, []string{"add", "fail"}, l.all())

		var seen []any
		for v, err := range b.Results() {
			if err != nil {
				require.Equal(t, raised, err)
				v = "the exception"
			}
			seen = append(seen, v)
		}
		require.Equal(t, []any{3, "the exception"}, seen, "as Pyro's generator yields and raises")
	})
}

func TestTheLastCallOfABatchMayRaise(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *ledger, p *service.Proxy) {
		b := p.Batch()
		first := service.Queue[int](b, "add", 1, 2)
		last := service.Queue[map[string]any](b, "fail") // which the exception's dict would fit
		require.ErrorContains(t, b.Do(t.Context()), "wrong")
		require.Equal(t, 3, value(t, first))
		_, err := last.Value()
		require.ErrorContains(t, err, "ValueError: ('wrong', 42)")
	})
}

func TestAnIteratorIsNoResultOfABatch(t *testing.T) {
	_, p := join(t)
	b := p.Batch()
	service.Queue[any](b, "numbers")
	require.ErrorContains(t, b.Do(t.Context()), "iterators cannot be results in a batch")
}

func TestABatchWithAnUnknownNameIsNotSent(t *testing.T) {
	for name, want := range map[string]string{
		"missing":  "has no exposed attribute or method 'missing'",
		"_private": "has no exposed attribute or method '_private'",
		"size":     "'size' that can be called: it is an attribute",
	} {
		t.Run(name, func(t *testing.T) {
			l, p := join(t)
			b := p.Batch()
			first := service.Queue[int](b, "add", 1, 2)
			wrong := service.Queue[any](b, name)
			err := b.Do(t.Context())
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "call "+name+" (2 of 2 in a batch) of PYRO:ledger@memory:1 at ")
			require.NotContains(t, err.Error(), "carried out")
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.True(t, e.NotSent)
			require.True(t, e.NoSuchMember)
			require.Equal(t, "builtins.AttributeError", e.Class)
			_, of := first.Value()
			require.Equal(t, err, of)
			_, of = wrong.Value()
			require.Equal(t, err, of)
			require.Empty(t, l.all())
		})
	}
}

func TestABatchThatTheServerRefusesMayHaveBegun(t *testing.T) {
	for name, want := range map[string]string{
		"missing":  "'ledger' object has no attribute 'missing'",
		"_private": "attempt to access private attribute '_private'",
		"size":     "attempt to access unexposed attribute 'size'",
	} {
		t.Run(name, func(t *testing.T) {
			l, p := join(t, service.NoMetadata())
			b := p.Batch()
			first := service.Queue[int](b, "add", 1, 2)
			service.Queue[any](b, name)
			err := b.Do(t.Context())
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "batch of 2 calls of PYRO:ledger@memory:1")
			require.ErrorContains(t, err, "calls of the batch may have been carried out")
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.True(t, e.Remote)
			require.Equal(t, "builtins.AttributeError", e.Class)
			_, of := first.Value()
			require.Equal(t, err, of)
			require.Equal(t, []string{"add"}, l.all())
			require.NoError(t, service.Do(t.Context(), p, "nothing"), "the connection stays")
		})
	}
}

func TestAnEmptyBatchIsSent(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *ledger, p *service.Proxy) {
		b := p.Batch()
		require.NoError(t, b.Do(t.Context()))
		for range b.Results() {
			t.Fatal("a result")
		}
		require.NoError(t, p.Close())
		require.Error(t, b.Do(t.Context()))
	})
}

func TestABatchCanBeFilledAgain(t *testing.T) {
	_, p := join(t)
	b := p.Batch()
	for i := range 3 {
		var results []*service.Result[int]
		for j := range i + 1 {
			results = append(results, service.Queue[int](b, "add", i, j))
		}
		_, err := results[0].Value()
		require.ErrorIs(t, err, service.ErrNotExecuted, "not sent yet")
		require.NoError(t, b.Do(t.Context()))
		for j, r := range results {
			require.Equal(t, i+j, value(t, r))
		}
		n := 0
		for range b.Results() {
			n++
		}
		require.Equal(t, i+1, n)
	}
	service.Queue[any](b, "fail")
	require.Error(t, b.Do(t.Context()))
	require.Zero(t, b.Len(), "also after an error")
}

func TestOnewayBatch(t *testing.T) {
	eachWay(t, func(t *testing.T, l *ledger, p *service.Proxy) {
		b := p.Batch()
		first := service.Queue[any](b, "note", "one")
		service.Queue[any](b, "note", "two")
		service.Queue[any](b, "fail")
		service.Queue[any](b, "note", "three")
		require.NoError(t, b.Do(t.Context(), service.AsOneway()))
		_, err := first.Value()
		require.ErrorContains(t, err, "a one-way batch has no results")
		for range b.Results() {
			t.Fatal("a result")
		}
		require.Eventually(t, func() bool { return len(l.all()) == 3 }, 30*time.Second, time.Millisecond)
		require.NoError(t, service.Do(t.Context(), p, "point", point{}))
		require.Equal(t, []string{"one", "two", "fail", "point"}, l.all(), "in order, no further than the exception")
	})
}

func TestWhatCannotBeInABatch(t *testing.T) {
	l, p := join(t)
	b := p.Batch()
	service.Queue[int](b, "add", 1, 2)
	option := service.Queue[int](b, "add", 1, service.Timeout(time.Second))
	err := b.Do(t.Context())
	require.ErrorIs(t, err, transport.ErrInvalidArgument)
	require.ErrorContains(t, err, "call add (2 in a batch): options are for the whole batch: they go to Do")
	_, of := option.Value()
	require.Equal(t, err, of)
	require.Zero(t, b.Len())

	service.Queue[any](b, "echo", 1)
	service.Queue[any](b, "echo", []any{1, func() {}})
	err = b.Do(t.Context())
	require.ErrorContains(t, err, "batch[1].args[0][1]")
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.NotSent)
	var encode *codec.EncodeError
	require.ErrorAs(t, err, &encode)
	require.Empty(t, l.all())

	service.Queue[int](b, "add", 1)
	require.NoError(t, b.Do(t.Context()), "what was wrong is forgotten")
}

func TestAResultThatDoesNotFitIsItsOwn(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *ledger, p *service.Proxy) {
		b := p.Batch()
		first := service.Queue[int](b, "add", 1, 2)
		wrong := service.Queue[int](b, "echo", []any{map[string]any{"deep": []any{1, "x"}}})
		void := service.Queue[int](b, "nothing")
		last := service.Queue[int](b, "add", 3, 4)
		require.NoError(t, b.Do(t.Context()))
		require.Equal(t, 3, value(t, first))
		require.Equal(t, 7, value(t, last))
		_, err := wrong.Value()
		require.ErrorIs(t, err, transport.ErrInvalidArgument)
		require.ErrorContains(t, err, "call echo (2 of 4 in a batch)")
		require.ErrorContains(t, err, "result of echo: ")
		var typ *codec.TypeError
		require.ErrorAs(t, err, &typ)
		_, err = void.Value()
		require.ErrorContains(t, err, "None")
	})
}

// Whatever a reply holds, each result has a value or an error.
func TestABatchOfWrongReplies(t *testing.T) {
	end := &transport.BatchError{Err: transport.NewError("ValueError", "end")}
	for name, tt := range map[string]struct {
		reply any
		want  string
	}{
		"too few":               {[]any{1}, "results of a batch: 1 results of 2 calls"},
		"none":                  {nil, "want list"},
		"too many":              {[]any{1, 2, 3}, "more than 2 results of 2 calls"},
		"more after the end":    {[]any{end, 2}, "a result after the exception that ends the batch"},
		"an end after the end":  {[]any{end, end}, "a result after the exception that ends the batch"},
		"an end beyond the end": {[]any{1, 2, end}, "more than 2 results of 2 calls"},
		"no list":               {"text", "want list"},
	} {
		t.Run(name, func(t *testing.T) {
			lies := transport.Middleware{Call: func(transport.Endpoint) transport.Endpoint {
				return func(context.Context, *transport.Call) (*transport.Reply, error) {
					return &transport.Reply{Value: codec.ValueOf(tt.reply)}, nil
				}
			}}
			_, p := join(t, service.Use(lies))
			b := p.Batch()
			results := []*service.Result[int]{service.Queue[int](b, "add", 1, 2), service.Queue[int](b, "add", 3, 4)}
			err := b.Do(t.Context())
			require.ErrorIs(t, err, transport.ErrInternal)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "may have been carried out")
			for _, r := range results {
				_, of := r.Value()
				require.Equal(t, err, of)
			}
		})
	}
}

func TestWhatMiddlewaresSeeOfABatch(t *testing.T) {
	type seen struct {
		kind    transport.Kind
		method  string
		batch   bool
		oneway  bool
		methods []string
	}
	record := func(to *[]seen, ids map[[16]byte]bool) transport.Middleware {
		return transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				*to = append(*to, seen{call.Kind, call.Method, call.Batch, call.Oneway, slices.Collect(call.Methods())})
				ids[call.Header.CorrelationID] = true
				note, _ := call.Header.Annotations.Get("NOTE")
				if string(note) != "hello" {
					return nil, errors.New("no annotation")
				}
				return next(ctx, call)
			}
		}}
	}
	var client, server []seen
	ids := map[[16]byte]bool{}
	l := newLedger()
	p := pairtest.Join(t, l.service(), []service.ServerOption{quiet, service.Use(record(&server, ids))}, service.Use(record(&client, ids)))
	ctx := transport.WithCorrelationID(t.Context(), [16]byte{1, 2, 3})
	b := p.Batch()
	service.Queue[any](b, "note", "x")
	service.Queue[int](b, "add", 1)
	require.NoError(t, b.Do(ctx, service.WithAnnotation("NOTE", []byte("hello"))))
	require.Equal(t, []seen{{transport.Batch, "<batch>", false, false, []string{"note", "add"}}}, client)
	require.Equal(t, []seen{
		{transport.Invoke, "note", true, false, []string{"note"}},
		{transport.Invoke, "add", true, false, []string{"add"}},
	}, server)
	require.Equal(t, map[[16]byte]bool{{1, 2, 3}: true}, ids)
}

func TestAServersMiddlewareDeniesOneCallOfABatch(t *testing.T) {
	denies := transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if call.Method == "echo" {
				return nil, transport.Errorf(transport.CodePermissionDenied, "not you")
			}
			return next(ctx, call)
		}
	}}
	l := newLedger()
	p := pairtest.Join(t, l.service(), []service.ServerOption{quiet, service.Use(denies)})
	b := p.Batch()
	add := service.Queue[int](b, "add", 1)
	service.Queue[any](b, "echo", 1)
	service.Queue[any](b, "nothing")
	require.ErrorIs(t, b.Do(t.Context()), transport.ErrPermissionDenied)
	require.Equal(t, 3, value(t, add))
	require.Equal(t, []string{"add"}, l.all())
}

func TestABatchEndsWithItsContext(t *testing.T) {
	eachWay(t, func(t *testing.T, l *ledger, p *service.Proxy) {
		t.Parallel() // each waits for deadlines
		for _, end := range []struct {
			ctx  func() (context.Context, context.CancelFunc)
			opts []service.CallOption
			want error
		}{
			{ctx: func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(t.Context())
				go func() { <-l.entered; cancel() }()
				return ctx, cancel
			}, want: transport.ErrCanceled},
			{ctx: func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(t.Context(), 500*time.Millisecond)
			}, want: transport.ErrTimeout},
			{ctx: func() (context.Context, context.CancelFunc) {
				return t.Context(), func() {}
			}, opts: []service.CallOption{service.Timeout(500 * time.Millisecond)}, want: transport.ErrTimeout},
		} {
			ctx, cancel := end.ctx()
			b := p.Batch()
			add := service.Queue[int](b, "add", 1)
			service.Queue[any](b, "hold")
			err := b.Do(ctx, end.opts...)
			cancel()
			require.ErrorIs(t, err, end.want)
			require.False(t, transport.AsError(err).Remote, "the time was this side's")
			if strings.Contains(err.Error(), "call hold (2 of 2 in a batch)") { // the server knew of the deadline, too, and was first
				require.Equal(t, 3, value(t, add))
				continue
			}
			require.ErrorContains(t, err, "may have been carried out")
			_, of := add.Value()
			require.Equal(t, err, of)
		}
		close(l.release)
		n, err := service.Call[int](t.Context(), p, "add", 1, 1)
		require.NoError(t, err, "the connection stays")
		require.Equal(t, 2, n)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b := p.Batch()
		service.Queue[int](b, "add", 1)
		var e *transport.Error
		require.ErrorAs(t, b.Do(ctx), &e)
		require.True(t, e.NotSent, "not begun at all")
	})
}

// A server that knows the deadline may be the first to say that it has passed. What it has carried out counts.
func TestABatchWhoseServerSaysThatItsTimeIsOver(t *testing.T) {
	tests := map[string]struct {
		class string
		late  bool
		want  bool
	}{
		"it is":                  {class: "TimeoutError", late: true, want: true},
		"the method's own limit": {class: "TimeoutError"},
		"something else":         {class: "ValueError", late: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := service.New("svc").Method("one", func() int { return 1 }).
				Method("fails", func() error { return transport.NewError(tt.class, "no") })
			late := transport.Middleware{Name: "late", Call: func(next transport.Endpoint) transport.Endpoint {
				return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
					reply, err := next(ctx, call)
					require.NoError(t, err)
					require.False(t, reply.Late)
					reply.Late = tt.late
					return reply, nil
				}
			}}
			b := inMemory(t, s)(service.Use(late)).Batch()
			first, second, third := service.Queue[int](b, "one"), service.Queue[any](b, "fails"), service.Queue[int](b, "one")
			err := b.Do(t.Context())
			require.Equal(t, tt.want, errors.Is(err, context.DeadlineExceeded))
			require.Equal(t, !tt.want, transport.AsError(err).Remote)
			require.Equal(t, tt.class == "TimeoutError", errors.Is(err, transport.ErrTimeout))
			require.ErrorContains(t, err, "call fails (2 of 3 in a batch)")
			require.Equal(t, 1, value(t, first))
			_, of := second.Value()
			require.Equal(t, err, of)
			_, of = third.Value()
			require.ErrorIs(t, of, service.ErrNotExecuted)
		})
	}
}

func TestABatchWhoseConnectionIsCut(t *testing.T) {
	l := newLedger()
	pair, err := pairtest.Serve(l.service(), quiet)
	require.NoError(t, err)
	var nc net.Conn
	p, err := pair.Connect(service.DialWith(func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := pair.Dial(ctx, network, address)
		nc = c
		return c, err
	}))
	require.NoError(t, err)
	b := p.Batch()
	add := service.Queue[int](b, "add", 1)
	service.Queue[any](b, "hold")
	after := service.Queue[int](b, "add", 2)
	f := b.Go(t.Context())
	<-l.entered
	require.NoError(t, nc.Close())
	_, err = f.Wait(t.Context())
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.ErrorContains(t, err, "may have been carried out")
	for _, r := range []*service.Result[int]{add, after} {
		_, of := r.Value()
		require.Equal(t, err, of)
	}
	require.Eventually(t, func() bool { return slices.Contains(l.all(), "gone") }, 30*time.Second, time.Millisecond)
	require.Equal(t, []string{"add", "hold", "gone"}, l.all())
	n, err := service.Call[int](t.Context(), p, "add", 1, 1)
	require.NoError(t, err, "the proxy connects again")
	require.Equal(t, 2, n)
	close(l.release)
	require.NoError(t, pair.Close())
}

func TestABatchThatIsTooLarge(t *testing.T) {
	l := newLedger()
	p := pairtest.Join(t, l.service(), []service.ServerOption{quiet}, service.MaxMessageSize(1000))
	b := p.Batch()
	for range 100 {
		service.Queue[any](b, "echo", "0123456789")
	}
	err := b.Do(t.Context())
	require.ErrorContains(t, err, "option MaxMessageSize")
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.NotSent)
	require.Empty(t, l.all())
	service.Queue[any](b, "nothing")
	require.NoError(t, b.Do(t.Context()))
}

func TestLargeBatches(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *ledger, p *service.Proxy) {
		const n = 3000
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				b := p.Batch()
				results := make([]*service.Result[string], n)
				for i := range results {
					results[i] = service.Queue[string](b, "echo", fmt.Sprintf("%d/%d", w, i))
				}
				if err := b.Do(t.Context()); err != nil {
					t.Error(err)
					return
				}
				for i, r := range results {
					if v, err := r.Value(); err != nil || v != fmt.Sprintf("%d/%d", w, i) {
						t.Errorf("result %d of %d: %q %v", i, w, v, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestABatchInTheBackground(t *testing.T) {
	l, p := join(t)
	b := p.Batch()
	service.Queue[int](b, "add", 1)
	service.Queue[any](b, "hold")
	service.Queue[any](b, "fail")
	service.Queue[int](b, "add", 2)
	f := b.Go(t.Context())
	<-l.entered
	require.False(t, f.Ready())
	require.Zero(t, b.Len())
	next := service.Queue[int](b, "add", 20) // is none of the first batch's
	close(l.release)
	results, err := f.Wait(t.Context())
	require.ErrorContains(t, err, "wrong")
	var seen []any
	for v, err := range results {
		if err != nil {
			v = "the exception"
		}
		seen = append(seen, v)
	}
	require.Equal(t, []any{3, nil, "the exception"}, seen)

	sum := service.Then(b.Go(t.Context()), func(_ context.Context, results iter.Seq2[any, error]) (int, error) {
		for v, err := range results {
			return v.(int), err
		}
		return 0, errors.New("no results")
	})
	n, err := sum.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 22, n)
	require.Equal(t, 22, value(t, next))
}

func TestACancelledBatchInTheBackground(t *testing.T) {
	l, p := join(t)
	b := p.Batch()
	hold := service.Queue[any](b, "hold")
	service.Queue[any](b, "nothing")
	f := b.Go(t.Context())
	<-l.entered
	require.False(t, f.Cancel())
	_, err := f.Wait(t.Context())
	require.ErrorIs(t, err, transport.ErrCanceled)
	_, err = hold.Value()
	require.ErrorIs(t, err, transport.ErrCanceled)
	require.Eventually(t, func() bool { return slices.Contains(l.all(), "gone") }, 30*time.Second, time.Millisecond,
		"another pyrokit is told")
	require.NotContains(t, l.all(), "nothing")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := service.Queue[any](b, "nothing")
	results, err := b.Go(ctx).Wait(t.Context())
	require.ErrorIs(t, err, transport.ErrCanceled)
	_, of := never.Value()
	require.ErrorIs(t, of, service.ErrNotExecuted)
	for _, err := range results {
		require.Equal(t, of, err)
	}
}

// A method may keep the context of its entry, and what it says of the call.
func TestEachCallOfABatchHasAContextOfItsOwn(t *testing.T) {
	var kept []context.Context
	s := service.New("keeper")
	s.Method("keep", func(ctx context.Context, key string) {
		transport.FromContext(ctx).Response.Set(key, []byte(key))
		kept = append(kept, ctx)
	})
	s.Method("other", func(ctx context.Context) { kept = append(kept, ctx) })
	var note []byte
	sees := transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			reply, err := next(ctx, call)
			if err == nil {
				for _, key := range []string{"KEYA", "KEYB"} {
					v, _ := reply.Header.Annotations.Get(key)
					note = append(note, v...)
				}
			}
			return reply, err
		}
	}}
	p := pairtest.Join(t, s, []service.ServerOption{quiet}, service.Use(sees))
	b := p.Batch()
	service.Queue[any](b, "keep", "KEYA")
	service.Queue[any](b, "other")
	for range 40 {
		service.Queue[any](b, "keep", "KEYB")
	}
	require.NoError(t, b.Do(t.Context()))
	require.Len(t, kept, 42)
	for i, ctx := range kept {
		want := "keep"
		if i == 1 {
			want = "other"
		}
		info := transport.FromContext(ctx)
		require.Equal(t, want, info.Method)
		require.True(t, info.Batch)
		require.Equal(t, "keeper", info.Object)
	}
	require.Equal(t, "KEYAKEYB", string(note), "annotations of all calls go with the one reply")
}

func BenchmarkBatch(b *testing.B) {
	const n = 1000
	s := service.New("bench.batch")
	s.Method("echo", func(message string) string { return message })
	s.Method("add", func(x, y int) int { return x + y })
	s.Method("nothing", func() {})
	srv := service.NewServer(quiet)
	require.NoError(b, srv.Add(s))
	require.NoError(b, srv.Start())
	defer func() { _ = srv.Shutdown(context.Background()) }()
	p, err := service.Connect(srv.URI("bench.batch").String(), service.Dialect(codec.Pyro5))
	require.NoError(b, err)
	defer p.Close()
	for name, queue := range map[string]func(*service.Batch){
		"echo":    func(batch *service.Batch) { service.Queue[string](batch, "echo", "hello world") },
		"add":     func(batch *service.Batch) { service.Queue[int](batch, "add", 1, 2) },
		"nothing": func(batch *service.Batch) { service.Queue[any](batch, "nothing") },
	} {
		b.Run(name, func(b *testing.B) { // an iteration is one call of a batch of 1000
			b.ReportAllocs()
			batch := p.Batch()
			for b.Loop() {
				queue(batch)
				if batch.Len() < n {
					continue
				}
				if err := batch.Do(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
