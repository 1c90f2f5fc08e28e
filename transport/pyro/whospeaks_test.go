package pyro_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// accepting serves each connection with handle and returns where.
func accepting(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	return l.Addr().String()
}

// What the peer speaks is not said before it has said anything.
func TestErrorsNameNoDialectThatIsNotKnown(t *testing.T) {
	end := make(chan struct{})
	at := accepting(t, func(net.Conn) { <-end })
	defer close(end)
	p := proxyFor(t, "PYRO:o@"+at, service.ConnectTimeout(50*time.Millisecond))
	require.EqualError(t, service.Do(t.Context(), p, "m"),
		"connect to PYRO:o@"+at+" at "+at+": no answer to the handshake: context deadline exceeded")
}

func TestErrorsNameTheDialectOfARefusal(t *testing.T) {
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(t.Context())) })
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p := proxyFor(t, srv.URI("missing").String(), service.Dialect(d))
		require.ErrorContains(t, service.Do(t.Context(), p, "m"), " ("+d.String()+"): the peer rejected the connection")
	}
}

func TestHintsAtTLS(t *testing.T) {
	answer := func(conn net.Conn, after []byte) { // and read all there is, so that the end is no reset
		_, _ = conn.Read(make([]byte, 1))
		_, _ = conn.Write(after)
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	}
	const mayBe = "it may speak TLS (service.TLS)"
	tests := []struct {
		name   string
		handle func(net.Conn)
		opts   []service.ProxyOption
		want   string
	}{
		{"an alert", func(c net.Conn) { answer(c, []byte{21, 3, 1, 0, 2, 2, 70}) }, nil, "the peer speaks TLS, which service.TLS does, too"},
		{"the end", func(c net.Conn) { answer(c, nil) }, nil, mayBe},
		{"a reset", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_ = c.(*net.TCPConn).SetLinger(0)
		}, nil, mayBe},
		{"Go's TLS server", func(c net.Conn) { _ = tls.Server(c, &tls.Config{}).Handshake() }, nil, mayBe},
		{
			"TLS on a plain server", func(c net.Conn) { answer(c, []byte("PYRO and what follows")) },
			[]service.ProxyOption{service.TLS(&tls.Config{})},
			"first record does not look like a TLS handshake: the peer may speak no TLS",
		},
		{
			"TLS on a server that hangs up", func(c net.Conn) { answer(c, nil) },
			[]service.ProxyOption{service.TLS(&tls.Config{})},
			"EOF: the peer may speak no TLS",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := service.Do(t.Context(), proxyFor(t, "PYRO:o@"+accepting(t, tt.handle), tt.opts...), "m")
			require.ErrorIs(t, err, transport.ErrUnavailable)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "pyro5")
		})
	}
}

// Two ends of this toolkit agree on what kind of refusal it is; any other client is told the text alone.
func TestTheKindOfARefusalTravels(t *testing.T) {
	tests := map[string]struct {
		reason      error
		want, plain error
	}{
		"who is it?":       {transport.Errorf(transport.CodeUnauthenticated, "x"), transport.ErrUnauthenticated, transport.ErrUnauthenticated},
		"not him":          {transport.Errorf(transport.CodePermissionDenied, "x"), transport.ErrPermissionDenied, transport.ErrUnauthenticated},
		"too many of them": {transport.Errorf(transport.CodeResourceExhausted, "x"), transport.ErrExhausted, transport.ErrUnauthenticated},
		"a sentinel":       {transport.ErrUnavailable, transport.ErrUnavailable, transport.ErrUnauthenticated},
		"of no kind":       {errors.New("x"), transport.ErrUnauthenticated, transport.ErrUnauthenticated},
	}
	for name, tt := range tests {
		for _, d := range [...]codec.Dialect{codec.Pyro4, codec.Pyro5} {
			t.Run(d.String()+"/"+name, func(t *testing.T) {
				handler := atOnce("x")
				handler.Handshake = func(context.Context, *transport.Handshake) (*transport.Welcome, error) { return nil, tt.reason }
				synctest.Test(t, func(t *testing.T) {
					m := serveInMemory(t, handler, pyro.ServerConfig{})
					for plain, want := range map[bool]error{false: tt.want, true: tt.plain} {
						_, err := pyro.Dial(t.Context(), pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1},
							pyro.DialConfig{Dialect: d, Dial: m.l.DialContext, Plain: plain})
						require.ErrorIs(t, err, want)
						require.ErrorContains(t, err, "the peer rejected the connection: "+tt.reason.Error())
					}
					m.end()
				})
			})
		}
	}
}
