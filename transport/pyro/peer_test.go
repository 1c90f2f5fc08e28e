package pyro_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/vectortest"
	"github.com/pyrokit/pyrokit/service"
)

// A peer is a server that does what a test tells it to: it knows nothing of the protocol.
type peer struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

// startPeer listens on network and has serve talk on each connection, which is closed when serve
// returns. The test ends when all have.
func startPeer(t *testing.T, serve func(conn net.Conn)) *peer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &peer{listener: l}
	p.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, conn)
			p.mu.Unlock()
			p.wg.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.hangUp()
		p.wg.Wait()
	})
	return p
}

// hangUp closes all connections.
func (p *peer) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

func (p *peer) uri(object string) string { return "PYRO:" + object + "@" + p.listener.Addr().String() }

// A script answers each request with the next of its frames, under the number of the request, and keeps
// what it was asked.
type script struct {
	mu      sync.Mutex // guards what follows
	replies [][]byte
	asked   []*vectortest.Frame
	refused []error // what could not be read as a frame
}

func newScript(replies ...[]byte) *script { return &script{replies: replies} }

func (s *script) serve(conn net.Conn) {
	for {
		f, err := vectortest.ReadFrame(conn)
		s.mu.Lock()
		if err != nil {
			s.refused = append(s.refused, err)
			s.mu.Unlock()
			return
		}
		s.asked = append(s.asked, f)
		oneway := f.Type == vectortest.Invoke && f.Flags&vectortest.Oneway != 0
		if oneway || len(s.replies) == 0 {
			s.mu.Unlock()
			continue
		}
		reply := s.replies[0]
		s.replies = s.replies[1:]
		s.mu.Unlock()
		if _, err := conn.Write(vectortest.Renumber(reply, f.Seq)); err != nil {
			return
		}
	}
}

func (s *script) requests() []*vectortest.Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func proxyFor(t *testing.T, uri string, opts ...service.ProxyOption) *service.Proxy {
	t.Helper()
	p, err := service.Connect(uri, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}
