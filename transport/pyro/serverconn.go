package pyro

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/marshal"
	"github.com/pyrokit/pyrokit/transport"
)

const (
	// flushSize is how many bytes of replies are gathered before they are written although more
	// requests are at hand.
	flushSize = 64 << 10
	// maxHandshake bounds what a peer may send, and have inflated, before it was let in.
	maxHandshake = 1 << 20
	// writePart is how much of a reply WriteTimeout is for.
	writePart = 1 << 20
	// flushParts is the number of writes for the replies to requests that came together.
	flushParts = 4
	// minSlice is how many bytes of requests one write is for at least.
	minSlice = 800
	// maxNames bounds the names of objects and methods that a connection remembers.
	maxNames = 64
	// lingerTime is how long a refused peer may take to read why.
	lingerTime = 500 * time.Millisecond
)

// A serverConn is one connection of a Server. Its goroutine reads, carries out and answers.
type serverConn struct {
	s       *Server
	nc      net.Conn
	listen  ListenConfig
	since   time.Time   // when it was accepted
	greeted atomic.Bool // the handshake is over
	full    bool        // the server has no room: say so and go

	o       wireOptions
	opts    codec.Options
	answers *codec.Options         // how the reply to the request at hand is written: &opts, or one of older
	older   map[int]*codec.Options // by the version of pickles that a reply must not go beyond
	known   *serializerTable       // of the dialect
	ser     *serializer            // of the handshake
	peer    *transport.Peer
	reader  *frameReader
	writer  *rawWriter
	slice   int    // bytes of requests that share a write of replies; 0 before those that come together next
	flushAt int    // bytes of requests left at which the next write is due
	out     buffer // replies to be written; nil while there are none
	names   map[string]string

	lastObject, lastMethod string

	ctx    context.Context //nolint:containedctx // the connection's life, from which those of its calls derive
	cancel context.CancelFunc
}

func newServerConn(s *Server, nc net.Conn, cfg ListenConfig) *serverConn {
	c := &serverConn{s: s, nc: nc, listen: cfg, since: time.Now(), opts: s.cfg.Values}
	c.o = wireOptions{
		hmacKey:     cfg.HMACKey,
		compress:    s.cfg.Compress,
		maxSize:     min(s.cfg.MaxMessageSize, maxHandshake),
		maxInflated: min(s.cfg.MaxInflatedSize, maxHandshake),
	}
	c.answers = &c.opts
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	c.peer = &transport.Peer{Addr: nc.RemoteAddr(), Local: nc.LocalAddr(), Session: &transport.Session{}}
	c.reader = newFrameReader(nc, &c.o)
	c.writer = newRawWriter(nc)
	return c
}

func (c *serverConn) serve() {
	defer c.end()
	defer func() { // what dispatch does not catch ends this connection, not the program
		if r := recover(); r != nil {
			c.s.log.Error("connection panicked", "peer", c.peer.String(), "panic", r, "stack", string(debug.Stack()))
		}
	}()
	if err := c.accept(); err != nil {
		c.s.log.Debug("handshake failed", "peer", c.peer.String(), "error", err)
		return
	}
	if err := c.answer(); err != nil && !errors.Is(err, io.EOF) && !c.s.isDraining() {
		c.s.log.Debug("connection ended", "peer", c.peer.String(), "error", err)
	}
}

func (c *serverConn) end() {
	c.cancel()
	_ = c.nc.Close()
	c.reader.drop()
	streamPool.put(c.out)
	c.s.streams.orphan(c)
	_ = c.peer.Session.Close()
}

// accept shakes hands.
func (c *serverConn) accept() error {
	defer c.greeted.Store(true)
	if t, ok := c.nc.(*tls.Conn); ok {
		if err := t.HandshakeContext(c.ctx); err != nil {
			return err
		}
		state := t.ConnectionState()
		c.peer.TLS = &state
	}
	f, err := c.reader.next()
	if bad, ok := errors.AsType[*frameError](err); ok {
		c.o.dialect = bad.dialect
		if bad.size && bad.dialect == codec.Pyro4 {
			return err // Pyro4 says nothing then
		}
		return c.refuse(nil, bad.text)
	}
	if err != nil {
		return err
	}
	c.o.dialect, c.opts.Dialect, c.peer.Dialect = f.dialect, f.dialect, f.dialect
	c.known = c.s.known5
	if f.dialect == codec.Pyro4 {
		c.known = c.s.known4
	}
	c.reader.fix = true
	if err := c.checkConnect(&f); err != nil {
		return err
	}
	if err := c.greet(&f); err != nil {
		return err
	}
	c.o.maxSize, c.o.maxInflated = c.s.cfg.MaxMessageSize, c.s.cfg.MaxInflatedSize
	return nil
}

// checkConnect refuses what can be refused before anything of the payload is decoded.
func (c *serverConn) checkConnect(f *frame) error {
	if f.typ != msgConnect {
		text := fmt.Sprintf("invalid msg type %d received", f.typ)
		if c.o.dialect == codec.Pyro5 {
			text += " (expected: 1)"
		}
		return c.refuse(nil, text)
	}
	if c.full {
		return c.refuse(&frame{seq: f.seq}, noWorkers)
	}
	if len(c.listen.HMACKey) > 0 && f.dialect == codec.Pyro5 && !c.listen.AllowUnsigned {
		return c.refuse(nil, "this server accepts signed messages only, which Pyro5 does not have")
	}
	if err := f.verify(c.o.hmacKey); err != nil {
		return c.refuse(nil, err.Error())
	}
	ser := c.known.numbered(f.serializer)
	if ser == nil || !ser.accepted {
		if f.dialect == codec.Pyro5 {
			return errors.New("serializer is not accepted")
		}
		return c.refuse(nil, fmt.Sprintf("message used serializer that is not accepted: %d", f.serializer))
	}
	c.ser, c.peer.Codec = ser, ser.name
	return nil
}

// greet reads the handshake, has it judged and answers.
func (c *serverConn) greet(f *frame) error {
	h, err := c.readHandshake(f)
	if err != nil {
		return c.refuse(f, pythonText(err))
	}
	welcome, err := c.judge(h)
	if err != nil {
		return c.refuse(f, denial(err))
	}
	answer := codec.ValueOf("hello")
	if welcome.Value.Encoded() || welcome.Value.Go() != nil {
		answer = welcome.Value
	}
	fields := frameFields{typ: msgConnectOK}
	if f.dialect == codec.Pyro5 || f.flags&flagMeta != 0 {
		fields.flags |= flagMeta
		answer = codec.ValueOf(c.withMetadata(answer, welcome.Metadata))
	}
	if f.dialect == codec.Pyro5 {
		fields.flags &^= flagMeta
	}
	if err := c.reply(f, fields, h.Header.CorrelationID, welcome.Header.Annotations, answer); err != nil {
		return c.refuse(f, err.Error())
	}
	return c.flush()
}

func (c *serverConn) withMetadata(answer any, m *transport.ObjectMetadata) any {
	meta := codec.NewDict()
	if m == nil {
		m = &transport.ObjectMetadata{}
	}
	meta.Set("methods", c.nameList(m.Methods))
	meta.Set("oneway", c.nameList(m.Oneway))
	meta.Set("attrs", c.nameList(m.Attrs))
	d := codec.NewDict()
	d.Set("handshake", answer)
	d.Set("meta", meta)
	return d
}

// nameList is a list in Pyro4's handshake and a set in Pyro5's.
func (c *serverConn) nameList(names []string) any {
	if c.o.dialect == codec.Pyro4 {
		if names == nil {
			return []string{}
		}
		return names
	}
	set := codec.NewSet()
	for _, n := range names {
		set.Add(n)
	}
	return set
}

// judge runs the handshake through the chain, whose panics deny it.
func (c *serverConn) judge(h *transport.Handshake) (w *transport.Welcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.s.log.Error("handshake panicked", "peer", c.peer.String(), "panic", r)
			w, err = nil, transport.Errorf(transport.CodeInternal, "internal error")
		}
	}()
	ctx, info := transport.NewContext(c.ctx)
	info.Header, info.Peer, info.Object = h.Header, c.peer, h.Object
	return c.s.handler.Handshake(ctx, h)
}

// denial is the reason that a denied client sees.
func denial(err error) string {
	if e, ok := errors.AsType[*transport.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

func (c *serverConn) readHandshake(f *frame) (*transport.Handshake, error) {
	h := &transport.Handshake{Peer: c.peer}
	own, reserved, err := f.parseAnnotations()
	if err != nil {
		return nil, err
	}
	h.Header = c.header(f, own, reserved)
	payload, err := c.payload(f)
	if err != nil {
		return nil, err
	}
	c.answers = c.answerOptions(c.ser, payload)
	var v any
	if err := c.ser.codec.Unmarshal(payload, &v, &c.opts); err != nil {
		return nil, err
	}
	dict, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("list indices must be integers or slices, not str")
	}
	value, ok := dict["handshake"]
	if !ok {
		return nil, errors.New("'handshake'")
	}
	h.Value = codec.ValueOf(value)
	object, ok := dict["object"]
	if !ok {
		if f.dialect == codec.Pyro5 || f.flags&flagMeta != 0 {
			return nil, errors.New("'object'")
		}
		return h, nil
	}
	if h.Object, _ = object.(string); h.Object == "" {
		return nil, errors.New("unknown object")
	}
	return h, nil
}

// header makes a call's header of a frame's. The peer's correlation id is kept, else there is a new
// one.
func (c *serverConn) header(f *frame, own transport.Annotations, reserved reservedAnnotations) transport.Header {
	h := transport.Header{Annotations: own, Seq: f.seq, Flags: f.rawFlags}
	h.Serializer = uint8(f.serializer) //nolint:gosec // known ids are small
	switch {
	case f.flags&flagCorrelated != 0:
		h.CorrelationID = f.correlation
	case len(reserved.correlation) == len(h.CorrelationID):
		copy(h.CorrelationID[:], reserved.correlation)
	default:
		h.CorrelationID = newCorrelationID()
	}
	return h
}

// answerOptions are how a reply to payload is written: a pickle is of no newer version than payload, so
// that whoever sent that can read it.
func (c *serverConn) answerOptions(ser *serializer, payload []byte) *codec.Options {
	if !IsPickle(ser.name) {
		return &c.opts
	}
	version := pickleProtocol(payload)
	if version >= cmp.Or(c.opts.PickleProtocol, defaultPickleProtocol) {
		return &c.opts
	}
	if c.older[version] == nil {
		o := c.opts // a copy, because methods that run beside this connection use opts
		o.PickleProtocol = version
		if c.older == nil {
			c.older = map[int]*codec.Options{}
		}
		c.older[version] = &o
	}
	return c.older[version]
}

func (c *serverConn) payload(f *frame) ([]byte, error) {
	if f.flags&flagCompressed == 0 {
		return f.payload, nil
	}
	return inflate(f.payload, c.o.maxInflated)
}

// refuse answers the handshake with CONNECTFAIL: in the client's serializer and with its sequence
// number once its frame f could be read, else in marshal and 0. It returns the reason as an error.
func (c *serverConn) refuse(f *frame, text string) error {
	err := errors.New(text)
	seq, ser := uint16(0), &serializer{id: codec.ID(Marshal, c.o.dialect), codec: marshal.Codec}
	if f != nil {
		seq = f.seq
		if c.ser != nil {
			ser = c.ser
		}
	}
	w := beginFrame(nil, &c.o)
	fields := frameFields{typ: msgConnectFail, seq: seq, serializer: ser.id, correlation: newCorrelationID()}
	w.correlate(&fields, fields.correlation)
	w.endAnnotations()
	var encErr error
	w.buf, encErr = ser.codec.Append(w.buf, text, c.answers)
	if encErr != nil {
		return errors.Join(err, encErr)
	}
	out, finishErr := w.finish(fields)
	if finishErr != nil {
		return errors.Join(err, finishErr)
	}
	if _, writeErr := c.nc.Write(out); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	c.lingerClose()
	return err
}

// lingerClose lets the peer read what was written: closing with unread input would reset the
// connection.
func (c *serverConn) lingerClose() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, c.nc, 1<<20) // more is not worth waiting for
}

// correlate puts a correlation id where the dialect has it.
func (w *frameWriter) correlate(f *frameFields, id uuid.UUID) {
	if w.o.dialect == codec.Pyro4 {
		w.annotate(keyCorrelation, id[:])
		return
	}
	f.correlation = id
	f.flags |= flagCorrelated
}

// reply appends a reply to f with value to the connection's output. On an error nothing is appended.
func (c *serverConn) reply(f *frame, fields frameFields, id uuid.UUID, annotations transport.Annotations, value codec.Value) error {
	if c.out == nil {
		c.out = streamPool.get()
	}
	w := beginFrame(*c.out, &c.o)
	c.annotate(&w, &fields, id, annotations)
	w.endAnnotations()
	ser := c.known.numbered(f.serializer)
	fields.seq, fields.serializer = f.seq, f.serializer
	err := c.encode(&w, ser, value)
	if err != nil {
		*c.out = w.buf[:w.start]
		return &unencodableError{err}
	}
	*c.out, err = w.finish(fields)
	return err
}

// encode appends value to w. What users have values encode themselves with may panic.
func (c *serverConn) encode(w *frameWriter, ser *serializer, value codec.Value) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.s.log.Error("encoding panicked", "peer", c.peer.String(), "panic", r, "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()
	w.buf, err = value.Append(w.buf, ser.codec, c.answers)
	return err
}

// annotate adds what goes with a reply: the method's annotations and the correlation id, which Pyro4
// leaves out of exceptions and streams, and the daemon's own.
func (c *serverConn) annotate(w *frameWriter, f *frameFields, id uuid.UUID, annotations transport.Annotations) {
	plain := f.flags&flagException == 0
	if plain {
		w.annotateAll(annotations)
	}
	if plain || c.o.dialect == codec.Pyro5 {
		w.correlate(f, id)
	}
	if c.s.cfg.Annotations != nil {
		w.annotateAll(c.s.cfg.Annotations())
	}
}

// unencodableError tells a value that cannot be written from a frame that cannot.
type unencodableError struct{ err error }

func (e *unencodableError) Error() string { return e.err.Error() }
func (e *unencodableError) Unwrap() error { return e.err }

// flush writes the replies that are ready.
func (c *serverConn) flush() error {
	if c.out == nil {
		return nil
	}
	err := c.write(*c.out)
	streamPool.put(c.out)
	c.out = nil
	return err
}

// write writes b. What the connection does not take at once the peer has to read in time.
func (c *serverConn) write(b []byte) error {
	n, err := c.writer.tryWrite(b)
	if err != nil || n == len(b) {
		return err
	}
	for b = b[n:]; len(b) > 0; {
		part := b[:min(len(b), writePart)]
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.s.cfg.WriteTimeout))
		if _, err := c.nc.Write(part); err != nil {
			return err
		}
		b = b[len(part):]
	}
	return c.nc.SetWriteDeadline(time.Time{})
}

// repeated returns b as a string. Most calls repeat the name of the one before, which is last.
func (c *serverConn) repeated(b []byte, last *string) string {
	if string(b) != *last {
		*last = c.name(b)
	}
	return *last
}

// name returns b as a string, the same one for the same name as far as the connection remembers.
func (c *serverConn) name(b []byte) string {
	if s, ok := c.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if c.names == nil {
		c.names = map[string]string{}
	}
	if len(c.names) < maxNames && len(s) <= 128 {
		c.names[s] = s
	}
	return s
}

// pythonText is what Python would say of unreadable bytes, as far as that matters to anybody.
func pythonText(err error) string {
	var syntax *codec.SyntaxError
	if errors.As(err, &syntax) && syntax.Codec == Serpent {
		return "invalid syntax (" + strings.TrimPrefix(strings.TrimPrefix(err.Error(), "serpent: "), "invalid syntax ") + ")"
	}
	return err.Error()
}
