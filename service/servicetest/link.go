package servicetest

import (
	"fmt"
	"sync"
	"time"
)

// A Direction is a way that bytes take over a Link.
type Direction int

// The directions.
const (
	ToServer Direction = 1 << iota // requests
	ToClient                       // replies
	Both     = ToServer | ToClient
)

// A Link is what lies between the two ends of one connection. Its methods may be called at any time, from
// any goroutine; a fault takes effect with what has not arrived yet. A sound link carries bytes at once
// and in order, and holds up to 256 KiB in each direction while nobody reads.
type Link struct {
	number  int
	network *Network
	client  *end
	server  *end

	mu  sync.Mutex // guards what follows, and the pipes
	cut bool
}

func newLink(n *Network, number int, at string) *Link {
	l := &Link{number: number, network: n}
	up, down := newPipe(), newPipe()
	name := address(fmt.Sprintf("client:%d", number))
	l.client = &end{link: l, in: down, out: up, local: name, remote: address(at)}
	l.server = &end{link: l, in: up, out: down, local: address(at), remote: name}
	return l
}

// Number counts the connections of the network, in the order in which they were dialled; the first one is 1.
// A server sees its client at the address client:NUMBER.
func (l *Link) Number() int { return l.number }

// Address is where the client connected to: HOST:PORT.
func (l *Link) Address() string { return l.server.local.String() }

// Messages returns how many whole messages have arrived, the handshake's included.
func (l *Link) Messages(dir Direction) (n int) {
	l.set(dir, func(p *pipe) { n += p.messages })
	return n
}

// Cut ends the connection at once. What is on its way is lost, and both ends see ECONNRESET. A proxy learns
// of it from its next call, which fails; the one after it connects again.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutLocked()
}

func (l *Link) cutLocked() {
	l.cut = true
	for _, p := range l.pipes(Both) {
		p.queue, p.size = nil, 0
		p.signal()
	}
}

// CutAfterBytes cuts the connection as soon as n more bytes have arrived, counted for each direction by
// itself. n <= 0 cuts it now.
func (l *Link) CutAfterBytes(dir Direction, n int) {
	if n <= 0 {
		l.Cut()
		return
	}
	l.set(dir, func(p *pipe) { p.bytesLeft = n })
}

// CutAfterMessages cuts the connection as soon as n more whole messages have arrived, counted for each
// direction by itself: the handshake is one in each, a call and its reply are one in each. After
// CutAfterMessages(ToServer, 2) on a new link, the first call is carried out and its reply is lost. n <= 0
// cuts the connection now. The messages within TLS cannot be seen: there, count bytes.
func (l *Link) CutAfterMessages(dir Direction, n int) {
	if n <= 0 {
		l.Cut()
		return
	}
	l.set(dir, func(p *pipe) { p.messagesLeft = n })
}

// Delay has what is written from now on arrive d later, the end of the stream included. Nothing overtakes
// what was written before. d <= 0 ends the delay.
func (l *Link) Delay(dir Direction, d time.Duration) {
	l.set(dir, func(p *pipe) { p.delay = max(d, 0) })
}

// Split has what is written arrive in pieces of at most size bytes. size <= 0 ends that.
func (l *Link) Split(dir Direction, size int) {
	l.set(dir, func(p *pipe) { p.piece = max(size, 0) })
}

// Stall makes a black hole of the link: nothing arrives any more, not even that the other end has closed
// the connection. Nothing is lost: Resume has all of it arrive.
func (l *Link) Stall(dir Direction) {
	l.set(dir, func(p *pipe) { p.stalled = true })
}

// Resume ends what Stall began.
func (l *Link) Resume(dir Direction) {
	l.set(dir, func(p *pipe) { p.stalled = false })
}

// Heal ends all faults of the link. A connection that was cut stays so.
func (l *Link) Heal() {
	l.set(Both, func(p *pipe) {
		p.delay, p.piece, p.stalled, p.bytesLeft, p.messagesLeft = 0, 0, false, none, none
	})
}

func (l *Link) set(dir Direction, change func(*pipe)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pipes(dir) {
		change(p)
		p.signal()
	}
}

func (l *Link) pipes(dir Direction) (pipes []*pipe) {
	if dir&ToServer != 0 {
		pipes = append(pipes, l.client.out)
	}
	if dir&ToClient != 0 {
		pipes = append(pipes, l.server.out)
	}
	return pipes
}

// wait waits, without the mutex, until p changes or, if it is set, until a time.
func (l *Link) wait(p *pipe, until time.Time) {
	changed := p.changed
	l.mu.Unlock()
	defer l.mu.Lock()
	if until.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

// open names the ends that nobody has closed.
func (l *Link) open() (ends []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.client.closed {
		ends = append(ends, "client")
	}
	if !l.server.closed {
		ends = append(ends, "server")
	}
	return ends
}
