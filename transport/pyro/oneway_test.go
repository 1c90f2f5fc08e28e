package pyro_test

import (
	"context"
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
