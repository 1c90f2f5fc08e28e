//go:build unix

package pyro

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// rawIO says that connections are read and written by system calls of our own. That is what lets an
// idle connection hold no buffer, and a write end instead of waiting.
const rawIO = true

// readRaw is called by the runtime's poller when fd may be readable; false makes it wait.
func (fr *frameReader) readRaw(fd uintptr) bool {
	if fr.buf == nil {
		fr.buf = streamPool.get()
	}
	for {
		n, err := syscall.Read(int(fd), (*fr.buf)[fr.w:cap(*fr.buf)])
		switch {
		case err == nil && n > 0:
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			if fr.w == fr.r {
				fr.drop()
			}
			return fr.peek
		case err != nil:
			fr.err = os.NewSyscallError("read", err)
		case n == 0:
			fr.err = io.EOF
		}
		fr.n = n
		return true
	}
}

// pollRaw is poll for a connection with a descriptor.
func (fr *frameReader) pollRaw() error {
	fr.n, fr.err, fr.peek = 0, nil, true
	err := fr.raw.Read(fr.fn)
	fr.peek = false
	if err != nil || fr.err != nil {
		return errors.Join(err, fr.err)
	}
	fr.w += fr.n
	if fr.buf != nil {
		*fr.buf = (*fr.buf)[:fr.w]
	}
	return nil
}

// hasArrived tells whether a read of raw would not have to wait.
func hasArrived(raw syscall.RawConn) (arrived bool) {
	err := raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		arrived = !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR)
	})
	return arrived || err != nil
}

// A rawWriter writes what a connection takes at once.
type rawWriter struct {
	raw syscall.RawConn
	fn  func(fd uintptr) bool
	buf []byte
	n   int
	err error
}

func newRawWriter(conn net.Conn) *rawWriter {
	w := &rawWriter{raw: rawConn(conn)}
	w.fn = w.writeRaw
	return w
}

func (w *rawWriter) writeRaw(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), w.buf)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return true
		case err != nil:
			w.err = os.NewSyscallError("write", err)
			return true
		}
		w.n = n
		return true
	}
}

// tryWrite writes as much of b as goes without waiting.
func (w *rawWriter) tryWrite(b []byte) (int, error) {
	if w.raw == nil {
		return 0, nil
	}
	w.buf, w.n, w.err = b, 0, nil
	err := w.raw.Write(w.fn)
	w.buf = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}
