package pyro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// answer reads and answers requests until the connection ends or breaks the protocol. Replies are
// written when no further request is at hand.
func (c *serverConn) answer() error {
	for {
		if c.flushIsDue() {
			if err := c.flush(); err != nil {
				return err
			}
		}
		c.limitIdle()
		f, err := c.reader.next()
		if err != nil {
			return err // of a breach, too, Python tells the client nothing after the handshake
		}
		c.sliceUp()
		more, err := c.request(&f)
		if err != nil || !more {
			return errors.Join(err, c.flush())
		}
		if c.s.isClosing() {
			return c.flush()
		}
	}
}

// sliceUp decides, for requests that came together, after how many of their bytes replies are written.
func (c *serverConn) sliceUp() {
	rest := c.reader.unread()
	if c.slice == 0 {
		c.slice = max(rest/flushParts, minSlice)
	}
	if c.out == nil {
		c.flushAt = rest - c.slice
	}
}

// flushIsDue tells whether to write the replies that are ready: when no further request is at hand, when
// they are many, and at each quarter of the requests that came together, so that their callers go on
// while the others' are carried out.
func (c *serverConn) flushIsDue() bool {
	if c.out == nil {
		return false
	}
	if !c.reader.complete() {
		c.slice = 0
		return true
	}
	return c.reader.unread() <= c.flushAt || len(*c.out) >= flushSize
}

// limitIdle sets the time for the next request to come, where there is such a limit.
func (c *serverConn) limitIdle() {
	if c.s.cfg.IdleTimeout <= 0 || c.reader.complete() {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.s.cfg.IdleTimeout))
	if c.s.isClosing() { // it may have set its own deadline a moment before
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
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
func (c *serverConn) request(f *frame) (more bool, err error) {
	if err := f.verify(c.o.hmacKey); err != nil && (c.o.dialect == codec.Pyro4) {
		return false, err
	}
	own, reserved, err := f.parseAnnotations()
	if err != nil {
		return false, err
	}
	switch f.typ {
	case msgPing:
		return true, c.pong(f, own, reserved)
	case msgInvoke:
		return c.invoke(f, own, reserved)
	default:
		return false, fmt.Errorf("message of type %d", f.typ)
	}
}

func (c *serverConn) pong(f *frame, own transport.Annotations, reserved reservedAnnotations) error {
	if c.out == nil {
		c.out = streamPool.get()
	}
	h := c.header(f, own, reserved)
	w := beginFrame(*c.out, &c.o)
	fields := frameFields{typ: msgPing, seq: f.seq, serializer: f.serializer}
	c.annotate(&w, &fields, h.CorrelationID, nil)
	w.endAnnotations()
	w.buf = append(w.buf, "pong"...)
	var err error
	*c.out, err = w.finish(fields)
	return err
}

func (c *serverConn) invoke(f *frame, own transport.Annotations, reserved reservedAnnotations) (more bool, err error) {
	ser := c.known.numbered(f.serializer)
	if ser == nil {
		return false, fmt.Errorf("unknown serializer %d", f.serializer)
	}
	life := c.ctx
	if f.flags&flagOneway != 0 {
		life = c.s.ctx // the caller may hang up at once; the call was made
	}
	ctx, info := transport.NewContext(life)
	call := &info.Call
	call.Header = c.header(f, own, reserved)
	call.Peer = c.peer
	call.Oneway = f.flags&flagOneway != 0
	c.answers = c.answerOptions(ser, f.payload)
	if !ser.accepted {
		if c.o.dialect == codec.Pyro5 {
			return false, errors.New("serializer is not accepted")
		}
		return c.raise(f, call, transport.NewError("Pyro4.errors.SerializeError",
			fmt.Sprintf("message used serializer that is not accepted: %d", f.serializer)))
	}
	if f.dialect == codec.Pyro4 && reserved.hasCorrelation && len(reserved.correlation) != len(call.Header.CorrelationID) {
		return c.raise(f, call, transport.NewError("ValueError", "bytes is not a 16-char string"))
	}
	if f.flags&flagBlob != 0 {
		if err := c.receiveBlob(f, call, reserved.blob, ser); err != nil {
			return c.raise(f, call, err)
		}
		return c.invoked(ctx, f, info, codec.Head{}, ser)
	}
	payload, err := c.payload(f)
	if err != nil {
		if c.o.dialect == codec.Pyro5 {
			return false, err
		}
		return c.raise(f, call, transport.NewError("ValueError", err.Error()))
	}
	if call.Oneway {
		payload = bytes.Clone(payload) // the call outlives the buffer
	}
	c.answers = c.answerOptions(ser, payload)
	head, err := ser.codec.OpenCall(payload, &c.opts)
	if err != nil {
		return c.raise(f, call, unreadable(err))
	}
	call.Object, call.Method = c.repeated(head.Object, &c.lastObject), c.repeated(head.Method, &c.lastMethod)
	call.Args = transport.EncodedArgs(head, ser.codec, &c.opts)
	return c.invoked(ctx, f, info, head, ser)
}

// invoked carries a call out that is ready for it, and answers.
func (c *serverConn) invoked(ctx context.Context, f *frame, info *transport.CallInfo, head codec.Head, ser *serializer) (more bool, err error) {
	call := &info.Call
	if call.Oneway && f.flags&flagBatch == 0 { // a batch waits its turn, as in Pyro
		c.startOneway(ctx, info)
		return true, nil
	}
	c.s.inFlight.Add(1)
	defer c.s.inFlight.Add(-1)
	if f.flags&flagBatch != 0 {
		return c.batch(ctx, f, info, head, ser)
	}
	reply, err := c.carryOut(ctx, info)
	if err != nil {
		return c.raise(f, call, err)
	}
	return c.result(f, info, reply)
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
func (c *serverConn) result(f *frame, info *transport.CallInfo, r *transport.Reply) (more bool, err error) {
	call := &info.Call
	if r == nil {
		r = &transport.Reply{}
	}
	if r.Stream != nil {
		return c.announce(f, info, r)
	}
	if r.Done {
		return c.raise(f, call, transport.NewError("StopIteration"))
	}
	annotations := info.Response
	if len(r.Header.Annotations) > 0 {
		annotations = append(annotations, r.Header.Annotations...)
	}
	fields := frameFields{typ: msgResult, flags: f.flags & flagBatch}
	err = c.reply(f, fields, call.Header.CorrelationID, annotations, r.Value)
	if err == nil {
		return true, nil
	}
	if failed, ok := errors.AsType[*unencodableError](err); ok {
		return c.raise(f, call, transport.NewError("TypeError", failed.Error()))
	}
	return false, err
}

// raise sends err as an exception. The connection ends after Pyro's own SerializeError and
// SecurityError.
func (c *serverConn) raise(f *frame, call *transport.Call, err error) (more bool, _ error) {
	if call.Oneway {
		return true, nil
	}
	e := traced(transport.AsError(err).Raised(), call)
	fields := frameFields{typ: msgResult, flags: flagException | f.flags&flagBatch}
	sendErr := c.reply(f, fields, call.Header.CorrelationID, nil, codec.ValueOf(e))
	if failed, ok := errors.AsType[*unencodableError](sendErr); ok {
		instead := transport.NewError("PyroError", fmt.Sprintf(
			"Error serializing exception: %s. Original exception: <class '%s'>: %s",
			failed.Error(), strings.TrimPrefix(e.Class, "builtins."), e.Message))
		instead.Traceback = e.Traceback
		sendErr = c.reply(f, fields, call.Header.CorrelationID, nil, codec.ValueOf(instead))
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
	if e.Class != "" {
		last = strings.TrimPrefix(e.Class, "builtins.") + ": " + last
	}
	t := *e
	t.Traceback = []string{"Traceback (most recent call last):\n"}
	if call.Object != "" { // else nobody has looked at whom the call was for
		t.Traceback = append(t.Traceback, "  "+describe(call)+" of "+call.Object+"\n")
	}
	t.Traceback = append(t.Traceback, last+"\n")
	return &t
}

// startOneway carries a one-way call out in a goroutine of its own. Beyond the server's bound of such
// goroutines the connection waits.
func (c *serverConn) startOneway(ctx context.Context, info *transport.CallInfo) {
	select {
	case c.s.oneways <- struct{}{}:
	case <-c.ctx.Done():
		return
	}
	c.s.wg.Add(1) // safe: the connection's own count is held
	c.s.inFlight.Add(1)
	go func() {
		defer func() {
			if r := recover(); r != nil { // what carryOut does not catch ends this call, not the program
				c.s.log.Error("one-way call panicked", "object", info.Object, "method", info.Method,
					"peer", c.peer.String(), "panic", r, "stack", string(debug.Stack()))
			}
			<-c.s.oneways
			c.s.inFlight.Add(-1)
			c.s.wg.Done()
		}()
		reply, err := c.carryOut(ctx, info)
		dropStream(reply)
		c.logOneway(info, err)
	}()
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
