package config

import (
	"time"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// ServerOptions returns what m says as options of a [service.Server], its chain included. Errors are [FieldError], several
// of them joined. What the options hold of env.Secret and of files is read now, but for TLS, which follows its files.
//
// What only code can say (functions, listeners that are there already, classes) is given beside them:
//
//	opts, err := config.ServerOptions(file.Config().GetServer(), env)
//	srv := service.NewServer(append(opts, service.OnDisconnect(gone))...)
func ServerOptions(m *configv1.Server, env Env) ([]service.ServerOption, error) {
	b := &serverBuilder{builder: newBuilder(env, transport.ServerEnd)}
	b.add(service.Logger(b.env.Log))
	b.listeners(m)
	b.protocol(m)
	b.add(limitOptions(m.GetLimits())...)
	addTo(b, valueOptions(m.GetValues()))
	b.streams(m.GetStreams())
	b.announcements(m)
	if chain := m.GetChain(); len(chain.GetMiddlewares()) > 0 {
		built, err := Chain(chain, b.in("chain").WithValues(m.GetValues(), m.GetLimits()))
		b.also(err)
		if err == nil {
			b.add(service.Use(built.Middleware()))
		}
	}
	return b.opts, b.err()
}

type serverBuilder struct {
	*builder
	opts []service.ServerOption
}

func (b *serverBuilder) add(opts ...service.ServerOption) { b.opts = append(b.opts, opts...) }

// addTo adds options that are for both ends.
func addTo(b *serverBuilder, opts []service.Option) {
	for _, o := range opts {
		b.add(o)
	}
}

// listeners says where it listens, and how it is told apart from others there.
func (b *serverBuilder) listeners(m *configv1.Server) {
	for _, l := range m.GetListeners() {
		network, address := l.GetNetwork(), l.GetAddress()
		if network == "" {
			network = "tcp"
		}
		if address == "" && network != "unix" {
			address = "localhost:0"
		}
		b.add(service.Listen(network, address))
		if l.GetAdvertise() != "" {
			b.add(service.Advertise(l.GetAdvertise()))
		}
		if l.GetNoTls() {
			b.add(service.NoTLS())
		}
	}
	if m.GetTls() != nil {
		cfg, err := ServerTLS(m.GetTls(), b.in("tls"))
		b.also(err)
		if err == nil {
			b.add(service.ServerTLS(cfg))
		}
	}
	if v := ipVersion(m.GetPreferIp()); v != 0 {
		b.add(service.PreferIP(v))
	}
}

func ipVersion(v configv1.IpVersion) int { return int(v) }

// protocol says how it speaks.
func (b *serverBuilder) protocol(m *configv1.Server) {
	if names := m.GetSerializers(); len(names) > 0 {
		b.add(service.Serializers(names...))
	}
	if m.GetHmacKey() != nil {
		if key := b.secret("hmac_key", m.GetHmacKey()); key != "" {
			b.add(service.HMACKey(key))
		}
	}
	if annotations := m.GetAnnotations(); len(annotations) > 0 {
		b.add(service.Annotate(b.annotations(annotations)))
	}
	if d := m.GetDrainTimeout(); d != nil {
		b.add(service.DrainTimeout(d.AsDuration()))
	}
	for _, o := range []struct {
		on     bool
		option service.ServerOption
	}{
		{m.GetCompression(), service.Compression()},
		{m.GetAllowUnsignedPyro5(), service.AllowUnsigned()},
		{m.GetOnewayInOrder(), service.OnewayInOrder()},
		{m.GetDetailedTraceback(), service.DetailedTraceback()},
		{m.GetNoHealth(), service.NoHealth()},
		{m.GetAnnounceServing(), service.AnnounceServing()},
	} {
		if o.on {
			b.add(o.option)
		}
	}
}

// annotations returns what adds the annotations to a message.
func (b *builder) annotations(of map[string]string) func() transport.Annotations {
	var all transport.Annotations
	for key, value := range of {
		all.Set(key, []byte(value))
	}
	return func() transport.Annotations { return all }
}

func (b *serverBuilder) streams(m *configv1.Streams) {
	if m.GetDisabled() {
		b.add(service.NoStreams())
	}
	if d := m.GetLifetime(); d != nil {
		b.add(service.StreamLifetime(d.AsDuration()))
	}
	if d := m.GetLinger(); d != nil {
		b.add(service.StreamLinger(d.AsDuration()))
	}
}

func (b *serverBuilder) announcements(m *configv1.Server) {
	for i, a := range m.GetAnnounce() {
		env := b.in(indexed("announce", i) + ".directory")
		r, err := Registrar(a.GetDirectory(), env)
		b.also(err)
		switch {
		case err != nil:
		case a.GetInstance():
			b.add(service.AnnounceInstance(r, a.GetInstanceId()))
		default:
			b.add(service.Announce(r))
		}
	}
}

// limitOptions are those of both ends and, where they are set, of servers.
func limitOptions(m *configv1.Limits) []service.ServerOption {
	var opts []service.ServerOption
	for _, o := range sizeOptions(m) {
		opts = append(opts, o)
	}
	for _, n := range []struct {
		n      int32
		option func(int) service.ServerOption
	}{
		{m.GetMaxConnections(), service.MaxConnections},
		{m.GetMaxStreams(), service.MaxStreams},
		{m.GetMaxCalls(), service.MaxCalls},
	} {
		if n.n > 0 {
			opts = append(opts, n.option(int(n.n)))
		}
	}
	for _, d := range []struct {
		d      time.Duration
		option func(time.Duration) service.ServerOption
	}{
		{m.GetHandshakeTimeout().AsDuration(), service.HandshakeTimeout},
		{m.GetWriteTimeout().AsDuration(), service.WriteTimeout},
		{m.GetIdleTimeout().AsDuration(), service.IdleTimeout},
	} {
		if d.d > 0 {
			opts = append(opts, d.option(d.d))
		}
	}
	return opts
}

// sizeOptions are the limits of both ends.
func sizeOptions(m *configv1.Limits) []service.Option {
	var opts []service.Option
	if n := m.GetMaxMessageSize(); n > 0 {
		opts = append(opts, service.MaxMessageSize(n))
	}
	if n := m.GetMaxInflatedSize(); n > 0 {
		opts = append(opts, service.MaxInflatedSize(n))
	}
	if n := m.GetMaxDepth(); n > 0 {
		opts = append(opts, service.MaxDepth(int(n)))
	}
	return opts
}

func valueOptions(m *configv1.Values) []service.Option {
	var opts []service.Option
	for _, o := range []struct {
		on     bool
		option service.Option
	}{
		{m.GetOrderedDicts(), service.OrderedDicts()},
		{m.GetDisallowUnknownFields(), service.DisallowUnknownFields()},
		{m.GetBytesRepr(), service.BytesRepr()},
		{m.GetLenient(), service.Lenient()},
		{m.GetPickleCalls(), service.PickleCalls()},
	} {
		if o.on {
			opts = append(opts, o.option)
		}
	}
	if n := m.GetPickleProtocol(); n > 0 {
		opts = append(opts, service.PickleProtocol(int(n)))
	}
	return opts
}
