package pyro

import (
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// wireOptions say how frames of one connection are written and read.
type wireOptions struct {
	dialect     codec.Dialect
	hmacKey     []byte
	compress    bool
	maxSize     int64 // 0: none
	maxInflated int64
}

// A frameWriter builds one frame in place: begin, annotate, append the payload to buf, finish.
type frameWriter struct {
	buf   []byte
	o     *wireOptions
	start int // of the frame in buf
	body  int // where annotations begin
	data  int // where the payload begins; set by the first payloadStart
	err   error
}

// beginFrame appends an empty header to buf.
func beginFrame(buf []byte, o *wireOptions) frameWriter {
	w := frameWriter{buf: buf, o: o, start: len(buf)}
	size := headerSize5
	if o.dialect == codec.Pyro4 {
		size = headerSize4
	}
	var zero [headerSize5]byte
	w.buf = append(w.buf, zero[:size]...)
	w.body = len(w.buf)
	return w
}

// annotate appends one chunk.
func (w *frameWriter) annotate(key string, value []byte) {
	if len(key) != 4 || !isASCII(key) {
		w.err = fmt.Errorf("annotation key %q must be four ASCII characters", key)
		return
	}
	w.buf = append(w.buf, key...)
	if w.o.dialect == codec.Pyro4 {
		if len(value) > 0xffff {
			w.err = fmt.Errorf("annotation %s of %d bytes is too long for Pyro4", key, len(value))
			return
		}
		w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(len(value))) //nolint:gosec // checked above
	} else {
		w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(len(value))) //nolint:gosec // messages are < 4 GiB
	}
	w.buf = append(w.buf, value...)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func (w *frameWriter) annotateAll(a transport.Annotations) {
	for i := range a {
		w.annotate(a[i].Key, a[i].Value)
	}
}

const hmacSize = 20

// endAnnotations closes the annotations; what is appended to buf from here on is the payload.
func (w *frameWriter) endAnnotations() {
	if len(w.o.hmacKey) > 0 && w.o.dialect == codec.Pyro4 {
		var digest [hmacSize]byte
		w.annotate(keyHMAC, digest[:])
	}
	w.data = len(w.buf)
}

// frameFields are what a header holds beside the sizes.
type frameFields struct {
	typ         msgType
	flags       flags
	seq         uint16
	serializer  uint16
	correlation uuid.UUID // Pyro5: counts with flagCorrelated
}

// finish compresses and signs the payload, checks sizes and fills the header in. On an error nothing
// of the frame may be sent.
func (w *frameWriter) finish(f frameFields) ([]byte, error) {
	if w.err != nil {
		return w.buf[:w.start], w.err
	}
	f = w.compress(f)
	annotations, payload := w.data-w.body, len(w.buf)-w.data
	if err := w.checkSizes(annotations, payload); err != nil {
		return w.buf[:w.start], err
	}
	if len(w.o.hmacKey) > 0 && w.o.dialect == codec.Pyro4 {
		digest, err := sign(w.o.hmacKey, w.buf[w.data:], w.buf[w.body:w.data])
		if err != nil {
			return w.buf[:w.start], err
		}
		copy(w.buf[w.data-hmacSize:w.data], digest)
	}
	h := w.buf[w.start:w.body]
	if w.o.dialect == codec.Pyro4 {
		putHeader4(h, f, annotations, payload)
	} else {
		putHeader5(h, f, annotations, payload)
	}
	return w.buf, nil
}

func (w *frameWriter) checkSizes(annotations, payload int) error {
	if w.o.dialect == codec.Pyro4 && annotations > 0xffff {
		return fmt.Errorf("annotations of %d bytes are too long for Pyro4", annotations)
	}
	size := int64(annotations) + int64(payload)
	if w.o.maxSize > 0 && size > w.o.maxSize {
		return transport.Errorf(transport.CodeResourceExhausted,
			"max message size exceeded (%d where max=%d, option MaxMessageSize)", size, w.o.maxSize)
	}
	if w.o.dialect == codec.Pyro4 && size > 1<<31-1 || size > 1<<32-1 {
		return transport.Errorf(transport.CodeResourceExhausted, "a message of %d bytes is too long for %s", size, w.o.dialect)
	}
	return nil
}

// compress follows each dialect's rule: Pyro4 keeps what got smaller, of at least 200 bytes and no
// exception; Pyro5 compresses all above 100 bytes.
func (w *frameWriter) compress(f frameFields) frameFields {
	if !w.o.compress || f.flags&flagCompressed != 0 {
		return f
	}
	payload := w.buf[w.data:]
	if w.o.dialect == codec.Pyro4 {
		if len(payload) < 200 || f.flags&flagException != 0 || f.typ == msgConnectFail {
			return f
		}
	} else if len(payload) <= 100 {
		return f
	}
	packed := deflate(payload)
	if w.o.dialect == codec.Pyro4 && len(packed) >= len(payload) {
		return f
	}
	w.buf = append(w.buf[:w.data], packed...)
	f.flags |= flagCompressed
	return f
}

func putHeader4(h []byte, f frameFields, annotations, payload int) {
	be := binary.BigEndian
	copy(h, tag)
	be.PutUint16(h[4:], wire4)
	be.PutUint16(h[6:], uint16(f.typ))
	be.PutUint16(h[8:], wireFlags(f.flags, codec.Pyro4))
	be.PutUint16(h[10:], f.seq)
	be.PutUint32(h[12:], uint32(payload)) //nolint:gosec // checked by checkSizes
	be.PutUint16(h[16:], f.serializer)
	be.PutUint16(h[18:], uint16(annotations)) //nolint:gosec // checked by checkSizes
	be.PutUint16(h[20:], 0)
	be.PutUint16(h[22:], checksum4(h))
}

func putHeader5(h []byte, f frameFields, annotations, payload int) {
	be := binary.BigEndian
	copy(h, tag)
	be.PutUint16(h[4:], wire5)
	h[6] = byte(f.typ)
	h[7] = byte(f.serializer) //nolint:gosec // known ids are small
	be.PutUint16(h[8:], wireFlags(f.flags, codec.Pyro5))
	be.PutUint16(h[10:], f.seq)
	be.PutUint32(h[12:], uint32(payload))     //nolint:gosec // checked by checkSizes
	be.PutUint32(h[16:], uint32(annotations)) //nolint:gosec // checked by checkSizes
	copy(h[20:36], f.correlation[:])
	be.PutUint16(h[36:], 0)
	be.PutUint16(h[38:], magic5)
}

// setSeq numbers a frame that is otherwise finished.
func setSeq(frame []byte, d codec.Dialect, seq uint16) {
	binary.BigEndian.PutUint16(frame[10:], seq)
	if d == codec.Pyro4 {
		binary.BigEndian.PutUint16(frame[22:], checksum4(frame))
	}
}
