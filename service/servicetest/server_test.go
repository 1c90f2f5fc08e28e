package servicetest_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/servicetest"
	"github.com/pyrokit/pyrokit/transport"
)

func echo() *service.Service {
	return service.New("echo").Method("echo", func(v any) any { return v })
}

func TestAServerAnswersInEachDialectAndSerializer(t *testing.T) {
	srv := servicetest.NewServer(t, echo())
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		for _, serializer := range []string{"serpent", "json", "marshal"} {
			t.Run(dialect.String()+"/"+serializer, func(t *testing.T) {
				p := srv.Connect(t, "echo", service.Dialect(dialect), service.Serializer(serializer))
				got, err := service.Call[[]any](t.Context(), p, "echo", []any{"two", 2.5, nil})
				require.NoError(t, err)
				require.Equal(t, []any{"two", 2.5, nil}, got)
				info, err := p.Info(t.Context())
				require.NoError(t, err)
				require.Equal(t, dialect, info.Peer.Dialect)
				require.Equal(t, serializer, info.Peer.Codec)
			})
		}
	}
}

func TestServersOfOneNetworkCallEachOther(t *testing.T) {
	net := servicetest.NewNetwork(t)
	stock := net.NewServer(t, "stock:9090", service.New("stock").Method("count", func() int { return 3 }))
	seen := make(chan string, 1)
	shop := net.NewServer(t, "shop:9090", service.New("shop").Method("sell", func(ctx context.Context) (int, error) {
		seen <- transport.FromContext(ctx).Peer.Addr.String()
		p, err := service.Connect("PYRO:stock@stock:9090", service.DialWith(net.DialContext))
		if err != nil {
			return 0, err
		}
		defer p.Close()
		n, err := service.Call[int](ctx, p, "count")
		return n - 1, err
	}))
	require.Equal(t, "PYRO:stock@stock:9090", stock.URI("stock").String())
	n, err := service.Call[int](t.Context(), shop.Connect(t, "shop"), "sell")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "client:1", <-seen)
}

func TestAProxyOutlivesItsServer(t *testing.T) {
	net := servicetest.NewNetwork(t)
	first := net.NewServer(t, "here:1", service.New("o").Method("who", func() int { return 1 }))
	p := first.Connect(t, "o")
	n, err := service.Call[int](t.Context(), p, "who")
	require.NoError(t, err)
	require.Equal(t, 1, n)

	require.NoError(t, first.Shutdown(t.Context()))
	_, err = service.Call[int](t.Context(), p, "who")
	require.ErrorIs(t, err, transport.ErrUnavailable)

	net.NewServer(t, "here:1", service.New("o").Method("who", func() int { return 2 }))
	n, err = service.Call[int](t.Context(), p, "who")
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

func TestTheServersLogIsTheTests(t *testing.T) {
	complaints, log := runTest(func(t testing.TB) {
		srv := servicetest.NewServer(t, service.New("o"))
		_, err := service.Call[int](t.Context(), srv.Connect(t, "nothing"), "who")
		require.ErrorContains(t, err, "unknown object")
	})
	require.Empty(t, complaints)
	require.Contains(t, log, `level=DEBUG msg="handshake failed" peer="client:1 (pyro5)"`)
}

func TestATestFailsThatLeavesSomethingBehind(t *testing.T) {
	tests := []struct {
		name string
		test func(t testing.TB, release chan struct{})
		want []string
	}{
		{name: "nothing", test: func(t testing.TB, _ chan struct{}) {
			p := servicetest.NewServer(t, echo()).Connect(t, "echo")
			require.NoError(t, service.Do(t.Context(), p, "echo", 1))
		}},
		{name: "a goroutine that ends by itself", test: func(t testing.TB, _ chan struct{}) {
			p := servicetest.NewServer(t, service.New("o").Method("m", func() { go time.Sleep(time.Second) })).Connect(t, "o")
			require.NoError(t, service.Do(t.Context(), p, "m"))
		}},
		{name: "a goroutine", test: func(t testing.TB, release chan struct{}) {
			p := servicetest.NewServer(t, service.New("o").Method("m", func() { go wait(release) })).Connect(t, "o")
			require.NoError(t, service.Do(t.Context(), p, "m"))
		}, want: []string{"goroutines that the server at memory:1, or its services, have left behind"}},
		{name: "a call", test: func(t testing.TB, release chan struct{}) {
			p := servicetest.NewServer(t, service.New("o").Method("m", func() { wait(release) })).Connect(t, "o")
			require.ErrorIs(t, service.Do(t.Context(), p, "m", service.Timeout(time.Second)), transport.ErrTimeout)
		}, want: []string{"the server at memory:1: 1 call was cut off", "goroutines"}},
		{name: "a one-way call", test: func(t testing.TB, release chan struct{}) {
			srv := servicetest.NewServer(t, service.New("o").Method("m", func() { wait(release) }, service.Oneway()))
			require.NoError(t, service.Do(t.Context(), srv.Connect(t, "o"), "m"))
			synctest.Wait()
		}, want: []string{"the server at memory:1: 1 call was cut off", "goroutines"}},
		{name: "a proxy", test: func(t testing.TB, _ chan struct{}) {
			srv := servicetest.NewServer(t, echo())
			p, err := service.Connect("PYRO:echo@memory:1", service.DialWith(srv.Network.DialContext))
			require.NoError(t, err)
			require.NoError(t, service.Do(t.Context(), p, "echo", 1))
		}, want: []string{"connection 1 to memory:1 was not closed: client"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				complaints, _ := runTest(func(t testing.TB) { tt.test(t, release) })
				require.Len(t, complaints, len(tt.want), "%s", complaints)
				for i, want := range tt.want {
					require.Contains(t, complaints[i], want)
				}
			})
		})
	}
}

func wait(release chan struct{}) { <-release }

func TestGoroutinesOfOthersAreNoneOfTheServersBusiness(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	go wait(stop)
	complaints, _ := runTest(func(t testing.TB) {
		p := servicetest.NewServer(t, echo()).Connect(t, "echo")
		go wait(stop)
		require.NoError(t, service.Do(t.Context(), p, "echo", 1))
	})
	require.Empty(t, complaints)
}

func TestWhatCannotBeServedEndsTheTest(t *testing.T) {
	tests := []struct {
		name string
		test func(t testing.TB)
		want string
	}{
		{"a service that is wrong", func(t testing.TB) { servicetest.NewServer(t, service.New("o").Method("m", 1)) }, "service o"},
		{"an option that is wrong", func(t testing.TB) {
			servicetest.NewServer(t, echo(), service.MaxDepth(-1))
		}, "MaxDepth(-1)"},
		{"a proxy's option that is wrong", func(t testing.TB) {
			servicetest.NewServer(t, echo()).Connect(t, "echo", service.Pool(-1))
		}, "Pool(-1)"},
		{"an address without a port", func(t testing.TB) {
			servicetest.NewNetwork(t).NewServer(t, "here", echo())
		}, "listen at here: address here: missing port"},
		{"an address that is taken", func(t testing.TB) {
			net := servicetest.NewNetwork(t)
			net.NewServer(t, "here:1", echo())
			net.NewServer(t, "here:1", echo())
		}, "listen at here:1: address already in use"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			complaints, _ := runTest(tt.test)
			require.Len(t, complaints, 1, "%s", complaints)
			require.Contains(t, complaints[0], tt.want)
		})
	}
}

func TestRequireRemote(t *testing.T) {
	srv := servicetest.NewServer(t, service.New("o").
		Method("value", func() error { return transport.NewError("ValueError", "too much") }).
		Method("naming", func() error { return transport.NewError("NamingError", "unknown") }).
		Method("file", func() error { return fs.ErrNotExist }))
	raised := func(method string, d codec.Dialect) error {
		return service.Do(t.Context(), srv.Connect(t, "o", service.Dialect(d)), method)
	}
	e := servicetest.RequireRemote(t, raised("value", codec.Pyro5), "ValueError")
	require.Equal(t, []any{"too much"}, e.Args)
	servicetest.RequireRemote(t, raised("value", codec.Pyro5), "builtins.ValueError")
	servicetest.RequireRemote(t, raised("naming", codec.Pyro4), "NamingError")
	servicetest.RequireRemote(t, raised("naming", codec.Pyro5), "Pyro5.errors.NamingError")
	servicetest.RequireRemote(t, raised("file", codec.Pyro5), "FileNotFoundError")

	tests := []struct {
		name, class, want string
		err               error
	}{
		{name: "no error", class: "ValueError", want: "no error, want the exception ValueError"},
		{name: "another class", class: "KeyError", err: raised("value", codec.Pyro5), want: "want the exception KeyError, got builtins.ValueError"},
		{name: "another module", class: "Pyro4.errors.NamingError", err: raised("naming", codec.Pyro5), want: "got Pyro5.errors.NamingError"},
		{name: "this side's", class: "ValueError", err: errors.New("too much"), want: "got an error of this side: too much"},
		{name: "this side's of that class", class: "ValueError", err: transport.NewError("ValueError"), want: "got an error of this side"},
		{name: "refused before it was sent", class: "AttributeError", err: raised("none", codec.Pyro5), want: "got an error of this side"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			complaints, _ := runTest(func(t testing.TB) {
				servicetest.RequireRemote(t, tt.err, tt.class)
				t.Fatal("it goes on")
			})
			require.Len(t, complaints, 1)
			require.Contains(t, complaints[0], tt.want)
		})
	}
}
