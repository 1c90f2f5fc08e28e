package service_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/certtest"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

// A resource says when it is closed.
type resource struct{ closed chan string }

func (r *resource) Close() error {
	r.closed <- "resource"
	return nil
}

func TestResourcesAreClosedWithTheirConnection(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			order := make(chan string, 3)
			given := &resource{make(chan string, 1)}
			s := service.New("tracking")
			s.Method("open", func(ctx context.Context) error { return service.Track(ctx, &resource{order}) })
			s.Method("lend", func(ctx context.Context) error { return service.Track(ctx, given) })
			s.Method("give_back", func(ctx context.Context) bool { return service.Untrack(ctx, given) })
			proxyTo := inMemory(t, s, service.OnDisconnect(func(peer *transport.Peer) { order <- "disconnect of " + peer.Dialect.String() }))
			p := proxyTo(service.Dialect(d))
			for _, method := range []string{"open", "lend", "open"} {
				require.NoError(t, service.Do(t.Context(), p, method))
			}
			for _, want := range []bool{true, false} {
				got, err := service.Call[bool](t.Context(), p, "give_back")
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			require.NoError(t, p.Close())
			require.Equal(t, "resource", <-order)
			require.Equal(t, "resource", <-order)
			require.Equal(t, "disconnect of "+d.String(), <-order)
			require.Empty(t, given.closed)
		})
	}
	require.Error(t, service.Track(t.Context(), &resource{}), "no call")
	require.False(t, service.Untrack(t.Context(), &resource{}))
}

func TestValidateHandshake(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			s := service.New("guarded").Method("who", func(ctx context.Context) any { return transport.FromContext(ctx).Peer.Principal })
			var gone atomic.Int32
			proxyTo := inMemory(t, s,
				service.ValidateHandshake(func(_ context.Context, h *transport.Handshake) (any, error) {
					var said string
					if err := h.Value.Decode(&said); err != nil || said == "hello" {
						return nil, errors.New("say who you are")
					}
					h.Peer.Principal = said
					return map[string]any{"welcome": said}, nil
				}),
				service.OnDisconnect(func(*transport.Peer) { gone.Add(1) }),
				service.OnDisconnect(func(*transport.Peer) { panic("a hook") }))
			p := proxyTo(service.Dialect(d), service.Handshake("Irmen"))
			info, err := p.Info(t.Context())
			require.NoError(t, err)
			require.Equal(t, map[string]any{"welcome": "Irmen"}, info.Answer)
			who, err := service.Call[string](t.Context(), p, "who")
			require.NoError(t, err)
			require.Equal(t, "Irmen", who)
			require.ErrorContains(t, proxyTo(service.Dialect(d)).Ping(t.Context()), "say who you are")
			require.NoError(t, p.Close())
			require.Eventually(t, func() bool { return gone.Load() == 1 }, 30*time.Second, time.Millisecond, "who was not let in did not go")
		})
	}
}

func TestHousekeeping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int32
		srv := service.NewServer(service.ListenOn(inmem.Listen()), service.Logger(slog.New(slog.DiscardHandler)),
			service.Housekeeping(2*time.Second, func(ctx context.Context) {
				require.NoError(t, ctx.Err())
				if done.Add(1) == 2 {
					panic("it goes on")
				}
			}))
		require.NoError(t, srv.Start())
		time.Sleep(7 * time.Second)
		require.NoError(t, srv.Shutdown(t.Context()))
		require.EqualValues(t, 3, done.Load())
		time.Sleep(time.Minute)
		require.EqualValues(t, 3, done.Load())
	})
}

func TestErrorsOfCallbacksAreLogged(t *testing.T) {
	var log syncBuffer
	l := inmem.Listen()
	s := service.New("called").
		Method("back", func() error { return errors.New("nobody looks at the caller") }, service.Callback()).
		Method("plain", func() error { return errors.New("the caller knows") })
	srv := service.NewServer(service.ListenOn(l), service.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	p := connect(t, "PYRO:called@memory:1", service.DialWith(l.DialContext))
	require.ErrorContains(t, service.Do(t.Context(), p, "back"), "nobody looks")
	require.ErrorContains(t, service.Do(t.Context(), p, "plain"), "the caller knows")
	require.Contains(t, log.String(), "callback failed")
	require.Contains(t, log.String(), "method=back")
	require.NotContains(t, log.String(), "the caller knows")
}

func TestServerTLS(t *testing.T) {
	ca := certtest.NewCA(t, "authority")
	trusted := x509.NewCertPool()
	trusted.AddCert(ca.Leaf)
	pair := func(name string) tls.Certificate {
		issued := ca.Issue(t, func(c *x509.Certificate) { c.Subject.CommonName = name })
		return tls.Certificate{Certificate: [][]byte{issued.Leaf.Raw}, PrivateKey: issued.Key}
	}
	s := service.New("secret").Method("who", func(ctx context.Context) string {
		return transport.FromContext(ctx).Peer.TLS.PeerCertificates[0].Subject.CommonName
	})
	secured := service.ServerTLS(&tls.Config{
		Certificates: []tls.Certificate{pair("server")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted,
	})
	srv := start(t, s, secured, service.Listen("tcp", "127.0.0.1:0"), service.Listen("tcp", "127.0.0.1:0"), service.NoTLS())
	uri := srv.URI("secret").String()
	p := connect(t, uri, service.TLS(&tls.Config{Certificates: []tls.Certificate{pair("client")}, RootCAs: trusted}))
	who, err := service.Call[string](t.Context(), p, "who")
	require.NoError(t, err)
	require.Equal(t, "client", who)
	require.Error(t, connect(t, uri, service.ConnectTimeout(time.Second)).Ping(t.Context()), "nothing but TLS")
	require.Error(t, connect(t, uri, service.TLS(&tls.Config{RootCAs: trusted})).Ping(t.Context()), "no certificate")
	require.NoError(t, connect(t, srv.URIs("secret")[1].String()).Ping(t.Context()), "but where the listener says so")
}

func TestCallsInFlightAreLimited(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := service.New("busy").Method("wait", func() {
		entered <- struct{}{}
		<-release
	})
	l := inmem.Listen()
	srv := start(t, s, service.ListenOn(l), service.MaxCalls(1))
	to := func() *service.Proxy { return connect(t, "PYRO:busy@memory:1", service.DialWith(l.DialContext)) }
	first := service.Go[any](t.Context(), to(), "wait")
	<-entered
	err := service.Do(t.Context(), to(), "wait")
	require.ErrorContains(t, err, "the server has no room for another call (option MaxCalls, 1)")
	stats := srv.Stats()
	require.EqualValues(t, 1, stats.CallsRunning)
	require.EqualValues(t, 1, stats.CallsRefused)
	close(release)
	_, err = first.Wait(t.Context())
	require.NoError(t, err)
	stats = srv.Stats()
	require.EqualValues(t, 1, stats.Calls)
	require.Zero(t, stats.CallsRunning)
	require.Zero(t, stats.CallsFailed)
}

func TestStatsOfConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := inmem.Listen()
		srv := service.NewServer(service.ListenOn(l), service.Logger(slog.New(slog.DiscardHandler)), service.MaxConnections(1),
			service.HandshakeTimeout(time.Second), service.IdleTimeout(time.Minute), service.MaxMessageSize(1000))
		require.NoError(t, srv.Add(service.New("small").Method("echo", func(s string) string { return s })))
		require.NoError(t, srv.Start())
		to := func() *service.Proxy {
			p, err := service.Connect("PYRO:small@memory:1", service.DialWith(l.DialContext))
			require.NoError(t, err)
			return p
		}
		silent, err := l.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		_, err = silent.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "it never said a word")
		synctest.Wait() // the server has noticed that there is room

		p := to()
		require.NoError(t, p.Ping(t.Context()))
		other := to()
		require.ErrorContains(t, other.Ping(t.Context()), "no free workers, increase server threadpool size")
		require.Error(t, service.Do(t.Context(), p, "echo", string(make([]byte, 2000))))
		synctest.Wait() // the server has noticed that there is room
		require.NoError(t, p.Ping(t.Context()), "on a new connection")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		stats := srv.Stats()
		require.EqualValues(t, 4, stats.Accepted)
		require.EqualValues(t, 1, stats.Refused)
		require.EqualValues(t, 1, stats.HandshakesFailed)
		require.EqualValues(t, 1, stats.HandshakeTimeouts)
		require.EqualValues(t, 1, stats.TooLarge)
		require.EqualValues(t, 1, stats.IdleTimeouts)
		require.Zero(t, stats.Connections)
		require.NoError(t, errors.Join(silent.Close(), p.Close(), other.Close(), srv.Shutdown(t.Context())))
	})
}

func TestPublishedAddresses(t *testing.T) {
	s := service.New("published").Method("m", func() {})
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":0"} {
		if listen == "[::]:0" && !hasIPv6() {
			continue
		}
		srv := start(t, s, service.Listen("tcp", listen))
		uri := srv.URI("published")
		ip := net.ParseIP(uri.Host)
		require.NotNil(t, ip, uri.Host)
		require.False(t, ip.IsUnspecified(), "%s: nobody can call %s", listen, uri)
		require.NoError(t, service.Do(t.Context(), connect(t, uri.String()), "m"), "%s", uri)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	uri := start(t, s, service.ListenOn(l)).URI("published")
	require.NoError(t, service.Do(t.Context(), connect(t, uri.String()), "m"))
	require.False(t, net.ParseIP(uri.Host).IsUnspecified())
}

func TestAdvertisedAddresses(t *testing.T) {
	s := service.New("advertised").Method("m", func() {})
	for address, want := range map[string]string{
		"gate.example:99": "gate.example:99", "gate.example": "gate.example:PORT", "gate.example:0": "gate.example:PORT",
		"2001:db8::1": "[2001:db8::1]:PORT", "[2001:db8::1]": "[2001:db8::1]:PORT", "[2001:db8::1]:7": "[2001:db8::1]:7",
	} {
		srv := start(t, s, service.Listen("tcp", "127.0.0.1:0"), service.Advertise(address), service.Listen("tcp", "127.0.0.1:0"))
		uri := srv.URI("advertised")
		require.Equal(t, strings.Replace(want, "PORT", strconv.Itoa(uri.Port), 1), uri.Location())
		require.NotZero(t, uri.Port)
		require.NoError(t, service.Do(t.Context(), connect(t, srv.InternalURI("advertised").String()), "m"))
	}
	for _, address := range []string{":7", "a b", "gate.example:70000", "gate.example:http", "gate.example:-1", "[2001:db8::1", "a@b:7"} {
		err := service.NewServer(service.Listen("tcp", "127.0.0.1:0"), service.Advertise(address)).Start()
		require.ErrorContains(t, err, "want HOST or HOST:PORT", address)
	}
	require.ErrorContains(t, service.NewServer(service.Listen("unix", "")).Start(), "without a path")
	require.ErrorContains(t, service.NewServer(service.Advertise("gate.example")).Start(), "Advertise has to follow")
	require.ErrorContains(t, service.NewServer(service.NoTLS()).Start(), "NoTLS has to follow")
}

func TestServe(t *testing.T) {
	var log syncBuffer
	l := inmem.Listen()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	named := service.New("").Method("m", func() int { return 7 })
	unnamed := service.New("has.its.own").Method("m", func() int { return 8 })
	go func() {
		ended <- service.Serve(ctx, map[any]string{&account{accounts: &accounts{}}: "example.account", named: "named", unnamed: ""},
			service.ListenOn(l), service.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	}()
	for name, method := range map[string]string{"example.account": "balance", "named": "m", "has.its.own": "m"} {
		p := connect(t, "PYRO:"+name+"@memory:1", service.DialWith(l.DialContext))
		require.NoError(t, service.Do(t.Context(), p, method))
		require.Contains(t, log.String(), "uri=PYRO:"+name+"@memory:1")
	}
	cancel()
	require.NoError(t, <-ended)
	require.ErrorContains(t, service.Serve(t.Context(), map[any]string{unnamed: "another"}), "cannot be served as another, too")
	require.ErrorContains(t, service.Serve(t.Context(), map[any]string{3: "int"}), "has no exported methods")
}

func TestHooksThatAreMissing(t *testing.T) {
	for what, o := range map[string]service.ServerOption{
		"ValidateHandshake(nil)": service.ValidateHandshake(nil),
		"OnDisconnect(nil)":      service.OnDisconnect(nil),
		"Housekeeping(nil)":      service.Housekeeping(time.Second, nil),
		"Housekeeping(0s)":       service.Housekeeping(0, func(context.Context) {}),
		"ServerTLS(nil)":         service.ServerTLS(nil),
		"MaxCalls(0)":            service.MaxCalls(0),
	} {
		require.ErrorContains(t, service.NewServer(o).Start(), what)
	}
}

func TestAConnectionThatIsThereAlready(t *testing.T) {
	srv := service.NewServer(service.Logger(slog.New(slog.DiscardHandler)))
	client, server := net.Pipe()
	ended := make(chan error)
	go func() { ended <- srv.ServeConn(t.Context(), server) }()
	ping := vectortest.Build("pyro5", 6, 0, 3, 42, "ping")
	_, err := client.Write(ping)
	require.NoError(t, err)
	f, err := vectortest.ReadFrame(client)
	require.NoError(t, err)
	require.Equal(t, "pong", string(f.Payload))
	require.Empty(t, srv.URIs("any"), "it listens to nothing")
	require.ErrorContains(t, srv.Start(), "was started before")
	require.NoError(t, srv.Shutdown(t.Context()))
	require.NoError(t, <-ended)
	require.Error(t, srv.ServeConn(t.Context(), server), "the server is closed")

	_, server = net.Pipe()
	require.ErrorContains(t, service.NewServer(service.MaxCalls(0)).ServeConn(t.Context(), server), "MaxCalls(0)")
}

// A slow one-way call keeps those behind it waiting.
func TestOnewayCallsInTheirTurn(t *testing.T) {
	var order []string // only ever touched by one call at a time
	s := service.New("turns").
		Method("note", func(name string) {
			if name == "first" {
				time.Sleep(10 * time.Millisecond)
			}
			order = append(order, name)
		}, service.Oneway()).
		Method("noted", func() []string { return order })
	p := inMemory(t, s, service.OnewayInOrder())()
	for _, name := range []string{"first", "second", "third"} {
		require.NoError(t, service.Do(t.Context(), p, "note", name))
	}
	noted, err := service.Call[[]string](t.Context(), p, "noted")
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second", "third"}, noted)
}
