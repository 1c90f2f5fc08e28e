package pyro

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
	"github.com/pyrokit/pyrokit/transport"
)

// DaemonObject is the id of the object that every daemon has for itself.
const DaemonObject = "Pyro.Daemon"

// Names of the calls that attributes, batches and iterators are made of.
const (
	methodGetAttr     = "__getattr__"
	methodSetAttr     = "__setattr__"
	methodNextItem    = "get_next_stream_item"
	methodCloseStream = "close_stream"
	methodGetMetadata = "get_metadata"
)

// entrySize is how many bytes of a request an entry of a batch has at least, about.
const entrySize = 24

// Call sends a call and waits for its reply until ctx ends. A one-way call returns an empty reply as
// soon as it is sent. Errors are *transport.Error; an exception of the remote object has Remote set,
// and an error before the first byte left, or of a call that a server which shuts down has not taken, has
// NotSent set.
func (c *Conn) Call(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	reply, err := c.call(ctx, call)
	if err != nil {
		return nil, transport.AsError(err).During(call.Describe(), c.uri.String(), c.peer.String())
	}
	return reply, nil
}

func (c *Conn) call(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, notSent(err)
	}
	call.Peer = c.peer
	switch {
	case c.kit&featureAhead == 0:
	case call.Kind == transport.StreamItem && call.Ahead:
		return c.fetchAhead(ctx, call)
	case call.Kind == transport.StreamClose:
		c.closeAhead(call.StreamID)
	}
	p := c.newPending()
	var err error
	if p.request, err = c.encode(ctx, p.request[:0], call); err != nil {
		p.free()
		return nil, encodeFailed(err)
	}
	if call.Oneway {
		_, err = c.send(ctx, p, false)
		p.free()
		return &transport.Reply{}, err
	}
	p.ping = call.Kind == transport.Ping
	if err := c.roundTrip(ctx, p); err != nil {
		p.free()
		return nil, err
	}
	return c.finishedReply(ctx, p, call)
}

// finishedReply makes a Reply of p, which is done, or gives p back.
func (c *Conn) finishedReply(ctx context.Context, p *pending, call *transport.Call) (*transport.Reply, error) {
	reply, err := c.reply(p, call)
	if err != nil {
		p.free()
		return nil, overdue(ctx, err)
	}
	reply.Late = call.Kind == transport.Batch && late(ctx)
	return reply, nil
}

// overdue is what became of a call that was answered with err: a server that knows the deadline may be the
// first to say that it has passed.
func overdue(ctx context.Context, err error) error {
	if late(ctx) && errors.Is(err, transport.ErrTimeout) {
		return connError(context.DeadlineExceeded)
	}
	return err
}

func late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

func encodeFailed(err error) error {
	e := *transport.AsError(err)
	if e.Code == transport.CodeUnknown {
		e.Code = transport.CodeInvalidArgument
	}
	e.NotSent = true
	return &e
}

// encode appends call's frame, not numbered yet, to buf.
func (c *Conn) encode(ctx context.Context, buf []byte, call *transport.Call) ([]byte, error) {
	w := beginFrame(buf, &c.o)
	ser, err := c.serializerOf(call)
	if err != nil {
		return buf, err
	}
	f := frameFields{typ: msgInvoke, serializer: ser.id}
	if id := call.Header.CorrelationID; id != [16]byte{} {
		if c.o.dialect == codec.Pyro4 {
			w.annotate(keyCorrelation, id[:])
		} else {
			f.correlation = id
			f.flags |= flagCorrelated
		}
	}
	if call.Oneway {
		f.flags |= flagOneway
	}
	w.annotateAll(call.Header.Annotations)
	ahead := call.Kind == transport.StreamItem && call.Ahead && c.kit&featureAhead != 0
	if ahead { // others may wait for its items, too: they have no deadline
		w.annotateCredit(firstWindow, windowBytes)
	} else if c.kit&featureDeadline != 0 && !call.Oneway && call.Kind != transport.Ping {
		if deadline, ok := ctx.Deadline(); ok {
			w.annotateDeadline(deadline)
		}
	}
	blob, err := blobOf(call)
	if blob != nil {
		return c.encodeBlob(&w, f, call, blob, ser.codec)
	}
	if err != nil {
		return w.buf, err
	}
	w.endAnnotations()
	w.buf, err = c.encodePayload(w.buf, call, ser.codec)
	switch call.Kind {
	case transport.Ping:
		f.typ = msgPing
	case transport.Batch:
		f.flags |= flagBatch
	}
	if err != nil {
		return w.buf, err
	}
	return w.finish(f)
}

// serializerOf returns the serializer of a call: its own, or that of the connection.
func (c *Conn) serializerOf(call *transport.Call) (*serializer, error) {
	if call.Serializer == "" || call.Serializer == c.ser.name {
		return c.ser, nil
	}
	ser, err := serializerNamed(call.Serializer, c.o.dialect)
	if err == nil && ser.id == 0 {
		err = fmt.Errorf("%s does not know the serializer %s", c.o.dialect, ser.name)
	}
	return ser, err
}

// encodeBlob goes on with a frame whose only argument is a serialized blob.
func (c *Conn) encodeBlob(
	w *frameWriter, f frameFields, call *transport.Call, b *SerializedBlob, k codec.Codec,
) ([]byte, error) {
	object := c.objectOf(call)
	annotation, err := b.annotation(object, call.Method, &c.opts)
	if err != nil {
		return w.buf, err
	}
	w.annotate(keyBlob, annotation)
	w.endAnnotations()
	f.flags |= flagBlob
	var compressed bool
	w.buf, compressed, err = b.appendTo(w.buf, object, call.Method, k, &c.opts)
	if err != nil {
		return w.buf, err
	}
	if compressed {
		f.flags |= flagCompressed
	}
	return w.finish(f)
}

// objectOf returns the id of the object that call is for.
func (c *Conn) objectOf(call *transport.Call) string {
	if call.Object == DaemonObject {
		return DaemonObject
	}
	return c.uri.Object // the call may know the object by the name that led here
}

func (c *Conn) encodePayload(dst []byte, call *transport.Call, k codec.Codec) ([]byte, error) {
	args := &call.Args
	object := c.objectOf(call)
	switch call.Kind {
	case transport.Ping:
		return append(dst, "ping"...), nil
	case transport.GetAttr:
		return k.AppendCall(dst, object, methodGetAttr, []any{call.Method}, false, codec.NoKwargs, &c.opts)
	case transport.SetAttr:
		if len(args.Positional) != 1 {
			return dst, fmt.Errorf("set %s: want one value, got %d", call.Method, len(args.Positional))
		}
		return k.AppendCall(dst, object, methodSetAttr, []any{call.Method, args.Positional[0]}, false, codec.NoKwargs, &c.opts)
	case transport.StreamItem:
		return k.AppendCall(dst, DaemonObject, methodNextItem, []any{call.StreamID}, true, nil, &c.opts)
	case transport.StreamClose:
		return k.AppendCall(dst, DaemonObject, methodCloseStream, []any{call.StreamID}, true, nil, &c.opts)
	case transport.Metadata:
		return k.AppendCall(dst, DaemonObject, methodGetMetadata, []any{c.uri.Object}, true, nil, &c.opts)
	case transport.Batch:
		return k.AppendBatch(slices.Grow(dst, entrySize*len(call.Entries)), object, call.Entries, &c.opts)
	default:
		return k.AppendCall(dst, object, call.Method, args.Positional, call.ListArgs, args.Keywords, &c.opts)
	}
}

// CloseStream tells the server that a remote iterator is wanted no more.
func (c *Conn) CloseStream(ctx context.Context, id string) error {
	_, err := c.Call(ctx, &transport.Call{Kind: transport.StreamClose, StreamID: id, Oneway: true})
	return err
}

// Ping sends a message that the peer's daemon answers by itself.
func (c *Conn) Ping(ctx context.Context) error {
	_, err := c.Call(ctx, &transport.Call{Kind: transport.Ping})
	return err
}

// reply makes a Reply of p's frame, which lives in p: Release frees both.
func (c *Conn) reply(p *pending, call *transport.Call) (*transport.Reply, error) {
	f := &p.frame
	if err := f.verify(c.o.hmacKey); err != nil {
		c.fail(err)
		return nil, transport.Wrap(transport.CodeUnauthenticated, err)
	}
	wantType := msgResult
	if call.Kind == transport.Ping {
		wantType = msgPing
	}
	if f.typ != wantType {
		err := transport.Errorf(transport.CodeInternal, "reply of message type %d, want %d", f.typ, wantType)
		c.fail(err)
		return nil, err
	}
	r := &p.reply
	annotations, reserved, err := f.parseAnnotations()
	if err != nil {
		c.fail(err)
		return nil, transport.Wrap(transport.CodeInternal, err)
	}
	r.OnRelease(p.release)
	r.Header.Annotations = annotations
	r.Header.Seq, r.Header.Flags = f.seq, f.rawFlags
	copy(r.Header.CorrelationID[:], reserved.correlation)
	if f.flags&flagCorrelated != 0 {
		r.Header.CorrelationID = f.correlation
	}
	call.Got(r.Header)
	if call.Kind == transport.Ping {
		return r, nil
	}
	ser, err := c.serializerOf(call)
	if err != nil {
		return nil, err
	}
	if f.serializer != ser.id {
		err := transport.Errorf(transport.CodeInternal, "invalid serializer in response: %d", f.serializer)
		c.fail(err)
		return nil, err
	}
	if f.flags&flagItemStream != 0 {
		r.StreamID = reserved.stream
		if r.StreamID == "" {
			return nil, transport.Errorf(transport.CodeFailedPrecondition,
				"result of call is an iterator, but the server is not configured to allow streaming")
		}
		return r, nil
	}
	return c.replyValue(p, call, r, ser.codec)
}

func (c *Conn) replyValue(
	p *pending, call *transport.Call, r *transport.Reply, k codec.Codec,
) (*transport.Reply, error) {
	f := &p.frame
	payload := f.payload
	if f.flags&flagCompressed != 0 {
		var err error
		if payload, err = inflate(payload, c.o.maxInflated, nil); err != nil {
			return nil, notInflated(err)
		}
	}
	if f.flags&flagException == 0 {
		r.Value = codec.RawValue(payload, k, &c.opts)
		return r, nil
	}
	e := c.exception(payload, k)
	if call.Kind == transport.StreamItem && endsStream(e) {
		r.Done = true
		return r, nil
	}
	switch call.Kind {
	case transport.Invoke, transport.GetAttr, transport.SetAttr, transport.Batch:
		for method := range call.Methods() {
			e.ForMember(method)
		}
	}
	return nil, e
}

// notInflated is the error for a reply that cannot be inflated.
func notInflated(err error) error {
	if _, large := errors.AsType[*codec.LimitError](err); large {
		return transport.Wrap(transport.CodeResourceExhausted, err)
	}
	return transport.Wrap(transport.CodeInternal, err)
}

// exception returns the error that the payload of a reply with flag EXCEPTION is.
func (c *Conn) exception(payload []byte, k codec.Codec) *transport.Error {
	var v any
	if err := k.Unmarshal(payload, &v, &c.opts); err != nil {
		return transport.Errorf(transport.CodeInternal, "the peer raised an exception that cannot be read: %w", err)
	}
	if e := transport.Received(v); e != nil {
		return e
	}
	return transport.Errorf(transport.CodeUnknown, "the peer raised something that is no exception: %s", literal.String(v))
}

// endsStream tells the exceptions that stand for an iterator's regular end.
func endsStream(e *transport.Error) bool {
	return e.Class == "builtins.StopIteration" || e.Class == "builtins.GeneratorExit"
}
