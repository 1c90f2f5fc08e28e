package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A Proxy stands for an object on the other end. It is safe for concurrent use: calls are in flight
// together. By default it is one connection, because in Pyro a connection is a session; [Pool] spreads
// calls over more. It connects at the first call, and again when the connection has ended.
//
// A *Proxy that is an argument or a result, at whatever depth, arrives at the other end as a proxy for the
// same object, and proxies that arrive are read as *Proxy; see [Proxy.State] for what goes along. One that
// arrived connects where its sender says, at its first call; it holds nothing before that. It has no
// middlewares, no TLS and no credentials of this side: With gives it some. Close is for whoever got it.
type Proxy struct {
	uri      pyro.URI
	cfg      proxyConfig
	given    *pyro.ProxyState // of one that arrived
	clients  []*pyro.Client
	next     atomic.Uint32 // whose turn it is in the pool
	endpoint transport.Endpoint
	timeout  time.Duration
}

// Connect returns a proxy for the object at uri, PYRO:object@host:port or PYRONAME:name[@host[:port]].
// It checks what it was given and does not connect yet.
func Connect(uri string, opts ...ProxyOption) (*Proxy, error) {
	u, err := pyro.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	cfg, err := proxyConfig{pb: &configv1.Proxy{Uri: uri, Limits: &configv1.Limits{}}}.with(opts)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", uri, err)
	}
	if _, err := cfg.resolve(u); err != nil {
		return nil, err
	}
	return newProxy(u, cfg), nil
}

// With returns another proxy for the same object, with connections of its own: set up as p is, and opts
// besides. Of what can be said only once, the last word counts; middlewares go inside those that p has. It
// is how a proxy that arrived gets TLS, a time limit, or what it needs to prove itself.
func (p *Proxy) With(opts ...ProxyOption) (*Proxy, error) {
	cfg, err := p.cfg.with(opts)
	if err != nil {
		return nil, fmt.Errorf("proxy of %s: %w", p.uri, err)
	}
	q := newProxy(p.uri, cfg)
	q.given = p.given
	return q, nil
}

// with returns a copy of cfg that the options were applied to.
func (cfg proxyConfig) with(opts []ProxyOption) (proxyConfig, error) {
	cfg.pb = proto.CloneOf(cfg.pb)
	cfg.chain = slices.Clip(cfg.chain)
	var errs []error
	for _, o := range opts {
		errs = append(errs, o.applyToProxy(&cfg))
	}
	if cfg.hmacKey == nil {
		key, err := secret(cfg.pb.GetHmacKey())
		errs = append(errs, err)
		cfg.hmacKey = key
	}
	if cfg.tls != nil && cfg.dialer != nil {
		errs = append(errs, errors.New("TLS and DialWith do not go together"))
	}
	return cfg, errors.Join(errs...)
}

// newProxy returns a proxy that fails to connect if its name cannot be resolved.
func newProxy(u pyro.URI, cfg proxyConfig) *Proxy {
	p := &Proxy{uri: u, cfg: cfg, timeout: duration(cfg.pb.GetTimeout())}
	chain := transport.Chain(cfg.chain...)
	dial := cfg.dial()
	dial.Middleware = chain
	resolve, err := cfg.resolve(u)
	if err != nil {
		resolve = func(context.Context) (pyro.URI, error) { return pyro.URI{}, err }
	}
	for range max(1, int(cfg.pb.GetPool())) {
		p.clients = append(p.clients, pyro.NewClient(resolve, dial, cfg.unchecked))
	}
	p.endpoint = chain.Call(p.send)
	return p
}

func (cfg *proxyConfig) dial() pyro.DialConfig {
	pb := cfg.pb
	values := cfg.values
	values.Registry = cfg.registry
	values.MaxDepth = int(pb.GetLimits().GetMaxDepth())
	d := pyro.DialConfig{
		Serializer:      pb.GetSerializer(),
		Dialect:         codec.Dialect(pb.GetDialect()), //nolint:gosec // an enum of small numbers
		HMACKey:         cfg.hmacKey,
		Compress:        pb.GetCompression(),
		MaxMessageSize:  pb.GetLimits().GetMaxMessageSize(),
		MaxInflatedSize: pb.GetLimits().GetMaxInflatedSize(),
		Values:          values,
		Timeout:         duration(pb.GetConnectTimeout()),
		Handshake:       cfg.handshake,
		Dial:            cfg.dialer,
	}
	if cfg.tls != nil {
		d.Dial = (&tls.Dialer{Config: cfg.tls}).DialContext // names the host that is dialled, not a name server's
	}
	return d
}

// resolve returns the function that finds the object's location before each connection.
func (cfg *proxyConfig) resolve(u pyro.URI) (func(context.Context) (pyro.URI, error), error) {
	if cfg.unasked != "" {
		return nil, transport.Errorf(transport.CodeFailedPrecondition,
			"the proxy of %s wants the serializer %s: name it with p.With(service.Serializer(...)) to use it", u, cfg.unasked)
	}
	switch u.Protocol {
	case pyro.ProtocolPyro:
		return func(context.Context) (pyro.URI, error) { return u, nil }, nil
	case pyro.ProtocolPyroName:
	default:
		return nil, transport.Errorf(transport.CodeUnimplemented, "connect to %s: no resolver for %s", u, u.Protocol)
	}
	limit := duration(cfg.pb.GetConnectTimeout())
	if limit <= 0 {
		limit = pyro.DefaultTimeout
	}
	if cfg.resolver != nil {
		return func(ctx context.Context) (pyro.URI, error) {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			e, err := cfg.resolver.Resolve(ctx, u.Object)
			return e.URI, err
		}, nil
	}
	locations := cfg.pb.GetNameServers()
	if location := u.Location(); location != "" {
		locations = []string{location}
	}
	dial := pyro.DialConfig{HMACKey: cfg.hmacKey, Timeout: duration(cfg.pb.GetConnectTimeout()), Dial: cfg.lookupDialer()}
	return func(ctx context.Context) (pyro.URI, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		ns, err := nameserver.Locate(ctx, dial, locations...)
		if err != nil {
			return pyro.URI{}, transport.AsError(err).During("resolve", u.String(), "")
		}
		defer ns.Close()
		e, err := ns.Lookup(ctx, u.Object)
		return e.URI, err
	}, nil
}

// lookupDialer returns what connects to name servers; nil for a plain connection.
func (cfg *proxyConfig) lookupDialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	switch {
	case cfg.lookup && cfg.lookupTLS == nil:
		return cfg.dialer
	case cfg.lookup:
		return (&tls.Dialer{Config: cfg.lookupTLS}).DialContext
	case cfg.tls != nil:
		anonymous := cfg.tls.Clone()
		anonymous.ServerName = ""
		anonymous.Certificates, anonymous.GetClientCertificate = nil, nil
		return (&tls.Dialer{Config: anonymous}).DialContext
	default:
		return cfg.dialer
	}
}

// send is the innermost part of the chain.
func (p *Proxy) send(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	if call.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, call.Timeout)
		defer cancel() // the reply is complete by then: items of a stream are calls of their own
	}
	return p.client(call).Call(ctx, call)
}

// client returns the connection for a call: for all items of a remote iterator the same one, because those
// that come ahead come there.
func (p *Proxy) client(call *transport.Call) *pyro.Client {
	switch {
	case len(p.clients) == 1:
		return p.clients[0]
	case call.StreamID != "":
		return p.clients[maphash.String(streamSeed, call.StreamID)%uint64(len(p.clients))]
	default:
		return p.clients[p.next.Add(1)%uint32(len(p.clients))] //nolint:gosec // at most 65536
	}
}

var streamSeed = maphash.MakeSeed()

// do takes one call through the chain.
func (p *Proxy) do(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	call.Object = p.uri.Object
	if call.Header.CorrelationID == [16]byte{} {
		call.Header.CorrelationID = transport.CorrelationID(ctx)
	}
	if call.Timeout == 0 {
		call.Timeout = p.timeout
	}
	reply, err := p.endpoint(ctx, call)
	if reply == nil && err == nil {
		reply = &transport.Reply{}
	}
	return reply, err
}

// URI returns the URI that the proxy was made for.
func (p *Proxy) URI() pyro.URI { return p.uri }

// Info is what a proxy knows of the object and of who answers for it.
type Info struct {
	URI      pyro.URI // with the location that was found
	Peer     *transport.Peer
	Metadata *transport.ObjectMetadata
	// Answer is the peer's answer to the handshake, "hello" unless it says something else.
	Answer any
}

// Info connects if need be and returns what the handshake told.
func (p *Proxy) Info(ctx context.Context) (*Info, error) {
	welcome, peer, uri, err := p.clients[0].Connect(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := welcome.Value.Any()
	if err != nil {
		return nil, err
	}
	info := &Info{URI: uri, Peer: peer, Metadata: welcome.Metadata, Answer: answer}
	if info.Metadata == nil {
		info.Metadata = &transport.ObjectMetadata{}
	}
	return info, nil
}

// Ping sends a message that the peer's daemon answers by itself, and waits for the answer.
func (p *Proxy) Ping(ctx context.Context) error {
	_, err := p.do(ctx, &transport.Call{Kind: transport.Ping})
	return err
}

// Close ends the proxy's connections. Calls in flight fail, and so do later ones.
func (p *Proxy) Close() error {
	var errs []error
	for _, c := range p.clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
