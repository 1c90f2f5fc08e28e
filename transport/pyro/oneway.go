package pyro

import (
	"context"
	"runtime/debug"
	"sync"

	"github.com/pyrokit/pyrokit/transport"
)

const (
	maxOneway     = 1024 // one-way calls that wait or run; beyond it their connections wait
	maxIdleOneway = 16   // goroutines that wait for one
)

// oneways carries one-way calls out, each without waiting for any other. A goroutine takes one call after the
// other; as long as there are more, another goroutine is about to start, and does so as soon as one of those
// that run blocks. So quick calls share a few goroutines, and a new one, which spends more on growing its
// stack than most calls take, is the exception.
type oneways struct {
	places chan struct{} // a token for each call
	wake   chan struct{} // a token for each idle goroutine that is to go on

	mu     sync.Mutex
	queue  []onewayCall
	idle   int  // goroutines that wait for a token in wake
	waking bool // a goroutine is about to look at queue
}

type onewayCall struct {
	c    *serverConn
	ctx  context.Context //nolint:containedctx // of the call
	info *transport.CallInfo
	room int64 // that its payload has
}

func newOneways() *oneways {
	return &oneways{places: make(chan struct{}, maxOneway), wake: make(chan struct{}, maxIdleOneway)}
}

// startOneway carries a one-way call out beside everything else. Beyond the server's bound of such calls
// the connection waits.
func (w *worker) startOneway(ctx context.Context, info *transport.CallInfo) {
	o := w.s.oneways
	select {
	case o.places <- struct{}{}:
	case <-w.ctx.Done():
		return
	}
	w.s.inFlight.Add(1)
	w.peer.Session.Hold() // the object it is for stays what it is, whatever comes first: its turn or the connection's end
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, onewayCall{c: w.serverConn, ctx: ctx, info: info, room: w.inflated})
	w.inflated = 0
	w.s.wakeOneway()
}

// wakeOneway sees to it that a goroutine is about to look at the queue, under mu. Whoever calls it holds a
// count of s.wg.
func (s *Server) wakeOneway() {
	o := s.oneways
	switch {
	case o.waking:
	case o.idle > 0:
		o.waking = true
		o.idle--
		o.wake <- struct{}{}
	default:
		o.waking = true
		s.wg.Go(s.runOneways)
	}
}

// runOneways carries calls out until the server closes, or until more goroutines are idle than are worth
// keeping.
func (s *Server) runOneways() {
	for arrived := true; ; {
		call, ok, idle := s.nextOneway(arrived)
		switch {
		case ok:
			s.runOneway(call)
			arrived = false
		case !idle || !s.awaitOneway():
			return
		default:
			arrived = true
		}
	}
}

// nextOneway takes the call that has waited longest, or counts the goroutine as idle if there is none.
// arrived tells that it is the one that was about to look.
func (s *Server) nextOneway(arrived bool) (call onewayCall, ok, idle bool) {
	o := s.oneways
	o.mu.Lock()
	defer o.mu.Unlock()
	if arrived {
		o.waking = false
	}
	if len(o.queue) == 0 {
		if idle = o.idle < maxIdleOneway; idle {
			o.idle++
		}
		return onewayCall{}, false, idle
	}
	call, o.queue[0] = o.queue[0], onewayCall{}
	if o.queue = o.queue[1:]; len(o.queue) > 0 {
		s.wakeOneway()
	}
	return call, true, false
}

// awaitOneway waits until there may be a call, and tells whether the goroutine is to go on.
func (s *Server) awaitOneway() bool {
	o := s.oneways
	select {
	case <-o.wake:
		return true
	case <-s.closing:
	}
	o.mu.Lock()
	left := o.idle > 0
	if left {
		o.idle--
	}
	o.mu.Unlock()
	if left {
		return false
	}
	<-o.wake // somebody counts on it
	return true
}

func (s *Server) runOneway(call onewayCall) {
	c, info := call.c, call.info
	defer func() {
		if r := recover(); r != nil { // what carryOut does not catch ends this call, not the program
			s.log.Error("one-way call panicked", "object", info.Object, "method", info.Method,
				"peer", c.peer.String(), "panic", r, "stack", string(debug.Stack()))
		}
		if call.room > 0 {
			s.inflated.give(call.room)
		}
		c.peer.Session.Release()
		s.inFlight.Add(-1)
		<-s.oneways.places
	}()
	reply, err := c.carryOut(call.ctx, info)
	dropStream(reply)
	c.logOneway(info, err)
}
