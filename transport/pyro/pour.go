package pyro

import (
	"context"
	"maps"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/pyrokit/pyrokit/transport"
)

// A pour sends the items of a remote iterator as answers to one request, as many as its caller has room
// for. One goroutine makes items, another one writes those that are ready: how many go out at once follows
// from how fast they are made.
type pour struct {
	*worker // its output is guarded by mu

	stream *stream
	frame  frame // the request, without its bytes
	call   transport.Call
	life   context.Context //nolint:containedctx // of the calls for items
	cancel context.CancelCauseFunc

	mu      sync.Mutex // guards what follows
	changed sync.Cond
	items   int64 // how many more the caller has room for
	bytes   int64
	stopped bool // nobody wants more
	made    bool // nothing more is made
}

// goesAhead tells whether a request is answered with the items that follow, too. Those of an object that
// runs its calls in order are not, and no more streams at a time than calls may run.
func (w *worker) goesAhead(call *transport.Call) bool {
	asked := w.fields.credits && w.kit&featureAhead != 0 && !call.Oneway
	if !asked || w.ordered || call.Object != DaemonObject || call.Method != methodNextItem {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pours) < w.s.cfg.MaxConcurrent
}

// startPour answers a request for the next item with that and those that follow.
func (w *worker) startPour(f *frame, call *transport.Call) (more bool, err error) {
	if err := w.prepareItem(call); err != nil {
		return w.raise(f, call, err)
	}
	p := &pour{worker: newWorker(w.serverConn), frame: *f, call: *call}
	p.changed.L = &p.mu
	p.reads, p.answers = false, w.answers
	p.frame.annotations, p.frame.payload = nil, nil
	p.call.Args = transport.Args{}
	p.items, p.bytes = int64(w.fields.items), int64(w.fields.bytes)
	p.life, p.cancel = context.WithCancelCause(w.ctx)
	if p.stream = w.s.streams.addPour(call.StreamID, p); p.stream == nil {
		p.cancel(nil)
		return w.raise(f, call, errStreamTerminated)
	}
	w.mu.Lock()
	w.file(&flight{seq: f.seq, pour: p})
	if w.pours == nil {
		w.pours = map[*pour]struct{}{}
	}
	w.pours[p] = struct{}{}
	w.workers += 2
	w.mu.Unlock()
	go p.run()
	go p.write()
	return true, nil
}

// run makes items.
func (p *pour) run() {
	defer p.countOff()
	defer p.finished()
	defer p.recovered()
	for last := false; !last; {
		if !p.await() {
			p.mu.Lock()
			_, _ = p.raise(&p.frame, &p.call, errStreamTerminated)
			p.mu.Unlock()
			return
		}
		last = p.item()
	}
}

// await waits until the caller has room for an item, and the writer for its bytes. It is false when
// nobody wants one.
func (p *pour) await() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.stopped && (p.items <= 0 || p.bytes <= 0 || p.out != nil && len(*p.out) > flushSize) {
		p.changed.Wait()
	}
	return !p.stopped
}

// item makes the next item, and tells whether it was the last thing to send.
func (p *pour) item() (last bool) {
	ctx, info := transport.NewContext(p.life)
	info.Call = p.call
	p.s.inFlight.Add(1)
	r, err := p.fetch(ctx, info)
	p.s.inFlight.Add(-1)
	var room int64
	if err == nil && r != nil {
		room, err = p.roomFor(p.life, weigh(r.Value))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counted += room
	before := 0
	if p.out != nil {
		before = len(*p.out)
	}
	more, err := p.answerItem(info, r, err)
	if err != nil {
		p.hangUp()
		return true
	}
	p.items--
	if p.out != nil {
		p.bytes -= int64(len(*p.out) - before)
		p.counted = p.count(p.out, p.counted) // it may have to wait for what is being written
	}
	p.changed.Broadcast()
	return !more
}

// fetch takes the call for an item through the chain.
func (p *pour) fetch(ctx context.Context, info *transport.CallInfo) (r *transport.Reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			r, err = nil, transport.NewPanicError(v, debug.Stack())
		}
		if err != nil {
			p.logPanic(info, err)
		}
	}()
	return p.s.handler.Call(ctx, &info.Call)
}

// answerItem appends an item, or what ends the answers, to the output. more is false after the latter.
func (p *pour) answerItem(info *transport.CallInfo, r *transport.Reply, failed error) (more bool, err error) {
	switch {
	case failed != nil:
		_, err = p.raise(&p.frame, &info.Call, failed)
		return false, err
	case r == nil:
		r = &transport.Reply{}
	case r.Done || r.Stream != nil:
		_, err = p.result(&p.frame, info, r)
		return false, err
	}
	annotations := info.Response
	if len(r.Header.Annotations) > 0 {
		annotations = append(annotations, r.Header.Annotations...)
	}
	fields := frameFields{typ: msgResult, flags: flagItemStream}
	err = p.reply(&p.frame, fields, info.Header.CorrelationID, annotations, r.Value)
	if err != nil {
		_, err = p.result(&p.frame, info, r) // says why it cannot be sent
		return false, err
	}
	return true, nil
}

// finished says that nothing more is made.
func (p *pour) finished() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made = true
	p.changed.Broadcast()
}

// write writes what is ready until nothing more is.
func (p *pour) write() {
	defer p.countOff()
	defer p.recovered()
	for {
		p.mu.Lock()
		for p.out == nil && !p.made {
			p.changed.Wait()
		}
		out, counted, made := p.out, p.counted, p.made
		p.out, p.counted = nil, 0
		p.changed.Broadcast()
		p.mu.Unlock()
		if out == nil && made {
			p.hold(-counted)
			break
		}
		if err := p.serverConn.write(out, counted); err != nil {
			p.hangUp()
		}
	}
	p.cancel(nil)
	p.stream.dropPour(p)
	if p.ctx.Err() != nil || p.closing() { // nobody can tell which items have arrived
		p.stream.end()
	}
	p.serverConn.mu.Lock()
	defer p.serverConn.mu.Unlock()
	delete(p.pours, p)
	if f := p.flights[p.frame.seq]; f != nil && f.pour == p {
		delete(p.flights, p.frame.seq)
	}
	p.makeRoom()
}

// closing tells whether the connection is read no more.
func (p *pour) closing() bool {
	p.serverConn.mu.Lock()
	defer p.serverConn.mu.Unlock()
	return p.unread
}

// grant gives the caller room for more.
func (p *pour) grant(items, bytes uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items = min(p.items+int64(items), maxAhead)
	p.bytes = min(p.bytes+int64(bytes), maxAhead)
	p.changed.Broadcast()
}

// maxAhead bounds what a caller can have room for.
const maxAhead = 1 << 40

// stop ends a pour that waits, or does when its item is made.
func (p *pour) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.changed.Broadcast()
}

// stopPours ends the connection's pours when nobody reads any more what they would need to go on. When the
// server shuts down, items that are being made are made; when the connection is gone, nobody wants them.
func (c *serverConn) stopPours() {
	c.mu.Lock()
	c.unread = true
	pours := slices.Collect(maps.Keys(c.pours))
	c.mu.Unlock()
	closing := c.s.isClosing()
	for _, p := range pours {
		if !closing {
			p.stream.end()
		}
		p.stop()
	}
}
