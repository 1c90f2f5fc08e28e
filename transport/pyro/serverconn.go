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
	"slices"
	"strings"
	"sync"
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

// A serverConn is one connection of a Server. Its workers read, carry out and answer; see roles.go.
type serverConn struct {
	roles

	mu      sync.Mutex // guards roles
	s       *Server
	nc      net.Conn
	listen  ListenConfig
	limits  *limits       // those that counted when it was accepted
	since   time.Time     // when it was accepted
	greeted atomic.Bool   // the handshake is over
	full    bool          // the server has no room: say so and go
	given   chan struct{} // closed at the end of a connection without a handshake; nil where there is one

	o      wireOptions
	opts   codec.Options
	known  *serializerTable // of the dialect
	ser    *serializer      // of the handshake
	kit    features         // what both ends can do; set by the handshake
	peer   *transport.Peer
	reader *frameReader
	writer *rawWriter

	wmu     sync.Mutex           // held while replies are written
	unsent  atomic.Int64         // bytes of the server's room that the connection has
	writing atomic.Int64         // when what is being written began to be, in nanoseconds from since, which is 1; 0: nothing is
	shed    atomic.Pointer[loss] // it was ended because the peer does not read
	streams int                  // that it owns; guarded by streamTable.mu

	ctx    context.Context //nolint:containedctx // the connection's life, from which those of its calls derive
	cancel context.CancelCauseFunc
}

func newServerConn(s *Server, nc net.Conn, cfg ListenConfig) *serverConn {
	l := s.limits.Load()
	c := &serverConn{s: s, nc: nc, listen: cfg, since: time.Now(), opts: l.values, limits: l}
	c.o = wireOptions{
		hmacKey:     cfg.HMACKey,
		compress:    s.cfg.Compress,
		maxSize:     min(l.maxMessageSize, maxHandshake),
		maxInflated: min(l.maxInflatedSize, maxHandshake),
	}
	c.ctx, c.cancel = context.WithCancelCause(s.ctx)
	c.peer = &transport.Peer{Addr: nc.RemoteAddr(), Local: nc.LocalAddr(), Session: &transport.Session{}}
	c.reader = newFrameReader(nc, &c.o)
	c.writer = newRawWriter(nc)
	return c
}

// start begins to serve in a goroutine, the first of the connection's.
func (c *serverConn) start() {
	w := newWorker(c)
	c.holder, c.workers = w, 1
	go w.serve()
}

// serve is the goroutine of a connection's first worker: it shakes hands and answers.
func (w *worker) serve() {
	if !w.run(true) {
		w.leave()
	}
}

// run shakes hands, if it is the first, and works. It is true if another goroutine goes on.
func (w *worker) run(first bool) (moved bool) {
	defer w.recovered()
	return (!first || w.shakeHands()) && w.work()
}

// shakeHands tells whether the peer was let in.
func (w *worker) shakeHands() bool {
	accept := w.accept
	if w.given != nil {
		accept = w.acceptGiven
	}
	err := accept()
	if err != nil {
		if !w.full {
			w.s.counts.handshakesFailed.Add(1)
		}
		w.s.log.Debug("handshake failed", "peer", w.peer.String(), "error", err)
	}
	return err == nil
}

// end is what the last worker does.
func (c *serverConn) end() {
	c.cancel(nil)
	_ = c.nc.Close()
	c.reader.drop()
	c.s.streams.orphan(c)
	_ = c.peer.Session.Close()
	if c.given != nil {
		close(c.given)
	}
}

// accept shakes hands.
func (w *worker) accept() error {
	defer w.greeted.Store(true)
	if t, ok := w.nc.(*tls.Conn); ok {
		if err := t.HandshakeContext(w.ctx); err != nil {
			return err
		}
		state := t.ConnectionState()
		w.peer.TLS = &state
	}
	f, err := w.reader.next()
	w.s.countRead(err)
	if bad, ok := errors.AsType[*frameError](err); ok {
		w.o.dialect = bad.dialect
		if bad.size && bad.dialect == codec.Pyro4 {
			return err // Pyro4 says nothing then
		}
		return w.refuse(nil, bad.text)
	}
	if err != nil {
		return err
	}
	w.speak(f.dialect)
	if err := w.checkConnect(&f); err != nil {
		return err
	}
	if err := w.greet(&f); err != nil {
		return err
	}
	w.o.maxSize, w.o.maxInflated = w.limits.maxMessageSize, w.limits.maxInflatedSize
	return nil
}

// speak fixes the connection's dialect.
func (w *worker) speak(d codec.Dialect) {
	w.o.dialect, w.opts.Dialect, w.peer.Dialect = d, d, d
	w.known = w.s.known5
	if d == codec.Pyro4 {
		w.known = w.s.known4
	}
	w.reader.fix = true
}

// acceptGiven reads the first message of a connection without a handshake, which tells its dialect, and
// has the connection judged.
func (w *worker) acceptGiven() error {
	w.o.maxSize, w.o.maxInflated = w.limits.maxMessageSize, w.limits.maxInflatedSize
	f, err := w.reader.next()
	w.s.countRead(err)
	if err != nil {
		return err
	}
	w.speak(f.dialect)
	if len(w.listen.HMACKey) > 0 && f.dialect == codec.Pyro5 && !w.listen.AllowUnsigned {
		return errors.New("this server accepts signed messages only, which Pyro5 does not have")
	}
	if ser := w.known.numbered(f.serializer); ser != nil { // else the message itself will be refused
		w.ser, w.peer.Codec = ser, ser.name
	}
	if _, err := w.judge(&transport.Handshake{Value: codec.ValueOf("hello"), Peer: w.peer}); err != nil {
		return err
	}
	w.first = &f
	return nil
}

// next returns the next message.
func (w *worker) next() (frame, error) {
	if f := w.first; f != nil {
		w.first = nil
		return *f, nil
	}
	return w.reader.next()
}

// checkConnect refuses what can be refused before anything of the payload is decoded.
func (w *worker) checkConnect(f *frame) error {
	if f.typ != msgConnect {
		text := fmt.Sprintf("invalid msg type %d received", f.typ)
		if w.o.dialect == codec.Pyro5 {
			text += " (expected: 1)"
		}
		return w.refuse(nil, text)
	}
	if w.full {
		w.s.counts.refused.Add(1)
		return w.refuse(&frame{seq: f.seq}, noWorkers)
	}
	if len(w.listen.HMACKey) > 0 && f.dialect == codec.Pyro5 && !w.listen.AllowUnsigned {
		return w.refuse(nil, "this server accepts signed messages only, which Pyro5 does not have")
	}
	if err := f.verify(w.o.hmacKey); err != nil {
		return w.refuse(nil, err.Error())
	}
	ser := w.known.numbered(f.serializer)
	if ser == nil || !ser.accepted {
		if f.dialect == codec.Pyro5 {
			return errors.New("serializer is not accepted")
		}
		return w.refuse(nil, fmt.Sprintf("message used serializer that is not accepted: %d", f.serializer))
	}
	w.ser, w.peer.Codec = ser, ser.name
	return nil
}

// greet reads the handshake, has it judged and answers.
func (w *worker) greet(f *frame) error {
	h, err := w.readHandshake(f)
	if err != nil {
		return w.refuse(f, pythonText(err))
	}
	welcome, err := w.judge(h)
	if err != nil {
		return w.deny(f, err)
	}
	answer := codec.ValueOf("hello")
	if welcome.Value.Encoded() || welcome.Value.Go() != nil {
		answer = welcome.Value
	}
	fields := frameFields{typ: msgConnectOK}
	if f.dialect == codec.Pyro5 || f.flags&flagMeta != 0 {
		fields.flags |= flagMeta
		answer = codec.ValueOf(w.withMetadata(answer, welcome.Metadata))
	}
	if f.dialect == codec.Pyro5 {
		fields.flags &^= flagMeta
	}
	annotations := welcome.Header.Annotations
	if w.kit != 0 {
		annotations = append(slices.Clip(annotations), transport.Annotation{Key: keyKit, Value: kitHello(w.kit)})
	}
	if err := w.reply(f, fields, h.Header.CorrelationID, annotations, answer); err != nil {
		return w.refuse(f, err.Error())
	}
	return w.flush()
}

func (w *worker) withMetadata(answer any, m *transport.ObjectMetadata) any {
	meta := codec.NewDict()
	if m == nil {
		m = &transport.ObjectMetadata{}
	}
	meta.Set("methods", w.nameList(m.Methods))
	meta.Set("oneway", w.nameList(m.Oneway))
	meta.Set("attrs", w.nameList(m.Attrs))
	d := codec.NewDict()
	d.Set("handshake", answer)
	d.Set("meta", meta)
	return d
}

// nameList is a list in Pyro4's handshake and a set in Pyro5's.
func (w *worker) nameList(names []string) any {
	if w.o.dialect == codec.Pyro4 {
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
func (w *worker) judge(h *transport.Handshake) (welcome *transport.Welcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			w.s.log.Error("handshake panicked", "peer", w.peer.String(), "panic", r)
			welcome, err = nil, transport.Errorf(transport.CodeInternal, "internal error")
		}
	}()
	ctx, info := transport.NewContext(w.ctx)
	info.Header, info.Peer, info.Object = h.Header, w.peer, h.Object
	return w.s.handler.Handshake(ctx, h)
}

// deny answers a handshake that was judged. Another end of this toolkit is told of what kind the reason is, where that
// is known.
func (w *worker) deny(f *frame, err error) error {
	e, code := transport.AsError(err), transport.Code(0)
	if w.kit != 0 && e.Code != transport.CodeUnknown {
		code = e.Code
	}
	text := err.Error()
	if denied, ok := errors.AsType[*transport.Error](err); ok {
		text = denied.Message
	}
	return w.connectFail(f, text, code)
}

func (w *worker) readHandshake(f *frame) (*transport.Handshake, error) {
	h := &transport.Handshake{Peer: w.peer}
	own, reserved, err := f.parseAnnotations()
	if err != nil {
		return nil, err
	}
	h.Header = w.header(f, own, reserved)
	if !w.s.cfg.Plain {
		w.kit = recognised(reserved.kit)
	}
	payload, err := w.payload(f)
	if err != nil {
		return nil, err
	}
	w.answers = w.answerOptions(w.ser, payload)
	var v any
	if err := w.ser.codec.Unmarshal(payload, &v, handshakeOptions(&w.opts)); err != nil {
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

// handshakeOptions are how a handshake is read, where values are read as o says: its dicts are maps, as
// who judges it and who gets the answer know them, and it may hold more than is known here.
func handshakeOptions(o *codec.Options) *codec.Options {
	h := *o
	h.OrderedDicts, h.DisallowUnknownFields = false, false
	return &h
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
func (w *worker) answerOptions(ser *serializer, payload []byte) *codec.Options {
	if !IsPickle(ser.name) {
		return &w.opts
	}
	version := pickleProtocol(payload)
	if version >= cmp.Or(w.opts.PickleProtocol, defaultPickleProtocol) {
		return &w.opts
	}
	if w.older[version] == nil {
		o := w.opts // a copy, because methods that run beside this connection use opts
		o.PickleProtocol = version
		if w.older == nil {
			w.older = map[int]*codec.Options{}
		}
		w.older[version] = &o
	}
	return w.older[version]
}

func (w *worker) payload(f *frame) ([]byte, error) {
	if f.flags&flagCompressed == 0 {
		return f.payload, nil
	}
	return inflate(f.payload, w.o.maxInflated, w.reserve)
}

// reserve takes room for the request's payload, which it has until it is answered.
func (w *worker) reserve(n int64) error {
	if n <= inflateAlways {
		return nil
	}
	if err := w.s.inflated.take(w.ctx, n); err != nil {
		return err
	}
	w.inflated = n
	return nil
}

// unreserve gives the room back, and what was taken for an answer that did not come.
func (w *worker) unreserve() {
	if w.reserved > 0 {
		w.hold(-w.reserved)
	}
	w.reserved, w.expected = 0, 0
	if w.inflated > 0 {
		w.s.inflated.give(w.inflated)
		w.inflated = 0
	}
}

// refuse answers the handshake with CONNECTFAIL: in the client's serializer and with its sequence
// number once its frame f could be read, else in marshal and 0. It returns the reason as an error.
func (w *worker) refuse(f *frame, text string) error { return w.connectFail(f, text, 0) }

// connectFail is refuse with a code for another end of this toolkit; 0: none.
func (w *worker) connectFail(f *frame, text string, code transport.Code) error {
	err := errors.New(text)
	seq, ser := uint16(0), &serializer{id: codec.ID(Marshal, w.o.dialect), codec: marshal.Codec}
	if f != nil {
		seq = f.seq
		if w.ser != nil {
			ser = w.ser
		}
	}
	fw := beginFrame(nil, &w.o)
	fields := frameFields{typ: msgConnectFail, seq: seq, serializer: ser.id, correlation: newCorrelationID()}
	fw.correlate(&fields, fields.correlation)
	if code != 0 {
		fw.annotateCode(code)
	}
	fw.endAnnotations()
	var encErr error
	fw.buf, encErr = ser.codec.Append(fw.buf, text, w.answers)
	if encErr != nil {
		return errors.Join(err, encErr)
	}
	out, finishErr := fw.finish(fields)
	if finishErr != nil {
		return errors.Join(err, finishErr)
	}
	if _, writeErr := w.nc.Write(out); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	w.lingerClose()
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
func (w *worker) reply(f *frame, fields frameFields, id uuid.UUID, annotations transport.Annotations, value codec.Value) error {
	if w.out == nil {
		w.out = streamPool.get()
	}
	fw := beginFrame(*w.out, &w.o)
	w.annotate(&fw, &fields, id, annotations)
	fw.endAnnotations()
	ser := w.known.numbered(f.serializer)
	fields.seq, fields.serializer = f.seq, f.serializer
	err := w.encode(&fw, ser, value)
	if err != nil {
		*w.out = fw.buf[:fw.start]
		return &unencodableError{err}
	}
	*w.out, err = fw.finish(fields)
	return err
}

// encode appends value to w. What users have values encode themselves with may panic.
func (w *worker) encode(fw *frameWriter, ser *serializer, value codec.Value) (err error) {
	defer func() {
		if r := recover(); r != nil {
			w.s.log.Error("encoding panicked", "peer", w.peer.String(), "panic", r, "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()
	fw.buf, err = value.Append(fw.buf, ser.codec, w.answers)
	return err
}

// annotate adds what goes with a reply: the method's annotations and the correlation id, which Pyro4
// leaves out of exceptions and streams, and the daemon's own.
func (w *worker) annotate(fw *frameWriter, f *frameFields, id uuid.UUID, annotations transport.Annotations) {
	plain := f.flags&flagException == 0
	if plain {
		fw.annotateAll(annotations)
	}
	if plain || w.o.dialect == codec.Pyro5 {
		fw.correlate(f, id)
	}
	if w.s.cfg.Annotations != nil {
		fw.annotateAll(w.s.cfg.Annotations())
	}
}

// unencodableError tells a value that cannot be written from a frame that cannot.
type unencodableError struct{ err error }

func (e *unencodableError) Error() string { return e.err.Error() }
func (e *unencodableError) Unwrap() error { return e.err }

// flush writes the replies that are ready.
func (w *worker) flush() error {
	if w.out == nil {
		return nil
	}
	out, counted := w.out, w.counted
	w.out, w.counted = nil, 0
	return w.write(out, counted)
}

// write writes out, after what others write, and puts it back. What the connection does not take at once the peer has to
// read in time, and it counts as unsent; counted is what does already.
func (c *serverConn) write(out buffer, counted int64) error {
	return c.writeUnwritten(unwritten{conn: c, out: out, rest: *out, counted: counted, limit: c.limits.writeTimeout})
}

// writeWithin is write for b, where the peer has another limit.
func (c *serverConn) writeWithin(b []byte, limit time.Duration) error {
	return c.writeUnwritten(unwritten{conn: c, out: &b, rest: b, limit: limit})
}

func (c *serverConn) writeUnwritten(u unwritten) error {
	defer u.done()
	if !c.wmu.TryLock() {
		u.count()
		c.wmu.Lock()
	}
	defer c.wmu.Unlock()
	return u.write()
}

// repeated returns b as a string. Most calls repeat the name of the one before, which is last; on many connections
// all of them do.
func (w *worker) repeated(b []byte, last *string) string {
	switch {
	case string(b) == *last:
	case *last == "":
		*last = string(b)
	default:
		*last = w.name(b)
	}
	return *last
}

// name returns b as a string, the same one for the same name as far as the connection remembers.
func (w *worker) name(b []byte) string {
	if s, ok := w.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if w.names == nil {
		w.names = map[string]string{}
	}
	if len(w.names) < maxNames && len(s) <= 128 {
		w.names[s] = s
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
