package service_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A cart is an object that a shop hands out.
type cart struct {
	Owner string
	items []string
}

func (c *cart) Add(item string) int {
	c.items = append(c.items, item)
	return len(c.items)
}

// shop hands carts out in every place that a value can stand in.
func shop(c *cart, s *service.Service) *service.Service {
	type receipt struct{ Cart *cart }
	return service.New("shop").
		Method("cart", func() *cart { return c }).
		Method("service", func() *service.Service { return s }).
		Method("list", func() []any { return []any{1, c, s} }).
		Method("typed_list", func() []*cart { return []*cart{c} }).
		Method("dict", func() map[string]*cart { return map[string]*cart{"cart": c} }).
		Method("struct", func() receipt { return receipt{c} }).
		Method("several", func() (int, *cart) { return 1, c }).
		Method("stream", func() iter.Seq[*cart] { return func(yield func(*cart) bool) { yield(c) } }).
		Property("current", func() *cart { return c }, nil)
}

func newShop(t *testing.T, opts ...service.ServerOption) (*service.Server, *cart, *service.Service) {
	t.Helper()
	c := &cart{Owner: "irma"}
	s := service.Of(c)
	srv := start(t, shop(c, s), opts...)
	require.NoError(t, srv.Add(s))
	return srv, c, s
}

func add(ctx context.Context, t *testing.T, p *service.Proxy, want int) {
	t.Helper()
	require.NotNil(t, p)
	defer p.Close()
	n, err := service.Call[int](ctx, p, "add", "tea")
	require.NoError(t, err)
	require.Equal(t, want, n)
	require.Equal(t, []string{"add"}, p.State().Methods)
}

func TestAServedObjectArrivesAsAProxy(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		for _, serializer := range []string{"serpent", "json", "marshal", "msgpack"} {
			t.Run(d.String()+"/"+serializer, func(t *testing.T) {
				srv, c, _ := newShop(t, service.Serializers(serializer))
				ctx := t.Context()
				p := connect(t, srv.URI("shop").String(), service.Dialect(d), service.Serializer(serializer))
				n := 0
				next := func() int { n++; return n }
				for _, method := range []string{"cart", "service"} {
					arrived, err := service.Call[*service.Proxy](ctx, p, method)
					require.NoError(t, err, method)
					require.Equal(t, srv.URI("cart"), arrived.URI())
					require.Equal(t, []string{"add"}, arrived.State().Methods, "before it connects")
					add(ctx, t, arrived, next())
				}
				list, err := service.Call[[]any](ctx, p, "list")
				require.NoError(t, err)
				for _, v := range list[1:] {
					arrived, ok := v.(*service.Proxy)
					require.True(t, ok, "%T", v)
					add(ctx, t, arrived, next())
				}
				typed, err := service.Call[[]*service.Proxy](ctx, p, "typed_list")
				require.NoError(t, err)
				add(ctx, t, typed[0], next())
				dict, err := service.Call[map[string]*service.Proxy](ctx, p, "dict")
				require.NoError(t, err)
				add(ctx, t, dict["cart"], next())
				receipt, err := service.Call[struct{ Cart *service.Proxy }](ctx, p, "struct")
				require.NoError(t, err)
				add(ctx, t, receipt.Cart, next())
				several, err := service.Call[codec.Tuple](ctx, p, "several")
				if serializer == "json" || serializer == "msgpack" {
					var list []any
					list, err = service.Call[[]any](ctx, p, "several")
					several = list
				}
				require.NoError(t, err)
				arrived, ok := several[1].(*service.Proxy)
				require.True(t, ok)
				add(ctx, t, arrived, next())
				for item, err := range service.Stream[*service.Proxy](ctx, p, "stream") {
					require.NoError(t, err)
					add(ctx, t, item, next())
				}
				current, err := service.Get[*service.Proxy](ctx, p, "current")
				require.NoError(t, err)
				add(ctx, t, current, next())
				require.Len(t, c.items, n)
			})
		}
	}
}

// A client with a server of its own is called back.
func TestAnObjectOfTheClientIsCalledBack(t *testing.T) {
	srv := start(t, caller())
	own := start(t, reporter())
	p := connect(t, srv.URI("caller").String())
	called := service.New("local").Method("report", func(n int) int { return -n })
	require.NoError(t, own.Add(called))
	n, err := service.Call[int](t.Context(), p, "typed", called)
	require.NoError(t, err)
	require.Equal(t, -1, n)
	n, err = service.Call[int](t.Context(), p, "nested", map[string]any{"Callback": called, "Others": []*service.Service{called}})
	require.NoError(t, err)
	require.Equal(t, -2, n)
}

func encoded(v any) (string, error) {
	data, err := serpent.Marshal(v)
	return string(data), err
}

// An object stands for itself again when nobody answers for it any more.
func TestObjectsOfServersThatDoNotRunAreNotReplaced(t *testing.T) {
	c := &cart{Owner: "irma"}
	s := service.Of(c)
	plain := func() {
		t.Helper()
		out, err := encoded(c)
		require.NoError(t, err)
		require.Contains(t, out, "{'Owner':'irma'}")
		_, err = encoded([]any{s})
		var failed *codec.EncodeError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "[0]", failed.Path)
		require.ErrorContains(t, err, "no running server answers for the service cart")
	}
	proxied := func() {
		t.Helper()
		for _, v := range []any{c, s} {
			out, err := encoded(v)
			require.NoError(t, err)
			require.Contains(t, out, "Pyro5.client.Proxy")
		}
	}
	plain()
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"), service.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, srv.Add(s))
	plain()
	require.NoError(t, srv.Start())
	proxied()
	require.NoError(t, serveElsewhere(t, s, proxied))
	srv.Remove(s)
	plain()
	srv.Remove(s)
	require.NoError(t, srv.Add(s))
	proxied()
	require.NoError(t, srv.Shutdown(t.Context()))
	plain()

	other := &cart{Owner: "other"}
	require.NoError(t, serveElsewhere(t, service.Of(c), func() {
		out, err := encoded(other)
		require.NoError(t, err)
		require.Contains(t, out, "{'Owner':'other'}", "another value of the type is nobody's object")
		out, err = encoded(*c)
		require.NoError(t, err)
		require.Contains(t, out, "{'Owner':'irma'}", "and so is a copy")
	}))
	plain()
}

// serveElsewhere runs fn while a second server answers for s, too.
func serveElsewhere(t *testing.T, s *service.Service, fn func()) error {
	t.Helper()
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"), service.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	fn()
	return srv.Shutdown(t.Context())
}

func TestARemovedServiceIsGone(t *testing.T) {
	srv, c, s := newShop(t)
	p := connect(t, srv.URI("cart").String())
	require.NoError(t, service.Do(t.Context(), p, "add", "tea"))
	srv.Remove(s)
	require.ErrorContains(t, service.Do(t.Context(), p, "add", "tea"), "unknown object")
	require.Len(t, c.items, 1)
	shop := connect(t, srv.URI("shop").String())
	v, err := service.Call[map[string]any](t.Context(), shop, "cart")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"Owner": "irma"}, v)
	require.ErrorContains(t, service.Do(t.Context(), shop, "service"), "no running server answers")
	require.NoError(t, srv.Add(s), "and may come back")
	require.NoError(t, service.Do(t.Context(), p, "add", "tea"))
}

// A vault is written by an encoder of its own.
type vault struct{ n int }

func (*vault) Open() {}

// An encoder that was registered before writes what is no served object.
func TestRegisteredTypesStayRegistered(t *testing.T) {
	served := &vault{1}
	codec.Default.RegisterEncoder(reflect.TypeFor[*vault](), func(any, codec.Dialect) (any, error) { return "locked", nil })
	require.NoError(t, serveElsewhere(t, service.Of(served), func() {
		out, err := encoded(&vault{2})
		require.NoError(t, err)
		require.Contains(t, out, "'locked'")
		out, err = encoded(served)
		require.NoError(t, err)
		require.Contains(t, out, "Proxy")
	}))
	out, err := encoded(served)
	require.NoError(t, err)
	require.Contains(t, out, "'locked'")
}

// The address that was published first is the one that others are told.
func TestTheFirstAddressIsPublished(t *testing.T) {
	c := &cart{}
	srv := service.NewServer(
		service.Listen("tcp", "127.0.0.1:0"), service.Advertise("shop.example:7"), service.Listen("tcp", "127.0.0.1:0"),
		service.ListenOn(inmem.Listen()), service.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, srv.Add(service.Of(c)))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(context.Background())) }()
	out, err := encoded(c)
	require.NoError(t, err)
	require.Contains(t, out, "PYRO:cart@shop.example:7")
}

// In memory, too, objects are handed out; whoever gets one has to say how to get there.
func TestServedObjectsInMemory(t *testing.T) {
	l := inmem.Listen()
	newShop(t, service.ListenOn(l))
	p := connect(t, "PYRO:shop@memory:1", service.DialWith(l.DialContext))
	arrived, err := service.Call[*service.Proxy](t.Context(), p, "cart")
	require.NoError(t, err)
	here, err := arrived.With(service.DialWith(l.DialContext))
	require.NoError(t, err)
	add(t.Context(), t, here, 1)
}

func TestADaemonArrivesAsOne(t *testing.T) {
	var srv *service.Server
	srv = start(t, service.New("o").Method("daemon", func() *service.Server { return srv }))
	p := connect(t, srv.URI("o").String())
	v, err := service.Call[any](t.Context(), p, "daemon")
	require.NoError(t, err)
	require.Equal(t, pyro.Daemon{}, v)
}

// Objects come and go while others are passed on.
func TestServedObjectsComeAndGo(t *testing.T) {
	srv, _, _ := newShop(t)
	p := connect(t, srv.URI("shop").String())
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 50 {
				s := service.Of(&cart{}).Named(fmt.Sprintf("cart%d", i))
				if err := srv.Add(s); err != nil {
					t.Error(err)
				}
				if _, err := encoded(s); err != nil {
					t.Error(err)
				}
				srv.Remove(s)
			}
		})
	}
	for range 100 {
		arrived, err := service.Call[*service.Proxy](t.Context(), p, "cart")
		require.NoError(t, err)
		require.Equal(t, srv.URI("cart"), arrived.URI())
	}
	wg.Wait()
}

// The name of a removed service is withdrawn at once, those of the others stay.
func TestARemovedServiceIsWithdrawn(t *testing.T) {
	p := &picky{registered: make(chan string, 10), withdrawn: make(chan string, 10)}
	srv := service.NewServer(service.Announce(p), service.Listen("tcp", "127.0.0.1:0"), service.Logger(slog.New(slog.DiscardHandler)))
	gone := service.New("gone").Method("m", func() {})
	require.NoError(t, srv.Add(service.New("stays").Method("m", func() {}), gone))
	require.NoError(t, srv.Start())
	require.ElementsMatch(t, []string{"stays", "gone"}, []string{<-p.registered, <-p.registered})
	srv.Remove(gone)
	require.Equal(t, "gone", <-p.withdrawn)
	require.Equal(t, "stays", <-p.registered)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, srv.Shutdown(ctx))
	require.Equal(t, "stays", <-p.withdrawn)
	require.Empty(t, p.withdrawn)
}

// A server that has ended holds on to none of its objects.
func TestObjectsAreForgottenWithTheirServer(t *testing.T) {
	held := func() weak.Pointer[cart] {
		c := &cart{Owner: "irma"}
		s := service.Of(c)
		require.NoError(t, serveElsewhere(t, s, func() {
			out, err := encoded(c)
			require.NoError(t, err)
			require.Contains(t, out, "Proxy")
		}))
		return weak.Make(c)
	}()
	require.Eventually(t, func() bool {
		runtime.GC()
		return held.Value() == nil
	}, 30*time.Second, time.Millisecond)
}
