package transport

import (
	"context"
	"crypto/tls"
	"net"

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
	c := &serverContext{Context: ctx}
	c.info.reply = &c.reply
	return c, &c.info
}

// FromContext returns the call that a server is answering with ctx, or nil.
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
