package servicetest

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Headers of the two dialects.
const (
	prefixSize  = 6 // "PYRO" and the version
	headerSize4 = 24
	headerSize5 = 40
	magic4      = 0x34e9 // added to the checksum
)

// headerSize returns the size of the header that begins with b: what has to be there to tell it, while
// that is not there, and 0 if it is none of Pyro's.
func headerSize(b []byte) int {
	switch {
	case len(b) < prefixSize:
		return prefixSize
	case string(b[:prefixSize]) == "PYRO\x00\x30":
		return headerSize4
	case string(b[:prefixSize]) == "PYRO\x01\xf6":
		return headerSize5
	default:
		return 0
	}
}

// bodySize returns the size of what follows a whole header.
func bodySize(header []byte) int {
	be := binary.BigEndian
	if len(header) == headerSize4 {
		return int(be.Uint32(header[12:])) + int(be.Uint16(header[18:]))
	}
	return int(be.Uint32(header[12:])) + int(be.Uint32(header[16:]))
}

// A splitter finds the ends of messages in a stream of bytes.
type splitter struct {
	header  []byte // of the message that has begun, as far as it is there
	body    int    // bytes of it that are missing behind the header
	foreign bool   // the stream is not Pyro's: it has no messages
}

// next takes bytes up to the end of a message. It returns how many they are and whether the message ends
// there; if it does not, they are all of b.
func (s *splitter) next(b []byte) (n int, end bool) {
	for n < len(b) && !s.foreign {
		if s.body > 0 {
			take := min(s.body, len(b)-n)
			n += take
			s.body -= take
			if s.body == 0 {
				return n, true
			}
			continue
		}
		take := min(headerSize(s.header)-len(s.header), len(b)-n)
		s.header = append(s.header, b[n:n+take]...)
		n += take
		switch size := headerSize(s.header); {
		case size == 0:
			s.foreign = true
		case len(s.header) == size && size > prefixSize:
			s.body = bodySize(s.header)
			s.header = s.header[:0]
			if s.body == 0 {
				return n, true
			}
		}
	}
	return len(b), false
}

// A message is one whole message of either dialect.
type message []byte

// readMessage reads the next one.
func readMessage(r io.Reader) (message, error) {
	m := make(message, prefixSize, headerSize5)
	if _, err := io.ReadFull(r, m); err != nil {
		return nil, err
	}
	size := headerSize(m)
	if size == 0 {
		return nil, fmt.Errorf("%q is not Pyro's", m)
	}
	m = m[:size]
	if _, err := io.ReadFull(r, m[prefixSize:]); err != nil {
		return nil, err
	}
	body := make([]byte, bodySize(m))
	_, err := io.ReadFull(r, body)
	return append(m, body...), err
}

func (m message) check() error {
	n, end := (&splitter{}).next(m)
	if n != len(m) || !end {
		return fmt.Errorf("%.30q is not one whole message", []byte(m))
	}
	return nil
}

func (m message) pyro4() bool { return headerSize(m) == headerSize4 }

func (m message) clone() message { return append(message(nil), m...) }

// Both dialects have the sequence number in the same place.
func (m message) seq() uint16 { return binary.BigEndian.Uint16(m[10:]) }

// setSeq changes the number, and with it the checksum that Pyro4's header has.
func (m message) setSeq(seq uint16) {
	be := binary.BigEndian
	if m.pyro4() {
		be.PutUint16(m[22:], be.Uint16(m[22:])+seq-m.seq())
	}
	be.PutUint16(m[10:], seq)
}

// kind is what has to be the same of two headers: dialect, type, flags and serializer.
func (m message) kind() string {
	kind := message(string(m[:10]))
	if m.pyro4() {
		return string(kind) + string(m[16:18])
	}
	const correlated = 0x40
	kind[9] &^= correlated
	return string(kind)
}

// payload is what follows the annotations.
func (m message) payload() string {
	header := m[:headerSize(m)]
	if m.pyro4() {
		return string(m[len(header)+int(binary.BigEndian.Uint16(header[18:])):])
	}
	return string(m[len(header)+int(binary.BigEndian.Uint32(header[16:])):])
}

// isConnect tells a handshake.
func (m message) isConnect() bool {
	if m.pyro4() {
		return binary.BigEndian.Uint16(m[6:]) == 1
	}
	return m[6] == 1
}

// same tells whether two requests want the same answer.
func (m message) same(o message) bool {
	return m.kind() == o.kind() && (m.isConnect() || m.payload() == o.payload())
}
