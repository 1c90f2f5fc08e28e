package pyro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// patience is how long a call may keep the goroutine that read it from reading on.
const patience = time.Millisecond

// rareCall is the pause before a call from which on another pause is likely to follow it.
const rareCall = time.Second

const (
	// maxSlow bounds the methods that a connection knows to be slow.
	maxSlow = 64
	// defaultMaxConcurrent is how many calls of a connection run or wait, unless said otherwise.
	defaultMaxConcurrent = 1024
)

// A worker is a goroutine of a connection, with what it alone touches. One worker at a time has the
// reading role: it reads a request, carries it out and answers. When that takes longer than patience,
// another one takes the role over; the first ends when its call, and what waits for that, is answered.
type worker struct {
	*serverConn

	heeds   bool                   // a call may be running that the next one has to wait for
	reads   bool                   // has the role, as far as it knows: what takes the role away tells when its call ends
	ordered bool                   // its call runs in order with others
	fields  kitFields              // what came with the request
	current flight                 // the call, where calls can be cancelled
	flight  *flight                // the same once it is aside
	rare    bool                   // its call came after a pause
	hurried bool                   // it gave the role away before its call, which may be slow
	lost    time.Time              // when the role was gone
	behind  buffer                 // what its call's arguments point into, once the role is gone
	answers *codec.Options         // how the reply to the request at hand is written: &opts, or one of older
	older   map[int]*codec.Options // by the version of pickles that a reply must not go beyond
	slice   int                    // bytes of requests that share a write of replies; 0 before those that come together next
	flushAt int                    // bytes of requests left at which the next write is due
	out     buffer                 // replies to be written; nil while there are none
	counted int64                  // what counts as unsent for them already
	names   map[string]string

	lastObject, lastMethod string

	calls    uint64 // of all connections when w waited last
	inflated int64  // room that the payload of the request at hand has
	reserved int64  // room that is taken for the answer to the call at hand
	expected int64  // how many bytes that is likely to have

	first *frame // of a connection without a handshake, read already
}

// roles are the workers of a connection and what is to be done, guarded by serverConn.mu.
type roles struct {
	holder  *worker                 // who has the reading role
	busy    bool                    // it carries out a call
	turn    uint64                  // the number of that call
	watched uint64                  // the call at which the monitor looked last; 0 before it has
	armed   bool                    // the monitor looks
	called  time.Duration           // when the monitor last had no reason to look any more, since the connection was accepted
	workers int                     // goroutines
	aside   int                     // calls that run without the role, or wait
	held    bool                    // one of them runs in order
	waiting []waiter                // what comes after it, in order
	bytes   int                     // of waiting
	flights map[uint16]*flight      // calls that are aside and can be cancelled
	slow    map[memberName]struct{} // methods that lately were slow
	pours   map[*pour]struct{}
	unread  bool      // nobody reads any more
	parting time.Time // when the reader saw that the server shuts down; zero before
	taken   uint64    // calls that were, one-way ones aside; the reader's alone
	room    chan struct{}
	over    bool // nothing more is carried out
}

// A memberName names a method of an object.
type memberName struct{ object, method string }

// A flight is a call that can be cancelled.
type flight struct {
	seq       uint16
	name      memberName
	ctx       context.Context //nolint:containedctx // of the call; nil while it waits
	deadline  time.Time       // zero: none
	cancelled bool            // while it waited
	pour      *pour           // nil unless it is one
}

// A waiter is a request that was read before its turn, in memory of its own.
type waiter struct {
	frame  frame
	flight *flight // nil if it cannot be cancelled
}

func newWorker(c *serverConn) *worker {
	return &worker{serverConn: c, reads: true, answers: &c.opts}
}

// begin says that w starts to carry out a call.
func (w *worker) begin(ctx context.Context, call *transport.Call) {
	if !w.reads {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = true
	w.turn++
	if w.kit != 0 {
		w.current = flight{seq: call.Header.Seq, name: memberName{call.Object, call.Method}, ctx: ctx}
		if _, slow := w.slow[w.current.name]; slow && !w.ordered {
			w.hurried = true
			w.handOver() //nolint:contextcheck // the next reader works for the connection, not for this call
			return
		}
	}
	if w.armed {
		return
	}
	w.armed, w.watched = true, 0
	w.rare = w.turn == 1 || time.Since(w.since)-w.called > rareCall
	w.s.monitor.add(w.serverConn)
}

// depart says that a call starts, which may have waited.
func (w *worker) depart(ctx context.Context) {
	if w.flight == nil {
		return
	}
	w.mu.Lock()
	w.flight.ctx = ctx
	cancelled := w.flight.cancelled
	w.mu.Unlock()
	if cancelled {
		transport.CancelContext(ctx, ErrCallCancelled)
	}
}

// finish says that the call is carried out. If another worker reads by then, w answers on its own.
func (w *worker) finish() {
	if !w.reads {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reads = w.holder == w; w.reads {
		w.busy = false
		w.current.ctx = nil //nolint:fatcontext // an idle connection holds nothing of its last call
	} else if !w.ordered {
		w.learn()
	}
}

// learn remembers whether a method is slow, whose next call then keeps nobody from reading. It runs under
// mu.
func (w *worker) learn() {
	name := w.current.name
	if w.hurried && time.Since(w.lost) < patience {
		delete(w.slow, name)
		return
	}
	if w.slow == nil {
		w.slow = map[memberName]struct{}{}
	}
	if len(w.slow) < maxSlow {
		w.slow[name] = struct{}{}
	}
}

// watch takes the reading role from a call that ran already when the monitor looked last. It is false when the monitor
// need not look any more: then no call runs, or one without the role.
func (c *serverConn) watch() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn != c.watched {
		c.watched = c.turn
		return true
	}
	c.armed = false
	c.called = time.Since(c.since)
	if c.busy {
		c.handOver()
	}
	return false
}

// handOver gives the reading role of a worker that is carrying out a call to a new one, under mu. The
// request stays with the call; replies that are ready go with the role.
func (c *serverConn) handOver() {
	old, next := c.holder, newWorker(c)
	next.out, old.out = old.out, nil
	next.counted, old.counted = old.counted, 0
	if c.reader.buf != nil {
		old.behind = c.reader.detach()
	}
	c.holder, c.busy = next, false
	c.held = c.held || old.ordered
	next.heeds = c.held
	old.lost = time.Now()
	if c.kit != 0 {
		old.flight = &old.current
		c.file(old.flight)
	}
	c.workers++
	c.aside++
	go next.takeOver()
}

// recovered ends the connection, not the program, for what dispatch does not catch. It has to be
// deferred itself.
func (w *worker) recovered() {
	if r := recover(); r != nil {
		w.s.log.Error("connection panicked", "peer", w.peer.String(), "panic", r, "stack", string(debug.Stack()))
		w.hangUp()
	}
}

// takeOver is the goroutine of a worker that got the role from another one.
func (w *worker) takeOver() {
	if !w.run(false) {
		w.leave()
	}
}

// errMoved ends the work of a goroutine with which another one goes on, so that w is no longer its own.
var errMoved = errors.New("another goroutine goes on")

// work reads and answers until the role is gone or the connection ends, or another goroutine goes on.
func (w *worker) work() (moved bool) {
	err := w.answer()
	if err == errMoved { //nolint:errorlint // it is never wrapped
		return true
	}
	w.worked(err)
	return false
}

// worked ends or goes on without the role, for the reason that answer gave.
func (w *worker) worked(err error) {
	if err != nil && !errors.Is(err, io.EOF) && !w.s.isDraining() {
		w.s.log.Debug("connection ended", "peer", w.peer.String(), "error", err)
	}
	if !w.reads {
		w.goOn(err)
		return
	}
	w.stopPours()
	gone := !w.s.isClosing() || hungUp(err) || errors.Is(err, io.ErrUnexpectedEOF)
	if broken := (*frameError)(nil); gone && err != nil && !errors.As(err, &broken) {
		w.cancel(fmt.Errorf("%w: %w", ErrCallerGone, err))
		w.s.streams.orphan(w.serverConn)
	}
}

// ErrCallerGone is the cause for which the context of a method ends whose caller's connection has ended.
var ErrCallerGone = errors.New("the caller's connection has ended")

// goOn carries out what waits for the call that w has answered, and ends.
func (w *worker) goOn(err error) {
	streamPool.put(w.behind)
	w.behind = nil
	for {
		if err != nil {
			w.hangUp()
		}
		next, ok := w.nextWaiting()
		if !ok {
			return
		}
		w.flight = next.flight
		err = errors.Join(w.handle(&next.frame), w.flush())
	}
}

// nextWaiting counts a call off, and gives what is to be carried out in order after it.
func (w *worker) nextWaiting() (next waiter, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.aside--
	if w.flight != nil && w.flights[w.flight.seq] == w.flight {
		delete(w.flights, w.flight.seq)
	}
	defer w.makeRoom()
	if !w.ordered {
		return waiter{}, false
	}
	if w.over || w.s.ctx.Err() != nil {
		w.aside -= len(w.waiting)
		w.waiting, w.bytes = nil, 0
	}
	if len(w.waiting) == 0 {
		w.held = false
		return waiter{}, false
	}
	next = w.waiting[0]
	w.waiting[0] = waiter{}
	w.waiting = w.waiting[1:]
	w.bytes -= len(next.frame.payload) + len(next.frame.annotations)
	return next, true
}

// makeRoom tells the reader that it may read on, and begins the idle time, under mu.
func (c *serverConn) makeRoom() {
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
	c.setIdle()
}

// setIdle sets the time for the next request to come, where there is such a limit: while calls run, none.
// It runs under mu.
func (c *serverConn) setIdle() {
	if !c.parting.IsZero() {
		if c.isIdle() { // part waits for that
			_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		}
		return
	}
	if c.limits.idleTimeout <= 0 {
		return
	}
	var until time.Time
	if c.isIdle() {
		until = time.Now().Add(c.limits.idleTimeout)
	}
	_ = c.nc.SetReadDeadline(until)
	if c.s.isClosing() { // it may have set its own deadline a moment before
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// park keeps a request for later if an earlier one that it has to wait for runs.
func (w *worker) park(ctx context.Context, f *frame) bool {
	if !w.heeds {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.held {
		w.heeds = false
		return false
	}
	kept := waiter{frame: *f}
	kept.frame.annotations = bytes.Clone(f.annotations)
	kept.frame.payload = w.reader.keep(f.payload)
	if w.kit != 0 {
		kept.flight = &flight{seq: f.seq}
		kept.flight.deadline, _ = ctx.Deadline()
		w.file(kept.flight)
	}
	w.waiting = append(w.waiting, kept)
	w.bytes += len(f.payload) + len(f.annotations)
	w.aside++
	return true
}

// file has a call found by who cancels it, under mu.
func (c *serverConn) file(f *flight) {
	if c.flights == nil {
		c.flights = map[uint16]*flight{}
	}
	c.flights[f.seq] = f
}

// ErrCallCancelled is the cause for which the context of a method ends whose caller wants its result no
// more.
var ErrCallCancelled = errors.New("the caller has cancelled the call")

// control does what a message says that nobody answers.
func (c *serverConn) control(annotation []byte) error {
	k, err := parseKit(annotation)
	if err != nil {
		return err
	}
	if k.cancels {
		c.cancelCall(k.cancelled)
	}
	if !k.more {
		return nil
	}
	c.mu.Lock()
	f := c.flights[k.pour]
	c.mu.Unlock()
	if f != nil && f.pour != nil {
		f.pour.grant(k.items, k.bytes)
	}
	return nil
}

// cancelCall ends a call that runs or waits.
func (c *serverConn) cancelCall(seq uint16) {
	c.mu.Lock()
	f := c.flights[seq]
	var ctx context.Context
	if f != nil {
		ctx, f.cancelled = f.ctx, true
	}
	c.mu.Unlock()
	switch {
	case f == nil:
	case f.pour != nil:
		f.pour.cancel(ErrCallCancelled)
		f.pour.stop()
	case ctx != nil:
		transport.CancelContext(ctx, ErrCallCancelled)
	}
}

// callContext makes the context of a call, which between two ends of this toolkit ends when the caller's
// does.
func (w *worker) callContext(life context.Context, f *frame, annotation []byte) (context.Context, *transport.CallInfo, error) {
	if w.kit == 0 || f.flags&flagOneway != 0 {
		ctx, info := transport.NewContext(life)
		return ctx, info, nil
	}
	k, err := parseKit(annotation)
	if err != nil {
		return nil, nil, err
	}
	w.fields = k
	var deadline time.Time
	if k.timed {
		deadline = time.Now().Add(k.remaining)
	}
	if w.flight != nil { // it has waited: the time is that of its arrival
		deadline = w.flight.deadline
	}
	ctx, info := transport.NewLimitedContext(life, deadline)
	return ctx, info, nil
}

// inOrder tells whether a call runs in order with others of its connection.
func (c *serverConn) inOrder(call *transport.Call) bool {
	if c.kit == 0 {
		return true
	}
	if c.s.handler.Ordered == nil {
		return false
	}
	object := call.Object
	if object == DaemonObject && (call.Method == methodNextItem || call.Method == methodCloseStream) {
		id, err := streamArg(call)
		if err != nil {
			return false // it will fail
		}
		object = c.s.streams.objectOf(id)
	}
	return c.s.handler.Ordered(object)
}

// awaitRoom waits until one more request may be read. It is false when nothing more is to be.
func (w *worker) awaitRoom() bool {
	told := false
	for {
		w.mu.Lock()
		if w.over || !w.crowded() {
			over := w.over
			w.mu.Unlock()
			return !over
		}
		if w.room == nil {
			w.room = make(chan struct{})
		}
		room := w.room
		w.mu.Unlock()
		if w.kit != 0 && !told && w.s.cfg.Throttled != nil {
			told = true
			w.s.cfg.Throttled(w.peer)
		}
		<-room
	}
}

// crowded tells, under mu, that as much runs and waits as may: towards a plain peer one request waits.
func (c *serverConn) crowded() bool {
	if c.kit == 0 {
		return len(c.waiting) > 0
	}
	return c.aside >= c.s.cfg.MaxConcurrent || c.bytes > maxQueued
}

// hangUp ends the connection for its reader. To close one of TLS may take seconds, which nobody has to wait for: the
// monitor of all connections needs mu.
func (c *serverConn) hangUp() {
	c.mu.Lock()
	c.over = true
	c.makeRoom()
	c.mu.Unlock()
	_ = c.nc.Close()
}

// leave ends a worker.
func (w *worker) leave() {
	streamPool.put(w.out)
	w.hold(-w.counted)
	w.countOff()
}

// countOff counts a goroutine off; with the last one the connection ends.
func (w *worker) countOff() {
	w.mu.Lock()
	if w.holder == w { // nobody reads from here on
		w.busy = false
	}
	w.workers--
	last := w.workers == 0
	w.mu.Unlock()
	if !last {
		return
	}
	defer w.s.wg.Done()
	defer w.logLoss() // by then its place is free
	defer w.s.forget(w.serverConn)
	w.end()
}

// keep returns the payload of a request as memory of its own.
func (w *worker) keep(payload []byte) []byte {
	if w.reads {
		return w.reader.keep(payload)
	}
	return payload // parked, and nobody else's
}
