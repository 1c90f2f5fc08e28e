package pyro

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
)

// What a lone caller writes by itself ends in time where the peer lies about having read.
func TestAPeerThatDoesNotReadHoldsNoCaller(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	nc, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	peer, err := l.Accept()
	require.NoError(t, err)
	defer peer.Close()

	c := &Conn{nc: nc}
	n, err := c.writeDirect([]byte("read later"))
	require.NoError(t, err)
	require.Equal(t, len("read later"), n)

	require.NoError(t, nc.SetWriteDeadline(time.Now().Add(tenth)))
	for err == nil { // until no buffer between the two has room
		_, err = nc.Write(make([]byte, 64<<10))
	}
	for err = nil; err == nil; { // the system may still find some
		_, err = c.writeDirect(make([]byte, maxDirect))
	}
	require.ErrorIs(t, err, transport.ErrUnavailable)
	require.NotErrorIs(t, err, transport.ErrTimeout)
}

// tenth is how long buffers between two sockets of this machine may take to fill up.
const tenth = 100 * time.Millisecond

func TestWhatHasABuffer(t *testing.T) {
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	require.False(t, buffered(one))
	require.False(t, buffered(tls.Client(one, &tls.Config{MinVersion: tls.VersionTLS13})))
	require.True(t, buffered(&net.TCPConn{}))
	require.True(t, buffered(tls.Client(&net.UnixConn{}, &tls.Config{MinVersion: tls.VersionTLS13})))
}
