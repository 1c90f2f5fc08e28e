package service_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/middleware/retry"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// byName is a resolver that knows no tags.
type byName map[string]string

func (r byName) Resolve(_ context.Context, name string) (discovery.Entry, error) {
	if r[name] == "" {
		return discovery.Entry{}, transport.Errorf(transport.CodeNotFound, "unknown name: %s", name)
	}
	u, err := pyro.ParseURI(r[name])
	return discovery.Entry{Name: name, URI: u}, err
}

// byTags knows them; its content may change.
type byTags struct {
	byName

	mu    sync.Mutex
	asked int
	after int // how many questions are answered with nothing
	uris  []string
}

func (r *byTags) Find(_ context.Context, q discovery.Query) ([]discovery.Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked++; r.asked <= r.after || len(q.All) == 0 {
		return nil, nil
	}
	var entries []discovery.Entry
	for _, s := range r.uris {
		u, err := pyro.ParseURI(s)
		if err != nil {
			return nil, err
		}
		entries = append(entries, discovery.Entry{URI: u})
	}
	return entries, nil
}

// givenUp is asked by somebody who gives up then.
type givenUp struct {
	*byTags

	giveUp context.CancelFunc
}

func (g givenUp) Find(ctx context.Context, q discovery.Query) ([]discovery.Entry, error) {
	defer g.giveUp()
	return g.byTags.Find(ctx, q)
}

// cutter makes connections and counts them; Cut ends those that are open.
type cutter struct {
	mu    sync.Mutex
	conns []net.Conn
	made  int
}

func (c *cutter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	if err == nil {
		c.conns = append(c.conns, nc)
	}
	return nc, err
}

func (c *cutter) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, nc := range c.conns {
		_ = nc.Close()
	}
	c.conns = nil
}

func (c *cutter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made
}

func TestACallsOwnSerializer(t *testing.T) {
	svc := service.New("o").Method("serializer", func(ctx context.Context) int {
		return int(transport.FromContext(ctx).Header.Serializer)
	})
	srv := start(t, svc)
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p := connect(t, srv.URI("o").String(), service.Dialect(d))
		for _, name := range []string{"", "json", "marshal", "serpent"} {
			got, err := service.Call[int](t.Context(), p, "serializer", service.WithSerializer(name))
			require.NoError(t, err)
			want := name
			if want == "" {
				want = "serpent"
			}
			require.Equal(t, int(codec.ID(want, d)), got, name)
		}
		var e *transport.Error
		require.ErrorAs(t, service.Do(t.Context(), p, "serializer", service.WithSerializer("yaml")), &e)
		require.True(t, e.NotSent)
		require.ErrorContains(t, e, `unknown serializer "yaml"`)
	}
	p := connect(t, srv.URI("o").String())
	require.ErrorContains(t, service.Do(t.Context(), p, "serializer", service.WithSerializer("pickle")), "does not know the serializer pickle")
}

func TestAnnotationsOfReplies(t *testing.T) {
	svc := service.New("o")
	svc.Method("annotated", func(ctx context.Context) { transport.FromContext(ctx).Response.Set("RESP", []byte("method")) })
	svc.Method("fail", func() error { return transport.NewError("ValueError", "x") })
	svc.Method("items", func(ctx context.Context) func(func(int) bool) {
		return func(yield func(int) bool) {
			for i := range 2 {
				transport.FromContext(ctx).Response.Set("ITEM", []byte{byte('0' + i)})
				if !yield(i) {
					return
				}
			}
		}
	})
	srv := start(t, svc, service.Annotate(func() transport.Annotations { return transport.Annotations{{Key: "DMON", Value: []byte("server")}} }))
	p := connect(t, srv.URI("o").String())
	var got transport.Annotations
	value := func(key string) string {
		v, _ := got.Get(key)
		return string(v)
	}
	require.NoError(t, service.Do(t.Context(), p, "annotated", service.ResponseAnnotations(&got)))
	require.Equal(t, "method", value("RESP"))
	require.Equal(t, "server", value("DMON"))
	got = nil
	require.Error(t, service.Do(t.Context(), p, "fail", service.ResponseAnnotations(&got)))
	require.Equal(t, "server", value("DMON"), "of an exception, too")
	require.Empty(t, value("RESP"))
	var seen []string
	for _, err := range service.Stream[int](t.Context(), p, "items", service.ResponseAnnotations(&got)) {
		require.NoError(t, err)
		seen = append(seen, value("ITEM"))
	}
	require.Equal(t, []string{"0", "1"}, seen)
}

func TestAProxysAnnotations(t *testing.T) {
	svc := service.New("o").Method("got", func(ctx context.Context, key string) string {
		v, _ := transport.FromContext(ctx).Header.Annotations.Get(key)
		return string(v)
	})
	var shaken atomic.Value
	srv := start(t, svc, service.ValidateHandshake(func(_ context.Context, h *transport.Handshake) (any, error) {
		v, _ := h.Header.Annotations.Get("PROX")
		shaken.Store(string(v))
		return "hello", nil
	}))
	p := connect(t, srv.URI("o").String(), service.Annotate(func() transport.Annotations {
		return transport.Annotations{{Key: "PROX", Value: []byte("proxy")}}
	}))
	got, err := service.Call[string](t.Context(), p, "got", "PROX")
	require.NoError(t, err)
	require.Equal(t, "proxy", got)
	require.Equal(t, "proxy", shaken.Load())
	got, err = service.Call[string](t.Context(), p, "got", "PROX", service.WithAnnotation("PROX", []byte("call")))
	require.NoError(t, err)
	require.Equal(t, "call", got, "what the call says counts more")
}

func TestTimeLimitsOfProxyAndCall(t *testing.T) {
	svc := service.New("o").Method("wait", waitOut)
	srv := start(t, svc)
	p := connect(t, srv.URI("o").String(), service.Timeout(time.Millisecond))
	require.ErrorIs(t, service.Do(t.Context(), p, "wait"), transport.ErrTimeout)
	q := connect(t, srv.URI("o").String(), service.Timeout(time.Hour))
	require.ErrorIs(t, service.Do(t.Context(), q, "wait", service.Timeout(time.Millisecond)), transport.ErrTimeout)
	_, err := service.Connect(srv.URI("o").String(), service.Timeout(-1))
	require.ErrorContains(t, err, "Timeout(-1ns)")
}

// MAX_RETRIES: method calls whose connection was lost are sent again, nothing else is.
func TestMaxRetries(t *testing.T) {
	var net cutter
	var calls atomic.Int32
	cut := func() int {
		if calls.Add(1)%3 != 0 { // the third attempt gets through
			net.Cut()
		}
		return 1
	}
	svc := service.New("o").Method("cut", cut).Method("tick", cut, service.Oneway())
	svc.Property("prop", cut, nil)
	srv := start(t, svc)
	uri := srv.URI("o").String()

	p := connect(t, uri, service.MaxRetries(2), service.DialWith(net.dial))
	require.NoError(t, service.Do(t.Context(), p, "cut"))
	require.EqualValues(t, 3, calls.Load())
	require.Equal(t, 3, net.count())

	calls.Store(0)
	q := connect(t, uri, service.MaxRetries(1), service.DialWith(net.dial))
	require.ErrorIs(t, service.Do(t.Context(), q, "cut"), transport.ErrUnavailable)
	require.EqualValues(t, 2, calls.Load())

	calls.Store(0)
	_, err := service.Get[int](t.Context(), p, "prop")
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.EqualValues(t, 1, calls.Load(), "an attribute is asked for once")

	made := net.count()
	gone := connect(t, "PYRO:o@127.0.0.1:1", service.MaxRetries(5), service.DialWith(net.dial))
	require.ErrorIs(t, service.Do(t.Context(), gone, "cut"), transport.ErrUnavailable)
	require.LessOrEqual(t, net.count(), made+1, "where nobody listens, nothing is repeated")
	calls.Store(0)
	policy := service.Use(retry.New(retry.Safe("peek")))
	careful := connect(t, uri, service.MaxRetries(2), service.DialWith(net.dial), policy)
	require.ErrorIs(t, service.Do(t.Context(), careful, "cut"), transport.ErrUnavailable)
	require.EqualValues(t, 1, calls.Load(), "the middleware says what may run twice")

	_, err = service.Connect(uri, service.MaxRetries(-1))
	require.ErrorContains(t, err, "MaxRetries(-1)")
}

func TestReleaseAndReuse(t *testing.T) {
	type counter struct{ n int }
	svc := service.PerSession(func(context.Context) (*counter, error) { return &counter{}, nil }).Named("o")
	svc.Method("next", func(c *counter) int { c.n++; return c.n })
	srv := start(t, svc)
	p := connect(t, srv.URI("o").String())
	next := func() int {
		n, err := service.Call[int](t.Context(), p, "next")
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, next())
	require.Equal(t, 2, next())
	require.NoError(t, p.Release())
	require.Equal(t, 1, next(), "a new session")
	require.NoError(t, p.Release())
	require.NoError(t, p.Release(), "nothing to release")
	require.NoError(t, p.Bind(t.Context()))
	require.Equal(t, 1, next())
	require.NoError(t, p.Reconnect(t.Context()))
	require.Equal(t, 1, next())
	require.NoError(t, p.Close())
	require.ErrorContains(t, service.Do(t.Context(), p, "next"), "call next of "+srv.URI("o").String()+": connection closed")
}

func TestBindKeepsWhatANameWasResolvedTo(t *testing.T) {
	one := start(t, service.New("one").Method("who", func() int { return 1 }))
	two := start(t, service.New("two").Method("who", func() int { return 2 }))
	names := byName{"name": one.URI("one").String()}
	bound := connect(t, "PYRONAME:name", service.Resolver(names))
	free := connect(t, "PYRONAME:name", service.Resolver(names))
	require.NoError(t, bound.Bind(t.Context()))
	require.Equal(t, one.URI("one"), bound.URI())
	require.Equal(t, one.URI("one"), bound.State().URI)
	require.NoError(t, service.Do(t.Context(), free, "who"))
	require.Equal(t, "PYRONAME:name", free.URI().String())
	names["name"] = two.URI("two").String()
	for p, want := range map[*service.Proxy]int{bound: 1, free: 2} {
		require.NoError(t, p.Release())
		got, err := service.Call[int](t.Context(), p, "who")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	lost := connect(t, "PYRONAME:nobody", service.Resolver(names))
	require.ErrorContains(t, lost.Bind(t.Context()), "bind PYRONAME:nobody: unknown name: nobody")
}

func TestPYROMETAStandsForAnyThatHasTheTags(t *testing.T) {
	one := start(t, service.New("one").Method("who", func() string { return "one" }))
	two := start(t, service.New("two").Method("who", func() string { return "two" }))
	r := &byTags{uris: []string{one.URI("one").String(), two.URI("two").String()}}
	p := connect(t, "PYROMETA:a,b", service.Resolver(r))
	seen := map[string]bool{}
	for i := 0; len(seen) < 2; i++ {
		require.Less(t, i, 200, "always the same one")
		who, err := service.Call[string](t.Context(), p, "who")
		require.NoError(t, err)
		seen[who] = true
		require.NoError(t, p.Release())
	}
	require.NoError(t, p.Bind(t.Context()))
	require.Equal(t, pyro.ProtocolPyro, p.URI().Protocol)
}

func TestLookupDelayWaitsForAName(t *testing.T) {
	srv := start(t, service.New("o").Method("who", func() int { return 1 }))
	r := &byTags{after: 1, uris: []string{srv.URI("o").String()}}
	ctx, cancel := context.WithCancel(t.Context())
	p := connect(t, "PYROMETA:a", service.Resolver(givenUp{r, cancel}), service.LookupDelay(time.Minute))
	require.ErrorIs(t, service.Do(ctx, p, "who"), transport.ErrNotFound, "the context counts")
	q := connect(t, "PYROMETA:a", service.Resolver(&byTags{after: 1, uris: r.uris}), service.LookupDelay(400*time.Millisecond))
	require.NoError(t, service.Do(t.Context(), q, "who"))
	once := connect(t, "PYROMETA:a", service.Resolver(&byTags{after: 1, uris: r.uris}))
	require.ErrorIs(t, service.Do(t.Context(), once, "who"), transport.ErrNotFound)
}

func TestAProxySurvivesItsServersRestart(t *testing.T) {
	svc := func() *service.Service { return service.New("o").Method("who", func() int { return 1 }) }
	first := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, first.Add(svc()))
	require.NoError(t, first.Start())
	uri := first.URI("o")
	p := connect(t, uri.String(), service.ConnectAttempts(100), service.MaxRetries(1))
	require.NoError(t, service.Do(t.Context(), p, "who"))
	require.NoError(t, first.Shutdown(t.Context()))
	hasty := connect(t, uri.String())
	require.ErrorIs(t, service.Do(t.Context(), hasty, "who"), transport.ErrUnavailable)

	waiting := service.Go[int](t.Context(), p, "who")
	again := service.NewServer(service.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", uri.Port)))
	require.NoError(t, again.Add(svc()))
	require.NoError(t, again.Start())
	t.Cleanup(func() { require.NoError(t, again.Shutdown(context.Background())) })
	got, err := waiting.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, got)
	require.NoError(t, hasty.Reconnect(t.Context()))
	require.NoError(t, service.Do(t.Context(), hasty, "who"))
}

func TestReconnectGivesUpWhereTimeDoesNotHeal(t *testing.T) {
	srv := start(t, service.New("o").Method("who", func() int { return 1 }))
	p := connect(t, strings.Replace(srv.URI("o").String(), ":o@", ":other@", 1))
	require.ErrorIs(t, p.Reconnect(t.Context()), transport.ErrNotFound)
	gone := connect(t, "PYRO:o@127.0.0.1:1")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.Error(t, gone.Reconnect(ctx))
}

// An iterator goes on over a new connection, where the old one ended between two items.
func TestAnIteratorGoesOnAfterAReconnect(t *testing.T) {
	svc := service.New("o").Method("numbers", func() func(func(int) bool) {
		return func(yield func(int) bool) {
			for i := range 10 {
				if !yield(i) {
					return
				}
			}
		}
	})
	srv := start(t, svc)
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		var net cutter
		p := connect(t, srv.URI("o").String(), service.Dialect(d), service.DialWith(net.dial))
		var got []int
		for v, err := range service.Stream[int](t.Context(), p, "numbers") {
			require.NoError(t, err)
			got = append(got, v)
			if v == 4 {
				require.NoError(t, p.Release())
			}
		}
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, got)
		require.Equal(t, 2, net.count())
	}
}

func TestErrorsSayWhatWasDoneToWhomAndWhere(t *testing.T) {
	svc := service.New("o").Method("text", func() string { return "x" })
	svc.Method("fail", func() error { return transport.NewError("ValueError", "x") })
	svc.Method("numbers", func() func(func(int) bool) { return func(func(int) bool) {} })
	srv := start(t, svc)
	uri := srv.URI("o").String()
	p := connect(t, uri)
	at := "127.0.0.1"
	if u := srv.URI("o"); u.Host != "localhost" {
		at = u.Host
	}
	_, mistyped := service.Call[int](t.Context(), p, "text")
	_, stream := service.Call[int](t.Context(), p, "numbers")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		err  error
		want string
	}{
		{service.Do(t.Context(), p, "fail"), "call fail of " + uri + " at " + at},
		{service.Do(t.Context(), p, "missing"), "call missing of " + uri + " at " + at},
		{service.Set(t.Context(), p, "missing", 1), "set missing of " + uri + " at " + at},
		{service.Do(t.Context(), p, "fail", func() {}), "call fail of " + uri + " at " + at},
		{service.Do(ended, p, "fail"), "call fail of " + uri + " at " + at},
		{mistyped, "call text of " + uri + " at " + at},
		{stream, "call numbers of " + uri + " at " + at},
		{service.Do(t.Context(), connect(t, "PYRO:o@127.0.0.1:1"), "fail"), "connect to PYRO:o@127.0.0.1:1 at 127.0.0.1:1: dial tcp"},
		{service.Do(t.Context(), connect(t, strings.Replace(uri, ":o@", ":x@", 1)), "fail"), " at " + at},
	}
	for _, tt := range tests {
		require.ErrorContains(t, tt.err, tt.want)
		if !strings.Contains(tt.want, "dial") { // else nobody answered
			require.ErrorContains(t, tt.err, "(pyro5)")
		}
	}
	lost := connect(t, "PYRONAME:x", service.Resolver(byName{}))
	require.ErrorContains(t, service.Do(t.Context(), lost, "fail"), "call fail of PYRONAME:x: unknown name: x")
}

// waitOut runs as long as its caller waits, and longer: to return in time would be a result.
func waitOut(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
