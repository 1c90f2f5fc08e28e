package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/middleware/tracing"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recording returns a provider and what it has recorded.
func recording() (*sdk.TracerProvider, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	return sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder)), recorder
}

func shop(noted chan<- struct{}) *service.Service {
	s := service.New("shop")
	s.Method("buy", func(_ string) int { return 1 })
	s.Method("fail", func() error { return fs.ErrNotExist })
	s.Method("broken", func() error { return errors.New("sesame") })
	s.Method("panics", func() { panic("oh") })
	s.Method("count", func() iter.Seq[int] { return func(yield func(int) bool) { _ = yield(1) && yield(2) } })
	s.Method("span", func(ctx context.Context) string { return trace.SpanContextFromContext(ctx).TraceID().String() })
	s.Method("note", func() { noted <- struct{}{} }, service.Oneway())
	s.Property("velocity", func() float64 { return 1.5 }, nil)
	return s
}

// attrs returns a span's attributes as text.
func attrs(s sdk.ReadOnlySpan) map[attribute.Key]string {
	m := map[attribute.Key]string{}
	for _, a := range s.Attributes() {
		m[a.Key] = a.Value.String()
	}
	return m
}

// brief lists spans as "side name status".
func brief(spans []sdk.ReadOnlySpan) []string {
	texts := []string{}
	for _, s := range spans {
		texts = append(texts, strings.ToLower(s.SpanKind().String()+" "+s.Name()+" "+s.Status().Code.String()))
	}
	return texts
}

func TestCallsOfAllKindsAreOneTrace(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			provider, recorder := recording()
			noted := make(chan struct{})
			p := pairtest.Join(t, shop(noted), []service.ServerOption{service.Use(tracing.New(provider))},
				service.Use(correlation.New(), tracing.New(provider)), service.Dialect(d))
			ctx, root := provider.Tracer("test").Start(t.Context(), "root")
			require.NoError(t, service.Do(ctx, p, "buy", "tea"))
			_, err := service.Get[float64](ctx, p, "velocity")
			require.NoError(t, err)
			for _, err := range service.Stream[int](ctx, p, "count") {
				require.NoError(t, err)
			}
			b := p.Batch()
			service.Queue[int](b, "buy", "tea")
			service.Queue[int](b, "buy", "coffee")
			require.NoError(t, b.Do(ctx))
			require.NoError(t, service.Do(ctx, p, "note"))
			<-noted
			require.Equal(t, []string{
				"server shop/buy unset", "client shop/buy unset",
				"server shop/velocity unset", "client shop/velocity unset",
				"server shop/count unset", "client shop/count unset",
				"server shop/buy unset", "server shop/buy unset", "client shop/<batch> unset",
			}, brief(recorder.Ended())[:9])
			for _, s := range recorder.Ended() {
				require.Equal(t, root.SpanContext().TraceID(), s.SpanContext().TraceID(), s.Name())
			}
			server, client := recorder.Ended()[0], recorder.Ended()[1]
			require.Equal(t, client.SpanContext().SpanID(), server.Parent().SpanID())
			require.True(t, server.Parent().IsRemote())
			batch := recorder.Ended()[8]
			require.Equal(t, batch.SpanContext().SpanID(), recorder.Ended()[6].Parent().SpanID())
			require.Equal(t, batch.SpanContext().SpanID(), recorder.Ended()[7].Parent().SpanID())
			require.Equal(t, "2", attrs(batch)[tracing.BatchSizeKey])
			require.Equal(t, "getattr", attrs(recorder.Ended()[2])[tracing.KindKey])

			of := attrs(server)
			require.Equal(t, "pyro", of["rpc.system.name"])
			require.Equal(t, "shop/buy", of["rpc.method"])
			require.Equal(t, "OK", of["rpc.response.status_code"])
			require.Equal(t, d.String(), of[tracing.DialectKey])
			require.Equal(t, attrs(client)[tracing.CorrelationKey], of[tracing.CorrelationKey])
			require.NotEmpty(t, of[tracing.CorrelationKey])
			require.NotEmpty(t, of["server.address"])
			require.NotEmpty(t, of["network.peer.address"])
			require.NotEmpty(t, attrs(client)["server.address"])
			require.NotContains(t, fmt.Sprint(of), "tea")
			root.End()
		})
	}
}

func TestATraceGoesThroughAChainOfServices(t *testing.T) {
	provider, recorder := recording()
	use := service.Use(tracing.New(provider))
	inner := pairtest.Join(t, shop(nil), []service.ServerOption{use}, use)
	outer := service.New("outer").Method("span", func(ctx context.Context) (string, error) {
		return service.Call[string](ctx, inner, "span")
	})
	p := pairtest.Join(t, outer, []service.ServerOption{use}, use)
	id, err := service.Call[string](t.Context(), p, "span")
	require.NoError(t, err)
	spans := recorder.Ended()
	require.Equal(t, []string{
		"server shop/span unset", "client shop/span unset", "server outer/span unset", "client outer/span unset",
	}, brief(spans))
	for i, s := range spans {
		require.Equal(t, id, s.SpanContext().TraceID().String())
		if i < 3 {
			require.Equal(t, spans[i+1].SpanContext().SpanID(), s.Parent().SpanID())
		}
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		method                        string
		status, class, server, client string
	}{
		{"fail", "NOT_FOUND", "builtins.FileNotFoundError", "server shop/fail unset", "client shop/fail error"},
		{"broken", "UNKNOWN", "builtins.RuntimeError", "server shop/broken error", "client shop/broken error"},
		{"panics", "INTERNAL", "builtins.RuntimeError", "server shop/panics error", "client shop/panics error"},
		{"made_up", "NOT_FOUND", "builtins.AttributeError", "server _other unset", "client shop/made_up error"},
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			provider, recorder := recording()
			p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(tracing.New(provider, tracing.NoErrorText()))},
				service.Use(tracing.New(provider)), service.NoMetadata())
			require.Error(t, service.Do(t.Context(), p, tt.method))
			spans := recorder.Ended()
			require.Equal(t, []string{tt.server, tt.client}, brief(spans))
			require.Equal(t, tt.status, attrs(spans[0])["rpc.response.status_code"])
			require.Equal(t, tt.class, attrs(spans[1])["error.type"])
			require.Empty(t, spans[0].Status().Description)
			require.NotEmpty(t, spans[1].Status().Description)
			if tt.method == "made_up" {
				require.Equal(t, "_OTHER", attrs(spans[0])["rpc.method"])
				require.Equal(t, "shop/made_up", attrs(spans[0])["rpc.method_original"])
			}
		})
	}
}

func TestAPanicEndsTheSpan(t *testing.T) {
	provider, recorder := recording()
	endpoint := tracing.New(provider).Call(func(context.Context, *transport.Call) (*transport.Reply, error) { panic("oh") })
	require.PanicsWithValue(t, "oh", func() { _, _ = endpoint(t.Context(), &transport.Call{Object: "o", Method: "m"}) })
	require.Equal(t, []string{"client o/m error"}, brief(recorder.Ended()))
}

func TestWhatIsExportedIsUTF8(t *testing.T) {
	provider, recorder := recording()
	endpoint := tracing.New(provider).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return nil, transport.NewError("ValueError", "\xff"+strings.Repeat("é", 1000))
	})
	for _, peer := range []*transport.Peer{nil, {Session: &transport.Session{}}} {
		_, err := endpoint(t.Context(), &transport.Call{Object: "o\xff", Method: "m\xff", Peer: peer})
		require.Error(t, err)
	}
	for _, s := range recorder.Ended() {
		require.True(t, utf8.ValidString(s.Name()+s.Status().Description), s.Name())
		for _, a := range s.Attributes() {
			require.True(t, utf8.ValidString(a.Value.String()), string(a.Key))
		}
	}
}

func TestACancelledCallIsAnError(t *testing.T) {
	provider, recorder := recording()
	p := pairtest.Join(t, shop(nil), nil, service.Use(tracing.New(provider)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, service.Do(ctx, p, "buy", "tea"))
	require.Equal(t, []string{"client shop/buy error"}, brief(recorder.Ended()))
	require.Equal(t, "CANCELED", attrs(recorder.Ended()[0])["rpc.response.status_code"])
}

func TestMoreMethodsThanAreKept(t *testing.T) {
	provider, recorder := recording()
	endpoint := tracing.New(provider).Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for i := range 1100 {
				_, _ = endpoint(t.Context(), &transport.Call{Object: "o", Method: fmt.Sprintf("m%d", i)})
			}
		})
	}
	callers.Wait()
	seen := map[string]int{}
	for _, s := range recorder.Ended() {
		seen[s.Name()]++
		require.Equal(t, s.Name(), attrs(s)["rpc.method"])
	}
	require.Len(t, seen, 1100)
	require.Equal(t, 4, seen["o/m1099"])
	long := &transport.Call{Object: "o", Method: strings.Repeat("x", 10000)}
	_, _ = endpoint(t.Context(), long)
	require.Len(t, recorder.Ended(), 4401)
}

func TestPublicEndpoint(t *testing.T) {
	provider, recorder := recording()
	p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(tracing.New(provider, tracing.PublicEndpoint()))},
		service.Use(tracing.New(provider)))
	require.NoError(t, service.Do(t.Context(), p, "buy", "tea"))
	server, client := recorder.Ended()[0], recorder.Ended()[1]
	require.NotEqual(t, client.SpanContext().TraceID(), server.SpanContext().TraceID())
	require.False(t, server.Parent().IsValid())
	require.Len(t, server.Links(), 1)
	require.Equal(t, client.SpanContext().SpanID(), server.Links()[0].SpanContext.SpanID())
}

func TestWhatHasSpans(t *testing.T) {
	tests := []struct {
		name          string
		opt           tracing.Option
		batch, stream []string
	}{
		{
			name: "no entries of batches", opt: tracing.NoBatchEntries(),
			batch: []string{"client shop/<batch> unset"}, stream: []string{"server shop/count unset", "client shop/count unset"},
		},
		{
			name: "items", opt: tracing.StreamItems(),
			batch: []string{"server shop/span unset", "client shop/<batch> unset"},
			stream: []string{
				"server shop/count unset", "client shop/count unset", "server shop/count unset", "client shop/count unset",
				"server shop/count unset", "client shop/count unset", "server shop/count unset", "client shop/count unset",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			provider, recorder := recording()
			use := service.Use(tracing.New(provider, tt.opt))
			p := pairtest.Join(t, shop(nil), []service.ServerOption{use}, use)
			b := p.Batch()
			id := service.Queue[string](b, "span")
			require.NoError(t, b.Do(t.Context()))
			seen, err := id.Value()
			require.NoError(t, err)
			require.Equal(t, tt.batch, brief(recorder.Ended()))
			require.Equal(t, recorder.Ended()[0].SpanContext().TraceID().String(), seen, "the trace goes on, spans or not")

			before := len(recorder.Ended())
			for _, err := range service.Stream[int](t.Context(), p, "count") {
				require.NoError(t, err)
			}
			require.Equal(t, tt.stream, brief(recorder.Ended()[before:]))
		})
	}
}

func TestWhatIsNotSampledStaysSo(t *testing.T) {
	never := sdk.NewTracerProvider(sdk.WithSampler(sdk.NeverSample()))
	provider, recorder := recording() // samples what its parent does
	p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(tracing.New(provider))}, service.Use(tracing.New(never)))
	require.NoError(t, service.Do(t.Context(), p, "buy", "tea"))
	require.Empty(t, recorder.Ended())
}

func TestWithoutSpansOfItsOwnAClientPassesItsCallersOn(t *testing.T) {
	provider, recorder := recording()
	p := pairtest.Join(t, shop(nil), []service.ServerOption{service.Use(tracing.New(provider))},
		service.Use(tracing.New(noop.NewTracerProvider())))
	require.NoError(t, service.Do(t.Context(), p, "buy", "tea"))
	require.False(t, recorder.Ended()[0].Parent().IsValid())
	ctx, root := provider.Tracer("test").Start(t.Context(), "root")
	defer root.End()
	require.NoError(t, service.Do(ctx, p, "buy", "tea"))
	require.Equal(t, root.SpanContext().SpanID(), recorder.Ended()[1].Parent().SpanID())
}

func TestTheCallersAnnotationsAreNotChanged(t *testing.T) {
	provider, _ := recording()
	own := make(transport.Annotations, 0, 4)
	own.Set("AAAA", []byte("1"))
	own.Set(tracing.Key, []byte("mine"))
	endpoint := tracing.New(provider).Call(func(_ context.Context, c *transport.Call) (*transport.Reply, error) {
		v, _ := c.Header.Annotations.Get(tracing.Key)
		require.Len(t, v, 55)
		return &transport.Reply{}, nil
	})
	_, err := endpoint(t.Context(), &transport.Call{Header: transport.Header{Annotations: own}})
	require.NoError(t, err)
	v, _ := own.Get(tracing.Key)
	require.Equal(t, "mine", string(v))
}

// What is read and written is what OpenTelemetry's own propagator reads and writes.
func TestTheFormatOfTraceparent(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	tests := []string{
		good,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03",
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00-0xf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"",
		"00",
		strings.Repeat("0", 55),
		good + strings.Repeat("x", 200),
	}
	for _, text := range tests {
		want := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(),
			propagation.MapCarrier{"traceparent": text}))
		var got trace.SpanContext
		provider, _ := recording()
		endpoint := tracing.New(provider, tracing.NoBatchEntries()).Call(
			func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
				got = trace.SpanContextFromContext(ctx)
				return &transport.Reply{}, nil
			})
		call := &transport.Call{Batch: true, Peer: &transport.Peer{Session: &transport.Session{}}}
		call.Header.Annotations.Set(tracing.Key, []byte(text))
		_, err := endpoint(t.Context(), call)
		require.NoError(t, err)
		require.Equal(t, want.TraceID(), got.TraceID(), text)
		require.Equal(t, want.SpanID(), got.SpanID(), text)
		require.Equal(t, want.TraceFlags(), got.TraceFlags(), text)
	}
}

func FuzzParent(f *testing.F) {
	f.Add([]byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
	endpoint := tracing.New(noop.NewTracerProvider()).Call(
		func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
			s := trace.SpanContextFromContext(ctx)
			if s.IsValid() != (s.TraceID().IsValid() && s.SpanID().IsValid()) {
				return nil, errors.New("half a context")
			}
			return &transport.Reply{}, nil
		})
	f.Fuzz(func(t *testing.T, b []byte) {
		call := &transport.Call{Peer: &transport.Peer{Session: &transport.Session{}}}
		call.Header.Annotations.Set(tracing.Key, b)
		_, err := endpoint(t.Context(), call)
		require.NoError(t, err)
	})
}

func BenchmarkCall(b *testing.B) {
	reply := &transport.Reply{}
	next := func(context.Context, *transport.Call) (*transport.Reply, error) { return reply, nil }
	providers := map[string]trace.TracerProvider{
		"unsampled": sdk.NewTracerProvider(sdk.WithSampler(sdk.NeverSample())),
		"sampled":   sdk.NewTracerProvider(),
		"noop":      noop.NewTracerProvider(),
	}
	for name, provider := range providers {
		endpoint := tracing.New(provider).Call(next)
		b.Run(name+"/server", func(b *testing.B) {
			call := &transport.Call{Object: "example.stock", Method: "price", Peer: &transport.Peer{Dialect: codec.Pyro5, Session: &transport.Session{}}}
			call.Header.Annotations.Set(tracing.Key, []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = endpoint(b.Context(), call)
			}
		})
		b.Run(name+"/client", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = endpoint(b.Context(), &transport.Call{Object: "example.stock", Method: "price"})
			}
		})
	}
}
