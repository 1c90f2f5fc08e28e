package service_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

// accounts counts what becomes of instances.
type accounts struct {
	made, closed atomic.Int32
	final        atomic.Int32 // the balance when the last one was closed
	refuse       atomic.Bool
}

func (l *accounts) open(context.Context) (*account, error) {
	if l.refuse.Load() {
		return nil, transport.NewError("ValueError", "no more accounts")
	}
	l.made.Add(1)
	return &account{accounts: l}, nil
}

// An account is not safe for concurrent use: its calls must come one at a time.
type account struct {
	accounts *accounts
	balance  int
	busy     bool
}

func (a *account) enter() {
	if a.busy {
		panic("two at a time")
	}
	a.busy = true
}

func (a *account) Deposit(_ context.Context, n int) int {
	a.enter()
	defer func() { a.busy = false }()
	a.balance += n
	return a.balance
}

func (a *account) Slowly(n int) {
	a.enter()
	defer func() { a.busy = false }()
	time.Sleep(time.Millisecond)
	a.balance += n
}

func (a *account) Balance() int { return a.balance }

func (a *account) SetBalance(n int) { a.balance = n }

func (a *account) CountDown() iter.Seq[int] {
	return func(yield func(int) bool) {
		for a.enter(); a.balance > 0; a.enter() {
			a.balance--
			n := a.balance
			a.busy = false
			if !yield(n) {
				return
			}
		}
		a.busy = false
	}
}

func (a *account) Fail() error { return errors.New("went wrong") }

func (a *account) Close() error {
	a.enter()
	a.accounts.final.Store(int32(a.balance))
	a.accounts.closed.Add(1)
	return nil
}

// inMemory serves s in memory.
func inMemory(t *testing.T, s *service.Service, opts ...service.ServerOption) (connectTo func(...service.ProxyOption) *service.Proxy) {
	t.Helper()
	l := inmem.Listen()
	start(t, s, append(opts, service.ListenOn(l))...)
	return func(opts ...service.ProxyOption) *service.Proxy {
		return connect(t, "PYRO:"+s.Name()+"@memory:1", append(opts, service.DialWith(l.DialContext))...)
	}
}

func deposit(t *testing.T, p *service.Proxy, n int) int {
	t.Helper()
	balance, err := service.Call[int](t.Context(), p, "deposit", n)
	require.NoError(t, err)
	return balance
}

func TestInstancesOfSessions(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			var l accounts
			proxyTo := inMemory(t, service.PerSession(l.open))
			first, second := proxyTo(service.Dialect(d)), proxyTo(service.Dialect(d))
			require.NoError(t, first.Ping(t.Context()))
			require.Zero(t, l.made.Load(), "nobody needed one")
			require.Equal(t, 1, deposit(t, first, 1))
			require.Equal(t, 3, deposit(t, first, 2))
			require.Equal(t, 5, deposit(t, second, 5))
			require.EqualValues(t, 2, l.made.Load())
			require.NoError(t, first.Close())
			require.Eventually(t, func() bool { return l.closed.Load() == 1 }, 30*time.Second, time.Millisecond)
			require.Equal(t, 6, deposit(t, second, 1))
		})
	}
}

func TestOneInstanceForAll(t *testing.T) {
	var l accounts
	proxyTo := inMemory(t, service.Single(l.open).Named("account"))
	require.Equal(t, 1, deposit(t, proxyTo(), 1))
	require.Equal(t, 2, deposit(t, proxyTo(), 1))
	require.EqualValues(t, 1, l.made.Load())
	require.Zero(t, l.closed.Load())
}

func TestInstancesOfCalls(t *testing.T) {
	var l accounts
	s := service.PerCall(l.open)
	s.Method("none", func() {}) // needs no instance
	p := inMemory(t, s)()
	require.NoError(t, service.Do(t.Context(), p, "none"))
	require.Zero(t, l.made.Load())
	require.Equal(t, 1, deposit(t, p, 1))
	require.Equal(t, 1, deposit(t, p, 1))
	require.Error(t, service.Do(t.Context(), p, "fail"))
	require.EqualValues(t, 3, l.made.Load())
	require.EqualValues(t, 3, l.closed.Load(), "before the reply")
}

func TestAnInstanceOfACallLivesAsLongAsItsIterator(t *testing.T) {
	var l accounts
	s := service.PerCall(func(ctx context.Context) (*account, error) {
		a, err := l.open(ctx)
		a.balance = 3
		return a, err
	})
	p := inMemory(t, s)()
	var items []int
	for item, err := range service.Stream[int](t.Context(), p, "count_down") {
		require.NoError(t, err)
		require.Zero(t, l.closed.Load())
		items = append(items, item)
	}
	require.Equal(t, []int{2, 1, 0}, items)
	require.EqualValues(t, 1, l.closed.Load())
	for range service.Stream[int](t.Context(), p, "count_down") {
		break
	}
	require.Eventually(t, func() bool { return l.closed.Load() == 2 }, 30*time.Second, time.Millisecond)
}

// One-way calls run in goroutines of their own, beside items of iterators and calls that wait for an answer.
func TestNobodyCallsAnInstanceTwiceAtATime(t *testing.T) {
	var l accounts
	s := service.PerSession(l.open)
	s.Method("slowly", (*account).Slowly, service.Oneway())
	p := inMemory(t, s)()
	deposit(t, p, 10)
	for _, err := range service.Stream[int](t.Context(), p, "count_down") {
		require.NoError(t, err)
		for range 3 {
			require.NoError(t, service.Do(t.Context(), p, "slowly", 0))
		}
		deposit(t, p, 0)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := service.Call[int](t.Context(), p, "deposit", 1)
			require.NoError(t, err)
		})
	}
	wg.Wait()
	require.Equal(t, 8, deposit(t, p, 0))
	require.NoError(t, p.Close())
	require.Eventually(t, func() bool { return l.closed.Load() == l.made.Load() }, 30*time.Second, time.Millisecond)
}

// A client that sends one-way calls and leaves has them carried out by its own instance, which is closed after the last.
func TestOnewayCallsOutliveTheirConnection(t *testing.T) {
	var l accounts
	gone, goOn := make(chan struct{}), make(chan struct{})
	s := service.PerSession(l.open)
	s.Method("late", (*account).Slowly, service.Oneway())
	wait := transport.Middleware{Name: "wait", Call: func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if call.Oneway {
				<-goOn
			}
			return next(ctx, call)
		}
	}}
	p := inMemory(t, s, service.Use(wait), service.OnDisconnect(func(*transport.Peer) { close(gone) }))()
	deposit(t, p, 1)
	for range 10 {
		require.NoError(t, service.Do(t.Context(), p, "late", 1))
	}
	require.Equal(t, 0, deposit(t, p, -1), "all have arrived")
	require.NoError(t, p.Close())
	<-gone
	require.Zero(t, l.closed.Load())
	close(goOn)
	require.Eventually(t, func() bool { return l.closed.Load() == 1 }, 30*time.Second, time.Millisecond)
	require.EqualValues(t, 1, l.made.Load())
	require.EqualValues(t, 10, l.final.Load())
}

// A client that connects anew goes on with its iterator, whose instance is closed when that is over.
func TestAnInstanceOfASessionLivesAsLongAsItsIterators(t *testing.T) {
	var l accounts
	gone := make(chan struct{}, 2)
	p := inMemory(t, service.PerSession(l.open), service.OnDisconnect(func(*transport.Peer) { gone <- struct{}{} }))()
	deposit(t, p, 3)
	var items []int
	for item, err := range service.Stream[int](t.Context(), p, "count_down") {
		require.NoError(t, err)
		if items = append(items, item); len(items) == 1 {
			require.NoError(t, p.Reconnect(t.Context()))
			<-gone
		}
		require.Zero(t, l.closed.Load())
	}
	require.Equal(t, []int{2, 1, 0}, items)
	require.Eventually(t, func() bool { return l.closed.Load() == 1 }, 30*time.Second, time.Millisecond)
	require.EqualValues(t, 1, l.made.Load())
}

func TestAFactoryThatFails(t *testing.T) {
	var l accounts
	l.refuse.Store(true)
	for _, s := range []*service.Service{
		service.Single(l.open), service.PerSession(l.open), service.PerCall(l.open),
	} {
		l.refuse.Store(true)
		p := inMemory(t, s)()
		_, err := service.Call[int](t.Context(), p, "deposit", 1)
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "builtins.ValueError", e.Class)
		require.Equal(t, "no more accounts", e.Message)
		l.refuse.Store(false)
		require.Equal(t, 1, deposit(t, p, 1), "the next call tries again")
	}
	for what, s := range map[string]*service.Service{
		"returned nil":   service.PerSession(func(context.Context) (*account, error) { return nil, nil }), //nolint:nilnil // see there
		"internal error": service.PerSession(func(context.Context) (*account, error) { panic("no") }),
	} {
		p := inMemory(t, s)()
		for range 2 { // nothing stays locked
			require.ErrorContains(t, service.Do(t.Context(), p, "deposit", 1), what)
		}
	}
}

func TestMembersOfInstances(t *testing.T) {
	var l accounts
	s := service.PerSession(l.open)
	s.Property("balance", (*account).Balance, (*account).SetBalance)
	s.Method("deposit", (*account).Deposit, service.Params(service.Default("n", 10)))
	s.Unexpose("set_balance", "nothing of the kind")
	proxyTo := inMemory(t, s)
	p := proxyTo()
	info, err := p.Info(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"count_down", "deposit", "fail", "slowly"}, info.Metadata.Methods, "Close is not for callers")
	require.Equal(t, []string{"balance"}, info.Metadata.Attrs)
	require.NoError(t, service.Do(t.Context(), p, "deposit"))
	n, err := service.Call[int](t.Context(), p, "deposit", service.Kwargs{"n": 5})
	require.NoError(t, err)
	require.Equal(t, 15, n)
	require.NoError(t, service.Set(t.Context(), p, "balance", 7))
	n, err = service.Get[int](t.Context(), p, "balance")
	require.NoError(t, err)
	require.Equal(t, 7, n)

	require.ErrorContains(t, service.PerCall[any](nil).Err(), "the factory of interface {} is nil")
	require.ErrorContains(t, service.PerCall(func(context.Context) (error, error) { return nil, nil }).Err(), "is an interface") //nolint:nilnil // it is not called
}

func TestAServiceChangesWhileItIsServed(t *testing.T) {
	s := service.New("changing").Method("old", func() string { return "old" })
	proxyTo := inMemory(t, s)
	before := proxyTo()
	require.NoError(t, service.Do(t.Context(), before, "old"))
	s.Method("young", func() string { return "young" }, service.Oneway()).Unexpose("old")
	require.Error(t, service.Do(t.Context(), before, "old"), "calls find what is there")
	info, err := proxyTo().Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"young"}, info.Metadata.Methods)
	require.Equal(t, []string{"young"}, info.Metadata.Oneway)
	require.NoError(t, s.Err())
	require.ErrorContains(t, s.Method("__init__", func() {}).Err(), "service changing: method __init__: the name is private")
	require.NoError(t, service.Do(t.Context(), proxyTo(), "young"), "as it was")
}
