package pyro

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A slowToClose is a connection of TLS whose peer does not read: Close waits until it may send its last message.
type slowToClose struct {
	net.Conn

	closing, read chan struct{}
}

func (c *slowToClose) Close() error {
	close(c.closing)
	<-c.read
	return c.Conn.Close()
}

// All connections have one monitor: one that takes long to be closed must not hold it up.
func TestWhoHangsUpDoesNotHoldUpTheMonitor(t *testing.T) {
	s, err := NewServer(Handler{}, ServerConfig{})
	require.NoError(t, err)
	defer s.Close()
	near, far := net.Pipe()
	defer far.Close()
	nc := &slowToClose{Conn: near, closing: make(chan struct{}), read: make(chan struct{})}
	c := newServerConn(s, nc, ListenConfig{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.hangUp()
	}()
	<-nc.closing
	locked := c.mu.TryLock() // as the monitor's look at it does
	if locked {
		c.mu.Unlock()
	}
	close(nc.read)
	<-done
	require.True(t, locked)
}
