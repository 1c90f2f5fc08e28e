package service_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// caller is a service that calls what it is given, wherever that stands.
func caller() *service.Service {
	type order struct {
		Callback *service.Proxy
		Others   []*service.Proxy
		ByName   map[string]*service.Proxy
	}
	report := func(ctx context.Context, p *service.Proxy) (int, error) {
		defer p.Close()
		return service.Call[int](ctx, p, "report", 1)
	}
	return service.New("caller").
		Method("typed", report).
		Method("anything", func(ctx context.Context, v any) (int, error) {
			p, ok := v.(*service.Proxy)
			if !ok {
				return 0, fmt.Errorf("a %T", v)
			}
			return report(ctx, p)
		}).
		Method("nested", func(ctx context.Context, o order) (sum int, err error) {
			all := slices.Concat(o.Others, []*service.Proxy{o.Callback}, slices.Collect(maps.Values(o.ByName)))
			for _, p := range all {
				n, err := report(ctx, p)
				if err != nil {
					return sum, err
				}
				sum += n
			}
			return sum, nil
		}).
		Method("same", func(p *service.Proxy) *service.Proxy { return p }).
		Method("metadata", func(p *service.Proxy) []string {
			s := p.State()
			return append(append(s.Methods, s.Oneway...), s.Attrs...)
		})
}

func reporter() *service.Service {
	return service.New("reporter").
		Method("report", func(n int) int { return n + 100 }).
		Method("tell", func() {}, service.Oneway()).
		Property("speed", func() int { return 3 }, nil)
}

func TestAProxyArrivesAsAProxy(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		for _, serializer := range []string{"serpent", "json", "marshal", "msgpack"} {
			t.Run(d.String()+"/"+serializer, func(t *testing.T) {
				ctx := t.Context()
				srv := start(t, caller(), service.Serializers(serializer))
				target := connect(t, start(t, reporter()).URI("reporter").String())
				p := connect(t, srv.URI("caller").String(), service.Dialect(d), service.Serializer(serializer))

				n, err := service.Call[int](ctx, p, "typed", target)
				require.NoError(t, err)
				require.Equal(t, 101, n)
				n, err = service.Call[int](ctx, p, "anything", target)
				require.NoError(t, err)
				require.Equal(t, 101, n)
				n, err = service.Call[int](ctx, p, "nested", map[string]any{
					"Callback": target, "Others": []any{target, target}, "ByName": map[string]any{"x": target},
				})
				require.NoError(t, err)
				require.Equal(t, 404, n)

				back, err := service.Call[*service.Proxy](ctx, p, "same", target)
				require.NoError(t, err)
				defer back.Close()
				require.Equal(t, target.URI(), back.URI())
				n, err = service.Call[int](ctx, back, "report", 5)
				require.NoError(t, err)
				require.Equal(t, 105, n)
				speed, err := service.Get[int](ctx, back, "speed")
				require.NoError(t, err)
				require.Equal(t, 3, speed)
			})
		}
	}
}

func TestAProxyTravelsWithWhatIsKnown(t *testing.T) {
	ctx := t.Context()
	srv := start(t, caller())
	p := connect(t, srv.URI("caller").String())
	target := connect(t, start(t, reporter()).URI("reporter").String(), service.Serializer("json"))

	names, err := service.Call[[]string](ctx, p, "metadata", target)
	require.NoError(t, err)
	require.Empty(t, names, "nothing is known before the first connection")
	_, err = target.Info(ctx)
	require.NoError(t, err)
	names, err = service.Call[[]string](ctx, p, "metadata", target)
	require.NoError(t, err)
	require.Equal(t, []string{"report", "tell", "tell", "speed"}, names)
	require.Equal(t, "json", target.State().Serializer)
}

// What this side proves itself with stays here; what a proxy came with goes on with it.
func TestCredentialsDoNotTravel(t *testing.T) {
	p, err := service.Connect("PYRO:o@h:1", service.HMACKey("sesame"), service.Handshake("sesame"))
	require.NoError(t, err)
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		out, err := serpent.Codec.Append(nil, []any{p, map[string]any{"p": p}}, &codec.Options{Dialect: d})
		require.NoError(t, err)
		require.NotContains(t, string(out), "sesame")
		require.NotContains(t, string(out), "c2VzYW1l", "base64")
	}

	state := p.State()
	state.HMACKey, state.Handshake = pyro.Secret("sesame"), "token"
	out, err := serpent.Codec.Append(nil, state, &codec.Options{Dialect: codec.Pyro4})
	require.NoError(t, err)
	var arrived *service.Proxy
	require.NoError(t, serpent.Unmarshal(out, &arrived))
	again, err := serpent.Codec.Append(nil, arrived, &codec.Options{Dialect: codec.Pyro4})
	require.NoError(t, err)
	require.Equal(t, string(out), string(again))

	other, err := arrived.With(service.HMACKey("ours"), service.Handshake("ours"))
	require.NoError(t, err)
	again, err = serpent.Codec.Append(nil, other, &codec.Options{Dialect: codec.Pyro4})
	require.NoError(t, err)
	require.Equal(t, string(out), string(again))
}

// The key and the handshake that a proxy came with are used.
func TestAProxyUsesWhatItCameWith(t *testing.T) {
	greeted := make(chan any, 1)
	srv := start(t, reporter(), service.HMACKey("sesame"), service.Use(transport.Middleware{
		Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
			return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
				greeted <- h.Value.Go()
				return next(ctx, h)
			}
		},
	}))
	state := pyro.ProxyState{URI: srv.URI("reporter"), HMACKey: pyro.Secret("sesame"), Handshake: "token", Serializer: "json"}
	data, err := serpent.Codec.Append(nil, state, &codec.Options{Dialect: codec.Pyro4})
	require.NoError(t, err)
	var p *service.Proxy
	require.NoError(t, serpent.Unmarshal(data, &p))
	defer p.Close()
	info, err := p.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, "token", <-greeted)
	require.Equal(t, "json", info.Peer.Codec)
	require.Equal(t, codec.Pyro4, info.Peer.Dialect)
}

// What arrives is made into a proxy without a look at the network, and says what is wrong when it is used.
func TestProxiesThatArriveAndCannotBeUsed(t *testing.T) {
	read := func(state string) *service.Proxy {
		t.Helper()
		var v any
		require.NoError(t, serpent.Unmarshal([]byte("{'__class__':'Pyro4.core.Proxy','state':"+state+"}"), &v))
		p, ok := v.(*service.Proxy)
		require.True(t, ok, "%T", v)
		return p
	}
	tests := map[string]struct{ state, want string }{
		"a pickle":              {"('PYRO:o@127.0.0.1:1',(),(),(),0.0,None,'hello',0,'pickle')", "wants the serializer pickle"},
		"an unknown name":       {"('PYRO:o@127.0.0.1:1',(),(),(),0.0,None,'hello',0,'yaml')", `unknown serializer "yaml"`},
		"tags":                  {"('PYROMETA:a,b@127.0.0.1:1',(),(),(),0.0,None,'hello',0,None)", "resolve PYROMETA:a,b@127.0.0.1:1"},
		"nobody at the address": {"('PYRO:o@127.0.0.1:1',(),(),(),0.0,None,'hello',0,None)", "refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := read(tt.state)
			err := service.Do(t.Context(), p, "m")
			require.ErrorContains(t, err, tt.want)
			require.True(t, transport.AsError(err).NotSent)
			_, err = p.Info(t.Context())
			require.ErrorContains(t, err, tt.want)
			require.NoError(t, p.Close())
		})
	}
	allowed, err := read(tests["a pickle"].state).With(service.Serializer("json"))
	require.NoError(t, err)
	require.NotContains(t, service.Do(t.Context(), allowed, "m").Error(), "pickle")
}

func TestWhatIsNoProxyIsNone(t *testing.T) {
	srv := start(t, caller())
	p := connect(t, srv.URI("caller").String())
	for name, v := range map[string]any{
		"a dict": map[string]any{"x": 1}, "an empty dict": map[string]any{}, "text": "PYRO:o@h:1", "another class": codec.Object{Class: "a.B"},
		"a URI": pyro.URI{Protocol: "PYRO", Object: "o", Host: "h", Port: 1},
	} {
		err := service.Do(t.Context(), p, "metadata", v)
		var e *transport.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, "builtins.TypeError", e.Class, name)
		require.ErrorContains(t, err, "args[0]: want", name)
	}
	none, err := service.Call[*service.Proxy](t.Context(), p, "same", nil)
	require.NoError(t, err)
	require.Nil(t, none)
}

// With sets up a second proxy; the first one stays as it is.
func TestWith(t *testing.T) {
	l := inmem.Listen()
	start(t, reporter(), service.ListenOn(l))
	data, err := serpent.Marshal(pyro.ProxyState{URI: pyro.URI{Protocol: "PYRO", Object: "reporter", Host: "memory", Port: 1}})
	require.NoError(t, err)
	var arrived *service.Proxy
	require.NoError(t, serpent.Unmarshal(data, &arrived))
	var order []string
	note := func(name string) transport.Middleware {
		return transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, c *transport.Call) (*transport.Reply, error) {
				order = append(order, name)
				return next(ctx, c)
			}
		}}
	}
	p, err := arrived.With(service.DialWith(l.DialContext), service.Use(note("outer")))
	require.NoError(t, err)
	defer p.Close()
	q, err := p.With(service.Use(note("inner")))
	require.NoError(t, err)
	defer q.Close()
	n, err := service.Call[int](t.Context(), q, "report", 1)
	require.NoError(t, err)
	require.Equal(t, 101, n)
	require.Equal(t, []string{"outer", "inner"}, order)
	_, err = service.Call[int](t.Context(), p, "report", 1)
	require.NoError(t, err)
	require.Equal(t, []string{"outer", "inner", "outer"}, order)

	_, err = p.With(service.TLS(&tls.Config{}))
	require.ErrorContains(t, err, "do not go together")
	_, err = p.With(service.Pool(-1))
	require.ErrorContains(t, err, "Pool(-1)")
}

// A proxy that nobody uses holds nothing but its memory.
func TestAnUnusedProxyHoldsNothing(t *testing.T) {
	data, err := serpent.Marshal(pyro.ProxyState{URI: pyro.URI{Protocol: "PYRO", Object: "o", Host: "h", Port: 1}})
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) { // which fails when a goroutine is left
		var p *service.Proxy
		require.NoError(t, serpent.Unmarshal(data, &p))
		q, err := p.With(service.Pool(4))
		require.NoError(t, err)
		require.Equal(t, p.URI(), q.URI())
	})
}

func TestNobodyPrintsAProxysSecrets(t *testing.T) {
	p, err := service.Connect("PYRO:o@h:1", service.HMACKey("sesame"), service.Handshake("sesame"))
	require.NoError(t, err)
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("it", "proxy", p, "args", []any{p})
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&logged, verb, p)
	}
	require.NotContains(t, logged.String(), "sesame")
	require.NotContains(t, logged.String(), fmt.Sprintf("%x", "sesame"))
	require.Contains(t, logged.String(), "PYRO:o@h:1")
}
