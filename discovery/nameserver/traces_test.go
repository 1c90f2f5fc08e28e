package nameserver_test

import (
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A noteless is a name server without leases, whose names outlive its process.
type noteless struct {
	address string
	stop    func()

	mu    sync.Mutex
	names map[string]string
}

func newNoteless(t *testing.T) *noteless {
	t.Helper()
	n := &noteless{address: "127.0.0.1:0", names: map[string]string{}}
	n.start(t)
	return n
}

// start serves it, from its second time on where it was.
func (n *noteless) start(t *testing.T) {
	t.Helper()
	s := service.New(nameserver.ObjectName).Method("ping", func() {})
	s.Method("register", func(name, uri string, _, _ any) {
		n.with(func() { n.names[name] = uri })
	}, service.Params("name", "uri", service.Default("safe", nil), service.Default("metadata", nil)))
	s.Method("remove", func(name string) int {
		n.with(func() { delete(n.names, name) })
		return 1
	})
	s.Method("lookup", func(name string, _ bool) (uri string, tags []string, err error) {
		n.with(func() { uri = n.names[name] })
		if uri == "" {
			err = transport.NewError("NamingError", "unknown name: "+name)
		}
		return uri, nil, err
	}, service.Params("name", "return_metadata"))
	srv := service.NewServer(service.Listen("tcp", n.address))
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	n.address = srv.URI("").Location()
	n.stop = sync.OnceFunc(func() { require.NoError(t, srv.Shutdown(t.Context())) })
	t.Cleanup(n.stop)
}

func (n *noteless) with(do func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	do()
}

func (n *noteless) has() (names map[string]string) {
	n.with(func() { names = maps.Clone(n.names) })
	return names
}

func TestARegistrarWithdrawsWhereverItHasRegistered(t *testing.T) {
	one, two := newNoteless(t), newNoteless(t)
	r := nameserver.Registrar(pyro.DialConfig{}, one.address, two.address)
	a := discovery.Entry{Name: "a", URI: uri(t, "PYRO:o@h:1")}
	b := discovery.Entry{Name: "b", URI: uri(t, "PYRO:o@h:2")}
	register := func(entries ...discovery.Entry) {
		t.Helper()
		for _, e := range entries {
			require.NoError(t, r.Register(t.Context(), e))
		}
	}
	both := map[string]string{"a": "PYRO:o@h:1", "b": "PYRO:o@h:2"}

	register(a, b)
	one.stop()
	register(a, b)
	require.Equal(t, both, one.has())
	require.Equal(t, both, two.has())
	one.start(t)
	require.NoError(t, r.Unregister(t.Context(), a))
	require.Equal(t, map[string]string{"b": "PYRO:o@h:2"}, one.has())
	require.Equal(t, map[string]string{"b": "PYRO:o@h:2"}, two.has())

	two.with(func() { two.names["b"] = "PYRO:o@other:3" })
	require.NoError(t, r.Unregister(t.Context(), b))
	require.Empty(t, one.has())
	require.Equal(t, map[string]string{"b": "PYRO:o@other:3"}, two.has(), "somebody else's by now")
}

func TestWhatARegistrarHasLeftGoesWhenTheNameServerIsBack(t *testing.T) {
	nameserver.NoSweepPauses(t)
	one, two := newNoteless(t), newNoteless(t)
	r := nameserver.Registrar(pyro.DialConfig{}, one.address, two.address)
	a := discovery.Entry{Name: "a", URI: uri(t, "PYRO:o@h:1")}
	b := discovery.Entry{Name: "b", URI: uri(t, "PYRO:o@h:2")}
	moved := discovery.Entry{Name: "b", URI: uri(t, "PYRO:o@h:3")}
	gone := discovery.Entry{Name: "gone", URI: uri(t, "PYRO:o@h:4")}
	for _, e := range []discovery.Entry{a, b, gone} {
		require.NoError(t, r.Register(t.Context(), e))
	}
	one.stop()
	require.NoError(t, r.Register(t.Context(), a))
	require.NoError(t, r.Register(t.Context(), moved))
	require.NoError(t, r.Unregister(t.Context(), gone))
	require.NoError(t, r.Unregister(t.Context(), a))
	require.NoError(t, r.Register(t.Context(), a), "it is wanted again")
	require.Equal(t, []string{"a", "b"}, slices.Sorted(maps.Keys(two.has())))
	one.start(t)
	resolver, ok := r.(discovery.Resolver)
	require.True(t, ok)
	_, err := resolver.Resolve(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "PYRO:o@h:1"}, one.has(), "the other URI of b, and what was unregistered, are gone")
	require.Len(t, two.has(), 2)
}
