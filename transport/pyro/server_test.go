package pyro_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// slow is a handler whose calls last until release is closed, or as long as their context.
func slow(entered chan<- string, release <-chan struct{}) pyro.Handler {
	return answers(func(ctx context.Context, c *transport.Call) (*transport.Reply, error) {
		entered <- c.Method
		select {
		case <-release:
			return &transport.Reply{Value: codec.ValueOf("done")}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

func TestShutdownWaitsForCallsThatRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, release := make(chan string, 10), make(chan struct{})
		m := serveInMemory(t, slow(entered, release), pyro.ServerConfig{})
		idle, busy := m.dial(nil), m.dial(nil)
		answered := make(chan any, 1)
		go func() {
			r, err := invoke(context.Background(), busy, "m")
			if err != nil {
				answered <- err
				return
			}
			v, _ := r.Value.Any()
			answered <- v
		}()
		_, err := idle.Call(t.Context(), &transport.Call{Object: "o", Method: "oneway", Oneway: true})
		require.NoError(t, err)
		<-entered
		<-entered
		ended := make(chan error, 1)
		go func() { ended <- m.Shutdown(context.Background()) }()
		synctest.Wait()
		require.Empty(t, ended, "two calls run")
		require.Empty(t, answered)
		_, err = invoke(t.Context(), idle, "m")
		require.ErrorIs(t, err, transport.ErrUnavailable, "idle connections are closed")

		close(release)
		require.Equal(t, "done", <-answered, "the reply is sent")
		require.NoError(t, <-ended)
		_, err = m.l.DialContext(t.Context(), "", "")
		require.Error(t, err)
		require.NoError(t, idle.Close())
		require.NoError(t, busy.Close())
		require.NoError(t, m.Shutdown(t.Context()), "a second time is harmless")
	})
}

func TestShutdownCountsWhatItCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered := make(chan string, 10)
		m := serveInMemory(t, slow(entered, nil), pyro.ServerConfig{})
		var conns []*pyro.Conn
		failed := make(chan error, 3)
		for range 3 {
			c := m.dial(nil)
			conns = append(conns, c)
			go func() {
				_, err := invoke(context.Background(), c, "m")
				failed <- err
			}()
			<-entered
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := m.Shutdown(ctx)
		require.ErrorContains(t, err, "3 calls were cut off")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		for range 3 {
			require.ErrorIs(t, <-failed, transport.ErrUnavailable)
		}
		m.end(conns...)
	})
}

func TestAClientInItsHandshakeDoesNotHoldShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, answers(nil), pyro.ServerConfig{})
		conn, err := m.l.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		begun := time.Now()
		require.NoError(t, m.Shutdown(t.Context()))
		require.Zero(t, time.Since(begun))
		require.NoError(t, conn.Close())
	})
}

func TestTheHandshakeTimeoutIsTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, answers(nil), pyro.ServerConfig{})
		conn, err := m.l.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		_, err = conn.Write([]byte("PYRO\x01\xf6"))
		require.NoError(t, err)
		begun := time.Now()
		_, err = conn.Read(make([]byte, 1))
		require.Error(t, err)
		require.Equal(t, 10*time.Second, time.Since(begun))
		require.NoError(t, conn.Close())
		m.end()
	})
}

func TestAOnewayCallOutlivesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, release := make(chan string, 10), make(chan struct{})
		ended := make(chan string, 10)
		h := slow(entered, release)
		next := h.Call
		h.Call = func(ctx context.Context, c *transport.Call) (*transport.Reply, error) {
			r, err := next(ctx, c)
			if err != nil {
				ended <- c.Method + " was cancelled"
			} else {
				ended <- c.Method + " was done"
			}
			return r, err
		}
		m := serveInMemory(t, h, pyro.ServerConfig{})
		conn := m.dial(nil)
		_, err := conn.Call(t.Context(), &transport.Call{Object: "o", Method: "oneway", Oneway: true})
		require.NoError(t, err)
		require.Equal(t, "oneway", <-entered)
		require.NoError(t, conn.Close())
		synctest.Wait()
		require.Empty(t, ended)
		close(release)
		require.Equal(t, "oneway was done", <-ended)
		m.end()
	})
}

func TestOneTooManyIsRefusedUntilSomebodyLeaves(t *testing.T) {
	srv, uri := startServer(t, answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return &transport.Reply{}, nil
	}), pyro.ServerConfig{MaxConnections: 2}, pyro.ListenConfig{})
	u, err := pyro.ParseURI(uri)
	require.NoError(t, err)
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		first, second := connectTo(t, uri, pyro.DialConfig{}), connectTo(t, uri, pyro.DialConfig{})
		_, err = pyro.Dial(t.Context(), u, pyro.DialConfig{Dialect: d})
		require.ErrorIs(t, err, transport.ErrExhausted)
		require.ErrorContains(t, err, "no free workers, increase server threadpool size")
		_, err = invoke(t.Context(), second, "m")
		require.NoError(t, err)
		require.NoError(t, first.Close())
		require.Eventually(t, func() bool {
			c, err := pyro.Dial(t.Context(), u, pyro.DialConfig{Dialect: d})
			return err == nil && c.Close() == nil
		}, patience, time.Millisecond)
		require.NoError(t, second.Close())
		require.Eventually(t, func() bool { return srv.Connections() == 0 }, patience, time.Millisecond)
	}
}

// Who was refused and does not go takes no room from others.
func TestRefusedPeersTakeNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, answers(nil), pyro.ServerConfig{MaxConnections: 1})
		first := m.dial(nil)
		silent, err := m.l.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, first.Close())
		synctest.Wait()
		second := m.dial(nil)
		require.NoError(t, silent.Close())
		m.end(second)
	})
}

func TestAKeyOnTheListenerRefusesPyro5WithAReason(t *testing.T) {
	echo := answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return &transport.Reply{Value: codec.ValueOf("fine")}, nil
	})
	key := []byte("secret key")
	_, strict := startServer(t, echo, pyro.ServerConfig{}, pyro.ListenConfig{HMACKey: key})
	_, loose := startServer(t, echo, pyro.ServerConfig{}, pyro.ListenConfig{HMACKey: key, AllowUnsigned: true})
	tests := []struct {
		name    string
		uri     string
		cfg     pyro.DialConfig
		wantErr string
	}{
		{"signed Pyro4", strict, pyro.DialConfig{HMACKey: key}, ""},
		{"unsigned Pyro4", strict, pyro.DialConfig{Dialect: codec.Pyro4}, "hmac key config not symmetric"},
		{"wrongly signed Pyro4", strict, pyro.DialConfig{HMACKey: []byte("other")}, "message hmac mismatch"},
		{"Pyro5", strict, pyro.DialConfig{Dialect: codec.Pyro5}, "this server accepts signed messages only, which Pyro5 does not have"},
		{"Pyro5 where it is allowed", loose, pyro.DialConfig{Dialect: codec.Pyro5}, ""},
		{"signed Pyro4 beside it", loose, pyro.DialConfig{HMACKey: key}, ""},
		{"unsigned Pyro4 beside it", loose, pyro.DialConfig{Dialect: codec.Pyro4}, "hmac key config not symmetric"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := pyro.ParseURI(tt.uri)
			require.NoError(t, err)
			c, err := pyro.Dial(t.Context(), u, tt.cfg)
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				return
			}
			require.NoError(t, err)
			_, err = invoke(t.Context(), c, "m")
			require.NoError(t, err)
			require.NoError(t, c.Ping(t.Context()))
			require.NoError(t, c.Close())
		})
	}
}

func TestEveryKindOfAddressIsServed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	tests := []struct{ name, network, address, location string }{
		{"IPv4", "tcp4", "127.0.0.1:0", "@127.0.0.1:"},
		{"IPv6", "tcp6", "[::1]:0", "@[::1]:"},
		{"a unix socket", "unix", path, "@./u:" + path},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if l, err := (&net.ListenConfig{}).Listen(t.Context(), tt.network, tt.address); err != nil {
				t.Skipf("this machine has no %s: %v", tt.name, err)
			} else {
				require.NoError(t, l.Close())
			}
			srv := service.NewServer(service.Listen(tt.network, tt.address))
			require.NoError(t, srv.Add(service.New("o").Method("m", func() string { return "fine" })))
			require.NoError(t, srv.Start())
			defer func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) }()
			uri := srv.URI("o").String()
			require.Contains(t, uri, tt.location)
			for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
				s, err := service.Call[string](t.Context(), proxyFor(t, uri, service.Dialect(d)), "m")
				require.NoError(t, err)
				require.Equal(t, "fine", s)
			}
		})
	}
}

// The calls of one connection run and are answered one after the other.
func TestPipelinedCallsAreAnsweredInOrder(t *testing.T) {
	for _, dialect := range vectortest.Dialects {
		r := &replay{t: t, address: startPython(t), dialect: dialect, streams: strings.NewReplacer()}
		r.connect(captureOf(t, dialect, "serpent/connect"))
		var all []byte
		for i := range uint16(500) {
			all = append(all, vectortest.Build(dialect, vectortest.Invoke, 0, i, 1, "('svc','echo',("+strings.Repeat("1", 1+int(i)%9)+",),{})")...)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := r.conn.Write(all)
			require.NoError(t, err)
		})
		for i := range uint16(500) {
			f, err := vectortest.ReadFrame(r.conn)
			require.NoError(t, err)
			require.Equal(t, i, f.Seq)
			require.Contains(t, string(f.Payload), "\n"+strings.Repeat("1", 1+int(i)%9))
		}
		wg.Wait()
	}
}

func TestServeAfterTheEndIsAnError(t *testing.T) {
	srv, err := pyro.NewServer(answers(nil), pyro.ServerConfig{})
	require.NoError(t, err)
	require.NoError(t, srv.Close())
	l := inmem.Listen()
	require.ErrorIs(t, srv.Serve(l, pyro.ListenConfig{}), pyro.ErrServerClosed)
	_, err = l.DialContext(t.Context(), "", "")
	require.ErrorIs(t, err, net.ErrClosed, "the listener is closed")
}
