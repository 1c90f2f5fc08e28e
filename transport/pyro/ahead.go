package pyro

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

const (
	// firstWindow is how many items of a stream may come ahead at first: a caller who wants only a few has
	// not many made in vain. The window doubles each time that half of it is used up.
	firstWindow = 16
	// maxWindow is how many may come ahead in the end.
	maxWindow = 2048
	// windowBytes is how many bytes of messages may.
	windowBytes = 128 << 10
)

// An ahead is a remote iterator whose items come before they are asked for. Conn.mu guards it.
type ahead struct {
	id      string
	filed   pending    // stands for it among the calls
	waiters []*pending // who waits for an item
	items   []item     // what has come, from next on
	next    int
	data    []byte // what items are made of

	credit int64 // items that the server may still send
	space  int64 // bytes that it may; the last item may be larger
	window int   // items that may come ahead
	taken  int   // of them, since the server was told
	bytes  int   // likewise
	ended  bool  // its last message has come
	closed bool  // nobody wants what still comes
}

// An item is a message in ahead.data.
type item struct {
	frame            frame // without its bytes
	start, body, end int
}

// errAskAgain is for those who wait for an item of a stream that is not what they took it for.
var errAskAgain = errors.New("ask again")

// fetchAhead answers a call for an item of a stream from what has come, or waits for it. The first one has
// the server send items by itself.
func (c *Conn) fetchAhead(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	for {
		p := c.newPending()
		err := c.fetchInto(ctx, p, call)
		if err == nil {
			reply, err := c.finishedReply(ctx, p, call)
			return reply, goneAhead(err)
		}
		p.free()
		if !errors.Is(err, errAskAgain) {
			return nil, err
		}
	}
}

// goneAhead is what it means that the server does not have a stream any more whose items were to come ahead: most
// likely it ended with the connection over which they came.
func goneAhead(err error) error {
	if e, ok := errors.AsType[*transport.Error](err); ok && e.Remote && e.Message == errStreamTerminated.Message {
		return transport.Wrap(transport.CodeUnavailable, err)
	}
	return err
}

// holdsItems tells whether there are streams of which items have come or may come.
func (c *Conn) holdsItems() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.aheads) > 0
}

// holdsItemsOf tells whether the stream with id is one of them.
func (c *Conn) holdsItemsOf(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.aheads[id] != nil
}

func (c *Conn) fetchInto(ctx context.Context, p *pending, call *transport.Call) (err error) {
	c.mu.Lock()
	a, failed := c.aheads[call.StreamID], c.err
	switch {
	case a != nil:
		return c.fetchFrom(ctx, a, p)
	case failed != nil:
		c.mu.Unlock()
		return notSent(failed)
	}
	c.mu.Unlock()
	p.ahead = &ahead{id: call.StreamID, window: firstWindow}
	if p.request, err = c.encode(ctx, p.request[:0], call); err != nil {
		return encodeFailed(err)
	}
	return c.roundTrip(ctx, p)
}

// fetchFrom takes the next item of a stream whose items come by themselves. It is called under mu, which it
// unlocks. On a connection that is over there is what has come: another one could not go on, because nobody
// knows how much was under way.
func (c *Conn) fetchFrom(ctx context.Context, a *ahead, p *pending) error {
	p.ahead = a
	here := a.next < len(a.items)
	if !here && c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	write, lead := c.queueMore(a), false
	if here {
		c.pop(a, p)
	} else {
		a.waiters = append(a.waiters, p)
		if lead = c.leader == nil; lead {
			c.leader = p
		} else {
			c.enqueue(p)
		}
	}
	c.mu.Unlock()
	if write {
		c.writeQueued()
	}
	switch {
	case here:
		return nil
	case lead:
		return c.lead(ctx, p)
	default:
		return c.await(ctx, p)
	}
}

// fileAhead files the call that has the items sent, under mu.
func (c *Conn) fileAhead(p *pending) {
	a := p.ahead
	a.filed.seq, a.filed.number, a.filed.ahead = p.seq, p.number, a
	a.credit, a.space = int64(a.window), windowBytes
	c.calls.put(&a.filed)
	a.waiters = append(a.waiters, p)
	if c.aheads == nil {
		c.aheads = map[string]*ahead{}
	}
	c.aheads[a.id] = a
	c.pouring++
}

// queueMore queues the message that there is room for more, if half of the window is used up, under mu.
// If write is true, the caller has to write what is queued.
func (c *Conn) queueMore(a *ahead) (write bool) {
	if a.ended || c.err != nil || a.taken < a.window/2 && a.bytes < windowBytes/2 {
		return false
	}
	items := a.taken
	if a.window < maxWindow {
		items += a.window
		a.window *= 2
	}
	out, err := appendMore(c.out, &c.o, a.filed.seq, items, a.bytes)
	if err != nil { // not of this size
		return false
	}
	c.out = out
	a.credit += int64(items)
	a.space += int64(a.bytes)
	a.taken, a.bytes = 0, 0
	write = !c.writing
	c.writing = true
	return write
}

// sizeOf is the size of a message on the wire.
func (c *Conn) sizeOf(f *frame) int {
	size := headerSize5
	if c.o.dialect == codec.Pyro4 {
		size = headerSize4
	}
	return size + len(f.annotations) + len(f.payload)
}

// took counts an item that was taken, under mu.
func (c *Conn) took(a *ahead, f *frame) {
	a.taken++
	a.bytes += c.sizeOf(f)
}

// pop gives the next item to p, under mu.
func (c *Conn) pop(a *ahead, p *pending) {
	it := &a.items[a.next]
	a.next++
	p.frame = it.frame
	p.response = append(p.response[:0], a.data[it.start:it.end]...)
	p.frame.annotations, p.frame.payload = p.response[:it.body-it.start], p.response[it.body-it.start:]
	c.took(a, &p.frame)
	if a.next < len(a.items) {
		return
	}
	a.items, a.next, a.data = a.items[:0], 0, reusable(a.data)
	if a.ended {
		delete(c.aheads, a.id)
	}
}

// deliverAhead gives an item to who waits for it, or keeps it, under mu. One that the server may
// not send is an error.
func (c *Conn) deliverAhead(a *ahead, f frame) error {
	if f.flags&flagItemStream == 0 || f.flags&flagException != 0 {
		a.ended = true
		c.calls.remove(f.seq)
		if a.closed {
			c.abandoned--
		} else {
			c.pouring--
		}
	} else if a.credit <= 0 || a.space <= 0 {
		return transport.Errorf(transport.CodeInternal, "an item for which there was no room")
	}
	a.credit--
	a.space -= int64(c.sizeOf(&f))
	f.flags &^= flagItemStream
	if a.closed {
		return nil
	}
	if len(a.waiters) > 0 {
		p := a.waiters[0]
		a.waiters = slices.Delete(a.waiters, 0, 1)
		c.took(a, &f)
		if a.ended {
			delete(c.aheads, a.id)
			c.failWaiters(a, errAskAgain)
		}
		c.fillIn(p, f)
		return nil
	}
	a.keep(f)
	return nil
}

// keep keeps an item until somebody asks for it.
func (a *ahead) keep(f frame) {
	a.compact()
	it := item{frame: f, start: len(a.data)}
	it.frame.annotations, it.frame.payload = nil, nil
	a.data = append(a.data, f.annotations...)
	it.body = len(a.data)
	a.data = append(a.data, f.payload...)
	it.end = len(a.data)
	a.items = append(a.items, it)
}

// compact drops what was taken once it is more than what is there: who is always a little behind must not
// have all of the stream kept.
func (a *ahead) compact() {
	if a.next == 0 {
		return
	}
	taken := a.items[a.next].start
	if taken+a.next < len(a.data)-taken+len(a.items)-a.next {
		return
	}
	a.data = append(a.data[:0], a.data[taken:]...)
	a.items = append(a.items[:0], a.items[a.next:]...)
	a.next = 0
	for i := range a.items {
		it := &a.items[i]
		it.start, it.body, it.end = it.start-taken, it.body-taken, it.end-taken
	}
}

// failWaiters ends those who wait for an item, under mu. The leader among them looks once it has read something.
func (c *Conn) failWaiters(a *ahead, err error) {
	for _, p := range a.waiters {
		p.err = err
		c.finish(p)
	}
	a.waiters = nil
}

// closeAhead drops what has come of a stream, and what is still to come. The answers end even where the
// server does not let the iterator be closed.
func (c *Conn) closeAhead(id string) {
	if c.dropAhead(id) {
		c.writeQueued()
	}
}

// dropAhead does it. If write is true, the caller has to write what is queued.
func (c *Conn) dropAhead(id string) (write bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.aheads[id]
	if a == nil {
		return false
	}
	delete(c.aheads, id)
	a.closed, a.items, a.data = true, nil, nil
	if a.ended || c.err != nil {
		return false
	}
	c.failWaiters(a, transport.Errorf(transport.CodeCanceled, "the item stream was closed"))
	c.rouse()
	c.pouring--
	c.abandoned++
	c.promote()
	return c.queueCancel(a.filed.seq)
}

// rouse ends what the leader reads, if somebody else has finished its call, under mu: nothing may come for long.
func (c *Conn) rouse() {
	if p := c.leader; p != nil && p.done {
		p.roused = true
		_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // in the past
	}
}
