package nameserver_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

// responder answers the n-th request with the n-th answer, as a name server's broadcast port does.
func responder(t *testing.T, answers ...string) int {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		buf := make([]byte, 64)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if string(buf[:n]) != "GET_NSURI" || len(answers) == 0 {
				continue
			}
			_, _ = conn.WriteTo([]byte(answers[0]), from)
			answers = answers[1:]
		}
	}()
	addr, ok := conn.LocalAddr().(*net.UDPAddr)
	require.True(t, ok)
	return addr.Port
}

func TestBroadcastReturnsTheAnswer(t *testing.T) {
	port := responder(t, "PYRO:Pyro.NameServer@192.168.1.5:9090")
	uri, err := nameserver.Broadcast(t.Context(), port, "127.0.0.1")
	require.NoError(t, err)
	require.Equal(t, "PYRO:Pyro.NameServer@192.168.1.5:9090", uri.String())
}

func TestBroadcastAsksAgainWhenTheAnswerIsNoURI(t *testing.T) {
	port := responder(t, "go away", "PYRO:Pyro.NameServer@h:1")
	uri, err := nameserver.Broadcast(t.Context(), port, "127.0.0.1")
	require.NoError(t, err)
	require.Equal(t, "h", uri.Host)
}

func TestBroadcastWithoutAnAnswer(t *testing.T) {
	port := responder(t)
	_, err := nameserver.Broadcast(t.Context(), port, "127.0.0.1")
	require.ErrorIs(t, err, transport.ErrUnavailable)
}

func TestBroadcastEndsWithItsContext(t *testing.T) {
	port := responder(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := nameserver.Broadcast(ctx, port, "127.0.0.1")
	require.ErrorIs(t, err, transport.ErrTimeout)
}
