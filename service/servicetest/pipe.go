package servicetest

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// window is how much one direction of a link holds before its writer has to wait, as sockets hold some.
const window = 256 << 10

// none is the count of a fault that is not set.
const none = -1

// A pipe is one direction of a link. Its link's mutex guards it.
type pipe struct {
	queue   []chunk // written, and not read yet
	size    int     // bytes in queue
	changed chan struct{}

	readBy, writeBy time.Time // deadlines of the ends
	unread          bool      // the reader has closed its end

	delay        time.Duration
	piece        int // the most that a read gets; 0 means any
	stalled      bool
	bytesLeft    int // until the link is cut
	messagesLeft int

	split    splitter
	messages int // that have arrived
}

// A chunk is what one write put in.
type chunk struct {
	data []byte    // nil is the end of the stream
	due  time.Time // when it arrives
}

func newPipe() *pipe {
	return &pipe{changed: make(chan struct{}), bytesLeft: none, messagesLeft: none}
}

// signal wakes whoever waits for p to change.
func (p *pipe) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// put queues data, or with nil the end of the stream. It overtakes nothing, whatever became of the delay.
func (p *pipe) put(data []byte) {
	due := time.Now().Add(p.delay)
	if len(p.queue) > 0 {
		if last := p.queue[len(p.queue)-1].due; last.After(due) {
			due = last
		}
	}
	p.queue = append(p.queue, chunk{data, due})
	p.size += len(data)
	p.signal()
}

// over tells whether the end of the stream has arrived.
func (p *pipe) over() bool {
	if p.stalled || len(p.queue) == 0 {
		return false
	}
	last := p.queue[len(p.queue)-1]
	return last.data == nil && !last.due.After(time.Now())
}

// take moves what has arrived into b. With nothing there, it returns when there will be, if that is
// known. cut says that the link is to be cut behind these bytes.
func (p *pipe) take(b []byte) (n int, due time.Time, cut bool, err error) {
	if p.stalled || len(p.queue) == 0 {
		return 0, time.Time{}, false, nil
	}
	head := &p.queue[0]
	switch {
	case head.due.After(time.Now()):
		return 0, head.due, false, nil
	case head.data == nil:
		return 0, time.Time{}, false, io.EOF
	}
	if p.piece > 0 {
		b = b[:min(p.piece, len(b))]
	}
	if p.bytesLeft > 0 {
		b = b[:min(p.bytesLeft, len(b))]
	}
	n, cut = p.count(b[:copy(b, head.data)])
	head.data = head.data[n:]
	p.size -= n
	if len(head.data) == 0 {
		p.queue = p.queue[1:]
	}
	p.signal()
	return n, time.Time{}, cut, nil
}

// count takes note of bytes that arrive. It returns how many of them do before the link is cut.
func (p *pipe) count(b []byte) (n int, cut bool) {
	for n < len(b) {
		used, end := p.split.next(b[n:])
		n += used
		if !end {
			break
		}
		p.messages++
		if p.messagesLeft > 0 {
			p.messagesLeft--
		}
		if p.messagesLeft == 0 {
			cut = true
			break
		}
	}
	if p.bytesLeft > 0 {
		p.bytesLeft -= n
	}
	return n, cut || p.bytesLeft == 0
}

// An end is one end of a link, as client or server have it.
type end struct {
	link          *Link
	in, out       *pipe
	local, remote address
	closed        bool // guarded by the link's mutex
}

// Read reads what has arrived.
func (e *end) Read(b []byte) (int, error) {
	l := e.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(b) > 0 {
		if err := e.failed(e.in.readBy); err != nil {
			return 0, e.opError("read", err)
		}
		n, due, cut, err := e.in.take(b)
		if cut {
			l.cutLocked()
		}
		if n > 0 || err != nil {
			return n, err
		}
		l.wait(e.in, earlier(due, e.in.readBy))
	}
	return 0, nil
}

// Write queues b, waiting while there is no room for it.
func (e *end) Write(b []byte) (n int, err error) {
	l := e.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(b) > 0 {
		err := e.failed(e.out.writeBy)
		if err == nil && e.out.unread {
			if !e.in.over() {
				return n + len(b), nil // lost: the other end is gone, but this one cannot know yet
			}
			err = syscall.EPIPE
		}
		if err != nil {
			return n, e.opError("write", err)
		}
		room := min(window-e.out.size, len(b))
		if room == 0 {
			l.wait(e.out, e.out.writeBy)
			continue
		}
		e.out.put(append([]byte(nil), b[:room]...))
		b = b[room:]
		n += room
	}
	return n, nil
}

// failed returns why the end can be used no more, or not now.
func (e *end) failed(deadline time.Time) error {
	switch {
	case e.closed:
		return net.ErrClosed
	case e.link.cut:
		return syscall.ECONNRESET
	case !deadline.IsZero() && !deadline.After(time.Now()):
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

func (e *end) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: e.local.Network(), Source: e.local, Addr: e.remote, Err: err}
}

// Close closes this end. The other one reads what is on its way, and then io.EOF.
func (e *end) Close() error {
	l := e.link
	l.mu.Lock()
	if e.closed {
		l.mu.Unlock()
		return e.opError("close", net.ErrClosed)
	}
	e.closed = true
	e.in.unread = true
	e.in.signal()
	e.out.put(nil)
	over := l.client.closed && l.server.closed
	l.mu.Unlock()
	if over {
		l.network.forget(l)
	}
	return nil
}

// LocalAddr returns the address of this end.
func (e *end) LocalAddr() net.Addr { return e.local }

// RemoteAddr returns the address of the other end.
func (e *end) RemoteAddr() net.Addr { return e.remote }

// SetDeadline limits reads and writes.
func (e *end) SetDeadline(t time.Time) error {
	e.limit(&e.in.readBy, e.in, t)
	e.limit(&e.out.writeBy, e.out, t)
	return nil
}

// SetReadDeadline limits reads, one under way included.
func (e *end) SetReadDeadline(t time.Time) error {
	e.limit(&e.in.readBy, e.in, t)
	return nil
}

// SetWriteDeadline limits writes, one under way included.
func (e *end) SetWriteDeadline(t time.Time) error {
	e.limit(&e.out.writeBy, e.out, t)
	return nil
}

func (e *end) limit(deadline *time.Time, p *pipe, t time.Time) {
	e.link.mu.Lock()
	defer e.link.mu.Unlock()
	*deadline = t
	p.signal()
}

// earlier returns the earlier one of two times; a zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// An address is HOST:PORT of a server, or the name of a client.
type address string

func (a address) Network() string { return "memory" }
func (a address) String() string  { return string(a) }
