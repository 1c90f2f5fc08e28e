package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pyrokit/pyrokit/codec"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
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
	to       destination
	endpoint transport.Endpoint
	timeout  time.Duration
	retries  int                      // of MaxRetries, where no middleware repeats calls
	bound    atomic.Pointer[pyro.URI] // what Bind has found
}

// Connect returns a proxy for the object at uri, PYRO:object@host:port, PYRONAME:name[@host[:port]] or
// PYROMETA:tag,tag[@host[:port]], which is one at random of those that a name server knows with all tags; [Balance]
// makes one proxy of all of them. [pyro.URI] tells of more forms, such as unix sockets. It checks what it was given and
// does not connect yet: [Proxy.Ping] does, and tells whether somebody answers.
func Connect(uri string, opts ...ProxyOption) (*Proxy, error) {
	u, err := pyro.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	cfg, err := proxyConfig{pb: &configv1.Proxy{Uri: uri, Limits: &configv1.Limits{}, Values: &configv1.Values{}}}.with(opts)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", uri, err)
	}
	return newProxy(u, cfg)
}

// With returns another proxy for the same object, with connections of its own: set up as p is, and opts
// besides. Of what can be said only once, the last word counts; middlewares go inside those that p has. It
// is how a proxy that arrived gets TLS, a time limit, or what it needs to prove itself.
func (p *Proxy) With(opts ...ProxyOption) (*Proxy, error) {
	cfg, err := p.cfg.with(opts)
	if err != nil {
		return nil, fmt.Errorf("proxy of %s: %w", p.uri, err)
	}
	q, _ := newProxy(p.uri, cfg) // what is wrong, its calls say
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
	cfg.broadcastDefaults.fill(cfg.pb.GetBroadcastLookup())
	if (cfg.tls != nil || cfg.files != nil) && cfg.dialer != nil {
		errs = append(errs, errors.New("TLS and DialWith do not go together"))
	}
	if cfg.heedsHealth && cfg.balancer == nil {
		errs = append(errs, errors.New("HealthCheck is for a proxy with Balance"))
	}
	return cfg, errors.Join(errs...)
}

// newProxy returns a proxy. With an error, the proxy is one that fails to connect with it.
func newProxy(u pyro.URI, cfg proxyConfig) (*Proxy, error) {
	p := &Proxy{uri: u, cfg: cfg, timeout: duration(cfg.pb.GetTimeout())}
	all := cfg.chain
	if cfg.annotate != nil {
		all = append(slices.Clip(all), annotator(cfg.annotate))
	}
	if !slices.ContainsFunc(all, repeats) {
		p.retries = int(cfg.pb.GetMaxRetries())
	}
	chain := transport.Chain(all...)
	dial := cfg.dial()
	dial.Middleware = chain
	p.endpoint = chain.Call(p.send)
	connections := func(where resolveFunc) *pool {
		return newPool(int(cfg.pb.GetPool()), func() *pyro.Client { return pyro.NewClient(where, dial, cfg.pb.GetNoMetadata()) })
	}
	var err error
	p.to, err = cfg.destination(u, &p.bound, connections)
	return p, err
}

func (cfg *proxyConfig) dial() pyro.DialConfig {
	pb := cfg.pb
	d := pyro.DialConfig{
		Serializer:        pb.GetSerializer(),
		Dialect:           codec.Dialect(pb.GetDialect()), //nolint:gosec // an enum of small numbers
		HMACKey:           cfg.hmacKey,
		Compress:          pb.GetCompression(),
		MaxMessageSize:    pb.GetLimits().GetMaxMessageSize(),
		MaxInflatedSize:   pb.GetLimits().GetMaxInflatedSize(),
		Values:            valueOptions(cfg.registry, pb),
		Timeout:           duration(pb.GetConnectTimeout()),
		Handshake:         cfg.handshake,
		PreferIP:          cfg.preferIP(),
		Attempts:          int(pb.GetConnectAttempts()),
		LeaveAfterTimeout: pb.GetReconnectAfterTimeout(),
		Dial:              cfg.dialer,
	}
	if d.Dial == nil && cfg.defaultDialer != nil {
		d.Dial = cfg.defaultDialer(cfg.preferIP())
	}
	switch {
	case cfg.tls != nil:
		d.Dial = cfg.dialTLS(cfg.tls) // names the host that is dialled, not a name server's
	case cfg.files != nil:
		d.Dial = cfg.dialFiles(cfg.files)
	}
	return d
}

func (cfg *proxyConfig) preferIP() int { return int(cfg.pb.GetPreferIp()) }

func (cfg *proxyConfig) dialTLS(c *tls.Config) dialFunc {
	return (&pyro.Dialer{Prefer: cfg.preferIP(), TLS: c}).DialContext
}

func (cfg *proxyConfig) dialFiles(files *tlsfiles.Files) dialFunc {
	return files.Dialer((&pyro.Dialer{Prefer: cfg.preferIP()}).DialContext)
}

// lookupDialer returns what connects to name servers; nil for a plain connection.
func (cfg *proxyConfig) lookupDialer() dialFunc {
	switch {
	case cfg.lookup && cfg.lookupBy != nil:
		return cfg.dialFiles(cfg.lookupBy)
	case cfg.lookup && cfg.lookupTLS == nil:
		return cfg.dialer
	case cfg.lookup:
		return cfg.dialTLS(cfg.lookupTLS)
	case cfg.tls != nil:
		anonymous := cfg.tls.Clone()
		anonymous.ServerName = ""
		anonymous.Certificates, anonymous.GetClientCertificate = nil, nil
		return cfg.dialTLS(anonymous)
	case cfg.files != nil:
		return cfg.dialFiles(cfg.files)
	case cfg.dialer == nil && cfg.defaultDialer != nil:
		return cfg.defaultDialer(cfg.preferIP())
	default:
		return cfg.dialer
	}
}

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
	if err != nil {
		return nil, p.during(call.Describe(), err)
	}
	if reply == nil {
		reply = &transport.Reply{}
	}
	return reply, nil
}

// URI returns the URI that the proxy was made for, or that of the object which [Proxy.Bind] has found.
func (p *Proxy) URI() pyro.URI {
	if b := p.bound.Load(); b != nil {
		return *b
	}
	return p.uri
}

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
	welcome, peer, uri, err := p.to.connect(ctx)
	if err != nil {
		return nil, p.during("connect", err)
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
func (p *Proxy) Close() error { return p.to.close() }
