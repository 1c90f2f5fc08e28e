package config

import (
	"errors"
	"fmt"
	"math"

	"github.com/pyrokit/pyrokit/codec"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// ProxyOptions returns what m says as options for [service.Connect], its chain included; the uri is not among them. For
// the rest it is as [ServerOptions].
func ProxyOptions(m *configv1.Proxy, env Env) ([]service.ProxyOption, error) {
	b := &proxyBuilder{builder: newBuilder(env, transport.ClientEnd)}
	for _, o := range b.both(m) {
		b.add(o)
	}
	b.protocol(m)
	b.patience(m)
	b.tls(m)
	b.names(m)
	return b.opts, b.err()
}

// Connect returns a proxy that is set up as m says, and as opts say besides. As [service.Connect], it does not dial.
func Connect(m *configv1.Proxy, env Env, opts ...service.ProxyOption) (*service.Proxy, error) {
	own, err := ProxyOptions(m, env)
	if err != nil {
		return nil, err
	}
	p, err := service.Connect(m.GetUri(), append(own, opts...)...)
	if err != nil {
		return nil, &FieldError{Path: env.Path, Err: err}
	}
	return p, nil
}

type proxyBuilder struct {
	*builder
	opts []service.ProxyOption
}

func (b *proxyBuilder) add(opts ...service.ProxyOption) { b.opts = append(b.opts, opts...) }

// protocol says how it speaks.
func (b *proxyBuilder) protocol(m *configv1.Proxy) {
	if m.GetSerializer() != "" {
		b.add(service.Serializer(m.GetSerializer()))
	}
	if d := m.GetDialect(); d != configv1.Dialect_DIALECT_UNSPECIFIED {
		b.add(service.Dialect(codec.Dialect(d))) //nolint:gosec // an enum of small numbers
	}
	if m.GetHmacKey() != nil && m.GetDialect() == configv1.Dialect_DIALECT_PYRO5 {
		b.failed("hmac_key", errUnsigned)
	}
	if value := b.secret("handshake", m.GetHandshake()); value != "" {
		b.add(service.Handshake(value))
	}
	if m.GetNoMetadata() {
		b.add(service.NoMetadata())
	}
}

// patience says for how long it waits, and how often it tries.
func (b *proxyBuilder) patience(m *configv1.Proxy) {
	if d := m.GetConnectTimeout().AsDuration(); d > 0 {
		b.add(service.ConnectTimeout(d))
	}
	if d := m.GetTimeout().AsDuration(); d > 0 {
		b.add(service.Timeout(d))
	}
	if d := m.GetLookupDelay(); d != nil {
		b.add(service.LookupDelay(d.AsDuration()))
	}
	if n := m.GetMaxRetries(); n > 0 {
		b.add(service.MaxRetries(int(n)))
	}
	if n := m.GetConnectAttempts(); n > 0 {
		b.add(service.ConnectAttempts(int(n)))
	}
	if n := m.GetPool(); n > 0 {
		b.add(service.Pool(int(n)))
	}
	if m.GetReconnectAfterTimeout() {
		b.add(service.ReconnectAfterTimeout())
	}
}

// tls says what the connections to the object, and to name servers, are secured with.
func (b *proxyBuilder) tls(m *configv1.Proxy) {
	if m.GetTls() != nil {
		files, err := ClientTLS(m.GetTls(), b.in("tls"))
		b.also(err)
		if err == nil {
			b.add(service.TLSFiles(files))
		}
	}
	switch {
	case m.GetNameServerPlain():
		b.add(service.NameServerTLS(nil))
	case m.GetNameServerTls() != nil:
		files, err := ClientTLS(m.GetNameServerTls(), b.in("name_server_tls"))
		b.also(err)
		if err == nil {
			b.add(service.NameServerTLSFiles(files))
		}
	}
}

// names says how names are looked up, and what becomes of several objects.
func (b *proxyBuilder) names(m *configv1.Proxy) {
	b.checkURI(m)
	b.locations("name_servers", m.GetNameServers())
	if names := m.GetNameServers(); len(names) > 0 {
		b.add(service.NameServers(names...))
	}
	if l := m.GetBroadcastLookup(); l != nil {
		b.add(service.BroadcastLookup(int(l.GetPort()), l.GetAddresses()...))
	}
	if m.GetDirectory() != nil {
		r, err := Resolver(m.GetDirectory(), b.in("directory"))
		b.also(err)
		if err == nil && m.GetLookupCache() != nil {
			r = NewCache(r, m.GetLookupCache())
		}
		if err == nil {
			b.add(service.Resolver(r))
		}
	}
	if m.GetBalance() != nil {
		chosen, err := Balancer(m.GetBalance())
		b.failed("balance.policy", err)
		if err == nil {
			b.add(service.Balance(chosen))
		}
		if m.GetBalance().GetHealthCheck() {
			b.add(service.HealthCheck())
		}
	}
}

// checkURI checks what the uri and the rest say together.
func (b *proxyBuilder) checkURI(m *configv1.Proxy) {
	u, err := parseURI(m.GetUri())
	b.failed("uri", err)
	if err != nil {
		return
	}
	looksUp := u.Protocol != pyro.ProtocolPyro
	if !looksUp && m.GetDirectory() != nil {
		b.failed("directory", errNoLookup)
	}
	if !looksUp && m.GetBalance() != nil {
		b.failed("balance", errNoLookup)
	}
	if looksUp && u.Location() != "" && m.GetDirectory() != nil {
		b.failed("directory", errors.New("uri says itself which name server is asked: leave @HOST:PORT out there, or the directory"))
	}
}

// parseURI reads a URI that is to be connected to. Python, too, takes any number for a port until it connects.
func parseURI(text string) (pyro.URI, error) {
	u, err := pyro.ParseURI(text)
	if err == nil && u.Port > math.MaxUint16 {
		err = fmt.Errorf("%w %q: no port is above %d", pyro.ErrURI, text, math.MaxUint16)
	}
	return u, err
}

var errNoLookup = errors.New("uri says where the object is: want a PYRONAME: or PYROMETA: uri")
