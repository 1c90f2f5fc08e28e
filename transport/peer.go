package transport

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
)

// A Peer is the other end of a connection. Its fields are set before the first call; Principal by
// the handshake.
type Peer struct {
	Addr    net.Addr // the peer's address
	Local   net.Addr // this end's address
	TLS     *tls.ConnectionState
	Dialect codec.Dialect
	Codec   string // the serializer of its handshake
	// Principal is who the handshake found the peer to be, or nil.
	Principal any
	// Session is the same pointer for all calls of one connection.
	Session *Session
}

// String names the peer as errors and logs do.
func (p *Peer) String() string {
	if p == nil || p.Addr == nil {
		return "unknown peer"
	}
	return p.Addr.String() + " (" + p.Dialect.String() + ")"
}

type (
	callKey        struct{}
	correlationKey struct{}
)

// A CallInfo is the call that a server is answering, as its method sees it.
type CallInfo struct {
	Call
	// Response annotations go back with the reply; only the method's own goroutine may set them. Those
	// that an iterator sets before it yields an item go along with that item.
	Response Annotations
	// Server and Service are what answers the call, for who knows their types: service.ServerFrom and
	// service.ServiceFrom read them. They are nil where package service has no part in it.
	Server, Service any
	// Room is what ReserveAnswer asks, until the method returns; nil where nobody waits for an answer.
	Room Room
	// Unseen says that the call was answered and that nobody has kept it or its context: the memory of both may serve
	// the next call. It is for this toolkit's own services: what a method or a middleware has had, it may have kept.
	Unseen bool
	// Direct says that nothing but the serializer sees the reply: no middleware is around the method, and URIs are not written
	// by an encoder of the program's own. The result may then be of a type that only the serializers know. It, too, is for
	// this toolkit's own services.
	Direct bool
}

// A Room is what a server has for the answers to a call that its peers have yet to read.
type Room interface {
	// Reserve waits until there is room for n bytes, which the call's answer has from then on.
	Reserve(ctx context.Context, n int64) error
}

// ReserveAnswer waits until the server has room for an answer of about n bytes, which it may not have while peers do not
// read theirs. A method calls it, from its own goroutine, before it puts a large answer together; the answer of a method that
// does not waits all the same, but with the memory that it takes. Only the first call counts. Without a server, and
// for small n, it does nothing. Who waits too long has an error (CodeResourceExhausted), and so has who waits when ctx ends.
func ReserveAnswer(ctx context.Context, n int64) error {
	info := FromContext(ctx)
	if info == nil || info.Room == nil {
		return nil
	}
	return info.Room.Reserve(ctx, n)
}

// A serverContext is the context of one call on a server, and the call itself: one allocation.
type serverContext struct {
	context.Context //nolint:containedctx // it is one

	info  CallInfo
	reply Reply
}

func (c *serverContext) Value(key any) any {
	if key == (callKey{}) {
		return &c.info
	}
	return c.Context.Value(key)
}

// NewContext returns a context for one call on a server and the call that it knows, which the caller
// fills in.
func NewContext(ctx context.Context) (context.Context, *CallInfo) {
	c, _ := serverContexts.Get().(*serverContext)
	c.Context = ctx
	c.info.reply = &c.reply
	return c, &c.info
}

// serverContexts are empty.
var serverContexts = sync.Pool{New: func() any { return new(serverContext) }}

// FreeContext gives back the memory of a context that NewContext made, if its call is Unseen. The reply, too, must have
// been used up.
func FreeContext(ctx context.Context) {
	if c, ok := ctx.(*serverContext); ok && c.info.Unseen {
		*c = serverContext{}
		serverContexts.Put(c)
	}
}

// A limitedContext is a serverContext that can end before its connection. What it takes to tell of its end
// is made when somebody asks: most methods never do.
type limitedContext struct {
	serverContext

	deadline time.Time // zero: none
	made     atomic.Pointer[ending]

	mu    sync.Mutex // held while made is set
	ended bool       // the call is over
}

// An ending is the context that a limitedContext ends with.
type ending struct {
	context.Context //nolint:containedctx // it is one

	cancel context.CancelCauseFunc
}

// NewLimitedContext is NewContext for a call that may be ended before ctx: at its deadline, if that is not
// zero, and by [CancelContext]. Whoever made it calls [EndContext] when the call is over.
func NewLimitedContext(ctx context.Context, deadline time.Time) (context.Context, *CallInfo) {
	c := &limitedContext{serverContext: serverContext{Context: ctx}, deadline: deadline}
	c.info.reply = &c.reply
	return c, &c.info
}

// CancelContext ends a context that NewLimitedContext made, for the given cause. Others it leaves alone.
func CancelContext(ctx context.Context, cause error) {
	if c, ok := ctx.(*limitedContext); ok {
		c.end().cancel(cause)
	}
}

// EndContext gives back what a context that NewLimitedContext made holds, when its call is over.
func EndContext(ctx context.Context) {
	c, ok := ctx.(*limitedContext)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if e := c.made.Load(); e != nil {
		e.cancel(context.Canceled)
	}
}

// end returns what c ends with.
func (c *limitedContext) end() *ending {
	if e := c.made.Load(); e != nil {
		return e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.made.Load(); e != nil {
		return e
	}
	e := &ending{}
	e.Context, e.cancel = context.WithCancelCause(c.Context)
	if !c.deadline.IsZero() {
		cancel := e.cancel
		inner, stop := context.WithDeadline(e.Context, c.deadline)
		e.Context, e.cancel = inner, func(cause error) {
			cancel(cause)
			stop()
		}
	}
	if c.ended {
		e.cancel(context.Canceled)
	}
	c.made.Store(e)
	return e
}

func (c *limitedContext) Deadline() (time.Time, bool) {
	if c.deadline.IsZero() {
		return c.Context.Deadline()
	}
	return c.deadline, true
}

func (c *limitedContext) Done() <-chan struct{} { return c.end().Done() }

func (c *limitedContext) Err() error {
	if c.made.Load() == nil && (c.deadline.IsZero() || time.Now().Before(c.deadline)) {
		return c.Context.Err()
	}
	return c.end().Err()
}

func (c *limitedContext) Value(key any) any {
	if key == (callKey{}) {
		return &c.info
	}
	if e := c.made.Load(); e != nil { // package context looks for the nearest one to end with
		return e.Value(key)
	}
	return c.Context.Value(key)
}

// FromContext returns the call that a server is answering with ctx, or nil: in a method that takes a
// context, and in a middleware of a server. Its Peer is the caller, its Header has the annotations that
// came, its Response takes those that go back. Its Args are for the middlewares around a method: they are
// not there any more when the method has returned.
func FromContext(ctx context.Context) *CallInfo {
	info, _ := ctx.Value(callKey{}).(*CallInfo)
	return info
}

// WithCorrelationID returns a context whose calls carry id.
func WithCorrelationID(ctx context.Context, id uuid.UUID) context.Context {
	return context.WithValue(ctx, correlationKey{}, id)
}

// CorrelationID returns the correlation id of ctx: the one that was set, else that of the call being
// answered, else the zero UUID. Calls made with ctx carry it on.
func CorrelationID(ctx context.Context) uuid.UUID {
	if id, ok := ctx.Value(correlationKey{}).(uuid.UUID); ok {
		return id
	}
	if info := FromContext(ctx); info != nil {
		return info.Header.CorrelationID
	}
	return uuid.UUID{}
}
