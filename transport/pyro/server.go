package pyro

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// A Handler is what a Server serves: chains of middlewares around an object registry.
type Handler struct {
	// Handshake accepts or denies a connection. Its innermost part looks the object up.
	Handshake transport.HandshakeFunc
	// Call answers calls. Its innermost part calls Call.Fetch where that is set.
	Call transport.Endpoint
	// Ordered tells the objects whose calls run one after the other on each connection, because they keep a
	// state for it. Towards plain peers all do. Nil means none.
	Ordered func(object string) bool
}

// A ServerConfig sets a Server up. The zero value has the defaults.
type ServerConfig struct {
	// Serializers are the names of those that are accepted; nil means serpent, json and marshal, and in
	// Pyro5 msgpack.
	Serializers []string
	// MaxMessageSize bounds messages on the wire, both ways; 0 means 1 GiB.
	MaxMessageSize int64
	// MaxInflatedSize bounds payloads after inflating; 0 means 128 MiB.
	MaxInflatedSize int64
	// MaxConnections bounds the open connections; one more is refused as Pyro refuses it. 0 means
	// 10000.
	MaxConnections int
	// MaxConcurrent bounds the calls of one connection that run or wait at the same time, which only
	// between two ends of this toolkit are more than one; beyond it the connection is not read. 0 means
	// 1024.
	MaxConcurrent int
	// Throttled, if set, is told each time that a connection is not read because of MaxConcurrent.
	Throttled func(peer *transport.Peer)
	// Plain speaks plain Pyro to everybody, ends of this toolkit included.
	Plain bool
	// HandshakeTimeout is how long a peer may take to finish its handshake; 0 means 10 s.
	HandshakeTimeout time.Duration
	// IdleTimeout is how long a connection may be without a request, as COMMTIMEOUT has it on Python's
	// servers; 0 means for ever.
	IdleTimeout time.Duration
	// WriteTimeout is how long a peer may take to read each MiB of a reply, or the rest of it; 0
	// means one minute.
	WriteTimeout time.Duration
	// MaxUnsentSize bounds the answers that are held for peers which have not read them, on all connections together;
	// 0 means 256 MiB. While there is no more room, other large answers wait, and peers that take longer than two
	// seconds to read a MiB lose their connections: the slowest first of those that hold an equal share or more, the
	// others only where all of these together hold too little. One answer alone may be larger.
	MaxUnsentSize int64
	// OnewayInOrder carries one-way calls out in their turn, as Pyro4 does with ONEWAY_THREADED off, instead
	// of in goroutines of their own. Between ends of this toolkit that holds for objects that are Ordered.
	OnewayInOrder bool
	// Compress compresses replies where the dialect's rule has it.
	Compress bool
	// Streams are the remote iterators.
	Streams StreamConfig
	// Values says how values are written and read; its Dialect is set by each connection.
	Values codec.Options
	// Annotations, if set, are sent with every reply.
	Annotations func() transport.Annotations
	// Logger gets what no caller sees: failures of one-way calls and of connections. Nil discards.
	Logger *slog.Logger
}

// A StreamConfig sets up remote iterators.
type StreamConfig struct {
	Disabled bool          // refuse results that are iterators
	Lifetime time.Duration // age at which one is dropped; 0 means never
	Linger   time.Duration // how long one outlives its connection; negative drops it at once, 0 means 30 s
	Max      int           // open iterators; 0 means 10000
}

// A ListenConfig sets up one listener.
type ListenConfig struct {
	// HMACKey has every message signed and refuses Pyro5, which has no signatures.
	HMACKey []byte
	// AllowUnsigned answers Pyro5 although a key is set.
	AllowUnsigned bool
}

const (
	defaultMaxConnections = 10000
	maxRefused            = 256 // peers that are being told that there is no room; beyond it they are not told
	watchParts            = 4   // how often late handshakes are looked for within HandshakeTimeout
)

// A Server answers connections in both dialects. The calls of one connection run and are answered one
// after the other, as in Python; one-way calls run in goroutines of their own. Between two ends of this
// toolkit calls run and are answered independently, except on objects that [Handler].Ordered names. The
// context of a method ends when its caller's connection does.
type Server struct {
	handler  Handler
	cfg      ServerConfig
	known4   *serializerTable
	known5   *serializerTable
	log      *slog.Logger
	streams  *streamTable
	ctx      context.Context //nolint:containedctx // the server's life, from which those of its connections derive
	cancel   context.CancelFunc
	closing  chan struct{} // closed when draining begins
	oneways  *oneways
	inflated *inflateRoom
	unsent   *unsentRoom
	limits   atomic.Pointer[limits] // written under mu
	monitor  monitor

	mu        sync.Mutex // guards what follows
	listeners map[net.Listener]struct{}
	conns     map[*serverConn]struct{}
	served    int // those of conns that were not refused
	draining  bool
	watch     *time.Timer    // ends late handshakes; nil while there is nothing to watch
	wg        sync.WaitGroup // connections, and goroutines for one-way calls
	inFlight  atomic.Int64   // calls that are being carried out
	calls     atomic.Uint64  // calls that were carried out, one-way ones and items sent ahead aside
	counts    serverCounts
}

// NewServer returns a Server for h. It listens to nothing yet.
func NewServer(h Handler, cfg ServerConfig) (*Server, error) {
	for _, name := range cfg.Serializers {
		if err := CheckSerializer(name); err != nil {
			return nil, err
		}
	}
	s := &Server{
		handler:   h,
		cfg:       cfg,
		known4:    newSerializerTable(codec.Pyro4, cfg.Serializers),
		known5:    newSerializerTable(codec.Pyro5, cfg.Serializers),
		log:       cfg.Logger,
		closing:   make(chan struct{}),
		oneways:   newOneways(),
		inflated:  newInflateRoom(orDefault(cfg.MaxInflatedSize, DefaultMaxInflatedSize)),
		listeners: map[net.Listener]struct{}{},
		conns:     map[*serverConn]struct{}{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.limits.Store(cfg.limits())
	s.unsent = newUnsentRoom(s.limits.Load().maxUnsentSize, s.shed)
	s.cfg.MaxConcurrent = orDefault(cfg.MaxConcurrent, defaultMaxConcurrent)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.streams = newStreamTable(cfg.Streams, s.log)
	return s, nil
}

// ErrServerClosed is returned by Serve after Shutdown or Close.
var ErrServerClosed = errors.New("server closed")

// Serve answers the connections of l until Shutdown or Close, or until l fails. It closes l.
func (s *Server) Serve(l net.Listener, cfg ListenConfig) error {
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		_ = l.Close()
		return ErrServerClosed
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	defer s.drop(l)
	var delay time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			delay = 0
			s.start(nc, cfg)
			continue
		}
		if s.isDraining() {
			return ErrServerClosed
		}
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		}
		delay = min(max(2*delay, 5*time.Millisecond), time.Second) // out of descriptors, most likely
		s.log.Warn("accept failed, trying again", "address", l.Addr().String(), "error", err, "delay", delay)
		select {
		case <-time.After(delay):
		case <-s.closing:
		}
	}
}

// drop closes a listener and forgets it.
func (s *Server) drop(l net.Listener) {
	_ = l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// ServeConn answers a connection that is there already and has no handshake, because both ends know of each
// other (a socketpair): both begin with their calls. The chain judges it as a handshake that names no object;
// the dialect is that of its first message. It closes nc, and returns when the connection has ended: with
// ErrServerClosed on a server that was shut down before, with the context's error if ctx ended it.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn, cfg ListenConfig) error {
	c := newServerConn(s, nc, cfg)
	c.given = make(chan struct{})
	c.greeted.Store(true)
	if !s.admit(c) { //nolint:contextcheck // calls derive from the connection, which ctx closes
		return ErrServerClosed
	}
	defer context.AfterFunc(ctx, func() { _ = nc.Close() })()
	<-c.given
	return ctx.Err()
}

// admit starts a given connection, unless the server was shut down.
func (s *Server) admit(c *serverConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		_ = c.nc.Close()
		c.cancel(nil)
		return false
	}
	s.counts.accepted.Add(1)
	s.served++
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	c.start()
	return true
}

// start serves one connection in a goroutine of its own.
func (s *Server) start(nc net.Conn, cfg ListenConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		_ = nc.Close()
		return
	}
	s.counts.accepted.Add(1)
	if len(s.conns)-s.served >= maxRefused {
		s.counts.refused.Add(1)
		_ = nc.Close()
		return
	}
	c := newServerConn(s, nc, cfg)
	c.full = s.served >= s.limits.Load().maxConnections
	if !c.full {
		s.served++
	}
	s.conns[c] = struct{}{}
	if s.watch == nil {
		s.watch = time.AfterFunc(s.limits.Load().handshakeTimeout/watchParts, s.endLateHandshakes)
	}
	s.wg.Add(1) // the connection's last worker takes it back
	c.start()
}

func (s *Server) forget(c *serverConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if !c.full {
		s.served--
	}
}

// endLateHandshakes closes the connections whose handshake takes too long. One timer for all of them
// runs while there are any: a deadline for each would wake the runtime's poller twice a connection.
func (s *Server) endLateHandshakes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting, limit := false, s.limits.Load().handshakeTimeout
	for c := range s.conns {
		switch {
		case c.greeted.Load():
		case time.Since(c.since) >= limit:
			s.counts.handshakeTimeouts.Add(1)
			c.greeted.Store(true) // it is not looked at again
			c.cancel(nil)         // who judges the handshake may be waiting for somebody else
			_ = c.nc.Close()
		default:
			waiting = true
		}
	}
	s.watch = nil
	if waiting {
		s.watch = time.AfterFunc(s.limits.Load().handshakeTimeout/watchParts, s.endLateHandshakes)
	}
}

// Connections returns the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Shutdown stops listening, lets the calls that run or wait finish, and closes all connections. Clients of this toolkit are
// told which calls were taken, and send the others again by themselves, elsewhere; one that is idle is waited for 100 ms,
// because it may have sent a call before it could know. Of others what has arrived is answered. When ctx ends first,
// Shutdown cuts off what still runs and returns an error that says how many calls that were.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(false)
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		s.streams.closeAll()
		return nil
	case <-ctx.Done():
	}
	cut := s.inFlight.Load()
	s.stop(true)
	s.streams.closeAll()
	switch cut {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("1 call was cut off: %w", ctx.Err())
	default:
		return fmt.Errorf("%d calls were cut off: %w", cut, ctx.Err())
	}
}

// Close ends everything at once. Methods that run see their context end; Close does not wait for them.
func (s *Server) Close() error {
	s.stop(true)
	s.streams.closeAll()
	return nil
}

// stop ends listeners and idle connections; with cut also those at work.
func (s *Server) stop(cut bool) {
	var closing sync.WaitGroup
	s.halt(cut, &closing)
	if cut { // after the connections are closed: what a method says of this is dropped
		closing.Wait()
		s.cancel()
	}
}

// halt is stop without what has to be waited for.
func (s *Server) halt(cut bool, closing *sync.WaitGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.draining = true
		close(s.closing)
	}
	if cut && s.watch != nil {
		s.watch.Stop()
	}
	for l := range s.listeners {
		_ = l.Close()
	}
	for c := range s.conns {
		if cut {
			hangUp(c.nc, closing)
		} else {
			_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // wakes who waits for a request
		}
	}
}

// newCorrelationID returns a random UUID. It names calls in logs and guards nothing.
func newCorrelationID() uuid.UUID {
	var id uuid.UUID
	hi, lo := rand.Uint64(), rand.Uint64() //nolint:gosec // see above
	binary.LittleEndian.PutUint64(id[:8], hi)
	binary.LittleEndian.PutUint64(id[8:], lo)
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	return id
}
