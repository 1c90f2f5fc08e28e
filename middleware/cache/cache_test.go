package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	_ "github.com/pyrokit/pyrokit/codec/msgpack"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/cache"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// library counts what is really called.
func library() (*service.Service, *atomic.Int64) {
	var n atomic.Int64
	s := service.New("library")
	s.Method("look_up", func(key any, more ...any) any { n.Add(1); return []any{key, more} })
	s.Method("named", func(kw map[string]any) map[string]any { n.Add(1); return kw }, service.KwargsStruct())
	s.Method("fails", func() error { n.Add(1); return errors.New("x") })
	s.Method("big", func(size int) string { n.Add(1); return strings.Repeat("x", size) })
	s.Method("walk", func() func(func(int) bool) { n.Add(1); return func(yield func(int) bool) { yield(1) } })
	s.Method("annotated", func(ctx context.Context) int {
		n.Add(1)
		transport.FromContext(ctx).Response.Set("TEST", []byte("x"))
		return 1
	})
	s.Property("size", func() int64 { return n.Add(1) }, nil)
	return s, &n
}

// each runs a test with the cache on either end, in each dialect and serializer.
func each(t *testing.T, test func(t *testing.T, p *service.Proxy, n *atomic.Int64), opts ...cache.Option) {
	t.Helper()
	for _, end := range []string{"server", "client"} {
		for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
			for _, serializer := range []string{"serpent", "json", "marshal", "msgpack"} {
				t.Run(end+"/"+d.String()+"/"+serializer, func(t *testing.T) {
					s, n := library()
					server := []service.ServerOption{service.Serializers("serpent", "json", "marshal", "msgpack")}
					client := []service.ProxyOption{service.Dialect(d), service.Serializer(serializer)}
					m := cache.New(append([]cache.Option{cache.Pure(time.Hour, "*")}, opts...)...)
					if end == "server" {
						server = append(server, service.Use(m))
					} else {
						client = append(client, service.Use(m))
					}
					test(t, pairtest.Join(t, s, server, client...), n)
				})
			}
		}
	}
}

func TestTheSameCallIsCarriedOutOnce(t *testing.T) {
	each(t, func(t *testing.T, p *service.Proxy, n *atomic.Int64) {
		for _, args := range [][]any{{"a"}, {1}, {1.5}, {nil}, {"a", "b"}, {"ab"}, {[]any{"a", "b"}}, {map[string]any{"k": 1, "l": 2}}, {strings.Repeat("long", 1000)}} {
			before := n.Load()
			first, err := service.Call[[]any](t.Context(), p, "look_up", args...)
			require.NoError(t, err)
			if m, ok := first[0].(map[string]any); ok {
				m["k"] = "changed" // by who got it
			}
			for range 3 {
				again, err := service.Call[[]any](t.Context(), p, "look_up", args...)
				require.NoError(t, err)
				if m, ok := again[0].(map[string]any); ok {
					require.EqualValues(t, 1, m["k"], "each has its own")
					continue
				}
				require.Equal(t, first, again)
			}
			require.Equal(t, before+1, n.Load(), "%v", args)
		}
		before := n.Load()
		for _, kw := range []service.Kwargs{{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}, {"a": 2, "b": 1}} {
			got, err := service.Call[map[string]int](t.Context(), p, "named", kw)
			require.NoError(t, err)
			require.Equal(t, kw["a"], got["a"])
		}
		require.Equal(t, before+3, n.Load())
	})
}

func TestWhatIsNotKept(t *testing.T) {
	each(t, func(t *testing.T, p *service.Proxy, n *atomic.Int64) {
		twice := func(name string, do func()) {
			before := n.Load()
			do()
			do()
			require.Equal(t, before+2, n.Load(), name)
		}
		ctx := t.Context()
		twice("an exception", func() { require.Error(t, service.Do(ctx, p, "fails")) })
		twice("an attribute", func() { _, err := service.Get[int](ctx, p, "size"); require.NoError(t, err) })
		twice("a result with annotations", func() { require.NoError(t, service.Do(ctx, p, "annotated")) })
		twice("a large result", func() { require.NoError(t, service.Do(ctx, p, "big", 2000)) })
		twice("an iterator", func() {
			items := 0
			for _, err := range service.Stream[int](ctx, p, "walk") {
				require.NoError(t, err)
				items++
			}
			require.Equal(t, 1, items)
		})
	}, cache.Size(8000))
}

func TestOnAServerEntriesOfBatchesAreAnswered(t *testing.T) {
	s, n := library()
	p := pairtest.Join(t, s, []service.ServerOption{service.Use(cache.New(cache.Pure(time.Hour, "look_up")))})
	for range 2 {
		b := p.Batch()
		one, two := service.Queue[[]any](b, "look_up", "a"), service.Queue[[]any](b, "look_up", "b")
		require.NoError(t, b.Do(t.Context()))
		for want, r := range map[string]*service.Result[[]any]{"a": one, "b": two} {
			got, err := r.Value()
			require.NoError(t, err)
			require.Equal(t, want, got[0])
		}
	}
	require.Equal(t, int64(2), n.Load())
}

func TestPickles(t *testing.T) {
	for end, want := range map[string]int64{"server": 2, "client": 1} {
		s, n := library()
		m := service.Use(cache.New(cache.Pure(time.Hour, "*")))
		server := []service.ServerOption{service.Serializers("serpent", "pickle")}
		client := []service.ProxyOption{service.Dialect(codec.Pyro4), service.Serializer("pickle")}
		if end == "server" {
			server = append(server, m)
		} else {
			client = append(client, m)
		}
		p := pairtest.Join(t, s, server, client...)
		for range 2 {
			got, err := service.Call[[]any](t.Context(), p, "look_up", codec.Tuple{1, "x"})
			require.NoError(t, err)
			require.EqualValues(t, codec.Tuple{int64(1), "x"}, got[0])
		}
		require.Equal(t, want, n.Load(), end)
	}
}

func count(n *int) transport.Endpoint {
	return func(context.Context, *transport.Call) (*transport.Reply, error) {
		*n++
		c, err := codec.Named("serpent")
		return &transport.Reply{Value: codec.RawValue([]byte("# serpent utf-8 python3.2\n7"), c, nil)}, err
	}
}

func TestAgeAndRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		endpoint := cache.New(cache.Pure(0, "get_now"), cache.Pure(time.Minute, "get_*"), cache.Entries(2)).Call(count(&n))
		calls := func(want int, methods ...string) {
			t.Helper()
			n = 0
			for _, m := range methods {
				r, err := endpoint(t.Context(), &transport.Call{Object: "o", Method: m})
				require.NoError(t, err)
				v, err := r.Value.Any()
				require.NoError(t, err)
				require.Equal(t, int64(7), v)
			}
			require.Equal(t, want, n)
		}
		calls(2, "get_now", "get_now")
		calls(2, "other", "other")
		calls(1, "get_a", "get_a")
		calls(1, "get_b", "get_a")
		calls(1, "get_c", "get_a", "get_c", "get_a")
		calls(1, "get_b")
		time.Sleep(time.Minute)
		calls(1, "get_b", "get_b")
	})
	require.Nil(t, cache.New().Call, "nothing is declared: it costs nothing")
}

func TestBytesAreBounded(t *testing.T) {
	n := 0
	endpoint := cache.New(cache.Pure(time.Hour, "*"), cache.Size(5000), cache.Entries(1<<20)).Call(count(&n))
	for range 2 {
		for i := range 100 {
			_, err := endpoint(t.Context(), &transport.Call{Method: "m", Args: transport.Args{Positional: []any{i}}})
			require.NoError(t, err)
		}
	}
	require.Equal(t, 200, n, "a hundred do not fit")
}

// The call fails then, and it is not for the cache to say so.
func TestWhatCannotBeWrittenIsNotKept(t *testing.T) {
	n := 0
	endpoint := cache.New(cache.Pure(time.Hour, "*")).Call(count(&n))
	for _, args := range []transport.Args{
		{Positional: []any{make(chan int)}}, {Keywords: codec.Kwargs{"k": make(chan int)}},
	} {
		for range 2 {
			_, err := endpoint(t.Context(), &transport.Call{Method: "m", Args: args})
			require.NoError(t, err)
		}
	}
	require.Equal(t, 4, n)
}

func TestManyAtOnce(t *testing.T) {
	s, _ := library()
	p := pairtest.Join(t, s, []service.ServerOption{service.Use(cache.New(cache.Pure(time.Hour, "*"), cache.Entries(3)))})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				got, err := service.Call[[]any](t.Context(), p, "look_up", (i+j)%5)
				require.NoError(t, err)
				require.EqualValues(t, (i+j)%5, got[0])
			}
		})
	}
	wg.Wait()
}

func BenchmarkHit(b *testing.B) {
	n := 0
	endpoint := cache.New(cache.Pure(time.Hour, "*")).Call(count(&n))
	call := &transport.Call{Object: "o", Method: "m", Args: transport.Args{Positional: []any{"a", 1}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := endpoint(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
