package pyro

import (
	"encoding/binary"
	"errors"
	"time"
)

// Two ends of this toolkit recognise each other in the handshake; docs/protocol.md says what they do then.
const (
	// keyKit is the key of the annotation that all of it travels in.
	keyKit = "PKIT"
	// kitVersion is the version that this end speaks.
	kitVersion = 1
	// maxKit bounds the annotation's value: Pyrolite reads no longer ones.
	maxKit = 127
)

// features are what an end can do beyond plain Pyro; none of them is a plain connection.
type features uint16

const (
	featureOrder    features = 1 << iota // replies may come out of order
	featureDeadline                      // requests tell how much time is left
	featureCancel                        // requests can be cancelled
)

const ownFeatures = featureOrder | featureDeadline | featureCancel

// kitHello is what an end says in CONNECT and CONNECTOK.
func kitHello(f features) []byte {
	return binary.BigEndian.AppendUint16([]byte{kitVersion}, uint16(f))
}

// recognised returns what both ends can do, of what the other one said. What is no greeting comes from
// somebody else, who means something else by it.
func recognised(hello []byte) features {
	if len(hello) < 3 || len(hello) > maxKit || hello[0] == 0 {
		return 0
	}
	return features(binary.BigEndian.Uint16(hello[1:])) & ownFeatures
}

// The fields of the annotation in INVOKE and PING.
const (
	fieldDeadline = 1 // i64: nanoseconds that are left
	fieldCancel   = 2 // u16: the sequence number of a request that is wanted no more
)

// kitFields are the annotation's content after the handshake.
type kitFields struct {
	timed     bool
	remaining time.Duration
	cancels   bool
	cancelled uint16
}

var errKit = errors.New("annotation " + keyKit + " is malformed")

// parseKit reads the annotation's fields. Fields that this version does not know mean nothing to it.
func parseKit(b []byte) (k kitFields, err error) {
	if len(b) > maxKit {
		return k, errKit
	}
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return kitFields{}, errKit
		}
		field, value := b[0], b[2:2+int(b[1])]
		b = b[2+len(value):]
		switch field {
		case fieldDeadline:
			if len(value) != 8 {
				return kitFields{}, errKit
			}
			k.timed, k.remaining = true, time.Duration(binary.BigEndian.Uint64(value)) //nolint:gosec // signed on the wire
		case fieldCancel:
			if len(value) != 2 {
				return kitFields{}, errKit
			}
			k.cancels, k.cancelled = true, binary.BigEndian.Uint16(value)
		}
	}
	return k, nil
}

// annotateDeadline says how much time is left until deadline.
func (w *frameWriter) annotateDeadline(deadline time.Time) {
	value := [10]byte{fieldDeadline, 8}
	binary.BigEndian.PutUint64(value[2:], uint64(time.Until(deadline))) //nolint:gosec // signed on the wire
	w.annotate(keyKit, value[:])
}

// appendCancel appends the message that ends the request with a sequence number.
func appendCancel(dst []byte, o *wireOptions, seq uint16) ([]byte, error) {
	w := beginFrame(dst, o)
	value := [4]byte{fieldCancel, 2}
	binary.BigEndian.PutUint16(value[2:], seq)
	w.annotate(keyKit, value[:])
	w.endAnnotations()
	return w.finish(frameFields{typ: msgPing})
}
