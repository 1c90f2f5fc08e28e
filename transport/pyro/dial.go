package pyro

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
	"github.com/pyrokit/pyrokit/transport"
)

// Defaults of connections.
const (
	DefaultMaxMessageSize  = 1 << 30   // Pyro5's MAX_MESSAGE_SIZE
	DefaultMaxInflatedSize = 128 << 20 // Python has no such limit
	DefaultTimeout         = 10 * time.Second
)

// A DialConfig says how a client connects. The zero value is good for any peer.
type DialConfig struct {
	// Serializer is the name of the serializer; empty means serpent.
	Serializer string
	// Dialect fixes the dialect; 0 finds it out, and remembers it for the address.
	Dialect codec.Dialect
	// HMACKey signs messages, which only Pyro4 has: it fixes the dialect.
	HMACKey []byte
	// Compress compresses requests where the dialect's rule has it.
	Compress bool
	// MaxMessageSize bounds messages on the wire, both ways; 0 means 1 GiB.
	MaxMessageSize int64
	// MaxInflatedSize bounds payloads after inflating; 0 means 128 MiB.
	MaxInflatedSize int64
	// Values says how values are written and read; its Dialect is set by the connection.
	Values codec.Options
	// Timeout bounds the making of the connection, handshake included, beside the context; 0
	// means 10 s.
	Timeout time.Duration
	// Handshake is what the client says when it connects; nil means the text "hello".
	Handshake any
	// Plain speaks plain Pyro to everybody: this end does not say what more it can do.
	Plain bool
	// Middleware wraps the handshake. Calls are wrapped by who makes them.
	Middleware transport.Middleware
	// PreferIP is the IP version whose addresses of a host are tried first, 4 or 6; 0 leaves that to the
	// system. It means nothing where Dial is set.
	PreferIP int
	// Attempts is how often a Client tries to connect, where nobody listens or the server is full, before
	// the call that needs the connection fails; 0 means once. It waits 100 ms before the second attempt,
	// twice as long before each further one, 2 s at most, always a random part of that less; and no
	// longer than the call may take.
	Attempts int
	// LeaveAfterTimeout has a Client leave a connection on which a call was given up, if the peer answers its calls
	// in order and can not be told to end one: the next call connects anew, instead of waiting for what the
	// peer still does. The connection that was left ends when no call waits on it any more, and its session
	// with it.
	LeaveAfterTimeout bool
	// Dial makes the network connection; nil means a Dialer, which tries all addresses of a
	// host and sets TCP keep-alive. On a connection that has a method OneReplyEach() no items come ahead,
	// and no goodbye, so that each request has one reply: whoever listens in on it can tell them by their numbers.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dial connects to the object of a PYRO URI and shakes hands. Errors are *transport.Error with NotSent
// set.
func Dial(ctx context.Context, uri URI, cfg DialConfig) (*Conn, error) {
	c, err := dial(ctx, uri, cfg)
	if err != nil {
		e := transport.AsError(notSent(err))
		_, address := uri.Address()
		return nil, e.During("connect", uri.String(), address)
	}
	return c, nil
}

func dial(ctx context.Context, uri URI, cfg DialConfig) (*Conn, error) {
	if uri.Protocol != ProtocolPyro {
		return nil, transport.Errorf(transport.CodeInvalidArgument, "%s has to be resolved before it is dialled", uri)
	}
	if cfg.Serializer == "" {
		cfg.Serializer = Serpent
	}
	if err := CheckSerializer(cfg.Serializer); err != nil {
		return nil, transport.Wrap(transport.CodeInvalidArgument, err)
	}
	if err := checkPrefer(cfg.PreferIP); err != nil {
		return nil, transport.Wrap(transport.CodeInvalidArgument, err)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(cfg.Timeout, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	network, address := uri.Address()
	dialects := cfg.dialects(network + " " + address)
	for i, d := range dialects {
		c, err := dialOnce(ctx, uri, &cfg, d)
		var other *DialectError
		if errors.As(err, &other) && i+1 < len(dialects) {
			continue
		}
		if err == nil && len(dialects) > 1 {
			known.remember(network+" "+address, d)
		}
		return c, err
	}
	return nil, transport.Errorf(transport.CodeInternal, "no dialect to try")
}

// dialects returns the dialects to try, in order.
func (cfg *DialConfig) dialects(address string) []codec.Dialect {
	switch {
	case len(cfg.HMACKey) > 0:
		return []codec.Dialect{codec.Pyro4}
	case cfg.Dialect != 0:
		return []codec.Dialect{cfg.Dialect}
	case codec.ID(cfg.Serializer, codec.Pyro5) == 0:
		return []codec.Dialect{codec.Pyro4}
	case known.dialect(address) == codec.Pyro4:
		return []codec.Dialect{codec.Pyro4, codec.Pyro5}
	default:
		return []codec.Dialect{codec.Pyro5, codec.Pyro4}
	}
}

// maxKnown bounds the memory of dialects: a client that walks through addresses forgets some.
const maxKnown = 4096

// known remembers what addresses speak.
var known dialectMemory

type dialectMemory struct {
	mu sync.Mutex // guards m
	m  map[string]codec.Dialect
}

func (k *dialectMemory) dialect(address string) codec.Dialect {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.m[address]
}

func (k *dialectMemory) remember(address string, d codec.Dialect) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.m == nil || len(k.m) >= maxKnown {
		k.m = map[string]codec.Dialect{}
	}
	k.m[address] = d
}

// dialOnce connects in one dialect.
func dialOnce(ctx context.Context, uri URI, cfg *DialConfig, d codec.Dialect) (*Conn, error) {
	ser, err := serializerNamed(cfg.Serializer, d)
	if err != nil {
		return nil, err
	}
	if ser.id == 0 {
		return nil, transport.Errorf(transport.CodeInvalidArgument, "%s does not know the serializer %s", d, ser.name)
	}
	network, address := uri.Address()
	dialer := cfg.Dial
	if dialer == nil {
		dialer = (&Dialer{Prefer: cfg.PreferIP}).DialContext
	}
	at := address
	nc, err := dialer(undated{ctx}, network, address) //nolint:contextcheck // it is ctx
	if err != nil {
		return nil, connError(dialFailed(ctx, err)).During("connect", uri.String(), at)
	}
	if nc.RemoteAddr() != nil && nc.RemoteAddr().Network() == "tcp" { // which one of the host's
		at = nc.RemoteAddr().String()
	}
	c := newConn(nc, uri, cfg, ser, d)
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	err = c.handshake(ctx, cfg)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
		if c.heard != 0 { // before, nobody knows what the peer speaks
			at += " (" + c.heard.String() + ")"
		}
		return nil, connError(dialFailed(ctx, err)).During("connect", uri.String(), at)
	}
	if t, ok := nc.(*tls.Conn); ok {
		state := t.ConnectionState()
		c.peer.TLS = &state
	}
	return c, nil
}

// An undated context ends with the one in it and names no deadline. The network sets timers of its own for deadlines, which
// may end before the context does: nobody could tell then whether the caller's time was up or the peer silent.
type undated struct{ context.Context } //nolint:containedctx // it is one

func (undated) Deadline() (time.Time, bool) { return time.Time{}, false }

// dialFailed prefers the context's reason over what it did to the connection.
func dialFailed(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == nil:
		return err
	case errors.Is(err, net.ErrClosed):
		return fmt.Errorf("no answer to the handshake: %w", context.Cause(ctx))
	default:
		return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
	}
}

func newConn(nc net.Conn, uri URI, cfg *DialConfig, ser *serializer, d codec.Dialect) *Conn {
	c := &Conn{
		nc:   nc,
		ser:  ser,
		uri:  uri,
		opts: cfg.Values,
		o: wireOptions{
			dialect:     d,
			hmacKey:     cfg.HMACKey,
			compress:    cfg.Compress,
			maxSize:     orDefault(cfg.MaxMessageSize, DefaultMaxMessageSize),
			maxInflated: orDefault(cfg.MaxInflatedSize, DefaultMaxInflatedSize),
		},
		looked: time.Now(),
		offers: offers(nc, cfg),
	}
	c.opts.Dialect = d
	c.peer = &transport.Peer{Addr: nc.RemoteAddr(), Local: nc.LocalAddr(), Dialect: d, Codec: ser.name}
	c.reader = newFrameReader(nc, &c.o)
	c.writer = newRawWriter(nc)
	return c
}

// offers is what this end says that it can do.
func offers(nc net.Conn, cfg *DialConfig) features {
	if cfg.Plain {
		return 0
	}
	if _, ok := nc.(interface{ OneReplyEach() }); ok {
		return ownFeatures &^ (featureAhead | featureGoodbye)
	}
	return ownFeatures
}

func orDefault[N int | int64 | time.Duration](n, def N) N {
	if n <= 0 {
		return def
	}
	return n
}

// A DialectError reports a peer that answered in another dialect than it was asked in. Dial returns one
// only where the dialect is fixed: by DialConfig.Dialect, a key, or a serializer that only one of them has.
type DialectError struct {
	Asked, Answered codec.Dialect
	Reason          string // what the peer said
}

func (e *DialectError) Error() string {
	return fmt.Sprintf("the peer speaks the other dialect, %s: %s", e.Answered, e.Reason)
}

// handshake shakes hands through the middlewares.
func (c *Conn) handshake(ctx context.Context, cfg *DialConfig) error {
	h := &transport.Handshake{Object: c.uri.Object, Peer: c.peer, Value: codec.ValueOf("hello")}
	if cfg.Handshake != nil {
		h.Value = codec.ValueOf(cfg.Handshake)
	}
	h.Header.CorrelationID = transport.CorrelationID(ctx)
	shake := transport.HandshakeFunc(func(_ context.Context, h *transport.Handshake) (*transport.Welcome, error) {
		return c.exchange(h)
	})
	if cfg.Middleware.Handshake != nil {
		shake = cfg.Middleware.Handshake(shake)
	}
	welcome, err := shake(ctx, h)
	c.welcome = welcome
	if err == nil {
		c.reader.fix = true
	}
	return err
}

// exchange sends CONNECT and reads the answer.
func (c *Conn) exchange(h *transport.Handshake) (*transport.Welcome, error) {
	out := framePool.get()
	defer framePool.put(out)
	w := beginFrame((*out)[:0], &c.o)
	f := frameFields{typ: msgConnect, serializer: c.ser.id}
	if c.o.dialect == codec.Pyro4 {
		f.flags |= flagMeta
	}
	if id := h.Header.CorrelationID; id != [16]byte{} {
		if c.o.dialect == codec.Pyro4 {
			w.annotate(keyCorrelation, id[:])
		} else {
			f.correlation, f.flags = id, f.flags|flagCorrelated
		}
	}
	w.annotateAll(h.Header.Annotations)
	if c.offers != 0 {
		w.annotate(keyKit, kitHello(c.offers))
	}
	w.endAnnotations()
	hello := codec.NewDict()
	value, err := h.Value.Any()
	if err != nil {
		return nil, err
	}
	hello.Set("handshake", value)
	hello.Set("object", h.Object)
	if w.buf, err = c.ser.codec.Append(w.buf, hello, &c.opts); err != nil {
		return nil, err
	}
	frame, err := w.finish(f)
	if err != nil {
		return nil, err
	}
	if _, err := c.nc.Write(frame); err != nil {
		return nil, err
	}
	answer, err := c.reader.next()
	if err != nil {
		return nil, c.noAnswer(err)
	}
	c.heard = answer.dialect
	return c.welcomed(&answer)
}

// tlsAlert is what a TLS server says to who speaks no TLS: a record of type alert. Source: RFC 8446, section 5.1.
var tlsAlert = []byte{21, 3} //nolint:gochecknoglobals // a constant

// noAnswer says what may be the matter with a peer that did not answer the handshake as a daemon does.
func (c *Conn) noAnswer(err error) error {
	_, secure := c.nc.(*tls.Conn)
	switch {
	case !secure && bytes.HasPrefix(c.reader.rest(), tlsAlert):
		return transport.Errorf(transport.CodeUnavailable, "the peer speaks TLS, which service.TLS does, too: %w", err)
	case !hungUp(err):
		return err
	case secure:
		return fmt.Errorf("the peer closed the connection during the handshake: %w", err)
	default:
		return fmt.Errorf("the peer closed the connection during the handshake; it may speak TLS (service.TLS): %w", err)
	}
}

// hungUp tells the errors of a peer that has ended the connection.
func hungUp(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) }

// welcomed reads CONNECTOK or CONNECTFAIL.
func (c *Conn) welcomed(f *frame) (*transport.Welcome, error) {
	if f.dialect != c.o.dialect {
		return nil, &DialectError{Asked: c.o.dialect, Answered: f.dialect, Reason: c.reason(f)}
	}
	if f.typ == msgConnectFail {
		return nil, c.refused(f)
	}
	if err := f.verify(c.o.hmacKey); err != nil {
		return nil, transport.Wrap(transport.CodeUnauthenticated, err)
	}
	if f.typ != msgConnectOK {
		return nil, transport.Errorf(transport.CodeInternal, "answer of message type %d to the handshake", f.typ)
	}
	payload, k, err := c.open(f)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Handshake any `pyro:"handshake"`
		Meta      *struct {
			Methods []string `pyro:"methods"`
			Oneway  []string `pyro:"oneway"`
			Attrs   []string `pyro:"attrs"`
		} `pyro:"meta"`
	}
	if c.o.dialect == codec.Pyro4 && f.flags&flagMeta == 0 {
		err = k.Unmarshal(payload, &answer.Handshake, handshakeOptions(&c.opts))
	} else {
		err = k.Unmarshal(payload, &answer, handshakeOptions(&c.opts))
	}
	if err != nil {
		return nil, transport.Errorf(transport.CodeInternal, "answer to the handshake: %w", err)
	}
	w := &transport.Welcome{Value: codec.ValueOf(answer.Handshake)}
	if m := answer.Meta; m != nil {
		w.Metadata = &transport.ObjectMetadata{Methods: m.Methods, Oneway: m.Oneway, Attrs: m.Attrs}
	}
	var reserved reservedAnnotations
	w.Header.Annotations, reserved, err = f.parseAnnotations()
	c.kit = recognised(reserved.kit) & c.offers
	return w, err
}

// open inflates a payload and finds its serializer.
func (c *Conn) open(f *frame) ([]byte, codec.Codec, error) {
	_, k := codec.Numbered(f.serializer, f.dialect)
	if k == nil {
		return nil, nil, transport.Errorf(transport.CodeInternal, "answer with serializer %d", f.serializer)
	}
	if f.flags&flagCompressed == 0 {
		return f.payload, k, nil
	}
	payload, err := inflate(f.payload, c.o.maxInflated, nil)
	return payload, k, err
}

// reason reads the text of a CONNECTFAIL, in whatever serializer it came.
func (c *Conn) reason(f *frame) string {
	payload, k, err := c.open(f)
	if err != nil {
		return err.Error()
	}
	var text any
	if err := k.Unmarshal(payload, &text, &c.opts); err != nil {
		return "a reason that cannot be read"
	}
	if s, ok := text.(string); ok {
		return s
	}
	return literal.String(text)
}

// refused is the error for CONNECTFAIL, with the code that another end of this toolkit tells, or else that of the
// reason.
func (c *Conn) refused(f *frame) error {
	reason := c.reason(f)
	code := codeOfRefusal(reason)
	if _, reserved, err := f.parseAnnotations(); err == nil && c.offers != 0 {
		code = cmp.Or(refusalCode(reserved.kit), code)
	}
	return transport.Errorf(code, "the peer rejected the connection: %s", reason)
}

// complaints are how the texts begin with which a daemon rejects a message that it does not take, whoever sends it.
var complaints = [...]string{ //nolint:gochecknoglobals // a constant
	"message used serializer that is not accepted", "message too large", "header checksum mismatch",
	"invalid data", "invalid message or protocol version", "invalid msg type", "invalid syntax",
}

// codeOfRefusal classes the reasons for which daemons reject a handshake. One that is not Pyro's own is the text of
// an exception of validateHandshake, which judges what the client said and who it is.
func codeOfRefusal(reason string) transport.Code {
	switch {
	case reason == "unknown object":
		return transport.CodeNotFound
	case reason == noWorkers:
		return transport.CodeResourceExhausted
	case slices.ContainsFunc(complaints[:], func(c string) bool { return strings.HasPrefix(reason, c) }):
		return transport.CodePermissionDenied
	default:
		return transport.CodeUnauthenticated
	}
}

// noWorkers is what a full server says.
const noWorkers = "no free workers, increase server threadpool size"

// Welcome returns what the peer said in the handshake.
func (c *Conn) Welcome() *transport.Welcome { return c.welcome }

// Peer returns the other end.
func (c *Conn) Peer() *transport.Peer { return c.peer }

// URI returns the URI that was dialled.
func (c *Conn) URI() URI { return c.uri }
