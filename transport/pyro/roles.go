package pyro

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// patience is how long a call may keep the goroutine that read it from reading on.
const patience = time.Millisecond

// A worker is a goroutine of a connection, with what it alone touches. One worker at a time has the
// reading role: it reads a request, carries it out and answers. When that takes longer than patience,
// another one takes the role over; the first ends when its call, and what waits for that, is answered.
type worker struct {
	*serverConn

	heeds   bool                   // a call may be running that the next one has to wait for
	reads   bool                   // has the role, as far as it knows: what takes the role away tells when its call ends
	behind  buffer                 // what its call's arguments point into, once the role is gone
	answers *codec.Options         // how the reply to the request at hand is written: &opts, or one of older
	older   map[int]*codec.Options // by the version of pickles that a reply must not go beyond
	slice   int                    // bytes of requests that share a write of replies; 0 before those that come together next
	flushAt int                    // bytes of requests left at which the next write is due
	out     buffer                 // replies to be written; nil while there are none
	names   map[string]string

	lastObject, lastMethod string
}

// roles are the workers of a connection and what is to be done, guarded by serverConn.mu.
type roles struct {
	holder  *worker     // who has the reading role
	busy    bool        // it carries out a call
	turn    uint64      // the number of that call
	watched uint64      // the call at which monitor was set
	armed   bool        // monitor is about to go off
	monitor *time.Timer // takes the role from a slow call; made at the first call
	workers int         // goroutines
	aside   int         // calls that run without the role, or wait
	held    bool        // one of them runs in order
	waiting []frame     // what comes after it, in order
	room    chan struct{}
	over    bool // nothing more is carried out
}

func newWorker(c *serverConn) *worker {
	return &worker{serverConn: c, reads: true, answers: &c.opts}
}

// begin says that the reader starts to carry out a call.
func (w *worker) begin() {
	if !w.reads {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = true
	w.turn++
	if w.armed {
		return
	}
	w.armed, w.watched = true, w.turn
	if w.monitor == nil {
		w.monitor = time.AfterFunc(patience, w.watch)
	} else {
		w.monitor.Reset(patience)
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
	}
}

// watch takes the reading role from a call that has run since the monitor was set.
func (c *serverConn) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.busy:
		c.armed = false
	case c.turn != c.watched:
		c.watched = c.turn
		c.monitor.Reset(patience)
	default:
		c.armed = false
		c.handOver()
	}
}

// handOver gives the reading role of a worker that is carrying out a call to a new one, under mu. The
// request stays with the call; replies that are ready go with the role.
func (c *serverConn) handOver() {
	old, next := c.holder, newWorker(c)
	next.out, old.out = old.out, nil
	if c.reader.buf != nil {
		old.behind = c.reader.detach()
	}
	c.holder, c.busy = next, false
	c.held, next.heeds = true, true
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
	defer w.leave()
	defer w.recovered()
	w.work()
}

// work reads and answers until the role is gone or the connection ends.
func (w *worker) work() {
	err := w.answer()
	if err != nil && !errors.Is(err, io.EOF) && !w.s.isDraining() {
		w.s.log.Debug("connection ended", "peer", w.peer.String(), "error", err)
	}
	if !w.reads {
		w.goOn(err)
		return
	}
	if broken := (*frameError)(nil); err != nil && !errors.As(err, &broken) && !w.s.isClosing() {
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
		f, ok := w.nextWaiting()
		if !ok {
			return
		}
		err = errors.Join(w.handle(&f), w.flush())
	}
}

// nextWaiting counts a call off, and gives what is to be carried out in order after it.
func (w *worker) nextWaiting() (f frame, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.aside--
	defer w.makeRoom()
	if w.over || w.s.isClosing() {
		w.aside -= len(w.waiting)
		w.waiting = nil
	}
	if len(w.waiting) == 0 {
		w.held = false
		return frame{}, false
	}
	f = w.waiting[0]
	w.waiting[0] = frame{}
	w.waiting = w.waiting[1:]
	return f, true
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
	if c.s.cfg.IdleTimeout <= 0 {
		return
	}
	var until time.Time
	if c.aside == 0 {
		until = time.Now().Add(c.s.cfg.IdleTimeout)
	}
	_ = c.nc.SetReadDeadline(until)
	if c.s.isClosing() { // it may have set its own deadline a moment before
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// park keeps a request for later if an earlier one that it has to wait for runs.
func (w *worker) park(f *frame) bool {
	if !w.heeds {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.held {
		w.heeds = false
		return false
	}
	kept := *f
	kept.annotations = bytes.Clone(f.annotations)
	kept.payload = w.reader.keep(f.payload)
	w.waiting = append(w.waiting, kept)
	w.aside++
	return true
}

// awaitRoom waits until one more request may be read. It is false when nothing more is to be.
func (w *worker) awaitRoom() bool {
	for {
		w.mu.Lock()
		full := w.crowded()
		if w.over || !full {
			over := w.over
			w.mu.Unlock()
			return !over
		}
		if w.room == nil {
			w.room = make(chan struct{})
		}
		room := w.room
		w.mu.Unlock()
		<-room
	}
}

// crowded tells, under mu, that as much runs and waits as may.
func (c *serverConn) crowded() bool { return len(c.waiting) > 0 }

// hangUp ends the connection for its reader.
func (c *serverConn) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	_ = c.nc.Close()
	c.makeRoom()
}

// leave ends a worker; with the last one the connection ends.
func (w *worker) leave() {
	streamPool.put(w.out)
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
