package pyro_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// atOnce answers every call with value.
func atOnce(value any) pyro.Handler {
	return answers(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return &transport.Reply{Value: codec.ValueOf(value)}, nil
	})
}

func TestAnIdleConnectionEndsAfterIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, atOnce("x"), pyro.ServerConfig{IdleTimeout: time.Minute})
		c := m.dial(nil)
		for range 3 {
			time.Sleep(50 * time.Second)
			_, err := invoke(t.Context(), c, "m")
			require.NoError(t, err, "it was not idle for long enough")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Zero(t, m.Connections())
		_, err := invoke(t.Context(), c, "m")
		require.ErrorIs(t, err, transport.ErrUnavailable)
		m.end(c)
	})
}

func TestAPeerThatDoesNotReadItsReplyLosesItsConnection(t *testing.T) {
	const header = "# serpent utf-8 python3.2\n"
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, atOnce(strings.Repeat("x", 3<<20)), pyro.ServerConfig{WriteTimeout: time.Minute})
		wire, err := m.l.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		_, err = wire.Write(vectortest.Build("pyro5", 1, 0, 0, 1, header+"{'handshake':'hello','object':'o'}"))
		require.NoError(t, err)
		_, err = wire.Read(make([]byte, 4096))
		require.NoError(t, err, "the handshake is answered")
		_, err = wire.Write(vectortest.Build("pyro5", 4, 0, 1, 1, header+"('o','m',(),{})"))
		require.NoError(t, err)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, m.Connections(), "it may be slow")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Zero(t, m.Connections())
		require.NoError(t, wire.Close())
		m.end()
	})
}

func TestWhoWasNotLetInYetMaySendLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, atOnce("x"), pyro.ServerConfig{})
		wire, err := m.l.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		hello := "# serpent utf-8 python3.2\n{'object':'o','handshake':'" + strings.Repeat("x", 2<<20) + "'}"
		go func() { _, _ = wire.Write(vectortest.Build("pyro5", 1, 0, 0, 1, hello)) }()
		answer := make([]byte, 4096)
		n, err := wire.Read(answer)
		require.NoError(t, err)
		require.Contains(t, string(answer[:n]), "message too large")
		require.NoError(t, wire.Close())
		m.end()
	})
}

// What calls leave behind for later ones must not hold channels of a bubble: users, too, test with
// synctest beside tests with real sockets.
func TestCallsInABubbleLeaveNothingToThoseOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, atOnce("x"), pyro.ServerConfig{})
		c := m.dial(nil)
		for range 20 {
			_, err := invoke(t.Context(), c, "m")
			require.NoError(t, err)
		}
		m.end(c)
	})
	_, uri := startServer(t, atOnce("x"), pyro.ServerConfig{}, pyro.ListenConfig{})
	c := connectTo(t, uri, pyro.DialConfig{})
	failed := make(chan error, 20)
	for range cap(failed) {
		go func() {
			_, err := invoke(context.Background(), c, "m")
			failed <- err
		}()
	}
	for range cap(failed) {
		require.NoError(t, <-failed)
	}
}
