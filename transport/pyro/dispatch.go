package pyro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// errHangUp ends a connection whose last reply is written.
var errHangUp = errors.New("the connection ends with this reply")

// answer reads and answers requests until the connection ends or breaks the protocol, or the reading role
// is gone. Replies are written when no further request is at hand.
//
// A connection that is idle waits here, for hours maybe and among thousands of others: what is deep is called and has
// returned, so that the garbage collector can halve the goroutine's stack.
func (w *worker) answer() error {
	more, err := w.begun()
	for more && err == nil {
		if err = w.await(); err == nil {
			more, err = w.answerNext()
		} else if w.interrupted(err) {
			more, err = w.part()
		}
	}
	return err
}

// begun prepares for the first request that w reads. more is false if nothing more is to be read.
func (w *worker) begun() (more bool, err error) {
	if err := w.flush(); err != nil { // what another one left
		return false, err
	}
	if !w.awaitRoom() {
		return false, nil
	}
	return true, w.settle()
}

// settle does what is due before the next request is read.
func (w *worker) settle() error {
	if w.flushIsDue() {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.limitIdle()
	return nil
}

// await waits until something of the next request is there.
func (w *worker) await() error {
	if w.first != nil {
		return nil
	}
	if !w.reader.buffered() && w.othersCall() {
		runtime.Gosched() // by when this goroutine is on again, its next request is often there, and it need not wait for it
	}
	err := w.reader.await()
	if err != nil {
		w.s.countRead(err)
	}
	return err
}

// othersCall tells whether calls came over other connections since w waited last.
func (w *worker) othersCall() bool {
	before := w.calls
	w.calls = w.s.calls.Load()
	return w.calls-before > 1
}

// answerNext reads a request and answers it. more is false if nothing more is to be read.
func (w *worker) answerNext() (more bool, err error) {
	f, err := w.next()
	if w.interrupted(err) {
		return w.part()
	}
	if err != nil {
		w.s.countRead(err)
		return false, err // of a breach, too, Python tells the client nothing after the handshake
	}
	w.sliceUp()
	if w.kit == 0 && w.park(w.ctx, &f) {
		if !w.awaitRoom() {
			return false, nil
		}
		return true, w.settle()
	}
	if err := w.handle(&f); err != nil || !w.reads {
		return false, errors.Join(err, w.flush())
	}
	if w.s.isClosing() {
		return w.part()
	}
	if err := w.settle(); err != nil || !w.rare {
		return err == nil, err
	}
	return w.rest()
}

// rest has a new goroutine wait, whose stack has not grown yet, after a call that came after a pause.
func (w *worker) rest() (more bool, err error) {
	w.rare = false
	if w.reader.buffered() {
		return true, nil
	}
	go w.takeOver()
	return false, errMoved
}

// handle answers one message. An error ends the connection once the replies are written.
func (w *worker) handle(f *frame) error {
	defer w.unreserve()
	more, err := w.request(f)
	if err == nil && !more {
		return errHangUp
	}
	return err
}

// sliceUp decides, for requests that came together, after how many of their bytes replies are written.
func (w *worker) sliceUp() {
	rest := w.reader.unread()
	if w.slice == 0 {
		w.slice = max(rest/flushParts, minSlice)
	}
	if w.out == nil {
		w.flushAt = rest - w.slice
	}
}

// flushIsDue tells whether to write the replies that are ready: when no further request is at hand, when
// they are many, and at each quarter of the requests that came together, so that their callers go on
// while the others' are carried out.
func (w *worker) flushIsDue() bool {
	if w.out == nil {
		return false
	}
	if !w.reader.complete() {
		w.slice = 0
		return true
	}
	return w.reader.unread() <= w.flushAt || len(*w.out) >= flushSize
}

// limitIdle sets the time for the next request to come, where there is such a limit.
func (w *worker) limitIdle() {
	if w.limits.idleTimeout <= 0 || w.reader.complete() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setIdle()
}

func (s *Server) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// request answers one message. more is false when the connection has to end after the reply; an error
// ends it without one.
func (w *worker) request(f *frame) (more bool, err error) {
	if err := f.verify(w.o.hmacKey); err != nil && (w.o.dialect == codec.Pyro4) {
		return false, err
	}
	own, reserved, err := f.parseAnnotations()
	if err != nil {
		return false, err
	}
	switch f.typ {
	case msgPing:
		if w.kit != 0 && reserved.kit != nil {
			return true, w.control(reserved.kit)
		}
		return true, w.pong(f, own, reserved)
	case msgInvoke:
		if w.reads && !w.take(f) {
			return true, nil
		}
		return w.invoke(f, own, reserved)
	default:
		return false, fmt.Errorf("message of type %d", f.typ)
	}
}

func (w *worker) pong(f *frame, own transport.Annotations, reserved reservedAnnotations) error {
	if w.out == nil {
		w.out = streamPool.get()
	}
	h := w.header(f, own, reserved)
	fw := beginFrame(*w.out, &w.o)
	fields := frameFields{typ: msgPing, seq: f.seq, serializer: f.serializer}
	w.annotate(&fw, &fields, h.CorrelationID, nil)
	fw.endAnnotations()
	fw.buf = append(fw.buf, "pong"...)
	var err error
	*w.out, err = fw.finish(fields)
	return err
}

func (w *worker) invoke(f *frame, own transport.Annotations, reserved reservedAnnotations) (more bool, err error) {
	ser := w.known.numbered(f.serializer)
	if ser == nil {
		return false, fmt.Errorf("unknown serializer %d", f.serializer)
	}
	life := w.ctx
	if f.flags&flagOneway != 0 {
		life = w.s.ctx // the caller may hang up at once; the call was made
	}
	ctx, info, err := w.callContext(life, f, reserved.kit)
	if err != nil {
		return false, err
	}
	call := &info.Call
	if f.flags&flagOneway == 0 {
		info.Room = w
	}
	call.Header = w.header(f, own, reserved)
	call.Peer = w.peer
	call.Oneway = f.flags&flagOneway != 0
	w.answers = w.answerOptions(ser, f.payload)
	if !ser.accepted {
		if w.o.dialect == codec.Pyro5 {
			return false, errors.New("serializer is not accepted")
		}
		return w.raise(f, call, transport.NewError("Pyro4.errors.SerializeError",
			fmt.Sprintf("message used serializer that is not accepted: %d", f.serializer)))
	}
	if f.dialect == codec.Pyro4 && reserved.hasCorrelation && len(reserved.correlation) != len(call.Header.CorrelationID) {
		return w.raise(f, call, transport.NewError("ValueError", "bytes is not a 16-char string"))
	}
	if f.flags&flagBlob != 0 {
		if err := w.receiveBlob(f, call, reserved.blob, ser); err != nil {
			return w.raise(f, call, err)
		}
		return w.invoked(ctx, f, info, codec.Head{}, ser)
	}
	payload, err := w.payload(f)
	if err != nil {
		return w.uninflated(f, call, err)
	}
	if call.Oneway && f.flags&flagCompressed == 0 {
		payload = bytes.Clone(payload) // the call outlives the buffer
	}
	w.answers = w.answerOptions(ser, payload)
	head, err := ser.codec.OpenCall(payload, &w.opts)
	if err != nil {
		return w.raise(f, call, unreadable(err))
	}
	call.Object, call.Method = w.repeated(head.Object, &w.lastObject), w.repeated(head.Method, &w.lastMethod)
	call.Args = transport.EncodedArgs(head, ser.codec, &w.opts)
	return w.invoked(ctx, f, info, head, ser)
}

// uninflated answers a request whose payload cannot be inflated. What is too large is answered as Python
// answers what it has no memory for; what is not zlib's format Pyro5 does not answer.
func (w *worker) uninflated(f *frame, call *transport.Call, err error) (more bool, _ error) {
	if _, large := errors.AsType[*codec.LimitError](err); large {
		return w.raise(f, call, transport.NewError("MemoryError", err.Error()))
	}
	if w.o.dialect == codec.Pyro5 || w.ctx.Err() != nil {
		return false, err
	}
	return w.raise(f, call, transport.NewError("ValueError", err.Error()))
}

// invoked carries a call out that is ready for it, and answers.
func (w *worker) invoked(
	ctx context.Context, f *frame, info *transport.CallInfo, head codec.Head, ser *serializer,
) (more bool, err error) {
	call := &info.Call
	if call.Oneway && f.flags&flagBatch == 0 && !w.s.cfg.OnewayInOrder { // a batch waits its turn, as in Pyro
		w.startOneway(ctx, info)
		return true, nil
	}
	w.ordered = w.inOrder(call)
	if w.kit != 0 {
		defer transport.EndContext(ctx)
		if w.ordered && w.park(ctx, f) {
			w.awaitRoom()
			return true, nil
		}
		w.depart(ctx)
		if ctx.Err() != nil {
			return w.raise(f, call, ctx.Err())
		}
		if w.goesAhead(call) {
			return w.startPour(f, call) //nolint:contextcheck // items are made for the connection, whoever asks for the first
		}
	}
	w.s.calls.Add(1)
	w.s.inFlight.Add(1)
	defer w.s.inFlight.Add(-1)
	w.begin(ctx, call)
	if f.flags&flagBatch != 0 {
		return w.batch(ctx, f, info, head, ser)
	}
	reply, err := w.carryOut(ctx, info)
	if err == nil && reply != nil && !call.Oneway {
		err = w.expect(ctx, reply.Value)
	}
	info.Room = nil // what outlives the call has no answer
	w.finish()
	defer transport.FreeContext(ctx)
	if call.Oneway {
		dropStream(reply)
		w.logOneway(info, err)
		return true, nil
	}
	if err != nil {
		return w.raise(f, call, err)
	}
	return w.result(f, info, reply)
}

// unreadable is the exception for a payload that is no call. Of the Python errors that can come of it,
// SyntaxError is serpent's and ValueError the others'.
func unreadable(err error) *transport.Error {
	class := "ValueError"
	var syntax *codec.SyntaxError
	var types *codec.TypeError
	switch {
	case errors.As(err, &syntax) && syntax.Codec == Serpent:
		class = "SyntaxError"
	case errors.As(err, &types):
		class = "TypeError"
	}
	return transport.NewError(class, pythonText(err))
}

// carryOut takes one call through the chain. It turns what attributes and iterators are made of on the
// wire into their kinds, and a panic into an error.
func (c *serverConn) carryOut(ctx context.Context, info *transport.CallInfo) (reply *transport.Reply, err error) {
	defer func() {
		if r := recover(); r != nil {
			reply, err = nil, transport.NewPanicError(r, debug.Stack())
		}
		if err != nil {
			c.logPanic(info, err)
		}
	}()
	call := &info.Call
	if call.Object == DaemonObject {
		switch call.Method {
		case methodNextItem:
			if err := c.prepareItem(call); err != nil {
				return nil, err
			}
		case methodCloseStream:
			if err := c.prepareClose(call); err != nil {
				return nil, err
			}
		case methodGetMetadata:
			call.Kind = transport.Metadata
		}
	}
	switch call.Method {
	case methodGetAttr:
		call.Kind = transport.GetAttr
		if err := openAttribute(call, false); err != nil {
			return nil, err
		}
	case methodSetAttr:
		call.Kind = transport.SetAttr
		if err := openAttribute(call, true); err != nil {
			return nil, err
		}
	}
	return c.s.handler.Call(ctx, call)
}

func (c *serverConn) logPanic(info *transport.CallInfo, err error) {
	var e *transport.Error
	if errors.As(err, &e) && e.Panic != nil {
		c.s.log.Error("call panicked", "object", info.Object, "method", info.Method,
			"peer", c.peer.String(), "panic", e.Panic.Value, "stack", string(e.Panic.Stack))
	}
}

// result sends a method's result.
func (w *worker) result(f *frame, info *transport.CallInfo, r *transport.Reply) (more bool, err error) {
	call := &info.Call
	if r == nil {
		r = &transport.Reply{}
	}
	if r.Stream != nil {
		return w.announce(f, info, r)
	}
	if r.Done {
		return w.raise(f, call, transport.NewError("StopIteration"))
	}
	annotations := info.Response
	if len(r.Header.Annotations) > 0 {
		annotations = append(annotations, r.Header.Annotations...)
	}
	fields := frameFields{typ: msgResult, flags: f.flags & flagBatch}
	w.grow()
	err = w.reply(f, fields, call.Header.CorrelationID, annotations, r.Value)
	if err == nil {
		return true, nil
	}
	if failed, ok := errors.AsType[*unencodableError](err); ok {
		return w.raise(f, call, transport.NewError("TypeError", failed.Error()))
	}
	return false, err
}

// raise sends err as an exception. The connection ends after Pyro's own SerializeError and
// SecurityError.
func (w *worker) raise(f *frame, call *transport.Call, err error) (more bool, _ error) {
	if call.Oneway {
		return true, nil
	}
	e := traced(transport.AsError(err).Raised(), call)
	fields := frameFields{typ: msgResult, flags: flagException} // not that of batches, as in Pyro
	sendErr := w.reply(f, fields, call.Header.CorrelationID, nil, codec.ValueOf(e))
	if failed, ok := errors.AsType[*unencodableError](sendErr); ok {
		instead := transport.NewError("PyroError", fmt.Sprintf(
			"Error serializing exception: %s. Original exception: <class '%s'>: %s",
			failed.Error(), strings.TrimPrefix(e.Class, "builtins."), e.Message))
		instead.Traceback = e.Traceback
		sendErr = w.reply(f, fields, call.Header.CorrelationID, nil, codec.ValueOf(instead))
	}
	return sendErr == nil && !e.EndsConnection(), sendErr
}

// traced gives an error that no method has raised a traceback, by which a Python caller knows that it
// came from the other end.
func traced(e *transport.Error, call *transport.Call) *transport.Error {
	if e.Traceback != nil {
		return e
	}
	last := e.Message
	switch class := strings.TrimPrefix(e.Class, "builtins."); {
	case last == "":
		last = class
	case class != "":
		last = class + ": " + last
	}
	t := *e
	t.Traceback = []string{"Traceback (most recent call last):\n"}
	if call.Object != "" { // else nobody has looked at whom the call was for
		t.Traceback = append(t.Traceback, "  "+call.Describe()+" of "+call.Object+"\n")
	}
	t.Traceback = append(t.Traceback, last+"\n")
	return &t
}

// logOneway logs what nobody waits for.
func (c *serverConn) logOneway(info *transport.CallInfo, err error) {
	if err != nil {
		c.s.log.Warn("one-way call failed", "object", info.Object, "method", info.Method,
			"peer", c.peer.String(), "error", err)
	}
}

// dropStream tells an iterator that it is not wanted.
func dropStream(reply *transport.Reply) {
	if reply != nil && reply.Stream != nil && reply.Cancel != nil {
		reply.Cancel()
	}
}
