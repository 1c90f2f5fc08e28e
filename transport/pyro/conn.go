package pyro

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

const (
	// maxQueued bounds the bytes that wait to be written; beyond it callers wait.
	maxQueued = 1 << 20
	// maxSpare bounds the buffer that is kept for frames to be queued in.
	maxSpare = 64 << 10
	// maxAbandoned bounds the calls that were cancelled and whose late replies have not come: their
	// numbers stay taken, and there are only 65536.
	maxAbandoned = 16384
	// maxInFlight bounds the calls in flight, abandoned ones included.
	maxInFlight = 32768
	// maxYields bounds how often who is about to write lets others run first.
	maxYields = 2
	// burstGap is how soon a call without a reply has to follow another to be written along with more of them.
	burstGap = 50 * time.Microsecond
	// closeWait is how long Close waits for what is being written, and how long TLS may take to say that it is the end.
	closeWait = time.Second
	// lookAfter is how long nobody must have read for a look at whether the connection still stands. It is well within
	// partTime, so that no one-way call comes too late for that.
	lookAfter = 10 * time.Millisecond
	// stolenSize is the payload size from which a reply keeps the buffer that it was read into.
	stolenSize = streamBuffer / 2
)

// A Conn is a client's connection to one object. Its methods may be called concurrently: calls are in
// flight together, and each reply finds its call by its sequence number. A cancelled call leaves the
// connection as it is; its late reply is dropped.
//
// Nobody reads while nobody waits: the first caller that waits reads the socket itself and hands out
// what comes (the leader), the others wait to be given their reply or the role. What several
// callers have ready is written at once by the one that is writing already.
type Conn struct {
	nc      net.Conn
	o       wireOptions
	opts    codec.Options
	ser     *serializer
	uri     URI
	peer    *transport.Peer
	welcome *transport.Welcome
	offers  features      // what this end says that it can do
	kit     features      // what both ends can do; set by the handshake
	heard   codec.Dialect // of the answer to the handshake; 0: there was none

	reader *frameReader // belongs to the leader
	writer *rawWriter   // belongs to who set writing
	pool   sync.Pool    // of *pending

	mu        sync.Mutex
	calls     callTable
	abandoned int // how many of calls were given up
	lastSeq   uint16
	sent      uint32 // how many calls were
	answered  uint32 // how many of these the peer has surely read: it has answered the last of them
	silence   silence
	leader    *pending // who reads; &drainer for the connection's own goroutine
	first     *pending // waiting for a reply or the role, in the order of their calls
	last      *pending
	writing   bool
	written   chan struct{} // closed when nobody writes any more; nil while nobody waits for that
	out       []byte        // frames for whoever writes
	outSeqs   []uint16      // their numbers
	spare     []byte        // the other half of out, while nothing is being written
	room      chan struct{} // closed when out is taken; nil while nobody waits for that
	err       error         // why the connection is over
	left      bool          // it ends when no call waits any more
	parted    bool          // the server has said goodbye
	asked     uint64        // calls that were sent, but for those without a reply and pings
	looked    time.Time     // when nothing was under way last, as far as was read
	unasked   time.Time     // when the last call without a reply was sent
	drainer   pending
	aheads    map[string]*ahead // streams whose items come by themselves, by id
	pouring   int               // how many of them are not at their end
	wg        sync.WaitGroup    // goroutines of the connection: drain, finishWriting
}

// A pending call waits for its reply. Conn.mu guards all but wake; once done, it is its caller's.
type pending struct {
	seq        uint16
	wake       chan struct{} // told once: done, or now the leader
	done       bool
	lead       bool // wake said that it is the leader now
	roused     bool // the read under way was ended, because it is done
	notSent    bool
	keep       bool // still referenced: not to be pooled
	err        error
	pool       *sync.Pool
	release    func() // free, made once because a closure for each call would be garbage
	reply      transport.Reply
	frame      frame
	request    []byte // the encoded request
	response   []byte // what frame points into, unless it is large
	large      buffer // what a large frame points into
	prev, next *pending
	ping       bool
	number     uint64 // its place in the order of calls in which a server counts them, from 1; 0: it does not
	order      uint32 // how many calls of the connection were sent up to this one
	reads      uint32 // how often something had been read before it was sent
	ahead      *ahead // it waits for an item of this stream
}

// maxKept bounds the buffers that a pooled call keeps.
const maxKept = 64 << 10

// newPending takes a call from the connection's pool. A pool of all connections would hand channels from
// one synctest bubble to another.
func (c *Conn) newPending() *pending {
	if p, ok := c.pool.Get().(*pending); ok {
		return p
	}
	p := &pending{wake: make(chan struct{}, 1), pool: &c.pool}
	p.release = p.free
	return p
}

// free gives back a call that is over.
func (p *pending) free() {
	streamPool.put(p.large)
	if p.keep {
		return
	}
	*p = pending{
		wake: p.wake, release: p.release, pool: p.pool,
		request: reusable(p.request), response: reusable(p.response),
	}
	p.pool.Put(p)
}

func reusable(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b[:0]
}

// ErrClosed is the reason of calls on a connection that was closed on this side.
var ErrClosed = errors.New("connection closed")

// roundTrip sends p's finished request and waits for what answers it. The caller frees p.
func (c *Conn) roundTrip(ctx context.Context, p *pending) error {
	lead, err := c.send(ctx, p, true)
	switch {
	case err != nil:
		return err
	case lead:
		return c.lead(ctx, p)
	default:
		return c.await(ctx, p)
	}
}

// send numbers p's request and writes it, or leaves it to who is writing. With wantReply set it files
// the call, and tells whether it is to be the leader.
func (c *Conn) send(ctx context.Context, p *pending, wantReply bool) (lead bool, err error) {
	c.mu.Lock()
	if err := c.ready(ctx); err != nil {
		c.mu.Unlock()
		return false, err
	}
	if p.ahead != nil && c.aheads[p.ahead.id] != nil { // somebody was first
		c.mu.Unlock()
		return false, errAskAgain
	}
	p.seq = c.number()
	c.sent++
	p.order, p.reads = c.sent, c.reader.reads.Load()
	setSeq(p.request, c.o.dialect, p.seq)
	if wantReply {
		if !p.ping {
			c.asked++
			p.number = c.asked
		}
		if p.ahead != nil {
			c.fileAhead(p)
		} else {
			c.calls.put(p)
		}
		if lead = c.leader == nil; lead {
			c.leader = p
		} else {
			c.enqueue(p)
		}
	}
	if c.writing {
		c.queue(p)
		c.mu.Unlock()
		return lead, nil
	}
	c.writing = true
	if !wantReply && c.burst() { // nobody waits for it: the caller need not either
		c.queue(p)
		c.wg.Add(1)
		c.mu.Unlock()
		go c.writeBurst()
		return false, nil
	}
	if c.calls.count > 1 { // others are about: give them the chance to send along
		c.queue(p)
		c.mu.Unlock()
		c.gather()
		c.writeQueued()
		return lead, nil
	}
	alone := c.answered == c.sent-1
	c.mu.Unlock()
	more, err := c.write(p.request, alone, p.seq)
	if more {
		c.writeQueued()
	}
	if wantReply {
		return lead, nil // the call itself is told
	}
	return false, err
}

// burst tells whether another call without a reply was sent just before, under mu.
func (c *Conn) burst() bool {
	before := c.unasked
	c.unasked = time.Now()
	return c.unasked.Sub(before) < burstGap
}

// writeBurst writes what is queued, and what comes meanwhile.
func (c *Conn) writeBurst() {
	defer c.wg.Done()
	runtime.Gosched()
	c.writeQueued()
}

// gather lets other callers run until a good part of those in flight have queued up: what they add goes
// out with one write. Where they wait for the peer instead, little time is lost.
func (c *Conn) gather() {
	for range maxYields {
		runtime.Gosched()
		c.mu.Lock()
		queued, inFlight := len(c.outSeqs), c.calls.count
		c.mu.Unlock()
		if 4*queued > inFlight {
			return
		}
	}
}

// ready waits until a frame may be queued, under mu.
func (c *Conn) ready(ctx context.Context) error {
	if c.calls.count == 0 && c.leader == nil && c.err == nil && time.Since(c.looked) > lookAfter {
		c.look()
	}
	for c.err == nil && len(c.out) > maxQueued {
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
		c.mu.Lock()
		if err := ctx.Err(); err != nil {
			return notSent(err)
		}
	}
	switch {
	case c.parted:
		return notSent(errGoodbye)
	case c.err != nil:
		return notSent(c.err)
	}
	if c.calls.count >= maxInFlight {
		return notSent(transport.Errorf(transport.CodeResourceExhausted, "%d calls are in flight on one connection", c.calls.count))
	}
	return nil
}

// look takes what has come while nobody waited: the connection's end, or a goodbye. It is called under mu, which it
// unlocks meanwhile: the role is free, and it keeps it so.
func (c *Conn) look() {
	c.looked = time.Now()
	c.leader = &c.drainer
	c.mu.Unlock()
	err := c.reader.poll()
	c.mu.Lock()
	for err == nil && c.err == nil && c.reader.complete() {
		var f frame
		if f, err = c.reader.next(); err == nil {
			err = c.deliver(f)
		}
	}
	if err != nil {
		c.failLocked(err)
	}
	c.vacate()
}

func notSent(err error) error {
	e := *connError(err)
	e.NotSent = true
	return &e
}

// connError classes an error of the connection.
func connError(err error) *transport.Error {
	var e *transport.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded): // the network's timer may be first
		return transport.Wrap(transport.CodeDeadlineExceeded, err)
	case errors.Is(err, context.Canceled):
		return transport.Wrap(transport.CodeCanceled, err)
	default:
		return transport.Wrap(transport.CodeUnavailable, err)
	}
}

// number takes the next free sequence number, under mu.
func (c *Conn) number() uint16 {
	for {
		c.lastSeq++
		if !c.calls.taken(c.lastSeq) {
			return c.lastSeq
		}
	}
}

func (c *Conn) queue(p *pending) {
	c.out = append(c.out, p.request...)
	c.outSeqs = append(c.outSeqs, p.seq)
}

// writeQueued writes what is queued until nothing is; the caller has set writing.
func (c *Conn) writeQueued() {
	for {
		c.mu.Lock()
		if len(c.out) == 0 || c.err != nil {
			c.stopWriting()
			c.mu.Unlock()
			return
		}
		out := c.out
		c.out, c.spare = c.spare[:0], nil
		var seqBuf [64]uint16
		seqs := append(seqBuf[:0], c.outSeqs...)
		c.outSeqs = c.outSeqs[:0]
		if c.room != nil {
			close(c.room)
			c.room = nil
		}
		c.mu.Unlock()
		if more, _ := c.write(out, false, seqs...); !more {
			return
		}
		c.mu.Lock()
		if cap(out) <= maxSpare {
			c.spare = out[:0]
		}
		c.mu.Unlock()
	}
}

// write writes b without waiting. What the connection does not take at once is left to a goroutine,
// so that no caller is held by a peer that does not read; more is false then, and the writing is no
// longer the caller's. alone says that the peer has read all that was written before.
func (c *Conn) write(b []byte, alone bool, seqs ...uint16) (more bool, err error) {
	n, err := c.writer.tryWrite(b)
	if n == 0 && err == nil && alone && len(b) <= maxDirect && buffered(c.nc) {
		n, err = c.writeDirect(b)
	}
	if err != nil {
		c.mu.Lock()
		if n == 0 {
			c.markNotSent(seqs)
		}
		c.stopWriting()
		c.failLocked(err)
		c.mu.Unlock()
		if n == 0 {
			return false, notSent(err)
		}
		return false, err
	}
	if n == len(b) {
		return true, nil
	}
	rest := b[n:]
	if len(b) <= maxKept { // such a buffer is used again as soon as its call is over
		rest = bytes.Clone(rest)
	}
	c.mu.Lock()
	if c.err != nil { // closed meanwhile: Close may be waiting for the goroutines already
		c.stopWriting()
		err = c.err
		c.mu.Unlock()
		return false, err
	}
	c.wg.Add(1)
	c.mu.Unlock()
	go c.finishWriting(rest)
	return false, nil
}

const (
	// maxDirect is what surely fits into the system's buffer for a connection while that is empty, TLS's addition included.
	maxDirect = 2 << 10
	// maxDirectTime is how long a peer can hold a caller that answers what it has not read.
	maxDirectTime = time.Second
)

// writeDirect writes what does not have to wait.
func (c *Conn) writeDirect(b []byte) (int, error) {
	if err := c.nc.SetWriteDeadline(time.Now().Add(maxDirectTime)); err != nil {
		return 0, err
	}
	n, err := c.nc.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) { // no time limit of the call
		return n, transport.Errorf(transport.CodeUnavailable, "the peer answers, but does not read")
	}
	return n, errors.Join(err, c.nc.SetWriteDeadline(time.Time{}))
}

// buffered tells whether the system has a buffer for what is written to nc.
func buffered(nc net.Conn) bool {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	default:
		return false
	}
}

// finishWriting writes rest and all that is queued after it, waiting as long as it takes or until the
// connection ends.
func (c *Conn) finishWriting(rest []byte) {
	defer c.wg.Done()
	if _, err := c.nc.Write(rest); err != nil {
		c.mu.Lock()
		c.stopWriting()
		c.failLocked(err)
		c.mu.Unlock()
		return
	}
	c.writeQueued()
}

func (c *Conn) markNotSent(seqs []uint16) {
	for _, seq := range seqs {
		if p, _ := c.calls.get(seq); p != nil {
			p.notSent = true
		}
	}
}

// await waits for p's reply, or to be made the leader.
func (c *Conn) await(ctx context.Context, p *pending) error {
	done := ctx.Done()
	if done == nil {
		<-p.wake
	} else {
		select {
		case <-p.wake:
		case <-done:
			return c.giveUp(ctx, p)
		}
	}
	return c.woken(ctx, p)
}

// woken goes on with p once it was told.
func (c *Conn) woken(ctx context.Context, p *pending) error {
	if p.lead { // even if it is done: the role has to go on
		return c.lead(ctx, p)
	}
	return p.err
}

// giveUp abandons p because its context is over, unless the reply has won.
func (c *Conn) giveUp(ctx context.Context, p *pending) error {
	abandoned, write := c.abandon(p)
	if !abandoned {
		<-p.wake
		return c.woken(ctx, p)
	}
	if write {
		c.writeQueued()
	}
	p.keep = true
	return connError(ctx.Err())
}

// lead reads, handing out replies, until p's own has come; then it hands the role on.
func (c *Conn) lead(ctx context.Context, p *pending) error {
	var stop func() bool
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.leader == p {
				_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // in the past: ends the read under way
			}
		})
	}
	for {
		f, err := c.reader.next()
		if err != nil {
			late := errors.Is(err, os.ErrDeadlineExceeded)
			if late && ctx.Err() != nil {
				if c.resign(p, stop, true) {
					c.writeQueued()
				}
				return connError(ctx.Err())
			}
			if !late || !c.isRoused(p) {
				c.fail(err)
			}
			break
		}
		mine, err := c.deliverAll(f, p)
		if err != nil {
			c.fail(err)
			break
		}
		if mine {
			break
		}
	}
	c.resign(p, stop, false)
	return p.err
}

// resign gives the role up, to the next waiting call if there is one. give tells that p is abandoned. If
// write is true, the caller has to write what is queued.
func (c *Conn) resign(p *pending, stop func() bool, give bool) (write bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	called := stop != nil && !stop()
	p.keep = p.keep || called // the callback has begun: it may still look at p
	if called || p.roused {
		_ = c.nc.SetReadDeadline(time.Time{})
	}
	if give {
		write = c.abandonLocked(p)
	}
	c.vacate()
	return write
}

// isRoused tells whether p reads no more because somebody else has finished it.
func (c *Conn) isRoused(p *pending) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return p.roused
}

// vacate frees the role, under mu.
func (c *Conn) vacate() {
	if !c.reader.buffered() {
		c.reader.drop() // a connection that waits holds no buffer
	}
	c.leader = nil
	c.promote()
}

// promote gives the free role to the first waiting call, or, if late replies or items that come ahead are
// all there is to come, to a goroutine. Unread, they could fill the connection and keep the server from
// reading. It runs under mu.
func (c *Conn) promote() {
	if c.err != nil || c.leader != nil {
		return
	}
	if next := c.first; next != nil {
		c.dequeue(next)
		c.leader = next
		next.lead = true
		next.wake <- struct{}{}
		return
	}
	if c.abandoned > 0 || c.pouring > 0 {
		c.leader = &c.drainer
		c.wg.Add(1)
		go c.drain()
	}
}

// drain reads late replies until none is missing or a caller waits, and items that come ahead as long as
// there are any: who waits for one takes many at a time that way.
func (c *Conn) drain() {
	defer c.wg.Done()
	for {
		f, err := c.reader.next()
		if err == nil {
			_, err = c.deliverAll(f, &c.drainer)
		}
		if err != nil {
			c.fail(err)
			return
		}
		c.mu.Lock()
		over := c.err != nil || c.pouring == 0 && (c.abandoned == 0 || c.first != nil)
		if over {
			c.vacate()
		}
		c.mu.Unlock()
		if over {
			return
		}
	}
}

// deliverAll delivers f and all frames that have arrived with it, and tells whether p's was among them.
func (c *Conn) deliverAll(f frame, p *pending) (mine bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := c.deliver(f); err != nil {
			return mine, err
		}
		mine = mine || p.done
		if !c.reader.complete() {
			return mine, nil
		}
		if f, err = c.reader.next(); err != nil {
			return mine, err
		}
	}
}

// deliver gives a reply to its call, under mu. A reply that nobody asked for is an error.
func (c *Conn) deliver(f frame) error {
	if f.typ == msgPing && c.kit&featureGoodbye != 0 {
		if heeded, err := c.control(&f); heeded {
			return err
		}
	}
	p, known := c.calls.get(f.seq)
	if !known {
		return transport.Errorf(transport.CodeInternal, "reply with sequence number %d, which no call has", f.seq)
	}
	if p != nil && p.ahead != nil {
		defer c.endIfLeft()
		return c.deliverAhead(p.ahead, f)
	}
	c.calls.remove(f.seq)
	if c.calls.count == 0 {
		c.looked = time.Now()
	}
	if p != nil && int32(p.order-c.answered) > 0 { //nolint:gosec // it may have begun anew
		c.answered = p.order
	}
	if p == nil {
		c.abandoned--
		return nil
	}
	c.fillIn(p, f)
	c.endIfLeft()
	return nil
}

// leave ends the connection as soon as no call waits for a reply any more. It is for those whose peer is busy
// with calls that were given up.
func (c *Conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	c.endIfLeft()
}

// endIfLeft ends a connection that was left and on which nobody waits, under mu.
func (c *Conn) endIfLeft() {
	switch {
	case !c.left || c.calls.count > c.abandoned:
	case !c.parted:
		c.failLocked(transport.Wrap(transport.CodeUnavailable, ErrClosed))
	case !c.writing: // the server takes one-way calls still
		c.failLocked(errGoodbye)
	}
}

// busy tells whether the peer is still at work on a call that was given up, and lets others wait for that.
func (c *Conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abandoned > 0 && c.kit&(featureOrder|featureCancel) == 0 && c.err == nil
}

// fillIn gives p the reply f, under mu.
func (c *Conn) fillIn(p *pending, f frame) {
	p.frame = f
	if len(f.payload) >= stolenSize {
		p.large = c.reader.detach()
	} else {
		p.response = append(append(p.response[:0], f.annotations...), f.payload...)
		b := p.response
		p.frame.annotations, p.frame.payload = b[:len(f.annotations)], b[len(f.annotations):]
	}
	c.finish(p)
}

// finish ends p and tells its caller, under mu.
func (c *Conn) finish(p *pending) {
	p.done = true
	if p == c.leader {
		return
	}
	c.dequeue(p)
	p.wake <- struct{}{}
}

// abandon gives up waiting for p; it is false if p is done already. If p was just made the leader, the
// role goes on. If write is true, the caller has to write what is queued.
func (c *Conn) abandon(p *pending) (abandoned, write bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.done {
		return false, false
	}
	write = c.abandonLocked(p)
	if c.leader == p {
		c.leader = nil
	}
	c.promote()
	return true, write
}

// abandonLocked leaves p's number to its late reply, and has the server told if it can be.
func (c *Conn) abandonLocked(p *pending) (write bool) {
	if p.done {
		return false
	}
	c.dequeue(p)
	if a := p.ahead; a != nil { // the item is for the next one who asks
		a.waiters = slices.DeleteFunc(a.waiters, func(q *pending) bool { return q == p })
		return false
	}
	c.calls.abandon(p.seq)
	c.abandoned++
	if c.abandoned > maxAbandoned {
		c.failLocked(fmt.Errorf("%d cancelled calls were never answered", c.abandoned))
	}
	c.endIfLeft()
	cancel, probe := c.queueCancel(p.seq), c.gaveUp(p)
	return (cancel || probe) && c.err == nil
}

// queueCancel queues the message that ends a request, while its number is still taken: it has to come
// before the number's next use. It runs under mu.
func (c *Conn) queueCancel(seq uint16) (write bool) {
	if c.kit&featureCancel == 0 || c.err != nil {
		return false
	}
	out, err := appendCancel(c.out, &c.o, seq)
	if err != nil { // it would only have spared the server work
		return false
	}
	c.out = out
	write = !c.writing
	c.writing = true
	return write
}

// fail ends the connection, and with it every call in flight.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(err)
}

func (c *Conn) failLocked(err error) {
	if c.err != nil {
		return
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the peer closed the connection: %w", err)
	}
	c.err = connError(err)
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // who reads is told at once
	hangUp(c.nc, &c.wg)                       // nothing more is wanted from it
	c.markNotSent(c.outSeqs)
	c.out, c.outSeqs = nil, nil
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
	c.pouring = 0
	for _, p := range c.calls.drain() {
		if a := p.ahead; a != nil {
			reason := c.err
			if p.notSent { // another connection may do
				reason = notSent(c.err)
				delete(c.aheads, a.id)
			}
			c.failWaiters(a, reason)
			continue
		}
		p.err = c.err
		if p.notSent {
			p.err = notSent(c.err)
		}
		c.finish(p)
	}
	c.abandoned = 0
}

// hangUp closes nc. One of TLS says so to its peer, who may not read: that is left to a goroutine of wg, with a time limit.
func hangUp(nc net.Conn, wg *sync.WaitGroup) {
	t, ok := nc.(*tls.Conn)
	if !ok {
		_ = nc.Close()
		return
	}
	wg.Go(func() {
		late := time.AfterFunc(closeWait, func() { _ = t.NetConn().Close() })
		defer late.Stop()
		_ = t.Close()
	})
}

// Close ends the connection; calls in flight fail. What was sent without waiting for a reply is written before, unless
// the peer does not take it within closeWait. It waits for the connection's goroutines.
func (c *Conn) Close() error {
	c.flush()
	c.fail(transport.Wrap(transport.CodeUnavailable, ErrClosed))
	c.mu.Lock()
	c.aheads = nil
	c.mu.Unlock()
	c.wg.Wait()
	return nil
}

// flush waits until everything is written, the connection is over, or closeWait has passed.
func (c *Conn) flush() {
	c.mu.Lock()
	if !c.writing || c.err != nil {
		c.mu.Unlock()
		return
	}
	if c.written == nil {
		c.written = make(chan struct{})
	}
	written := c.written
	c.mu.Unlock()
	select {
	case <-written:
	case <-time.After(closeWait):
	}
}

// stopWriting gives the right to write back, under mu.
func (c *Conn) stopWriting() {
	c.writing = false
	if c.written != nil {
		close(c.written)
		c.written = nil
	}
	c.endIfLeft()
}

// Err returns why the connection is over, or nil while it stands.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// enqueue and dequeue keep the list of waiting calls, under mu.
func (c *Conn) enqueue(p *pending) {
	p.prev = c.last
	if c.last != nil {
		c.last.next = p
	} else {
		c.first = p
	}
	c.last = p
}

func (c *Conn) dequeue(p *pending) {
	if c.first != p && p.prev == nil {
		return // not in the list
	}
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		c.first = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	} else {
		c.last = p.prev
	}
	p.prev, p.next = nil, nil
}
