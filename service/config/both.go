package config

import (
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// An endMessage is what the messages of servers and proxies share.
type endMessage interface {
	GetAnnotations() map[string]string
	GetChain() *configv1.Chain
	GetCompression() bool
	GetHmacKey() *configv1.Secret
	GetLimits() *configv1.Limits
	GetPreferIp() configv1.IpVersion
	GetValues() *configv1.Values
}

// both returns the options of m that are for both ends.
func (b *builder) both(m endMessage) []service.Option {
	opts := append(sizeOptions(m.GetLimits()), valueOptions(m.GetValues())...)
	if m.GetCompression() {
		opts = append(opts, service.Compression())
	}
	if key := b.secret("hmac_key", m.GetHmacKey()); key != "" {
		opts = append(opts, service.HMACKey(key))
	}
	if len(m.GetAnnotations()) > 0 {
		opts = append(opts, service.Annotate(annotations(m.GetAnnotations())))
	}
	if v := m.GetPreferIp(); v != 0 {
		opts = append(opts, service.PreferIP(int(v)))
	}
	if chain := m.GetChain(); len(chain.GetMiddlewares()) > 0 {
		built, err := Chain(chain, b.in("chain").WithValues(m.GetValues(), m.GetLimits()))
		b.also(err)
		if err == nil {
			opts = append(opts, service.Use(built.Middleware()))
		}
	}
	return opts
}

// annotations returns what adds the annotations to a message.
func annotations(of map[string]string) func() transport.Annotations {
	var all transport.Annotations
	for key, value := range of {
		all.Set(key, []byte(value))
	}
	return func() transport.Annotations { return all }
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
