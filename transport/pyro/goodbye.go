package pyro

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// partTime is how long a server that shuts down goes on reading: a client may have sent what it will not send again
// before it could read the goodbye.
const partTime = 100 * time.Millisecond

// lookTime is how long it takes to see whether something has come over a connection without a descriptor, and how long a record
// of TLS may take that has begun to come.
const lookTime = 10 * time.Millisecond

// interrupted tells whether reading ended because the server shuts down.
func (c *serverConn) interrupted(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && c.s.isClosing()
}

// part is what the reader does instead of waiting once the server shuts down. More is true if something may still be
// read: from a client that knows goodbyes until partTime is over and its calls are answered, from others what has come.
func (w *worker) part() (more bool, err error) {
	if err := w.flush(); err != nil {
		return false, err
	}
	first := w.parting.IsZero()
	idle := w.startParting()
	if w.kit&featureGoodbye == 0 {
		return w.lastLook()
	}
	if first {
		if err := w.sayGoodbye(idle); err != nil {
			return false, err
		}
		w.stopPours()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	end := w.parting.Add(partTime)
	switch {
	case time.Now().Before(end):
		_ = w.nc.SetReadDeadline(end)
	case w.isIdle():
		return false, nil
	default: // makeRoom ends it after the last call
		_ = w.nc.SetReadDeadline(time.Time{})
	}
	return true, nil
}

// startParting takes note of when the reader first knew of the shutdown, and tells whether nothing runs.
func (c *serverConn) startParting() (idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parting.IsZero() {
		c.parting = time.Now()
	}
	return c.isIdle()
}

// isIdle tells, under mu, whether nothing runs beside the reader, and nothing waits.
func (c *serverConn) isIdle() bool { return c.aside == 0 && len(c.pours) == 0 }

// take counts a call that was read, or drops one that comes after the goodbye. One-way calls are taken as long as
// any are read: who sent one does not know it any more.
func (w *worker) take(f *frame) bool {
	switch {
	case f.flags&flagOneway != 0:
		return true
	case w.kit&featureGoodbye != 0 && !w.parting.IsZero():
		return false
	}
	w.taken++
	return true
}

// sayGoodbye says how many calls were taken. A client that waits for no answer may not be reading: where the connection
// does not take the message by itself, that is given up after partTime.
func (w *worker) sayGoodbye(idle bool) error {
	out, err := newGoodbye(&w.o, w.taken)
	if err != nil {
		return err
	}
	limit := w.limits.writeTimeout
	if idle {
		limit = partTime
	}
	return w.writeWithin(out, limit)
}

// lastLook tells whether something has come from a client that knows no goodbyes: it is answered.
func (w *worker) lastLook() (more bool, err error) {
	end := w.parting.Add(partTime)
	if !time.Now().Before(end) {
		return false, nil
	}
	var until time.Time
	look := w.reader.poll
	if w.reader.raw == nil { // there is no other way to look than to wait a little
		until, look = time.Now().Add(lookTime), w.reader.await
	}
	_ = w.nc.SetReadDeadline(until)
	if err := look(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return false, err
	}
	_ = w.nc.SetReadDeadline(end) // for the rest of a message
	return w.reader.buffered(), nil
}

// errGoodbye is why a call was not carried out that was sent while the server began to shut down.
var errGoodbye = errors.New("the server shuts down and has not carried the call out")

// control heeds a message that answers no call, under mu. It is false for any other one.
func (c *Conn) control(f *frame) (heeded bool, err error) {
	_, reserved, err := f.parseAnnotations()
	if err != nil || reserved.kit == nil { // the answer to a ping
		return false, nil //nolint:nilerr // it fails as that
	}
	if err := f.verify(c.o.hmacKey); err != nil {
		return true, transport.Wrap(transport.CodeUnauthenticated, err)
	}
	k, err := parseKit(reserved.kit)
	if err != nil {
		return true, transport.Wrap(transport.CodeInternal, fmt.Errorf("message from the server: %w", err))
	}
	if k.leaves {
		c.part(k.taken)
	}
	return true, nil
}

// part ends the calls that a server has not taken which shuts down, and the connection after the others, under mu.
func (c *Conn) part(taken uint64) {
	c.parted, c.left = true, true
	for _, p := range c.calls.after(taken) {
		a := p.ahead
		switch {
		case a == nil:
			p.err = notSent(errGoodbye)
			c.calls.remove(p.seq)
			c.finish(p)
		case !a.closed:
			c.calls.remove(p.seq)
			c.pouring--
			delete(c.aheads, a.id)
			c.failWaiters(a, notSent(errGoodbye))
		}
	}
	c.endIfLeft()
}

// over tells whether the connection takes no calls any more.
func (c *Conn) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil || c.parted
}
