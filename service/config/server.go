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
	for _, o := range b.both(m) {
		b.add(o)
	}
	b.protocol(m)
	b.add(limitOptions(m.GetLimits())...)
	b.streams(m.GetStreams())
	b.announcements(m)
	return b.opts, b.err()
}

type serverBuilder struct {
	*builder
	opts []service.ServerOption
}

func (b *serverBuilder) add(opts ...service.ServerOption) { b.opts = append(b.opts, opts...) }

// listeners says where it listens, and with which certificate.
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
}

// protocol says how it speaks.
func (b *serverBuilder) protocol(m *configv1.Server) {
	if names := m.GetSerializers(); len(names) > 0 {
		b.add(service.Serializers(names...))
	}
	if d := m.GetDrainTimeout(); d != nil {
		b.add(service.DrainTimeout(d.AsDuration()))
	}
	for _, o := range []struct {
		on     bool
		option service.ServerOption
	}{
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

// limitOptions are those of servers alone.
func limitOptions(m *configv1.Limits) []service.ServerOption {
	var opts []service.ServerOption
	if n := m.GetMaxUnsentSize(); n > 0 {
		opts = append(opts, service.MaxUnsentSize(n))
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
