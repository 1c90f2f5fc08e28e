package pyro

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/pyrokit/pyrokit/transport"
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
	featureAhead                         // items of streams come before they are asked for
	featureGoodbye                       // a server that shuts down says which calls it has taken
)

const ownFeatures = featureOrder | featureDeadline | featureCancel | featureAhead | featureGoodbye

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

// The fields of the annotation in INVOKE, PING and CONNECTFAIL.
const (
	fieldDeadline = 1 // i64: nanoseconds that are left
	fieldCancel   = 2 // u16: the sequence number of a request that is wanted no more
	fieldCredit   = 3 // u32, u32: how many items, and bytes of items, there is room for
	fieldMore     = 4 // u16, u32, u32: the sequence number of a request, and room for more
	fieldCode     = 5 // u8: the transport.Code of a refusal
	fieldGoodbye  = 6 // u64: how many calls were taken; no more are
)

// kitFields are the annotation's content after the handshake.
type kitFields struct {
	timed     bool
	remaining time.Duration
	cancels   bool
	cancelled uint16
	credits   bool // items and bytes are those of the request itself
	more      bool // they are those of the request with number pour
	pour      uint16
	items     uint32
	bytes     uint32
	code      transport.Code // 0: none
	leaves    bool
	taken     uint64
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
		case fieldCredit:
			if len(value) != 8 {
				return kitFields{}, errKit
			}
			k.credits = true
			k.items, k.bytes = binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:])
		case fieldMore:
			if len(value) != 10 {
				return kitFields{}, errKit
			}
			k.more, k.pour = true, binary.BigEndian.Uint16(value)
			k.items, k.bytes = binary.BigEndian.Uint32(value[2:]), binary.BigEndian.Uint32(value[6:])
		case fieldCode:
			if len(value) != 1 {
				return kitFields{}, errKit
			}
			k.code = transport.Code(value[0])
		case fieldGoodbye:
			if len(value) != 8 {
				return kitFields{}, errKit
			}
			k.leaves, k.taken = true, binary.BigEndian.Uint64(value)
		}
	}
	return k, nil
}

// annotateCredit says how many items, and bytes of items, there is room for.
func (w *frameWriter) annotateCredit(items, bytes int) {
	value := [10]byte{fieldCredit, 8}
	binary.BigEndian.PutUint32(value[2:], uint32(items)) //nolint:gosec // at most maxWindow
	binary.BigEndian.PutUint32(value[6:], uint32(bytes)) //nolint:gosec // at most windowBytes
	w.annotate(keyKit, value[:])
}

// appendMore appends the message that says that there is room for more.
func appendMore(dst []byte, o *wireOptions, seq uint16, items, bytes int) ([]byte, error) {
	w := beginFrame(dst, o)
	value := [12]byte{fieldMore, 10}
	binary.BigEndian.PutUint16(value[2:], seq)
	binary.BigEndian.PutUint32(value[4:], uint32(items)) //nolint:gosec // at most maxWindow
	binary.BigEndian.PutUint32(value[8:], uint32(bytes)) //nolint:gosec // what was received of windowBytes
	w.annotate(keyKit, value[:])
	w.endAnnotations()
	return w.finish(frameFields{typ: msgPing})
}

// newGoodbye returns the message that says that no call is taken after so many.
func newGoodbye(o *wireOptions, taken uint64) ([]byte, error) {
	w := beginFrame(nil, o)
	value := [10]byte{fieldGoodbye, 8}
	binary.BigEndian.PutUint64(value[2:], taken)
	w.annotate(keyKit, value[:])
	w.endAnnotations()
	return w.finish(frameFields{typ: msgPing})
}

// annotateDeadline says how much time is left until deadline.
func (w *frameWriter) annotateDeadline(deadline time.Time) {
	value := [10]byte{fieldDeadline, 8}
	binary.BigEndian.PutUint64(value[2:], uint64(time.Until(deadline))) //nolint:gosec // signed on the wire
	w.annotate(keyKit, value[:])
}

// annotateCode says of what kind a refusal is.
func (w *frameWriter) annotateCode(code transport.Code) {
	w.annotate(keyKit, []byte{fieldCode, 1, byte(code)})
}

// refusalCode returns the code that the annotation of a CONNECTFAIL tells; 0: none that is known here.
func refusalCode(annotation []byte) transport.Code {
	k, err := parseKit(annotation)
	if err != nil || k.code > transport.CodeUnauthenticated {
		return 0
	}
	return k.code
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
