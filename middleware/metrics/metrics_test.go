package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/metrics"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stock has a member of each kind. noted is told of each one-way call.
func stock(noted chan<- struct{}) *service.Service {
	s := service.New("stock")
	s.Method("echo", func(v any) any { return v })
	s.Method("sleep", func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	s.Method("fail", func() error { return fs.ErrNotExist })
	s.Method("panics", func() { panic("oh") })
	s.Method("count", func() iter.Seq[int] {
		return func(yield func(int) bool) { _ = yield(1) && yield(2) }
	})
	s.Method("note", func() { noted <- struct{}{} }, service.Oneway())
	s.Property("velocity", func() float64 { return 1.5 }, func(float64) {})
	return s
}

// samples returns a registry's samples of the metric name as Prometheus reads them, with their labels.
func samples(t *testing.T, reg *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			found[strings.Join(labels, " ")] = v
		}
	}
	return found
}

// both joins a server and a proxy with a registry each.
func both(t *testing.T, s *service.Service, d codec.Dialect) (server, client *prometheus.Registry, p *service.Proxy) {
	t.Helper()
	server, client = prometheus.NewRegistry(), prometheus.NewRegistry()
	onServer, err := metrics.New(server)
	require.NoError(t, err)
	onClient, err := metrics.New(client)
	require.NoError(t, err)
	p = pairtest.Join(t, s, []service.ServerOption{service.Use(onServer)}, service.Use(onClient), service.Dialect(d), service.NoMetadata())
	return server, client, p
}

func TestCallsOfAllKinds(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			noted := make(chan struct{})
			server, client, p := both(t, stock(noted), d)
			ctx := t.Context()
			for range 3 {
				require.NoError(t, service.Do(ctx, p, "echo", "x"))
			}
			require.Error(t, service.Do(ctx, p, "fail"))
			require.Error(t, service.Do(ctx, p, "panics"))
			_, err := service.Get[float64](ctx, p, "velocity")
			require.NoError(t, err)
			require.NoError(t, service.Set(ctx, p, "velocity", 2.5))
			for _, err := range service.Stream[int](ctx, p, "count") {
				require.NoError(t, err)
			}
			b := p.Batch()
			service.Queue[int](b, "echo", 1)
			service.Queue[int](b, "echo", 2)
			require.NoError(t, b.Do(ctx))
			require.NoError(t, service.Do(ctx, p, "note", service.AsOneway()))
			<-noted
			require.Eventually(t, func() bool { // nobody waits for it to end
				for labels, n := range samples(t, server, "pyro_calls_total") {
					if n == 1 && strings.Contains(labels, "method=note") {
						return true
					}
				}
				return false
			}, 20*time.Second, time.Millisecond)

			calls := samples(t, client, "pyro_calls_total")
			labels := func(side, kind, method, code string) string {
				return fmt.Sprintf("code=%s dialect=%s kind=%s method=%s object=stock side=%s", code, d, kind, method, side)
			}
			want := map[string]float64{
				labels("client", "invoke", "echo", "ok"):               3,
				labels("client", "invoke", "fail", "not_found"):        1,
				labels("client", "invoke", "panics", "unknown"):        1,
				labels("client", "getattr", "velocity", "ok"):          1,
				labels("client", "setattr", "velocity", "ok"):          1,
				labels("client", "invoke", "count", "ok"):              1,
				labels("client", "streamitem", "count", "ok"):          3,
				labels("client", "batch", transport.BatchMethod, "ok"): 1,
				labels("client", "invoke", "note", "ok"):               1,
			}
			require.Equal(t, want, calls)
			calls = samples(t, server, "pyro_calls_total")
			require.InDelta(t, 5, calls[labels("server", "invoke", "echo", "ok")], 0, "entries of a batch are calls")
			require.InDelta(t, 1, calls[labels("server", "invoke", "fail", "not_found")], 0)
			require.InDelta(t, 1, calls[labels("server", "invoke", "panics", "internal")], 0)
			require.InDelta(t, 1, calls[labels("server", "getattr", "velocity", "ok")], 0)
			require.InDelta(t, 1, calls[labels("server", "setattr", "velocity", "ok")], 0)
			require.InDelta(t, 3, calls[labels("server", "streamitem", "count", "ok")], 0)
			require.InDelta(t, 1, calls[labels("server", "invoke", "note", "ok")], 0)

			for name, reg := range map[string]*prometheus.Registry{"server": server, "client": client} {
				for labels, n := range samples(t, reg, "pyro_calls_in_flight") {
					require.Zero(t, n, "%s: %s", name, labels)
				}
				of := fmt.Sprintf("dialect=%s kind=invoke method=echo object=stock side=%s", d, name)
				require.NotZero(t, samples(t, reg, "pyro_call_duration_seconds")[of])
				require.NotZero(t, samples(t, reg, "pyro_received_bytes_total")[of])
			}
		})
	}
}

func TestRunningCallsAreInFlight(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := service.New("s").Method("hold", func() {
		entered <- struct{}{}
		<-release
	}).Method("quick", func() {})
	server, client, p := both(t, s, codec.Pyro5)
	hold := func() *service.Future[any] { return service.Go[any](t.Context(), p, "hold") }
	first := hold()
	<-entered
	of := func(object, method, side string) string {
		return fmt.Sprintf("kind=invoke method=%s object=%s side=%s", method, object, side)
	}
	require.InDelta(t, 1, samples(t, server, "pyro_calls_in_flight")[of("other", "other", "server")], 0,
		"until it is known that the method is there")
	release <- struct{}{}
	_, err := first.Wait(t.Context())
	require.NoError(t, err)

	second := hold()
	<-entered
	require.InDelta(t, 1, samples(t, server, "pyro_calls_in_flight")[of("s", "hold", "server")], 0)
	require.InDelta(t, 1, samples(t, client, "pyro_calls_in_flight")[of("s", "hold", "client")], 0)
	release <- struct{}{}
	_, err = second.Wait(t.Context())
	require.NoError(t, err)
}

func TestACancelledCallIsCounted(t *testing.T) {
	_, client, p := both(t, stock(nil), codec.Pyro5)
	require.NoError(t, service.Do(t.Context(), p, "echo", 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, service.Do(ctx, p, "sleep"), transport.ErrCanceled)
	calls := samples(t, client, "pyro_calls_total")
	n := 0.0
	for labels, v := range calls {
		if strings.Contains(labels, "method=sleep") && strings.Contains(labels, "code=canceled") {
			n += v
		}
	}
	require.InDelta(t, 1, n, 0, "%v", calls)
}

func TestWhatPeersMakeUpIsOther(t *testing.T) {
	server, _, p := both(t, stock(nil), codec.Pyro5)
	for i := range 20 {
		require.Error(t, service.Do(t.Context(), p, fmt.Sprintf("made_up%d", i)))
		_, err := service.Get[int](t.Context(), p, fmt.Sprintf("attr%d", i))
		require.Error(t, err)
	}
	calls := samples(t, server, "pyro_calls_total")
	require.Equal(t, map[string]float64{
		"code=not_found dialect=pyro5 kind=invoke method=other object=other side=server":  20,
		"code=not_found dialect=pyro5 kind=getattr method=other object=other side=server": 20,
	}, calls)
}

func TestWhatAMethodSaysIsNotFoundIsThere(t *testing.T) {
	s := service.New("s").Method("lookup", func() error { return transport.Errorf(transport.CodeNotFound, "unknown object") })
	server, _, p := both(t, s, codec.Pyro5)
	require.Error(t, service.Do(t.Context(), p, "lookup"))
	require.Equal(t, map[string]float64{
		"code=not_found dialect=pyro5 kind=invoke method=lookup object=s side=server": 1,
	}, samples(t, server, "pyro_calls_total"))
}

// denying is a middleware that lets nothing through.
func denying() transport.Middleware {
	return transport.Middleware{Name: "denying", Call: func(transport.Endpoint) transport.Endpoint {
		return func(context.Context, *transport.Call) (*transport.Reply, error) {
			return nil, transport.Errorf(transport.CodePermissionDenied, "no")
		}
	}}
}

func TestWhatIsDeniedIsNoLabel(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg)
	require.NoError(t, err)
	p := pairtest.Join(t, stock(nil), []service.ServerOption{service.Use(m, denying())}, service.NoMetadata())
	require.ErrorContains(t, service.Do(t.Context(), p, "anything"), "no")
	require.Equal(t, map[string]float64{
		"code=permission_denied dialect=pyro5 kind=invoke method=other object=other side=server": 1,
	}, samples(t, reg, "pyro_calls_total"))
}

func TestLabelsAreBounded(t *testing.T) {
	fine := func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil }
	tests := []struct {
		name string
		opts []metrics.Option
		own  int
	}{
		{"by number", []metrics.Option{metrics.MaxMethods(5)}, 5},
		{"none", []metrics.Option{metrics.MaxMethods(0)}, 0},
		{"by pattern", []metrics.Option{metrics.Only("o.m1?")}, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			m, err := metrics.New(reg, tt.opts...)
			require.NoError(t, err)
			endpoint := m.Call(fine)
			var callers sync.WaitGroup
			for range 4 {
				callers.Go(func() {
					for i := range 100 {
						_, _ = endpoint(t.Context(), &transport.Call{Object: "o", Method: fmt.Sprintf("m%d", i)})
					}
				})
			}
			callers.Wait()
			calls := samples(t, reg, "pyro_calls_total")
			require.Len(t, calls, tt.own+1)
			require.InDelta(t, 400-4*tt.own, calls["code=ok dialect=unknown kind=invoke method=other object=other side=client"], 0)
		})
	}
}

func TestHandshakesAndConnections(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg)
	require.NoError(t, err)
	refuse := true
	guard := service.ValidateHandshake(func(context.Context, *transport.Handshake) (any, error) {
		if refuse {
			return nil, errors.New("not now")
		}
		return "hello", nil
	})
	pair, err := pairtest.Serve(stock(nil), service.Use(m), guard)
	require.NoError(t, err)
	p, err := pair.Connect(service.Dialect(codec.Pyro4))
	require.NoError(t, err)
	require.Error(t, service.Do(t.Context(), p, "echo", 1))
	refuse = false
	require.NoError(t, service.Do(t.Context(), p, "echo", 1))
	require.Equal(t, map[string]float64{"dialect=pyro4": 1}, samples(t, reg, "pyro_connections"))
	require.NoError(t, pair.Close())
	require.Eventually(t, func() bool { return samples(t, reg, "pyro_connections")["dialect=pyro4"] == 0 }, 20*time.Second, time.Millisecond)
	shakes := samples(t, reg, "pyro_handshakes_total")
	require.InDelta(t, 1, shakes["code=ok dialect=pyro4 side=server"], 0)
	require.Len(t, shakes, 2)
}

func TestNamesNeedNotBeUTF8(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg)
	require.NoError(t, err)
	endpoint := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	_, err = endpoint(t.Context(), &transport.Call{Object: "o\xff", Method: "m\xff"})
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"code=ok dialect=unknown kind=invoke method=m\uFFFD object=o\uFFFD side=client": 1},
		samples(t, reg, "pyro_calls_total"))
}

// A client counts a call under no dialect until it is connected.
func TestDialectsAreCountedApart(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg)
	require.NoError(t, err)
	endpoint := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	for _, peer := range []*transport.Peer{nil, {Dialect: codec.Pyro4}, {Dialect: codec.Pyro5}, nil} {
		_, err = endpoint(t.Context(), &transport.Call{Object: "o", Method: "m", Peer: peer})
		require.NoError(t, err)
	}
	require.Equal(t, map[string]float64{
		"code=ok dialect=unknown kind=invoke method=m object=o side=client": 2,
		"code=ok dialect=pyro4 kind=invoke method=m object=o side=client":   1,
		"code=ok dialect=pyro5 kind=invoke method=m object=o side=client":   1,
	}, samples(t, reg, "pyro_calls_total"))
}

func TestAPanicIsCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg)
	require.NoError(t, err)
	endpoint := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { panic("oh") })
	require.Panics(t, func() { _, _ = endpoint(t.Context(), &transport.Call{Object: "o", Method: "m"}) })
	require.Equal(t, map[string]float64{
		"code=internal dialect=unknown kind=invoke method=other object=other side=client": 1,
	}, samples(t, reg, "pyro_calls_total"))
	require.Equal(t, map[string]float64{"kind=invoke method=other object=other side=client": 0}, samples(t, reg, "pyro_calls_in_flight"))
}

func TestARegistryIsShared(t *testing.T) {
	reg := prometheus.NewRegistry()
	for range 2 {
		m, err := metrics.New(reg)
		require.NoError(t, err)
		_, err = m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })(
			t.Context(), &transport.Call{Object: "o", Method: "m"})
		require.NoError(t, err)
	}
	require.Equal(t, map[string]float64{"code=ok dialect=unknown kind=invoke method=m object=o side=client": 2},
		samples(t, reg, "pyro_calls_total"))
	families, err := reg.Gather()
	require.NoError(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)

	other := prometheus.NewRegistry()
	other.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "pyro_calls_total", Help: "Something else."}))
	_, err = metrics.New(other)
	require.Error(t, err)
	_, err = metrics.New(other, metrics.Namespace("shop"))
	require.NoError(t, err)
}

func BenchmarkCall(b *testing.B) {
	m, err := metrics.New(prometheus.NewRegistry())
	require.NoError(b, err)
	reply := &transport.Reply{}
	endpoint := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return reply, nil })
	call := &transport.Call{Object: "example.stock", Method: "price", Peer: &transport.Peer{Dialect: codec.Pyro5, Session: &transport.Session{}}}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = endpoint(b.Context(), call)
	}
}
