package pyro

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Pyro4 signs with HMAC-SHA1; the peer leaves no choice
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// The protocol's numbers.
const (
	wire4       = 48
	wire5       = 502
	headerSize4 = 24
	headerSize5 = 40
	magic4      = 0x34e9 // added to the checksum
	magic5      = 0x4dc5
	prefixSize  = 6 // "PYRO" and the version
)

type msgType uint8

const (
	msgConnect msgType = iota + 1
	msgConnectOK
	msgConnectFail
	msgInvoke
	msgResult
	msgPing
)

// flags are a message's flags, by meaning; wireFlags and localFlags translate the bits that the
// dialects number differently.
type flags uint16

const (
	flagException flags = 1 << iota
	flagCompressed
	flagOneway
	flagBatch
	flagMeta       // Pyro4: metadata is wanted, or comes, with the handshake
	flagItemStream // the result is a remote iterator
	flagBlob       // the arguments are a serialized blob
	flagCorrelated // Pyro5: the correlation id of the header counts
)

func wireFlags(f flags, d codec.Dialect) uint16 {
	if d == codec.Pyro4 {
		return uint16(f &^ flagCorrelated)
	}
	low := f & 0x0f
	return uint16(low | (f&(flagItemStream|flagBlob|flagCorrelated))>>1)
}

func localFlags(w uint16, d codec.Dialect) flags {
	if d == codec.Pyro4 {
		return flags(w) & 0x7f
	}
	return flags(w&0x0f) | flags(w&0x70)<<1
}

// Reserved annotation keys.
const (
	keyCorrelation = "CORR"
	keyHMAC        = "HMAC"
	keyStream      = "STRM"
	keyBlob        = "BLBI"
)

// A frame is one message as it was read. Its slices are valid until the next read.
type frame struct {
	dialect     codec.Dialect
	typ         msgType
	flags       flags
	rawFlags    uint16
	seq         uint16
	serializer  uint16
	correlation uuid.UUID
	annotations []byte
	payload     []byte
}

var tag = []byte("PYRO")

// A frameError is a message that breaks the protocol. text is what a Python daemon of that dialect
// says of it.
type frameError struct {
	dialect codec.Dialect
	text    string
	seq     uint16 // of the message, where it could be read
	size    bool   // the message is too large
}

func (e *frameError) Error() string { return e.text }

// header is a frame's header before its body is read.
type header struct {
	frame
	annotationsLen, payloadLen int64
}

// checkPrefix judges the first six bytes and returns the dialect and the size of the header.
func checkPrefix(b []byte) (codec.Dialect, int, error) {
	if !bytes.Equal(b[:4], tag) {
		return 0, 0, &frameError{dialect: codec.Pyro5, text: "invalid data"}
	}
	switch version := binary.BigEndian.Uint16(b[4:]); {
	case version == wire4:
		return codec.Pyro4, headerSize4, nil
	case version == wire5:
		return codec.Pyro5, headerSize5, nil
	case version < 100: // Pyro4's versions count up from 44
		return 0, 0, &frameError{dialect: codec.Pyro4, text: "invalid data or unsupported protocol version"}
	default:
		return 0, 0, &frameError{dialect: codec.Pyro5, text: fmt.Sprintf("invalid protocol version: %d", version)}
	}
}

func parseHeader(b []byte, d codec.Dialect) (header, error) {
	if d == codec.Pyro4 {
		return parseHeader4(b)
	}
	return parseHeader5(b)
}

func parseHeader4(b []byte) (header, error) {
	be := binary.BigEndian
	var h header
	h.dialect = codec.Pyro4
	typ := be.Uint16(b[6:])
	h.rawFlags = be.Uint16(b[8:])
	h.flags = localFlags(h.rawFlags, codec.Pyro4)
	h.seq = be.Uint16(b[10:])
	size := be.Uint32(b[12:])
	h.serializer = be.Uint16(b[16:])
	h.annotationsLen = int64(be.Uint16(b[18:]))
	if checksum4(b) != be.Uint16(b[22:]) {
		return h, &frameError{dialect: codec.Pyro4, text: "header checksum mismatch"}
	}
	if int32(size) < 0 { //nolint:gosec // the field is a signed number
		return h, &frameError{dialect: codec.Pyro4, text: "negative buffersize in recv"}
	}
	h.payloadLen = int64(size)
	h.typ = narrowType(typ)
	return h, nil
}

// narrowType keeps unknown message types unknown.
func narrowType(t uint16) msgType {
	if t > 0xff {
		return 0xff
	}
	return msgType(t)
}

// checksum4 adds up, modulo 65536, the fields that Pyro4 has in its checksum. The upper half of the
// payload length adds nothing to such a sum.
func checksum4(b []byte) uint16 {
	be := binary.BigEndian
	return be.Uint16(b[6:]) + be.Uint16(b[4:]) + be.Uint16(b[14:]) + be.Uint16(b[18:]) +
		be.Uint16(b[16:]) + be.Uint16(b[8:]) + be.Uint16(b[10:]) + magic4
}

func parseHeader5(b []byte) (header, error) {
	be := binary.BigEndian
	var h header
	h.dialect = codec.Pyro5
	h.typ = msgType(b[6])
	h.serializer = uint16(b[7])
	h.rawFlags = be.Uint16(b[8:])
	h.flags = localFlags(h.rawFlags, codec.Pyro5)
	h.seq = be.Uint16(b[10:])
	h.payloadLen = int64(be.Uint32(b[12:]))
	h.annotationsLen = int64(be.Uint32(b[16:]))
	copy(h.correlation[:], b[20:36])
	if be.Uint16(b[38:]) != magic5 {
		return h, &frameError{dialect: codec.Pyro5, text: "invalid message or protocol version"}
	}
	return h, nil
}

// maxFrame is how large a message can be where nothing else limits it: with 32 bits, 2 GiB.
const maxFrame = math.MaxInt - headerSize5

// limitError is what a receiver says of a message that is larger than it accepts.
func limitError(h *header, limit int64) error {
	size := h.annotationsLen + h.payloadLen
	if limit <= 0 || limit > maxFrame {
		limit = maxFrame
	}
	if size <= limit {
		return nil
	}
	text := fmt.Sprintf("message too large (%d, max=%d)", size, limit)
	if h.dialect == codec.Pyro4 {
		text = fmt.Sprintf("max message size exceeded (%d where max=%d)", size, limit)
	}
	return &frameError{dialect: h.dialect, text: text, seq: h.seq, size: true}
}

// maxAnnotations bounds the annotations of a message: they are searched one by one.
const maxAnnotations = 1024

var errAnnotations = errors.New("annotation chunks do not fit their length")

// eachAnnotation calls fn for each chunk of raw. As in Python, a rest too short for a chunk's lead is an
// error, and so is, in Pyro5, a value that runs over the end; Pyro4 cuts it short.
func eachAnnotation(raw []byte, d codec.Dialect, fn func(key, value []byte)) error {
	lead := 6
	if d == codec.Pyro5 {
		lead = 8
	}
	for count := 0; len(raw) > 0; count++ {
		if len(raw) < lead {
			return errAnnotations
		}
		if count == maxAnnotations {
			return fmt.Errorf("more than %d annotations", maxAnnotations)
		}
		var n int
		if d == codec.Pyro5 {
			n = int(min(binary.BigEndian.Uint32(raw[4:]), uint32(len(raw)))) //nolint:gosec // a slice of a message, < 4 GiB
		} else {
			n = int(binary.BigEndian.Uint16(raw[4:]))
		}
		key := raw[:4]
		for _, c := range key {
			if c >= 0x80 {
				return errors.New("annotation key is not ASCII")
			}
		}
		if d == codec.Pyro5 && lead+n > len(raw) {
			return errAnnotations
		}
		end := min(lead+n, len(raw))
		fn(key, raw[lead:end])
		raw = raw[end:]
	}
	return nil
}

// parseAnnotations copies the user's annotations out of a frame and returns what the reserved ones
// hold.
func (f *frame) parseAnnotations() (own transport.Annotations, reserved reservedAnnotations, err error) {
	if len(f.annotations) == 0 {
		return nil, reserved, nil
	}
	err = eachAnnotation(f.annotations, f.dialect, func(key, value []byte) {
		switch string(key) {
		case keyHMAC:
			if f.dialect == codec.Pyro4 {
				reserved.hmac = value
				return
			}
		case keyCorrelation:
			if f.dialect == codec.Pyro4 {
				reserved.correlation, reserved.hasCorrelation = value, true
				return
			}
		case keyStream:
			reserved.stream = string(value)
			return
		case keyBlob:
			reserved.blob = value
			return
		case keyKit:
			reserved.kit = value
			return
		}
		own.Set(string(key), bytes.Clone(value))
	})
	return own, reserved, err
}

type reservedAnnotations struct {
	hmac           []byte
	correlation    []byte
	hasCorrelation bool
	stream         string
	blob           []byte // nil if there is none
	kit            []byte // likewise
}

// sign computes Pyro4's HMAC: over the payload as sent, then the other annotations' values in the
// order of their keys.
func sign(key, payload, annotations []byte) ([]byte, error) {
	type chunk struct {
		key   string
		value []byte
	}
	var chunks []chunk
	err := eachAnnotation(annotations, codec.Pyro4, func(k, v []byte) {
		if string(k) != keyHMAC {
			chunks = append(chunks, chunk{string(k), v})
		}
	})
	sort.SliceStable(chunks, func(i, j int) bool { return chunks[i].key < chunks[j].key })
	mac := hmac.New(sha1.New, key)
	mac.Write(payload)
	for i, c := range chunks {
		if i+1 < len(chunks) && chunks[i+1].key == c.key {
			continue // the last of equal keys wins
		}
		mac.Write(c.value)
	}
	return mac.Sum(nil), err
}

// verify checks a frame's signature against the key that this end has, if any.
func (f *frame) verify(key []byte) error {
	if f.dialect != codec.Pyro4 {
		return nil
	}
	var got []byte
	signed := false
	err := eachAnnotation(f.annotations, codec.Pyro4, func(k, v []byte) {
		if string(k) == keyHMAC {
			got, signed = v, true
		}
	})
	if err != nil {
		return err
	}
	if signed != (len(key) > 0) {
		return errHMACMissing
	}
	if !signed {
		return nil
	}
	want, err := sign(key, f.payload, f.annotations)
	if err != nil {
		return err
	}
	if !hmac.Equal(got, want) {
		return errHMACWrong
	}
	return nil
}

var (
	errHMACMissing = errors.New("hmac key config not symmetric")
	errHMACWrong   = errors.New("message hmac mismatch")
)
