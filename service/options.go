package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
	"github.com/pyrokit/pyrokit/transport/tlsfiles"
)

// Options for a Server, a Proxy or both; one at the wrong end does not compile. What a file can hold
// goes into the messages of pyrokit.config.v1, what only code can say is kept beside them.
type (
	// A ServerOption sets up a Server.
	ServerOption interface{ applyToServer(*serverConfig) error }
	// A ProxyOption sets up a Proxy.
	ProxyOption interface{ applyToProxy(*proxyConfig) error }
	// An Option is for both ends.
	Option interface {
		ServerOption
		ProxyOption
	}
)

type serverConfig struct {
	pb        *configv1.Server
	chain     []transport.Middleware
	listeners []net.Listener
	announced []announcement
	registry  *codec.Registry
	log       *slog.Logger
	hmacKey   []byte
	annotate  func() transport.Annotations
	tls       *tls.Config
	validate  func(context.Context, *transport.Handshake) (any, error)

	disconnected []func(*transport.Peer)
	chores       []chore

	naming   Naming // of what Serve is given
	defaults listenDefaults
}

// listenDefaults are for listeners that do not say.
type listenDefaults struct{ host, advertise string }

type proxyConfig struct {
	pb        *configv1.Proxy
	chain     []transport.Middleware
	registry  *codec.Registry
	hmacKey   []byte
	tls       *tls.Config
	files     *tlsfiles.Files // in the place of tls; nil: none
	lookupTLS *tls.Config     // of name lookups, if lookup is set
	lookupBy  *tlsfiles.Files // in the place of lookupTLS
	lookup    bool
	dialer    func(ctx context.Context, network, address string) (net.Conn, error)
	resolver  discovery.Resolver
	balancer  discovery.Balancer // nil: one object
	handshake any
	annotate  func() transport.Annotations

	heedsHealth bool // of the objects that balancer chooses from
	// broadcastDefaults are for what pb leaves open of a broadcast.
	broadcastDefaults broadcastConfig
	// defaultDialer makes what connects, where neither dialer nor tls is set.
	defaultDialer func(preferIP int) dialFunc
	// unasked is a serializer that a proxy which arrived wants, and that is used only when this side names
	// it.
	unasked string
}

// A dialFunc makes network connections.
type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

type (
	serverOption func(*serverConfig) error
	proxyOption  func(*proxyConfig) error
	bothOption   struct {
		server serverOption
		proxy  proxyOption
	}
)

func (o serverOption) applyToServer(c *serverConfig) error { return o(c) }
func (o proxyOption) applyToProxy(c *proxyConfig) error    { return o(c) }
func (o bothOption) applyToServer(c *serverConfig) error   { return o.server(c) }
func (o bothOption) applyToProxy(c *proxyConfig) error     { return o.proxy(c) }

// Use appends middlewares to the chain of a server or a proxy, those of the packages below middleware and
// one's own ([transport.Middleware]). The first one is the outermost. On a server they see each connection's
// handshake and each call with its arguments still encoded; entries of a batch and items of a remote
// iterator are calls of their own there.
func Use(mw ...transport.Middleware) Option {
	return bothOption{
		func(c *serverConfig) error { c.chain = append(c.chain, mw...); return nil },
		func(c *proxyConfig) error { c.chain = append(c.chain, mw...); return nil },
	}
}

// MaxMessageSize limits messages, both ways, to n bytes on the wire, counted as Pyro counts
// MAX_MESSAGE_SIZE: payload and annotations, without the header. The default is Pyro5's 1 GiB. A
// larger message is refused before its body is read, and its connection ends.
func MaxMessageSize(n int64) Option {
	set := func(l *configv1.Limits) error {
		if n <= 0 {
			return fmt.Errorf("MaxMessageSize(%d): must be positive", n)
		}
		l.MaxMessageSize = n
		return nil
	}
	return limits(set)
}

// MaxInflatedSize limits what a compressed message may inflate to; default 128 MiB. A larger request is answered
// with a MemoryError. A server has at most four messages of that size inflated at a time; other large ones wait.
func MaxInflatedSize(n int64) Option {
	return limits(func(l *configv1.Limits) error {
		if n <= 0 {
			return fmt.Errorf("MaxInflatedSize(%d): must be positive", n)
		}
		l.MaxInflatedSize = n
		return nil
	})
}

// MaxDepth limits the nesting of containers in values, both ways; default 200.
func MaxDepth(n int) Option {
	return limits(func(l *configv1.Limits) error {
		if n <= 0 || n > 10000 {
			return fmt.Errorf("MaxDepth(%d): must be between 1 and 10000", n)
		}
		l.MaxDepth = int32(n)
		return nil
	})
}

func limits(set func(*configv1.Limits) error) Option {
	return bothOption{
		func(c *serverConfig) error { return set(c.pb.GetLimits()) },
		func(c *proxyConfig) error { return set(c.pb.GetLimits()) },
	}
}

// Compression compresses messages where the dialect's rule has it: in Pyro4 payloads from 200 bytes that
// get smaller, in Pyro5 those above 100 bytes. What arrives compressed is read in any case.
func Compression() Option {
	return bothOption{
		func(c *serverConfig) error { c.pb.Compression = true; return nil },
		func(c *proxyConfig) error { c.pb.Compression = true; return nil },
	}
}

// HMACKey signs every message with key, which both ends share; only Pyro4 has that. A proxy with a key
// speaks Pyro4; a server with one refuses Pyro5 unless AllowUnsigned is given.
func HMACKey(key string) Option {
	check := func() error {
		if key == "" {
			return errors.New("HMACKey: the key is empty")
		}
		return nil
	}
	return bothOption{
		func(c *serverConfig) error { c.hmacKey = []byte(key); return check() },
		func(c *proxyConfig) error { c.hmacKey = []byte(key); return check() },
	}
}

// Classes has values converted by r instead of codec.Default.
func Classes(r *codec.Registry) Option {
	return bothOption{
		func(c *serverConfig) error { c.registry = r; return nil },
		func(c *proxyConfig) error { c.registry = r; return nil },
	}
}

// BytesRepr has serpent write bytes as a literal, which Pyro4 and Pyro5 read as bytes, instead of the
// base64 dict that Pyrolite, too, understands (Pyro5's SERPENT_BYTES_REPR).
func BytesRepr() Option {
	return values(func(v *configv1.Values) { v.BytesRepr = true })
}

// OrderedDicts has every dict that is read into an any become a [*codec.Dict], which keeps the order and the
// kinds of its keys, instead of a map[string]any, which is handier but is written in the order of its keys. Give it
// to what passes on values whose order counts. The values of handshakes and the attributes of exceptions and
// instances stay maps.
func OrderedDicts() Option {
	return values(func(v *configv1.Values) { v.OrderedDicts = true })
}

// DisallowUnknownFields has a dict refused that has a key which the struct that it is read into has no field
// for. By default such keys are ignored.
func DisallowUnknownFields() Option {
	return values(func(v *configv1.Values) { v.DisallowUnknownFields = true })
}

func values(set func(*configv1.Values)) Option {
	return bothOption{
		func(c *serverConfig) error { set(c.pb.GetValues()); return nil },
		func(c *proxyConfig) error { set(c.pb.GetValues()); return nil },
	}
}

// valueOptions are those of a server's or a proxy's message.
func valueOptions(registry *codec.Registry, pb interface {
	GetLimits() *configv1.Limits
	GetValues() *configv1.Values
},
) codec.Options {
	v := pb.GetValues()
	return codec.Options{
		Registry:              registry,
		MaxDepth:              int(pb.GetLimits().GetMaxDepth()),
		OrderedDicts:          v.GetOrderedDicts(),
		DisallowUnknownFields: v.GetDisallowUnknownFields(),
		BytesRepr:             v.GetBytesRepr(),
		Lenient:               v.GetLenient(),
		PickleProtocol:        int(v.GetPickleProtocol()),
		PickleCalls:           v.GetPickleCalls(),
	}
}

// PickleProtocol has pickles written in protocol version n, 2 to 5; the default is 4, which Python reads
// from 3.4 on. Python 2 reads 2. A server answers in the version of the request where that is older.
func PickleProtocol(n int) Option {
	set := func(v *configv1.Values) error {
		if n < 2 || n > 5 {
			return fmt.Errorf("PickleProtocol(%d): must be between 2 and 5", n)
		}
		v.PickleProtocol = int32(n)
		return nil
	}
	return bothOption{
		func(c *serverConfig) error { return set(c.pb.GetValues()) },
		func(c *proxyConfig) error { return set(c.pb.GetValues()) },
	}
}

// PickleCalls lets pickles hold a codec.Object that Python makes by calling a class or function which is
// not known to be harmless: whoever decides what such a value is, runs code in the Python at the other end.
// Give it only where all values come from those who may.
func PickleCalls() Option {
	return values(func(v *configv1.Values) { v.PickleCalls = true })
}

// Lenient has msgpack write dicts whose keys are no text, which Python writes but does not read, and read
// them, and text that is not UTF-8.
func Lenient() Option {
	return values(func(v *configv1.Values) { v.Lenient = true })
}

// Listen adds an address to answer on: network "tcp", "tcp4", "tcp6" with HOST:PORT (port 0 for any), or
// "unix" with a path, or on Linux an abstract name, which begins with '@', NUL or the four
// characters \x00 (see [pyro.URI]; in URIs '@' begins the name of a file). Without any Listen a server
// listens on tcp localhost:0.
func Listen(network, address string) ServerOption {
	return serverOption(func(c *serverConfig) error {
		switch network {
		case "tcp", "tcp4", "tcp6", "unix":
		default:
			return fmt.Errorf("Listen: network %q, want tcp, tcp4, tcp6 or unix", network)
		}
		if network == "unix" && address == "" {
			return errors.New("Listen: a unix socket without a path")
		}
		c.pb.Listeners = append(c.pb.Listeners, &configv1.Listener{Network: network, Address: address})
		return nil
	})
}

// NoTLS has the last Listen speak without TLS, beside others that speak it as [ServerTLS] says: on a unix socket, say, or
// on localhost for what cannot speak TLS. URI is that of the first Listen, and so is what is announced.
func NoTLS() ServerOption {
	return ofListener("NoTLS", func(l *configv1.Listener) { l.NoTls = true })
}

// Advertise has URIs carry address, HOST or HOST:PORT, instead of what the last Listen is bound to: for
// servers behind NAT or in containers (Pyro's NATHOST and NATPORT). Without a port, or with port 0, it is
// the listener's own. By default it is the host that Listen names; where that stands for all addresses,
// such as 0.0.0.0, it is the one that this machine reaches other networks by.
func Advertise(address string) ServerOption {
	set := ofListener("Advertise", func(l *configv1.Listener) { l.Advertise = address })
	return serverOption(func(c *serverConfig) error {
		_, _, err := parseAdvertised(address)
		return errors.Join(err, set.applyToServer(c))
	})
}

// ofListener sets something of the last Listen.
func ofListener(what string, set func(*configv1.Listener)) ServerOption {
	return serverOption(func(c *serverConfig) error {
		all := c.pb.GetListeners()
		if len(all) == 0 {
			return errors.New(what + " has to follow the Listen that it is about")
		}
		set(all[len(all)-1])
		return nil
	})
}

// ListenOn adds a listener that is there already; the server closes it.
func ListenOn(l net.Listener) ServerOption {
	return serverOption(func(c *serverConfig) error { c.listeners = append(c.listeners, l); return nil })
}

// AllowUnsigned answers Pyro5, which has no signatures, although an HMACKey is set.
func AllowUnsigned() ServerOption {
	return serverOption(func(c *serverConfig) error { c.pb.AllowUnsignedPyro5 = true; return nil })
}

// Serializers names the serializers that are accepted. The default is serpent, json and marshal, and for
// Pyro5 peers msgpack, as on Python's daemons.
//
// "pickle", "cloudpickle" and "dill", which only Pyro4 has, are accepted only when named here. A pickle is
// read as data: nothing that it names is imported or called, so a hostile one can do no more here than any
// other message. The other way round a Python client runs what the pickles that it reads tell it to: the
// reply holds what the service returns, so a service that returns values of others hands on what they
// made. What calls anything that is not known to be harmless is therefore not written unless [PickleCalls]
// is given. A reply is in no newer version of pickle than its request, so that old peers can read it.
func Serializers(names ...string) ServerOption {
	return serverOption(func(c *serverConfig) error {
		for _, name := range names {
			if err := pyro.CheckSerializer(name); err != nil {
				return err
			}
		}
		c.pb.Serializers = names
		return nil
	})
}

// MaxConnections limits the open connections; one more is refused as Pyro refuses it. Default 10000.
func MaxConnections(n int) ServerOption {
	return serverOption(func(c *serverConfig) error {
		if n <= 0 || n > 1<<24 {
			return fmt.Errorf("MaxConnections(%d): must be positive", n)
		}
		c.pb.Limits.MaxConnections = int32(n)
		return nil
	})
}

// HandshakeTimeout limits the time that a peer may take for its handshake; default 10 s.
func HandshakeTimeout(d time.Duration) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.pb.Limits.HandshakeTimeout = durationpb.New(d)
		return positive("HandshakeTimeout", d)
	})
}

// IdleTimeout closes connections that make no request for d, as COMMTIMEOUT does on Python's servers.
// By default they stay.
func IdleTimeout(d time.Duration) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.pb.Limits.IdleTimeout = durationpb.New(d)
		return positive("IdleTimeout", d)
	})
}

// WriteTimeout limits the time that a peer may take to read each MiB of a reply, or the rest of it;
// default one minute. A peer that reads nothing loses its connection then.
func WriteTimeout(d time.Duration) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.pb.Limits.WriteTimeout = durationpb.New(d)
		return positive("WriteTimeout", d)
	})
}

// MaxUnsentSize limits the answers, to n bytes on all connections together, that the server holds because their peers have
// not read them; default 256 MiB. Small answers never wait. While there is no more room, answers of more than a MiB
// wait before they are encoded, for half a minute at most, after which the caller gets an error (code
// CodeResourceExhausted, in Python a RuntimeError); and peers that take longer than two seconds to read a MiB, or one the
// more is waited for, lose their connections: the slowest first of those that hold an equal share or more, the others
// only where all of these together hold too little. One answer may be larger than n.
func MaxUnsentSize(n int64) ServerOption {
	return serverOption(func(c *serverConfig) error {
		if n <= 0 {
			return fmt.Errorf("MaxUnsentSize(%d): must be positive", n)
		}
		c.pb.Limits.MaxUnsentSize = n
		return nil
	})
}

// MaxStreams limits the open remote iterators of the server; default 10000.
func MaxStreams(n int) ServerOption {
	return serverOption(func(c *serverConfig) error {
		if n <= 0 || n > 1<<24 {
			return fmt.Errorf("MaxStreams(%d): must be positive", n)
		}
		c.pb.Limits.MaxStreams = int32(n)
		return nil
	})
}

// DrainTimeout limits how long Run waits, after its context has ended, for calls that run; default 10 s.
func DrainTimeout(d time.Duration) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.pb.DrainTimeout = durationpb.New(d)
		return positive("DrainTimeout", d)
	})
}

// OnewayInOrder carries the one-way calls of a connection out in their turn among its other calls, as Pyro4
// does with ONEWAY_THREADED off: a slow one keeps those behind it waiting. By default each runs in a
// goroutine of its own, in no order.
func OnewayInOrder() ServerOption {
	return serverOption(func(c *serverConfig) error { c.pb.OnewayInOrder = true; return nil })
}

// StreamLinger is how long a remote iterator outlives its client's connection, so that a client that
// reconnects can go on; 0 drops it at once. The default is Pyro's 30 s (ITER_STREAM_LINGER).
func StreamLinger(d time.Duration) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.pb.Streams.Linger = durationpb.New(d)
		return nil
	})
}

// StreamLifetime is the age at which a remote iterator is dropped, used or not; the default 0 means
// never (ITER_STREAM_LIFETIME).
func StreamLifetime(d time.Duration) ServerOption {
	return serverOption(func(c *serverConfig) error {
		c.pb.Streams.Lifetime = durationpb.New(d)
		return nil
	})
}

// NoStreams refuses results that are iterators (ITER_STREAMING off).
func NoStreams() ServerOption {
	return serverOption(func(c *serverConfig) error { c.pb.Streams.Disabled = true; return nil })
}

// Annotate adds annotations to every message of this end: to the replies of a server, as a Pyro daemon's
// annotations() does, to the handshakes and calls of a proxy, as Pyro does it with
// current_context.annotations. What a call says itself with [WithAnnotation] counts more.
func Annotate(fn func() transport.Annotations) Option {
	return bothOption{
		func(c *serverConfig) error { c.annotate = fn; return given("Annotate", fn != nil) },
		func(c *proxyConfig) error { c.annotate = fn; return given("Annotate", fn != nil) },
	}
}

// Logger gets what no caller sees. The default is slog.Default. That a server has started and where it listens is at
// level debug: a client that serves callbacks is one, too. [Serve], which is a whole program, says it at level info.
func Logger(l *slog.Logger) ServerOption {
	return serverOption(func(c *serverConfig) error { c.log = l; return nil })
}

// Serializer names the serializer of a proxy's messages; default serpent. "pickle", "cloudpickle" and
// "dill" are for Pyro4 alone. Replies in them are read as data: nothing is imported or called.
func Serializer(name string) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		c.pb.Serializer, c.unasked = name, ""
		return pyro.CheckSerializer(name)
	})
}

// Dialect fixes the dialect; by default it is found out at the first connection to an address.
func Dialect(d codec.Dialect) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		c.pb.Dialect = configv1.Dialect(d)
		if d != codec.Pyro4 && d != codec.Pyro5 {
			return fmt.Errorf("Dialect(%d): want codec.Pyro4 or codec.Pyro5", d)
		}
		return nil
	})
}

// ConnectTimeout limits the making of one connection, handshake included; default 10 s.
func ConnectTimeout(d time.Duration) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		c.pb.ConnectTimeout = durationpb.New(d)
		return positive("ConnectTimeout", d)
	})
}

// Pool spreads calls over n connections. The default is one, because in Pyro a connection is a session:
// the object may be an instance made for it.
func Pool(n int) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		if n <= 0 || n > 1<<16 {
			return fmt.Errorf("Pool(%d): must be between 1 and 65536", n)
		}
		c.pb.Pool = int32(n)
		return nil
	})
}

// NameServers says where to ask for PYRONAME uris without a location, each HOST or HOST:PORT, in order.
// The default is PYRO_NS_HOST and PYRO_NS_PORT, else localhost:9090.
func NameServers(locations ...string) ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.pb.NameServers = locations; return nil })
}

// Resolver has PYRONAME uris resolved by r.
func Resolver(r discovery.Resolver) ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.resolver = r; return nil })
}

// Handshake is the value that the proxy says when it connects; default the text "hello". A Python
// daemon sees it in validateHandshake, a server of this package in [ValidateHandshake].
func Handshake(value any) ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.handshake = value; return nil })
}

// NoMetadata sends calls without a look at what the object says it exposes.
func NoMetadata() ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.pb.NoMetadata = true; return nil })
}

// DialWith has connections made by dial instead of a net.Dialer: in memory, through a tunnel. Names are
// looked up through it, too.
func DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.dialer = dial; return nil })
}

// TLS connects to the object through TLS, on connections that are made here: it does not go together
// with DialWith. An empty ServerName is the host that is dialled.
//
// A PYRONAME uri is looked up through TLS, too, because whoever answers the lookup decides where the proxy
// connects to: with the same configuration, but for the name of the host, and without the certificates of
// this side. [NameServerTLS] says otherwise.
func TLS(cfg *tls.Config) ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.tls, c.files = cfg, nil; return nil })
}

// TLSFiles is [TLS] with files that are looked after: those that change are used from the next connection on. Names are
// looked up with the same files, the certificate of this side and ServerName included; [NameServerTLSFiles] and
// [NameServerTLS] say otherwise.
func TLSFiles(files *tlsfiles.Files) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		c.tls, c.files = nil, files
		return given("TLSFiles", files != nil)
	})
}

// NameServerTLS has names looked up through TLS as cfg says, certificates included; with nil without TLS,
// whatever the proxy itself uses.
func NameServerTLS(cfg *tls.Config) ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.lookup, c.lookupTLS, c.lookupBy = true, cfg, nil; return nil })
}

// NameServerTLSFiles is [NameServerTLS] with files that are looked after.
func NameServerTLSFiles(files *tlsfiles.Files) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		c.lookup, c.lookupTLS, c.lookupBy = true, nil, files
		return given("NameServerTLSFiles", files != nil)
	})
}

func positive(what string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s(%s): must be positive", what, d)
	}
	return nil
}
