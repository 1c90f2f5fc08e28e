package pyro

import (
	"errors"
	"os"
	"sync/atomic"
)

// ServerStats are a Server's numbers at one moment. Connections, Streams and Unsent are what is there; the
// others count from the beginning and only grow.
type ServerStats struct {
	Connections int // open ones, those in the handshake and those being refused included
	Streams     int // open remote iterators

	Unsent int64 // bytes of answers that peers have not read, with room for large ones that are being encoded

	Accepted          uint64 // connections
	Refused           uint64 // connections beyond MaxConnections
	HandshakesFailed  uint64 // connections that ended before they were let in, for any other reason
	HandshakeTimeouts uint64 // those of them that took longer than HandshakeTimeout
	IdleTimeouts      uint64 // connections without a request, or with half a one, for IdleTimeout
	WriteTimeouts     uint64 // connections whose peer did not read for WriteTimeout
	UnsentTimeouts    uint64 // connections whose peer did not read while there was no room within MaxUnsentSize
	AnswersRefused    uint64 // answers that waited in vain for such room; their callers got an error instead
	TooLarge          uint64 // messages that were refused for MaxMessageSize
	Sent              uint64 // bytes of messages, headers and annotations included
}

type serverCounts struct {
	accepted, refused, handshakesFailed, handshakeTimeouts, idleTimeouts, writeTimeouts, tooLarge, sent atomic.Uint64
	unsentTimeouts, answersRefused                                                                      atomic.Uint64
}

// Stats returns the server's numbers.
func (s *Server) Stats() ServerStats {
	c := &s.counts
	return ServerStats{
		Connections: s.Connections(), Streams: s.streams.len(), Unsent: s.unsent.held.Load(),
		Accepted: c.accepted.Load(), Refused: c.refused.Load(),
		HandshakesFailed: c.handshakesFailed.Load(), HandshakeTimeouts: c.handshakeTimeouts.Load(),
		IdleTimeouts: c.idleTimeouts.Load(), WriteTimeouts: c.writeTimeouts.Load(),
		UnsentTimeouts: c.unsentTimeouts.Load(), AnswersRefused: c.answersRefused.Load(), TooLarge: c.tooLarge.Load(), Sent: c.sent.Load(),
	}
}

func (t *streamTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.streams)
}

// countRead counts what ended the reading of a message.
func (s *Server) countRead(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) && !s.isClosing() {
		s.counts.idleTimeouts.Add(1)
	}
	if bad, ok := errors.AsType[*frameError](err); ok && bad.size {
		s.counts.tooLarge.Add(1)
	}
}

// wrote counts what ended the writing of a message.
func (c *serverCounts) wrote(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.writeTimeouts.Add(1)
	}
}
