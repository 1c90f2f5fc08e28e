package tracing

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pyrokit/pyrokit/middleware/internal/observe"
	"github.com/pyrokit/pyrokit/transport"
)

// Name is the instrumentation scope of the spans.
const Name = "github.com/pyrokit/pyrokit/middleware/tracing"

// Attributes of spans beside those of the semantic conventions.
const (
	KindKey        = attribute.Key("pyro.kind")           // what is asked for, if not for a method: "getattr", "batch"
	DialectKey     = attribute.Key("pyro.dialect")        // "pyro4", "pyro5"
	CorrelationKey = attribute.Key("pyro.correlation_id") // the call's correlation id
	BatchSizeKey   = attribute.Key("pyro.batch.size")     // how many calls a batch holds
)

// unrecognized is the conventions' name of methods that a peer made up.
const unrecognized = "_OTHER"

// system tells these calls from those of other RPC systems.
var system = semconv.RPCSystemNameKey.String("pyro")

// An Option sets up the middleware.
type Option func(*config)

type config struct {
	tracer      trace.Tracer
	starts      starts
	public      bool
	noEntries   bool
	items       bool
	noErrorText bool
}

// PublicEndpoint has a server begin a trace of its own for each call, which has the caller's span as a link. It is for
// servers whose callers are not to decide what is traced. By default the caller's trace goes on.
func PublicEndpoint() Option { return func(c *config) { c.public = true } }

// NoBatchEntries has a server make no spans for the entries of a batch. By default each is a span, whose parent is
// that of the client's batch.
func NoBatchEntries() Option { return func(c *config) { c.noEntries = true } }

// StreamItems makes a span of each item of a remote iterator. By default there is one for the call that returned
// the iterator.
func StreamItems() Option { return func(c *config) { c.items = true } }

// NoErrorText leaves out the texts of errors, which may hold values of the program; class and code stay.
func NoErrorText() Option { return func(c *config) { c.noErrorText = true } }

// New returns the middleware, whose spans go to provider. It belongs outside of logging, so that a handler may add
// the trace to lines, and on a client inside of retry, so that each attempt is a span.
func New(provider trace.TracerProvider, opts ...Option) transport.Middleware {
	c := &config{tracer: provider.Tracer(Name, trace.WithSchemaURL(semconv.SchemaURL))}
	for _, o := range opts {
		o(c)
	}
	return transport.Middleware{Name: "tracing", Call: c.call, Order: transport.Order{
		Gives:  []string{"span"},
		Inside: []transport.Want{{Of: "attempt", Why: "a call that is made several times would be one span"}},
		Once:   "tracing",
	}}
}

func (c *config) call(next transport.Endpoint) transport.Endpoint {
	return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
		if observe.OnServer(call.Peer) {
			return c.serve(ctx, call, next)
		}
		if !c.traced(call) {
			return next(ctx, call)
		}
		return c.send(ctx, call, next)
	}
}

// traced tells whether call gets a span.
func (c *config) traced(call *transport.Call) bool {
	switch call.Kind {
	case transport.StreamItem, transport.StreamClose:
		return c.items
	case transport.Ping:
		return false
	default:
		return !call.Batch || !c.noEntries
	}
}

// send makes the span of a call on a client.
func (c *config) send(ctx context.Context, call *transport.Call, next transport.Endpoint) (reply *transport.Reply, err error) {
	start := c.starts.of(call)
	ctx, span := c.tracer.Start(ctx, start.name, start.client...)
	defer span.End()
	returned := false
	defer func() { c.finish(ctx, span, call, returned, err) }()
	if parent := span.SpanContext(); parent.IsValid() {
		call.Header.Annotations = slices.Clone(call.Header.Annotations) // others may use the same ones
		call.Header.Annotations.Set(Key, appendParent(make([]byte, 0, parentSize), parent))
	}
	reply, err = next(ctx, call)
	returned = true
	return reply, err
}

// serve makes the span of a call on a server.
func (c *config) serve(ctx context.Context, call *transport.Call, next transport.Endpoint) (reply *transport.Reply, err error) {
	parent := callers(call)
	if !c.traced(call) {
		if parent.IsValid() && !c.public {
			ctx = trace.ContextWithRemoteSpanContext(ctx, parent) // for calls that the method makes
		}
		return next(ctx, call)
	}
	start := c.starts.of(call)
	opts := start.server
	switch {
	case c.public:
		opts = start.fresh
		if parent.IsValid() {
			opts = append(slices.Clip(opts), trace.WithLinks(trace.Link{SpanContext: parent}))
		}
	case parent.IsValid():
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	ctx, span := c.tracer.Start(ctx, start.name, opts...)
	defer span.End()
	returned := false
	defer func() { c.finish(ctx, span, call, returned, err) }()
	reply, err = next(ctx, call)
	returned = true
	return reply, err
}

// finish has a span say how its call ended. One that has not returned panicked.
func (c *config) finish(ctx context.Context, span trace.Span, call *transport.Call, returned bool, err error) {
	if !span.IsRecording() {
		return
	}
	server := observe.OnServer(call.Peer)
	attrs := describe(call)
	switch {
	case !returned:
		span.SetStatus(codes.Error, "panic")
		attrs = append(attrs, semconv.RPCResponseStatusCode("INTERNAL"), semconv.ErrorTypeKey.String("panic"))
	case err == nil:
		attrs = append(attrs, semconv.RPCResponseStatusCode("OK"))
	default:
		attrs = append(attrs, c.failed(span, server, err)...)
	}
	if err != nil && server && !observe.Recognized(ctx, call, err) {
		span.SetName(unrecognized)
		attrs = append(attrs, semconv.RPCMethod(unrecognized), semconv.RPCMethodOriginal(cut(methodOf(call))))
	}
	span.SetAttributes(attrs...)
}

// failed has the span say that the call failed, and returns what of the error attributes hold.
func (c *config) failed(span trace.Span, server bool, err error) []attribute.KeyValue {
	e := transport.AsError(err)
	code := strings.ToUpper(e.Code.String())
	kind := code
	if e.Class != "" {
		kind = cut(e.Class)
	}
	if !server || serversFault(e.Code) {
		text := ""
		if !c.noErrorText {
			text = cut(e.Message)
		}
		span.SetStatus(codes.Error, text)
	}
	return []attribute.KeyValue{semconv.RPCResponseStatusCode(code), semconv.ErrorTypeKey.String(kind)}
}

// serversFault tells the codes that the conventions count as errors of a server; the others are its callers'.
func serversFault(c transport.Code) bool {
	switch c {
	case transport.CodeUnknown, transport.CodeDeadlineExceeded, transport.CodeUnimplemented, transport.CodeInternal,
		transport.CodeUnavailable, transport.CodeDataLoss:
		return true
	default:
		return false
	}
}

// describe returns attributes of what is known at the end of a call.
func describe(call *transport.Call) []attribute.KeyValue {
	const room = 12
	attrs := make([]attribute.KeyValue, 0, room)
	if call.Kind != transport.Invoke {
		attrs = append(attrs, KindKey.String(call.Kind.String()))
	}
	if call.Kind == transport.Batch {
		attrs = append(attrs, BatchSizeKey.Int(len(call.Entries)))
	}
	if id := call.Header.CorrelationID; id != uuid.Nil {
		attrs = append(attrs, CorrelationKey.String(id.String()))
	}
	if p := call.Peer; p != nil {
		attrs = append(attrs, DialectKey.String(p.Dialect.String()))
		if observe.OnServer(p) {
			attrs = append(attrs, address(p.Addr, semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey)...)
			attrs = append(attrs, address(p.Local, semconv.ServerAddressKey, semconv.ServerPortKey)...)
		} else {
			attrs = append(attrs, address(p.Addr, semconv.ServerAddressKey, semconv.ServerPortKey)...)
		}
	}
	return attrs
}

// address returns a as attributes: host and port, or the path of a unix socket.
func address(a net.Addr, host, port attribute.Key) []attribute.KeyValue {
	if a == nil || a.String() == "" {
		return nil
	}
	h, p, err := net.SplitHostPort(a.String())
	if err != nil {
		return []attribute.KeyValue{host.String(a.String())}
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		return []attribute.KeyValue{host.String(h)}
	}
	return []attribute.KeyValue{host.String(h), port.Int(n)}
}

// methodOf is the conventions' full name of a method.
func methodOf(call *transport.Call) string { return valid(call.Object + "/" + call.Method) }

// maxText bounds what a peer says.
const maxText = 256

func cut(s string) string { return valid(s[:min(len(s), maxText)]) }

// valid is s as UTF-8: exporters refuse all else, and with it what goes along.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
