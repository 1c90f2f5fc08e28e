//go:build !unix

package pyro

import (
	"net"
	"syscall"
)

// rawIO says that connections are read and written through net.Conn only.
const rawIO = false

func (fr *frameReader) readRaw(uintptr) bool { return true }

func (fr *frameReader) pollRaw() error { return nil }

func hasArrived(syscall.RawConn) bool { return false }

// A rawWriter writes what a connection takes at once: here nothing, all is left to a goroutine.
type rawWriter struct{}

func newRawWriter(net.Conn) *rawWriter { return &rawWriter{} }

func (w *rawWriter) tryWrite([]byte) (int, error) { return 0, nil }
