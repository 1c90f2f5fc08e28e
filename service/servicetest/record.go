package servicetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A DialFunc makes connections; service.DialWith takes it.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// What a file of a recorded conversation begins with.
const fileHead = "# Recorded by pyrokit's servicetest. " +
	"Each line is a message: the connection, > to the server or < to the client, the bytes.\n"

// Record connects to real peers and keeps what is said. When the test ends, and has not failed, file is
// written, for Replay. It is text, a message a line, so that a change of it can be reviewed; whatever
// secret the handshake held stands in it. Each request has one reply: on a connection that is recorded
// service.Ahead does nothing.
//
//	dial := servicetest.Replay(t, "testdata/quotes.txt")
//	if *update {
//		dial = servicetest.Record(t, "testdata/quotes.txt")
//	}
//	p, err := service.Connect("PYRO:quotes@localhost:9999", service.DialWith(dial), service.Dialect(codec.Pyro5))
func Record(t testing.TB, file string) DialFunc {
	t.Helper()
	r := &recorder{}
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		if err := r.save(file); err != nil {
			t.Errorf("record: %v", err)
		}
	})
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return r.tap(c), nil
	}
}

// A recorder writes down the messages of connections in the order in which they were complete.
type recorder struct {
	mu          sync.Mutex // guards what follows
	connections int
	text        strings.Builder
}

func (r *recorder) tap(c net.Conn) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connections++
	return &tappedConn{Conn: c, r: r, number: r.connections}
}

func (r *recorder) save(file string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(fileHead+r.text.String()), 0o644) //nolint:gosec // for everybody who has the tests
}

// A tappedConn is a connection whose messages are written down.
type tappedConn struct {
	net.Conn
	r      *recorder
	number int

	sent, received tap
}

// A tap gathers one direction's bytes until they are a message.
type tap struct {
	splitter

	message []byte
}

// OneReplyEach keeps remote iterators to one item a request: items that come ahead (service.Ahead) depend
// on how fast they are taken, so that no recording of them could be replayed.
func (c *tappedConn) OneReplyEach() {}

func (c *tappedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.keep(&c.received, '<', b[:n])
	return n, err
}

func (c *tappedConn) Write(b []byte) (int, error) {
	c.keep(&c.sent, '>', b) // before the answer can be there
	return c.Conn.Write(b)
}

func (c *tappedConn) keep(t *tap, way rune, b []byte) {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	for len(b) > 0 {
		n, end := t.next(b)
		t.message = append(t.message, b[:n]...)
		b = b[n:]
		if end {
			fmt.Fprintf(&c.r.text, "%d %c %s\n", c.number, way, strconv.QuoteToASCII(string(t.message)))
			t.message = t.message[:0]
		}
	}
}
