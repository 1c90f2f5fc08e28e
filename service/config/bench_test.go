package config_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pyrokit/pyrokit/codec"
	_ "github.com/pyrokit/pyrokit/codec/serpent"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
)

// benchEnv is an Env whose traces are not sampled and whose logger takes info.
func benchEnv(end transport.End) config.Env {
	e := env()
	e.End = end
	e.Tracing = sdk.NewTracerProvider(sdk.WithSampler(sdk.NeverSample()))
	e.Log = slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelInfo})) //nolint:sloglint // with what a log costs
	return e
}

// received returns a call as a server has it before its chain, and its context.
func received(b *testing.B) (context.Context, *transport.Call) {
	b.Helper()
	c, err := codec.Named("serpent")
	require.NoError(b, err)
	payload, err := c.AppendCall(nil, "o", "m", []any{"tea", 3}, false, nil, nil)
	require.NoError(b, err)
	head, err := c.OpenCall(payload, nil)
	require.NoError(b, err)
	ctx, info := transport.NewContext(b.Context())
	info.Object, info.Method = "o", "m"
	info.Args = transport.EncodedArgs(head, c, nil)
	info.Header.CorrelationID = uuid.New()
	info.Peer = &transport.Peer{Dialect: codec.Pyro5, Session: &transport.Session{}, Principal: "irma"}
	return ctx, &info.Call
}

func run(b *testing.B, endpoint func(context.Context) (*transport.Reply, error)) {
	b.Helper()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := endpoint(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

var reply = &transport.Reply{}

func end(context.Context, *transport.Call) (*transport.Reply, error) { return reply, nil }

// BenchmarkChain is what a chain costs a call: without middlewares, as a server has it in production, and that one
// where it can be replaced.
func BenchmarkChain(b *testing.B) {
	onServer := func(m transport.Middleware) func(*testing.B) {
		return func(b *testing.B) {
			ctx, call := received(b)
			endpoint := m.Call(end)
			run(b, func(context.Context) (*transport.Reply, error) { return endpoint(ctx, call) })
		}
	}
	b.Run("none", onServer(transport.Chain()))
	b.Run("none, dynamic", onServer(config.NewDynamic(build(b, benchEnv(transport.ServerEnd))).Middleware()))
	full := build(b, benchEnv(transport.ServerEnd), production()...)
	b.Run("server", onServer(full.Middleware()))
	b.Run("server, dynamic", onServer(config.NewDynamic(full).Middleware()))

	proxy := build(b, benchEnv(transport.ClientEnd), ofProxy()...).Middleware().Call(end)
	peer := &transport.Peer{Dialect: codec.Pyro5}
	b.Run("proxy", func(b *testing.B) {
		run(b, func(ctx context.Context) (*transport.Reply, error) {
			return proxy(ctx, &transport.Call{Object: "o", Method: "m", Peer: peer})
		})
	})
}

// BenchmarkMiddleware is what each middleware of those chains costs, and some that are set up otherwise.
func BenchmarkMiddleware(b *testing.B) {
	one := func(name string, end_ transport.End, m ...proto.Message) {
		chain := build(b, benchEnv(end_), m...)
		b.Run(name, func(b *testing.B) {
			ctx, call := received(b)
			if end_ == transport.ClientEnd {
				call.Peer.Session = nil
			}
			endpoint := chain.Middleware().Call(end)
			run(b, func(context.Context) (*transport.Reply, error) {
				call.Header.Annotations = nil
				return endpoint(ctx, call)
			})
		})
	}
	for _, m := range production() {
		if _, ok := m.(*configv1.Authorization); ok {
			one("Authorization with TokenAuth", transport.ServerEnd, tokens(), m)
			continue
		}
		one(string(m.ProtoReflect().Descriptor().Name()), transport.ServerEnd, m)
	}
	one("Cache", transport.ServerEnd, &configv1.Cache{Rules: []*configv1.CacheRule{{Calls: []string{"x"}, Age: durationpb.New(1e9)}}})
	one("Logging of all", transport.ServerEnd, &configv1.Logging{})
	one("Logging of 1 in 1000", transport.ServerEnd, &configv1.Logging{Sampling: &configv1.LogSampling{Thereafter: 1000}})
	one("Timeout of all", transport.ServerEnd, &configv1.Timeout{Default: durationpb.New(10e9)})
	one("Retry", transport.ClientEnd, &configv1.Retry{})
	one("CircuitBreaker", transport.ClientEnd, &configv1.CircuitBreaker{})
}
