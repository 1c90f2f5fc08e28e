package service

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"

	"github.com/pyrokit/pyrokit/codec"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func init() { //nolint:gochecknoinits // the floors below know proxies only as data
	codec.Default.RegisterEncoder(reflect.TypeFor[*Proxy](), func(v any, _ codec.Dialect) (any, error) {
		p, _ := v.(*Proxy)
		return p.State(), nil
	})
	for _, class := range pyro.ProxyClasses() {
		codec.Default.RegisterDecoder(class, func(class string, attrs *codec.Dict) (any, error) {
			state, err := pyro.ReadProxyState(class, attrs)
			if err != nil {
				return nil, err
			}
			return proxyOf(state), nil
		})
	}
}

// State returns the proxy as it travels: its URI, what is known of the object, and the serializer, if one
// was named. One that arrived keeps what it came with, handshake and key included. What this side gave a
// proxy to prove itself with, [HMACKey], [Handshake] and [TLS], stays here: who wants to hand that on puts
// it into the state and passes the state instead of the proxy.
func (p *Proxy) State() pyro.ProxyState {
	state := pyro.ProxyState{}
	if p.given != nil {
		state = *p.given
	}
	state.URI = p.URI()
	if name := p.cfg.pb.GetSerializer(); name != "" {
		state.Serializer = name
	}
	if m := p.to.metadata(); m != nil {
		state.Methods, state.Oneway, state.Attrs = m.Methods, m.Oneway, m.Attrs
	}
	return state
}

// proxyOf returns the proxy that arrived as state.
func proxyOf(state pyro.ProxyState) *Proxy {
	cfg := proxyConfig{
		pb: &configv1.Proxy{
			Uri: state.URI.String(), Serializer: state.Serializer, Limits: &configv1.Limits{}, Values: &configv1.Values{},
		},
		handshake: state.Handshake,
		hmacKey:   state.HMACKey,
	}
	if pyro.IsPickle(state.Serializer) {
		cfg.pb.Serializer, cfg.unasked = "", state.Serializer
	}
	p, _ := newProxy(state.URI, cfg) // what is wrong, its calls say
	p.given = &state
	return p
}

// Format writes the URI, whatever the verb: a proxy may hold keys.
func (p *Proxy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "proxy of "+p.uri.String()) }

// LogValue returns the URI.
func (p *Proxy) LogValue() slog.Value { return slog.StringValue(p.uri.String()) }
