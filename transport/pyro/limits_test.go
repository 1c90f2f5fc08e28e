package pyro_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// textOf are arguments: one text of n characters.
func textOf(n int) transport.Args {
	return transport.Args{Positional: []any{strings.Repeat("x", n)}}
}

func TestLimitsOfAConnectionAreThoseThatItWasMadeUnder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, atOnce("x"), pyro.ServerConfig{Values: codec.Options{BytesRepr: true}})
		before := m.dial(nil)
		m.SetLimits(pyro.ServerConfig{MaxMessageSize: 1000, IdleTimeout: time.Minute})
		after := m.dial(nil)
		large := &transport.Call{Object: "o", Method: "m", Args: textOf(2000)}
		_, err := before.Call(t.Context(), large)
		require.NoError(t, err)
		idle := m.dial(nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Equal(t, 1, m.Connections(), "the first one has no IdleTimeout")
		_, err = before.Call(t.Context(), large)
		require.NoError(t, err)
		require.NoError(t, after.Close())
		require.NoError(t, idle.Close())

		after = m.dial(nil)
		_, err = after.Call(t.Context(), large)
		require.ErrorIs(t, err, transport.ErrUnavailable)
		require.Equal(t, uint64(1), m.Stats().TooLarge)

		m.SetLimits(pyro.ServerConfig{})
		again := m.dial(nil)
		_, err = again.Call(t.Context(), large)
		require.NoError(t, err, "the default")
		m.end(before, after, again)
	})
}

func TestLimitsOfTheServerCountAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		m := serveInMemory(t, c.handler(), pyro.ServerConfig{Streams: pyro.StreamConfig{Max: 1}})
		first := m.dial(nil)
		m.open(first)
		m.SetLimits(pyro.ServerConfig{Streams: pyro.StreamConfig{Max: 2}, MaxConnections: 1, HandshakeTimeout: time.Second})
		m.open(first)
		_, err := invoke(t.Context(), first, "m")
		require.ErrorContains(t, err, "option MaxStreams, 2")

		u := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}
		dial := pyro.DialConfig{Dial: m.l.DialContext, Dialect: codec.Pyro5}
		_, err = pyro.Dial(t.Context(), u, dial)
		require.ErrorIs(t, err, transport.ErrExhausted)

		m.SetLimits(pyro.ServerConfig{HandshakeTimeout: time.Second})
		silent, err := m.l.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, uint64(1), m.Stats().HandshakeTimeouts)
		require.NoError(t, silent.Close())
		m.end(first)
	})
}

func TestRoomForInflatedMessagesFollowsTheirLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serveInMemory(t, atOnce("x"), pyro.ServerConfig{MaxInflatedSize: 2 << 20})
		u := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "memory", Port: 1}
		inflates := func(n int) error {
			c, err := pyro.Dial(t.Context(), u, pyro.DialConfig{Dial: m.l.DialContext, Dialect: codec.Pyro5, Compress: true})
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Call(t.Context(), &transport.Call{Object: "o", Method: "m", Args: textOf(n)})
			return err
		}
		require.Error(t, inflates(20<<20))
		m.SetLimits(pyro.ServerConfig{MaxInflatedSize: 21 << 20})
		require.NoError(t, inflates(20<<20))
		m.SetLimits(pyro.ServerConfig{MaxInflatedSize: 2 << 20})
		require.Error(t, inflates(20<<20))
		m.end()
	})
}
