package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A remote is an object on the other end. It stands on pyro.Client rather than on service.Proxy because
// a command has to tell a result from a remote iterator, and to print dicts in the order they came in.
type remote struct {
	*pyro.Client
	f    *factory
	uri  pyro.URI
	call transport.Endpoint // Client.Call, through the chain of --config
}

// Call carries out one call.
func (r *remote) Call(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	return r.call(ctx, call)
}

// connect returns the object at a URI. It does not dial yet.
func (f *factory) connect(uri string) (*remote, error) {
	u, err := parseURI(uri)
	if err != nil {
		return nil, err
	}
	f.aimAt(uri, u)
	return f.connectTo(u)
}

// parseURI reads a URI that somebody has written. As Python, the library takes any number for a port, and fails when it
// connects.
func parseURI(text string) (pyro.URI, error) {
	u, err := pyro.ParseURI(text)
	if err == nil && u.Port > math.MaxUint16 {
		return u, usagef("%s: no port is above %d", u, math.MaxUint16)
	}
	return u, err
}

func (f *factory) connectTo(u pyro.URI) (*remote, error) {
	cfg, err := f.objectConfig()
	if err != nil {
		return nil, err
	}
	cfg.Serializer, cfg.Dialect = f.flags.serializer, f.dialect()
	resolve := func(ctx context.Context) (pyro.URI, error) { return f.resolve(ctx, u) }
	client := pyro.NewClient(resolve, cfg, f.flags.unchecked)
	return &remote{Client: client, f: f, uri: u, call: cfg.Middleware.Call(client.Call)}, nil
}

// objectConfig is dialConfig for the object that a command is about: its server is told the credential.
func (f *factory) objectConfig() (pyro.DialConfig, error) {
	cfg, err := f.dialConfig()
	if err != nil {
		return cfg, err
	}
	if cfg.Handshake, err = f.credential(); err != nil {
		return cfg, err
	}
	cfg.Middleware, err = f.chain()
	return cfg, err
}

// daemonAt returns the daemon object at HOST:PORT or ./u:PATH.
func (f *factory) daemonAt(location string) (*remote, error) {
	u, err := daemonURI(location)
	if err != nil {
		return nil, err
	}
	f.aimAt("", u)
	return f.connectTo(u)
}

func daemonURI(location string) (pyro.URI, error) {
	u, err := parseURI(pyro.ProtocolPyro + ":" + pyro.DaemonObject + "@" + location)
	if err != nil {
		return u, usagef("%s: want HOST:PORT, [IPV6]:PORT or ./u:PATH", location)
	}
	return u, nil
}

// dialConfig is what all connections have in common.
func (f *factory) dialConfig() (pyro.DialConfig, error) {
	cfg := pyro.DialConfig{
		Compress:       f.flags.compress,
		MaxMessageSize: f.flags.maxMessageSize,
		Timeout:        f.flags.timeout,
		Values:         codec.Options{OrderedDicts: true, BytesRepr: f.flags.bytesRepr},
		PreferIP:       f.flags.preferIP,
	}
	key, err := f.hmacKey()
	if err != nil {
		return cfg, err
	}
	cfg.HMACKey = key
	if key == nil && f.client.hmacKey != "" {
		if f.dialect() == codec.Pyro5 {
			return cfg, usagef("client.hmac_key of --config: Pyro5 has no signatures, so --dialect pyro5 cannot be met")
		}
		cfg.HMACKey = []byte(f.client.hmacKey)
	}
	if f.client.tls != nil {
		cfg.Dial = f.client.tls.Dialer((&pyro.Dialer{Prefer: f.flags.preferIP}).DialContext)
	}
	if f.flags.tls.enabled() {
		tlsConfig, err := f.flags.tls.client()
		if err != nil {
			return cfg, err
		}
		// Without a ServerName it takes the host that it dials.
		cfg.Dial = (&pyro.Dialer{Prefer: f.flags.preferIP, TLS: tlsConfig}).DialContext
	}
	return cfg, nil
}

func (f *factory) hmacKey() ([]byte, error) {
	name := f.flags.hmacKeyEnv
	if name == "" {
		return nil, nil
	}
	if f.dialect() == codec.Pyro5 {
		return nil, usagef("--hmac-key-env: Pyro5 has no signatures, so --dialect pyro5 cannot be met")
	}
	key := os.Getenv(name)
	if key == "" {
		return nil, usagef("--hmac-key-env: the variable %s is empty or not set", name)
	}
	return []byte(key), nil
}

// credential is what the handshake says to servers that ask who connects; nil says "hello".
func (f *factory) credential() (any, error) {
	name := f.flags.credentialEnv
	switch {
	case name != "":
	case f.client.token != "":
		return f.client.token, nil
	default:
		return nil, nil //nolint:nilnil // nothing special to say
	}
	credential := os.Getenv(name)
	if credential == "" {
		return nil, usagef("--credential-env: the variable %s is empty or not set", name)
	}
	return credential, nil
}

func (f *factory) dialect() codec.Dialect {
	switch f.flags.dialect {
	case "pyro4":
		return codec.Pyro4
	case "pyro5":
		return codec.Pyro5
	default:
		return 0
	}
}

// nameServer returns a client of the name server that the flags and the environment name, for commands that are about
// it: it is told the credential. Where the credential is for an object, the name server has no business to know it.
func (f *factory) nameServer(ctx context.Context) (*nameserver.Client, error) {
	cfg, err := f.toldConfig()
	if err != nil {
		return nil, err
	}
	return f.locate(ctx, cfg, f.flags.nameServers...)
}

// lookUpServer is nameServer for commands that only look names up, as findNameServer has it.
func (f *factory) lookUpServer(ctx context.Context) (*nameserver.Client, error) {
	cfg, err := f.toldConfig()
	if err != nil {
		return nil, err
	}
	return f.find(ctx, cfg, f.flags.nameServers...)
}

func (f *factory) toldConfig() (pyro.DialConfig, error) {
	cfg, err := f.nameServerConfig()
	if err != nil {
		return cfg, err
	}
	cfg.Handshake, err = f.credential()
	return cfg, err
}

func (f *factory) locate(ctx context.Context, cfg pyro.DialConfig, locations ...string) (*nameserver.Client, error) {
	ns, err := nameserver.Locate(ctx, cfg, locations...)
	if err == nil {
		f.log.Debug("found the name server", "uri", ns.URI().String())
	}
	return ns, err
}

// nameServerConfig is how a name server is connected to.
func (f *factory) nameServerConfig() (pyro.DialConfig, error) {
	cfg, err := f.dialConfig()
	cfg.Values = codec.Options{}
	return cfg, err
}

// findNameServer is for who only looks names up: where nobody said which name server, and the default one is
// not there, it asks the network.
func (f *factory) findNameServer(ctx context.Context, locations ...string) (*nameserver.Client, error) {
	cfg, err := f.nameServerConfig()
	if err != nil {
		return nil, err
	}
	return f.find(ctx, cfg, locations...)
}

func (f *factory) find(ctx context.Context, cfg pyro.DialConfig, locations ...string) (*nameserver.Client, error) {
	ns, err := f.locate(ctx, cfg, locations...)
	if err == nil || len(locations) > 0 || f.flags.noBroadcast || f.flags.preferIP == 6 ||
		!errors.Is(err, transport.ErrUnavailable) || exitCode(err) == exitRefused { // who refuses is there
		return ns, err
	}
	fmt.Fprintf(f.io.err, "no name server answers at %s, asking the network (--no-broadcast does not)\n", nameserver.DefaultLocation())
	cfg.Handshake = nil               // whoever answers is told no credential
	port, _ := f.env.Int("NS_BCPORT") // 0 is the default port
	ns, broadcastErr := nameserver.Broadcast(ctx, cfg, int(port), f.env.BroadcastAddresses()...)
	if errors.Is(broadcastErr, context.Canceled) {
		return nil, broadcastErr
	}
	if broadcastErr != nil {
		return nil, fmt.Errorf("%w; %w", err, broadcastErr)
	}
	fmt.Fprintf(f.io.err, "name server found by broadcast: %s\n", ns.URI())
	return ns, nil
}

// resolve finds out where the object is, as long as NS_LOOKUP_DELAY says.
func (f *factory) resolve(ctx context.Context, u pyro.URI) (pyro.URI, error) {
	if u.Protocol == pyro.ProtocolPyro {
		return u, nil
	}
	end := time.Now().Add(f.flags.lookupDelay)
	for {
		found, err := f.lookup(ctx, u)
		absent := errors.Is(err, transport.ErrNotFound) || errors.Is(err, transport.ErrUnavailable)
		if !absent || !time.Now().Before(end) {
			return found, err
		}
		select {
		case <-time.After(min(max(f.flags.lookupDelay/5, minLookupPause), time.Until(end))):
		case <-ctx.Done():
			return found, err
		}
	}
}

// minLookupPause is the least time between two lookups.
const minLookupPause = 200 * time.Millisecond

// lookup asks a name server for a name, or for any that has the tags.
func (f *factory) lookup(ctx context.Context, u pyro.URI) (pyro.URI, error) {
	locations := f.flags.nameServers
	if location := u.Location(); location != "" {
		locations = []string{location}
	}
	what := u.Object
	if u.Protocol == pyro.ProtocolPyroMeta {
		what = u.String()
	}
	ns, err := f.findNameServer(ctx, locations...)
	if err != nil {
		return pyro.URI{}, fmt.Errorf("look up %s: %w", what, err)
	}
	defer ns.Close()
	entry, err := entryOf(ctx, ns, u)
	if err != nil {
		return pyro.URI{}, hintAtInstances(ctx, ns, u, err)
	}
	f.log.Debug("looked the name up", "name", entry.Name, "uri", entry.URI.String())
	f.foundAt(entry.URI.Location())
	return entry.URI, nil
}

// hintAtInstances says where an unknown name has instances all the same.
func hintAtInstances(ctx context.Context, ns *nameserver.Client, u pyro.URI, err error) error {
	if u.Protocol != pyro.ProtocolPyroName || !errors.Is(err, transport.ErrNotFound) {
		return err
	}
	q := discovery.InstancesOf(u.Object)
	if found, findErr := ns.Find(ctx, q); findErr != nil || len(found) == 0 {
		return err // the name server may know no metadata
	}
	u.Protocol, u.Object, u.Tags = pyro.ProtocolPyroMeta, "", q.All
	return withHint(err, "there are instances of it; any one of them is "+shellQuoted(u.String()))
}

// entryOf returns the entry with a name, or one at random of those with all tags.
func entryOf(ctx context.Context, ns *nameserver.Client, u pyro.URI) (discovery.Entry, error) {
	if u.Protocol != pyro.ProtocolPyroMeta {
		return ns.Lookup(ctx, u.Object)
	}
	entries, err := ns.Find(ctx, discovery.Query{All: u.Tags})
	if err == nil && len(entries) == 0 {
		err = transport.NewError("NamingError",
			"no registrations available with desired metadata properties {'"+strings.Join(u.Tags, "', '")+"'}")
	}
	if err != nil {
		return discovery.Entry{}, err
	}
	return entries[rand.N(len(entries))], nil //nolint:gosec // any will do
}

// limited returns a context that ends when --timeout says so.
func (f *factory) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.flags.timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, f.flags.timeout)
}

// do carries out one call within --timeout.
func (r *remote) do(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	ctx, cancel := r.f.limited(ctx)
	defer cancel()
	call.Object = r.uri.Object
	for left := r.f.flags.retries; ; left-- {
		reply, err := r.Call(ctx, call)
		if err == nil || left <= 0 || ctx.Err() != nil || !worthRetrying(call, err) {
			return reply, err
		}
	}
}

// worthRetrying tells what MAX_RETRIES has sent again: method calls whose connection was lost.
func worthRetrying(call *transport.Call, err error) bool {
	e := transport.AsError(err)
	return call.Kind == transport.Invoke && !call.Oneway && !e.Remote && e.Op == call.Describe() && e.Code == transport.CodeUnavailable
}

// value carries out a call whose result is a plain value.
func (r *remote) value(ctx context.Context, call *transport.Call) (any, error) {
	reply, err := r.do(ctx, call)
	if err != nil {
		return nil, err
	}
	return valueOf(reply)
}

func valueOf(reply *transport.Reply) (any, error) {
	defer reply.Release()
	return reply.Value.Any()
}

// about is what a connection says of the object and of who answers for it.
type about struct {
	uri      pyro.URI
	peer     *transport.Peer
	metadata *transport.ObjectMetadata
}

func (r *remote) about(ctx context.Context) (*about, error) {
	ctx, cancel := r.f.limited(ctx)
	defer cancel()
	welcome, peer, uri, err := r.Connect(ctx)
	if err != nil {
		return nil, err
	}
	a := &about{uri: uri, peer: peer, metadata: welcome.Metadata}
	if a.metadata == nil {
		a.metadata = &transport.ObjectMetadata{}
	}
	return a, nil
}
