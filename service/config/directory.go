package config

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Resolver returns what looks names up in a directory. It is a [discovery.Finder] and a [discovery.Watcher], too.
func Resolver(m *configv1.Directory, env Env) (discovery.Resolver, error) {
	b := newBuilder(env, transport.ClientEnd)
	switch kind := m.GetKind().(type) {
	case *configv1.Directory_Static:
		return b.table(kind.Static)
	case *configv1.Directory_NameServer:
		dial, err := nameServerDial(kind.NameServer, b.in("name_server"))
		if err != nil {
			return nil, err
		}
		r := nameserver.NewResolver(nameserver.Locator{
			Dial: dial, Locations: kind.NameServer.GetAddresses(), Stagger: kind.NameServer.GetStagger().AsDuration(),
		})
		r.PollInterval = kind.NameServer.GetPoll().AsDuration()
		return r, nil
	default:
		return nil, &FieldError{Path: env.Path, Err: errNoDirectory}
	}
}

var errNoDirectory = errors.New("a directory needs one of name_server and static")

// Registrar returns what tells a directory of services.
func Registrar(m *configv1.Directory, env Env) (discovery.Registrar, error) {
	b := newBuilder(env, transport.ClientEnd)
	switch kind := m.GetKind().(type) {
	case *configv1.Directory_Static:
		return nil, &FieldError{Path: b.at("static"), Err: errors.New("names that stand here cannot be told of anything")}
	case *configv1.Directory_NameServer:
		b.path = b.at("name_server")
		if kind.NameServer.GetStagger() != nil {
			b.failed("stagger", errOnlyLookup)
		}
		if kind.NameServer.GetPoll() != nil {
			b.failed("poll", errOnlyLookup)
		}
		env.Path = b.path
		dial, err := nameServerDial(kind.NameServer, env)
		b.also(err)
		if err := b.err(); err != nil {
			return nil, err
		}
		return nameserver.Registrar(dial, kind.NameServer.GetAddresses()...), nil
	default:
		return nil, &FieldError{Path: env.Path, Err: errNoDirectory}
	}
}

var errOnlyLookup = errors.New("it is for what looks names up, and this registers them")

// table returns the names that stand in the configuration.
func (b *builder) table(m *configv1.StaticNames) (discovery.Resolver, error) {
	var entries []discovery.Entry
	for i, e := range m.GetEntries() {
		uri, err := parseURI(e.GetUri())
		b.failed("static."+indexed("entries", i)+".uri", err)
		entries = append(entries, discovery.Entry{Name: e.GetName(), URI: uri, Metadata: e.GetMetadata()})
	}
	return discovery.Static(entries...), b.err()
}

// nameServerDial is how a name server is connected to.
func nameServerDial(m *configv1.NameServers, env Env) (pyro.DialConfig, error) {
	b := newBuilder(env, transport.ClientEnd)
	cfg := pyro.DialConfig{
		Serializer: m.GetSerializer(),
		Dialect:    codec.Dialect(m.GetDialect()), //nolint:gosec // an enum of small numbers
		Timeout:    m.GetConnectTimeout().AsDuration(),
	}
	b.locations("addresses", m.GetAddresses())
	if key := b.secret("hmac_key", m.GetHmacKey()); key != "" {
		cfg.HMACKey = []byte(key)
		if m.GetDialect() == configv1.Dialect_DIALECT_PYRO5 {
			b.failed("hmac_key", errUnsigned)
		}
	}
	if token := b.secret("token", m.GetToken()); token != "" {
		cfg.Handshake = token
	}
	if m.GetTls() != nil {
		files, err := ClientTLS(m.GetTls(), b.in("tls"))
		b.also(err)
		if err == nil {
			cfg.Dial = files.Dialer((&pyro.Dialer{}).DialContext)
		}
	}
	return cfg, b.err()
}

var errUnsigned = errors.New("Pyro5 has no signatures, so dialect must not be DIALECT_PYRO5")

func indexed(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// NewCache returns a cache of what source answers, set up as m says; see [discovery.NewCache].
func NewCache(source discovery.Resolver, m *configv1.LookupCache) *discovery.Cache {
	cfg := discovery.CacheConfig{
		TTL:      m.GetTtl().AsDuration(),
		Stale:    m.GetStale().AsDuration(),
		Negative: m.GetNegative().AsDuration(),
		Answers:  int(m.GetMaxAnswers()),
	}
	if m.GetStale() != nil && cfg.Stale == 0 {
		cfg.Stale = -1
	}
	return discovery.NewCache(source, cfg)
}

// Balancer returns what chooses the object of a call.
func Balancer(m *configv1.Balance) (discovery.Balancer, error) {
	switch m.GetPolicy() {
	case configv1.Balance_POLICY_UNSPECIFIED, configv1.Balance_POLICY_ROUND_ROBIN:
		return discovery.RoundRobin(), nil
	case configv1.Balance_POLICY_RANDOM:
		return discovery.Random(), nil
	case configv1.Balance_POLICY_LEAST_BUSY:
		return discovery.LeastBusy(), nil
	case configv1.Balance_POLICY_RENDEZVOUS:
		return discovery.Rendezvous(discovery.Argument(int(m.GetKeyArgument()))), nil
	default:
		return nil, fmt.Errorf("policy %d: there is none of this number", m.GetPolicy())
	}
}
