package servicetest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Network joins clients and servers in memory. Servers listen at addresses HOST:PORT of any name; there
// is nothing to look up. Its methods may be called at any time, from any goroutine.
type Network struct {
	mu        sync.Mutex // guards what follows
	listeners map[string]*listener
	links     []*Link // with an end that is not closed yet
	dialled   int
	refusing  bool
	each      []func(*Link)
}

// NewNetwork returns a network. When the test ends, it fails if a connection was not closed at both ends.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	n := &Network{listeners: map[string]*listener{}}
	t.Cleanup(func() {
		eventually(func() bool { return len(n.Links()) == 0 })
		for _, l := range n.Links() {
			t.Errorf("connection %d to %s was not closed: %s", l.Number(), l.Address(), strings.Join(l.open(), " and "))
		}
	})
	return n
}

// Listen returns a listener at address, HOST:PORT, for servers that the test does not make with NewServer.
func (n *Network) Listen(address string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("listen at %s: %w", address, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[address] != nil {
		return nil, fmt.Errorf("listen at %s: %w", address, syscall.EADDRINUSE)
	}
	l := &listener{network: n, at: address, conns: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[address] = l
	return l, nil
}

// DialContext connects to the server at address, HOST:PORT. It is what service.DialWith wants. With nobody
// there the error is ECONNREFUSED.
func (n *Network) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	server := n.listeners[address]
	if server == nil || n.refusing {
		n.mu.Unlock()
		return nil, dialError(address, syscall.ECONNREFUSED)
	}
	n.mu.Unlock()
	l := n.newLink(address)
	select {
	case server.conns <- l.server:
		return l.client, nil
	case <-server.done:
		n.forget(l)
		return nil, dialError(address, syscall.ECONNREFUSED)
	case <-ctx.Done():
		n.forget(l)
		return nil, dialError(address, ctx.Err())
	}
}

// newLink makes a connection to address.
func (n *Network) newLink(address string) *Link {
	n.mu.Lock()
	n.dialled++
	l := newLink(n, n.dialled, address)
	n.links = append(n.links, l)
	each := slices.Clone(n.each)
	n.mu.Unlock()
	for _, set := range each {
		set(l)
	}
	return l
}

func dialError(at string, err error) error {
	return &net.OpError{Op: "dial", Net: address("").Network(), Addr: address(at), Err: err}
}

// Links returns the connections that are open at one end at least, in the order in which they were dialled.
func (n *Network) Links() []*Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.links)
}

// Each calls set for each open connection, and for each one to come before it carries anything. Heal ends
// that.
func (n *Network) Each(set func(*Link)) {
	n.mu.Lock()
	n.each = append(n.each, set)
	links := slices.Clone(n.links)
	n.mu.Unlock()
	for _, l := range links {
		set(l)
	}
}

// Cut cuts all open connections. New ones can be made.
func (n *Network) Cut() {
	for _, l := range n.Links() {
		l.Cut()
	}
}

// Refuse has nobody connect any more: dialling fails with ECONNREFUSED. Connections stay.
func (n *Network) Refuse() { n.refuse(true) }

// Accept ends what Refuse began.
func (n *Network) Accept() { n.refuse(false) }

func (n *Network) refuse(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusing = on
}

// Heal ends all faults, and what was asked for with Each. Connections that were cut stay so.
func (n *Network) Heal() {
	n.mu.Lock()
	n.refusing, n.each = false, nil
	n.mu.Unlock()
	for _, l := range n.Links() {
		l.Heal()
	}
}

func (n *Network) forget(l *Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links = slices.DeleteFunc(n.links, func(o *Link) bool { return o == l })
}

// A listener is the net.Listener of one address.
type listener struct {
	network *Network
	at      string
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

// Accept waits for a client.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: l.Addr().Network(), Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Close frees the address. Connections stay.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, l.at)
	})
	return nil
}

// Addr returns the address.
func (l *listener) Addr() net.Addr { return address(l.at) }

// grace is how long what is left when a test ends may take to go away.
const grace = 5 * time.Second

// eventually waits until done holds, but no longer than the grace.
func eventually(done func() bool) bool {
	start := time.Now()
	for wait := time.Millisecond; !done(); wait *= 2 {
		if time.Since(start) > grace {
			return false
		}
		time.Sleep(wait)
	}
	return true
}
