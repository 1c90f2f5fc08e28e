package pyro

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pyrokit/pyrokit/codec"
)

// A frameReader reads frames off a connection. What it has read of a frame survives an interrupted
// read, so that reading can go on later. While it waits with nothing read it holds no buffer.
//
// It belongs to one goroutine at a time.
type frameReader struct {
	conn net.Conn
	raw  syscall.RawConn // nil if the connection has no descriptor to read from (TLS, memory)
	tls  syscall.RawConn // what a connection of TLS reads from; nil for others
	o    *wireOptions
	fix  bool // only frames of o.dialect are accepted; off until the handshake has settled it

	head header // of the next frame, once it was looked at
	size int    // of that header; 0 while it was not

	reads atomic.Uint32 // how often something was read; for anybody

	buf  buffer // nil while nothing is buffered
	r, w int    // read up to r, filled up to w

	first [headerSize5]byte // what is read while there is no buffer, where there is no raw

	// Arguments and results of readRaw, which is made once because a closure for each read would
	// be garbage.
	fn   func(fd uintptr) bool
	n    int
	err  error
	peek bool
}

func newFrameReader(conn net.Conn, o *wireOptions) *frameReader {
	fr := &frameReader{conn: conn, o: o}
	fr.raw = rawConn(conn)
	if t, ok := conn.(*tls.Conn); ok {
		fr.tls = rawConn(t.NetConn())
	}
	fr.fn = fr.readRaw
	return fr
}

// rawConn returns conn's descriptor if reads and writes on it are those of the connection.
func rawConn(conn net.Conn) syscall.RawConn {
	if !rawIO {
		return nil
	}
	switch c := conn.(type) {
	case *net.TCPConn:
		raw, err := c.SyscallConn()
		if err == nil {
			return raw
		}
	case *net.UnixConn:
		raw, err := c.SyscallConn()
		if err == nil {
			return raw
		}
	}
	return nil
}

// unread is the number of bytes that are there and were not returned yet.
func (fr *frameReader) unread() int { return fr.w - fr.r }

// buffered reports whether bytes are there that were not returned yet.
func (fr *frameReader) buffered() bool { return fr.w > fr.r }

// complete reports whether a whole frame, or what is wrong with it, is there already.
func (fr *frameReader) complete() bool {
	if fr.size == 0 {
		b := fr.rest()
		if len(b) < prefixSize {
			return false
		}
		d, size, err := checkPrefix(b)
		if err != nil {
			return true
		}
		if len(b) < size {
			return false
		}
		if err := fr.parse(b, d, size); err != nil {
			return true
		}
	}
	return fr.w-fr.r >= fr.total()
}

// parse remembers the header of the next frame.
func (fr *frameReader) parse(b []byte, d codec.Dialect, size int) (err error) {
	if fr.head, err = parseHeader(b, d); err == nil {
		fr.size = size
	}
	return err
}

func (fr *frameReader) rest() []byte {
	if fr.buf == nil {
		return nil
	}
	return (*fr.buf)[fr.r:fr.w]
}

// total is the size of the next frame, as far as its header can be believed.
func (fr *frameReader) total() int {
	return fr.size + int(fr.head.annotationsLen+fr.head.payloadLen)
}

// await waits until something of the next frame is there.
func (fr *frameReader) await() error {
	if fr.r < fr.w {
		return nil
	}
	fr.rewind()
	return fr.read()
}

// next returns the next frame. Its slices are valid until the next call. Breaches of the protocol are
// a *frameError, after which the stream cannot be read on.
func (fr *frameReader) next() (frame, error) {
	if fr.r == fr.w {
		fr.rewind()
	}
	if fr.size == 0 {
		if err := fr.fill(prefixSize); err != nil {
			return frame{}, err
		}
		d, size, err := checkPrefix(fr.rest())
		if err != nil {
			return frame{}, err
		}
		if fr.fix && d != fr.o.dialect {
			return frame{}, &frameError{dialect: fr.o.dialect, text: "invalid protocol version"}
		}
		if err := fr.fill(size); err != nil {
			return frame{}, err
		}
		if err := fr.parse(fr.rest(), d, size); err != nil {
			return frame{}, err
		}
	}
	h := &fr.head
	if fr.fix && h.dialect != fr.o.dialect {
		return frame{}, &frameError{dialect: fr.o.dialect, text: "invalid protocol version"}
	}
	if err := limitError(h, fr.o.maxSize); err != nil {
		return frame{}, err
	}
	total := fr.total()
	if err := fr.fill(total); err != nil {
		return frame{}, err
	}
	b := (*fr.buf)[fr.r : fr.r+total]
	payload := fr.size + int(h.annotationsLen)
	f := h.frame
	f.annotations = b[fr.size:payload]
	f.payload = b[payload:]
	fr.r += total
	fr.size = 0
	return f, nil
}

// rewind has an empty buffer filled from its beginning. One that readRaw would not give back as soon as it has to wait,
// and one that has grown, is given back now.
func (fr *frameReader) rewind() {
	if fr.raw == nil || fr.buf == nil || cap(*fr.buf) > streamBuffer {
		fr.drop()
		return
	}
	*fr.buf = (*fr.buf)[:0]
	fr.r, fr.w = 0, 0
}

// drop gives back an empty buffer.
func (fr *frameReader) drop() {
	streamPool.put(fr.buf)
	fr.buf, fr.r, fr.w = nil, 0, 0
}

// detach gives the buffer, which holds the last frame, to the caller. The reader goes on in a new one.
func (fr *frameReader) detach() buffer {
	old, rest := fr.buf, (*fr.buf)[fr.r:fr.w]
	fr.buf, fr.r, fr.w = nil, 0, 0
	if len(rest) > 0 {
		fr.buf = streamPool.get()
		*fr.buf = append(*fr.buf, rest...)
		fr.w = len(rest)
	}
	return old
}

// keep returns the payload of the last frame as memory of its own: the very buffer that it was read into if
// it fills most of that, else a copy.
func (fr *frameReader) keep(payload []byte) []byte {
	if fr.buf == nil || len(payload) < cap(*fr.buf)/2 {
		return bytes.Clone(payload)
	}
	fr.detach()
	return slices.Clip(payload)
}

// fill reads until n bytes are buffered.
func (fr *frameReader) fill(n int) error {
	for fr.w-fr.r < n {
		if fr.buf != nil {
			fr.makeRoom(n)
		}
		if err := fr.read(); err != nil {
			if errors.Is(err, io.EOF) && fr.w > fr.r {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// makeRoom sees to it that the buffer can take more of a frame of n bytes. A size that a header
// claims is believed only as far as bytes have arrived: the buffer grows to four times as much.
func (fr *frameReader) makeRoom(n int) {
	size := cap(*fr.buf)
	if fr.r+n <= size {
		return
	}
	have := fr.w - fr.r
	if fr.r > 0 && (n <= size || have < size/2) {
		full := (*fr.buf)[:size]
		copy(full, full[fr.r:fr.w])
		fr.r, fr.w = 0, have
	}
	if fr.w < cap(*fr.buf) {
		return
	}
	grown := make([]byte, min(n, 4*size))
	copy(grown, (*fr.buf)[fr.r:fr.w:cap(*fr.buf)])
	streamPool.put(fr.buf)
	grown = grown[:0]
	fr.buf, fr.r, fr.w = &grown, 0, have
}

// read does one read of whatever is there, waiting if nothing is.
func (fr *frameReader) read() error {
	if fr.raw != nil {
		fr.n, fr.err = 0, nil
		if err := fr.raw.Read(fr.fn); err != nil {
			return err
		}
		return fr.took(fr.n, fr.err)
	}
	if fr.buf == nil {
		return fr.readFirst()
	}
	return fr.took(fr.conn.Read((*fr.buf)[fr.w:cap(*fr.buf)]))
}

// poll takes what has arrived without waiting, where the system lets it: not everywhere, and not from memory. An error
// means that the connection is gone.
func (fr *frameReader) poll() error {
	if fr.buffered() {
		return nil
	}
	fr.rewind()
	switch {
	case fr.raw != nil:
		return fr.pollRaw()
	case fr.tls != nil:
		return fr.pollTLS()
	default:
		return nil
	}
}

// pollTLS takes what TLS has read already, which comes whatever the deadline is, or what has arrived for it. The latter may be
// part of a record, or none of data, for which it waits no longer than lookTime.
func (fr *frameReader) pollTLS() error {
	until := time.Unix(1, 0)
	if hasArrived(fr.tls) {
		until = time.Now().Add(lookTime)
	}
	_ = fr.conn.SetReadDeadline(until)
	fr.buf = streamPool.get()
	err := fr.read()
	if !fr.buffered() {
		fr.drop()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return errors.Join(err, fr.conn.SetReadDeadline(time.Time{}))
}

// readFirst waits without a buffer, which it gets when something has come.
func (fr *frameReader) readFirst() error {
	n, err := fr.conn.Read(fr.first[:])
	if n > 0 {
		fr.buf = streamPool.get()
		copy((*fr.buf)[:n], fr.first[:n])
	}
	return fr.took(n, err)
}

func (fr *frameReader) took(n int, err error) error {
	fr.w += max(n, 0)
	if fr.buf != nil {
		*fr.buf = (*fr.buf)[:fr.w]
	}
	if n > 0 {
		fr.reads.Add(1)
		return nil
	}
	if err == nil {
		err = io.EOF
	}
	return err
}
