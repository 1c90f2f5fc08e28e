package service_test

import (
	"context"
	"iter"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/middleware/retry"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// names is a directory that changes.
type names struct {
	mu      sync.Mutex
	entries []discovery.Entry
	failing error
	changed chan struct{}
	found   int
	told    atomic.Int32 // how often a watch has yielded
}

func newNames(entries ...discovery.Entry) *names {
	return &names{entries: entries, changed: make(chan struct{})}
}

func (n *names) set(failing error, entries ...discovery.Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries, n.failing = entries, failing
	close(n.changed)
	n.changed = make(chan struct{})
}

// quietly changes the entries without telling those who watch.
func (n *names) quietly(entries ...discovery.Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries = entries
}

func (n *names) get() (entries []discovery.Entry, changed chan struct{}, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.entries, n.changed, n.failing
}

func (n *names) Resolve(ctx context.Context, name string) (discovery.Entry, error) {
	entries, _, err := n.get()
	if err != nil {
		return discovery.Entry{}, err
	}
	return discovery.Static(entries...).Resolve(ctx, name)
}

func (n *names) Find(_ context.Context, q discovery.Query) ([]discovery.Entry, error) {
	entries, _, err := n.get()
	n.mu.Lock()
	n.found++
	n.mu.Unlock()
	return q.Choose(entries), err
}

func (n *names) Watch(ctx context.Context, q discovery.Query) iter.Seq2[[]discovery.Entry, error] {
	return func(yield func([]discovery.Entry, error) bool) {
		for {
			entries, changed, err := n.get()
			if !yield(q.Choose(entries), err) {
				return
			}
			n.told.Add(1)
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// instances starts n servers of the object "app", whose method "who" says which one it is.
func instances(t *testing.T, n int) (servers []*service.Server, entries []discovery.Entry) {
	t.Helper()
	for i := range n {
		s := service.New("app")
		s.Method("who", func() int { return i })
		s.Method("numbers", func() iter.Seq[int] { return slices.Values([]int{i, i, i}) })
		s.Method("slow", func(ctx context.Context) (int, error) {
			select {
			case <-time.After(100 * time.Millisecond):
				return i, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		})
		srv := start(t, s)
		servers = append(servers, srv)
		e := discovery.Entry{Name: "app", URI: srv.URI("app"), Metadata: []string{"tag"}}
		entries = append(entries, discovery.Instance(e, strconv.Itoa(i)))
	}
	return servers, entries
}

func balanced(t *testing.T, uri string, n discovery.Resolver, b discovery.Balancer, opts ...service.ProxyOption) *service.Proxy {
	t.Helper()
	return connect(t, uri, append([]service.ProxyOption{service.Resolver(n), service.Balance(b)}, opts...)...)
}

// whose calls "who" n times and returns how often each instance answered.
func whose(t *testing.T, p *service.Proxy, n int) map[int]int {
	t.Helper()
	count := map[int]int{}
	for range n {
		i, err := service.Call[int](t.Context(), p, "who")
		require.NoError(t, err)
		count[i]++
	}
	return count
}

func stop(t *testing.T, srv *service.Server) {
	t.Helper()
	require.NoError(t, srv.Shutdown(t.Context()))
}

func TestOneProxyOfManyObjects(t *testing.T) {
	_, entries := instances(t, 3)
	for _, uri := range []string{"PYROMETA:tag", "PYRONAME:app"} {
		p := balanced(t, uri, newNames(entries...), discovery.RoundRobin(), service.Pool(2))
		require.Equal(t, map[int]int{0: 10, 1: 10, 2: 10}, whose(t, p, 30))
		info, err := p.Info(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"numbers", "slow", "who"}, slices.Sorted(slices.Values(info.Metadata.Methods)))
		require.NoError(t, p.Ping(t.Context()))
		require.ErrorContains(t, p.Bind(t.Context()), "no one object")
		require.NoError(t, p.Release())
		require.NoError(t, p.Reconnect(t.Context()))
		require.Len(t, p.State().Methods, 3)
		var sum int
		b := p.Batch()
		first, second := service.Queue[int](b, "who"), service.Queue[int](b, "who")
		require.NoError(t, b.Do(t.Context()))
		one, err := first.Value()
		require.NoError(t, err)
		two, err := second.Value()
		require.NoError(t, err)
		require.Equal(t, one, two, "a batch goes to one of them")
		for range 6 {
			var items []int
			for v, err := range service.Stream[int](t.Context(), p, "numbers") {
				require.NoError(t, err)
				items = append(items, v)
			}
			require.Len(t, items, 3, "items come from where the iterator was made")
			require.Equal(t, []int{items[0], items[0], items[0]}, items)
			sum += items[0]
		}
		require.Equal(t, 2*(0+1+2), sum)
		for v, err := range service.Stream[int](t.Context(), p, "numbers") { // and it can be left early
			require.NoError(t, err)
			require.Less(t, v, 3)
			break
		}
	}
}

func TestWhatWasNotSentGoesToTheNext(t *testing.T) {
	servers, entries := instances(t, 3)
	p := balanced(t, "PYROMETA:tag", newNames(entries...), discovery.RoundRobin())
	require.Len(t, whose(t, p, 3), 3)
	stop(t, servers[1])
	stop(t, servers[2])
	seen := map[int]int{}
	for range 12 {
		i, err := service.Call[int](t.Context(), p, "who")
		if err != nil { // that a connection has ended may be noticed one call late
			require.ErrorIs(t, err, transport.ErrUnavailable)
			continue
		}
		seen[i]++
	}
	require.Len(t, seen, 1)
	require.GreaterOrEqual(t, seen[0], 10)
	require.Equal(t, map[int]int{0: 5}, whose(t, p, 5))

	stop(t, servers[0])
	require.Eventually(t, func() bool {
		_, err := service.Call[int](t.Context(), p, "who")
		return err != nil && transport.AsError(err).NotSent
	}, 20*time.Second, time.Millisecond)
}

// Who accepts connections, but says nothing, is passed over as the dead are, by all calls at the same time.
func TestAHungObjectIsPassedOver(t *testing.T) {
	_, entries := instances(t, 2)
	hung, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer hung.Close()
	uri := entries[0].URI
	uri.Port = hung.Addr().(*net.TCPAddr).Port
	entries = append(entries, discovery.Instance(discovery.Entry{Name: "app", URI: uri, Metadata: []string{"tag"}}, "hung"))
	p := balanced(t, "PYROMETA:tag", newNames(entries...), discovery.RoundRobin())
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // less than a connection may take
	defer cancel()
	var calls sync.WaitGroup
	for range 30 {
		calls.Go(func() {
			if _, err := service.Call[int](ctx, p, "who"); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	require.NotContains(t, whose(t, p, 4), 2)
}

// swallow is a listener that takes its first connection and says nothing.
type swallow struct {
	net.Listener

	once  sync.Once
	first net.Conn
}

func (s *swallow) Accept() (net.Conn, error) {
	s.once.Do(func() { s.first, _ = s.Listener.Accept() })
	return s.Listener.Accept()
}

func (s *swallow) Close() error {
	if s.first != nil {
		_ = s.first.Close()
	}
	return s.Listener.Close()
}

// Where nobody else can be reached, it is asked for longer.
func TestASlowObjectIsBetterThanDeadOnes(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	srv := service.NewServer(service.ListenOn(&swallow{Listener: l}))
	require.NoError(t, srv.Add(service.New("app").Method("who", func() int { return 7 })))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { stop(t, srv) })
	dead := srv.URI("app")
	dead.Port = 1
	p := balanced(t, "PYROMETA:tag", newNames(
		discovery.Entry{Name: "app#1", URI: srv.URI("app"), Metadata: []string{"tag"}},
		discovery.Entry{Name: "app#2", URI: dead, Metadata: []string{"tag"}},
	), discovery.RoundRobin())
	require.Equal(t, map[int]int{7: 2}, whose(t, p, 2))
}

func TestWhatIsSafeIsRepeatedElsewhere(t *testing.T) {
	servers, entries := instances(t, 2)
	p := balanced(t, "PYROMETA:tag", newNames(entries...), discovery.RoundRobin(),
		service.Use(retry.New(retry.Safe("who"), retry.Backoff(time.Millisecond, time.Millisecond))))
	require.Len(t, whose(t, p, 2), 2)
	stop(t, servers[0])
	require.Equal(t, map[int]int{1: 20}, whose(t, p, 20))
}

func TestADeadObjectComesBack(t *testing.T) {
	var alive atomic.Bool
	servers, entries := instances(t, 1)
	back := service.New("app").Method("who", func() int { alive.Store(true); return 7 })
	l := start(t, service.New("other"))
	e := discovery.Entry{Name: "app", URI: l.URI("app"), Metadata: []string{"tag"}}
	p := balanced(t, "PYROMETA:tag", newNames(entries[0], discovery.Instance(e, "7")), discovery.RoundRobin())
	require.Equal(t, map[int]int{0: 6}, whose(t, p, 6), "the server is there, but the object is not")
	require.NoError(t, l.Add(back))
	require.Eventually(t, func() bool { return whose(t, p, 2)[7] > 0 }, 20*time.Second, 10*time.Millisecond)
	_ = servers
}

func TestTheDirectoryIsFollowed(t *testing.T) {
	_, entries := instances(t, 3)
	n := newNames(entries[0])
	p := balanced(t, "PYROMETA:tag", n, discovery.RoundRobin())
	require.Equal(t, map[int]int{0: 3}, whose(t, p, 3))
	slow := service.Go[int](t.Context(), p, "slow")
	n.set(nil, entries[1], entries[2])
	require.Eventually(t, func() bool { return whose(t, p, 1)[0] == 0 }, 20*time.Second, time.Millisecond)
	require.Equal(t, map[int]int{1: 5, 2: 5}, whose(t, p, 10))
	i, err := slow.Wait(t.Context())
	require.NoError(t, err, "what was under way is finished")
	require.Less(t, i, 3)

	n.set(transport.Errorf(transport.CodeUnavailable, "the directory is gone"))
	require.Equal(t, map[int]int{1: 5, 2: 5}, whose(t, p, 10), "what was known last still counts")
	n.set(nil)
	require.Eventually(t, func() bool {
		_, err := service.Call[int](t.Context(), p, "who")
		return err != nil
	}, 20*time.Second, time.Millisecond)
	_, err = service.Call[int](t.Context(), p, "who")
	require.ErrorIs(t, err, transport.ErrNotFound)
	require.ErrorContains(t, err, "no registrations available with desired metadata properties {'tag'}")
	require.True(t, transport.AsError(err).NotSent)
}

func TestTheDirectoryIsAskedWhenNobodyCanBeReached(t *testing.T) {
	servers, entries := instances(t, 2)
	n := newNames(entries[0])
	p := balanced(t, "PYROMETA:tag", n, discovery.Random(), service.Use(retry.New(retry.Safe("who"))))
	require.Equal(t, map[int]int{0: 2}, whose(t, p, 2))
	n.quietly(entries[1]) // moved, and the watch has not said so yet
	stop(t, servers[0])
	require.Equal(t, map[int]int{1: 3}, whose(t, p, 3))
}

// A watch tells nothing of an object that was gone for less time than it looks away.
func TestAnObjectThatWasGoneForAMomentIsCalledAgain(t *testing.T) {
	servers, entries := instances(t, 1)
	n := newNames(entries...)
	p := balanced(t, "PYROMETA:tag", n, discovery.RoundRobin())
	require.Equal(t, map[int]int{0: 1}, whose(t, p, 1))
	n.quietly()
	stop(t, servers[0])
	for range 3 {
		require.ErrorIs(t, service.Do(t.Context(), p, "who"), transport.ErrUnavailable)
	}
	n.quietly(entries...)
	back := service.New("app").Method("who", func() int { return 7 })
	start(t, back, service.Listen("tcp", entries[0].URI.Location()))
	require.Eventually(t, func() bool {
		i, err := service.Call[int](t.Context(), p, "who")
		return err == nil && i == 7
	}, 20*time.Second, time.Millisecond)
}

func TestABalancedProxyWaitsForNames(t *testing.T) {
	_, entries := instances(t, 1)
	n := newNames()
	p := balanced(t, "PYROMETA:tag", n, discovery.Random(), service.LookupDelay(20*time.Second))
	f := service.Go[int](t.Context(), p, "who")
	told := func(times int32) {
		require.Eventually(t, func() bool { return n.told.Load() == times }, 20*time.Second, time.Millisecond)
	}
	told(1)
	n.set(transport.Errorf(transport.CodeUnavailable, "the directory is gone"))
	told(2)
	n.set(nil, entries...)
	i, err := f.Wait(t.Context())
	require.NoError(t, err)
	require.Zero(t, i)

	gone := balanced(t, "PYROMETA:tag", newNames(), discovery.Random(), service.LookupDelay(20*time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, service.Do(ctx, gone, "who"), transport.ErrTimeout)
	waiting := service.Go[int](t.Context(), gone, "who")
	require.NoError(t, gone.Close())
	_, err = waiting.Wait(t.Context())
	require.Error(t, err)
	require.Error(t, service.Do(t.Context(), gone, "who"), "it is closed")
}

func TestWhatCannotBeBalanced(t *testing.T) {
	_, err := service.Connect("PYRO:app@h:1", service.Balance(discovery.Random()))
	require.ErrorIs(t, err, transport.ErrInvalidArgument)
	_, err = service.Connect("PYROMETA:tag", service.Balance(nil))
	require.ErrorContains(t, err, "Balance(nil)")
	_, err = service.Connect("PYROMETA:tag", service.Balance(discovery.Random()), service.Resolver(onlyByName{}))
	require.ErrorIs(t, err, transport.ErrUnimplemented)
}

type onlyByName struct{}

func (onlyByName) Resolve(context.Context, string) (discovery.Entry, error) {
	return discovery.Entry{}, transport.ErrNotFound
}

func TestBalancedProxiesAreForMany(t *testing.T) {
	_, entries := instances(t, 3)
	n := newNames(entries...)
	p := balanced(t, "PYROMETA:tag", n, discovery.LeastBusy())
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 50 {
				if i == 0 {
					n.set(nil, entries[j%3:]...)
					continue
				}
				_, err := service.Call[int](t.Context(), p, "who")
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

func TestInstancesAreAnnounced(t *testing.T) {
	r := &registry{names: map[string]string{}}
	svc := service.New("app").Method("who", func() int { return 1 })
	srv := start(t, svc, service.AnnounceInstance(r, "7"), service.AnnounceInstance(r, ""), service.Announce(r))
	require.Eventually(t, func() bool { return len(r.known()) == 3 }, 20*time.Second, time.Millisecond)
	known := r.known()
	require.Equal(t, "app", known[0])
	require.Contains(t, known, "app#7")
	require.Regexp(t, `^app#[0-9a-f]{8}$`, slices.DeleteFunc(known[1:], func(s string) bool { return s == "app#7" })[0])
	require.NoError(t, srv.Shutdown(t.Context()))
	require.Empty(t, r.known())
	require.Error(t, service.NewServer(service.Announce(nil)).Start())
}

// A cache must not cost calls that would have worked without it.
func TestANameInACacheIsAskedForAgainWhenItsTargetMoved(t *testing.T) {
	servers, _ := instances(t, 2)
	at := func(i int) discovery.Entry {
		return discovery.Entry{Name: "app", URI: servers[i].URI("app"), Metadata: []string{"tag"}}
	}
	n := newNames(at(0))
	cache := discovery.NewCache(n, discovery.CacheConfig{TTL: time.Hour})
	for _, uri := range []string{"PYRONAME:app", "PYROMETA:tag"} { // both know of the first one
		require.NoError(t, service.Do(t.Context(), connect(t, uri, service.Resolver(cache)), "who"))
	}
	stop(t, servers[0])
	n.quietly(at(1))
	for _, uri := range []string{"PYRONAME:app", "PYROMETA:tag"} {
		p := connect(t, uri, service.Resolver(cache))
		require.Equal(t, map[int]int{1: 1}, whose(t, p, 1))
	}
	other := service.NewServer(service.Listen("tcp", "127.0.0.1:0")) // has the place that app once had
	require.NoError(t, other.Add(service.New("other").Method("who", func() {})))
	require.NoError(t, other.Start())
	defer stop(t, other)
	was := other.URI("other")
	was.Object = "app"
	n.quietly(discovery.Entry{Name: "app", URI: was})
	cache.Forget(at(1).URI)
	_, err := cache.Resolve(t.Context(), "app")
	require.NoError(t, err)
	n.quietly(at(1))
	require.Equal(t, map[int]int{1: 1}, whose(t, connect(t, "PYRONAME:app", service.Resolver(cache)), 1))

	silent, err := net.Listen("tcp", "127.0.0.1:0") // or it accepts connections and says nothing
	require.NoError(t, err)
	defer silent.Close()
	hangs, err := pyro.ParseURI("PYRO:app@" + silent.Addr().String())
	require.NoError(t, err)
	moves := func() {
		n.quietly(discovery.Entry{Name: "app", URI: hangs})
		cache.Forget(at(1).URI)
		_, err := cache.Resolve(t.Context(), "app")
		require.NoError(t, err)
		n.quietly(at(1))
	}
	moves()
	soon := connect(t, "PYRONAME:app", service.Resolver(cache), service.ConnectTimeout(time.Second))
	require.NoError(t, service.Do(t.Context(), soon, "who"))
	moves()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	late := connect(t, "PYRONAME:app", service.Resolver(cache))
	require.ErrorIs(t, service.Do(ctx, late, "who"), transport.ErrTimeout)
	require.NoError(t, service.Do(t.Context(), late, "who"), "the next call has the new place")

	n.quietly(discovery.Entry{Name: "app", URI: pyro.URI{Protocol: pyro.ProtocolPyro, Object: "app", Host: "127.0.0.1", Port: 1}})
	stop(t, servers[1])
	p := connect(t, "PYRONAME:app", service.Resolver(cache))
	require.ErrorIs(t, service.Do(t.Context(), p, "who"), transport.ErrUnavailable)
}
