package pyro_test

import (
	"context"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A badError panics when it is looked into, as a typed nil does.
type badError struct{ text string }

func (e *badError) Error() string { return e.text }
func (e *badError) Unwrap() error { panic("looked into") }

func TestAOnewayCallThatPanicsOnItsWayBackSparesTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, answers(func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
			if call.Oneway {
				return nil, &badError{}
			}
			return &transport.Reply{}, nil
		}), pyro.ServerConfig{})
		c := m.dial(nil)
		_, err := c.Call(t.Context(), &transport.Call{Object: "o", Method: "m", Oneway: true})
		require.NoError(t, err)
		_, err = invoke(t.Context(), c, "m")
		require.NoError(t, err)
		m.end(c)
	})
}

func TestALateHandshakeEndsItsMiddlewares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := answers(nil)
		ended := make(chan struct{})
		h.Handshake = func(ctx context.Context, _ *transport.Handshake) (*transport.Welcome, error) {
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}
		m := serveInMemory(t, h, pyro.ServerConfig{HandshakeTimeout: time.Second})
		u := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}
		_, err := pyro.Dial(t.Context(), u, pyro.DialConfig{Dial: m.l.DialContext, Dialect: codec.Pyro5})
		require.Error(t, err)
		<-ended
		m.end()
	})
}

func TestAOnewayCallThatCannotBeWrittenIsAnError(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there a goroutine writes, and the call does not wait for it")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv, err := pyro.NewServer(answers(nil), pyro.ServerConfig{})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l, pyro.ListenConfig{}) }()
	uri, err := pyro.Located("o", l.Addr())
	require.NoError(t, err)
	uri.Protocol = pyro.ProtocolPyro
	conn, err := pyro.Dial(t.Context(), uri, pyro.DialConfig{})
	require.NoError(t, err)
	require.NoError(t, srv.Shutdown(t.Context()))
	require.ErrorIs(t, <-ended, pyro.ErrServerClosed)
	for range 20 { // the first one only makes the peer's system say that nobody is there
		_, err = conn.Call(t.Context(), &transport.Call{Object: "o", Method: "m", Oneway: true})
		if conn.Err() != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.NotSent)
	require.NoError(t, conn.Close())
}
