package config_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
)

// chainOf returns a chain of messages.
func chainOf(t testing.TB, messages ...proto.Message) *configv1.Chain {
	t.Helper()
	chain := &configv1.Chain{}
	for _, m := range messages {
		packed, err := anypb.New(m)
		require.NoError(t, err)
		chain.Middlewares = append(chain.Middlewares, &configv1.Middleware{Config: packed})
	}
	return chain
}

// env is a server's Env.
func env() config.Env {
	return config.Env{
		Env:     middleware.Env{End: transport.ServerEnd},
		Path:    "server.chain",
		Metrics: prometheus.NewRegistry(), Tracing: noop.NewTracerProvider(),
	}
}

func secret(value string) *configv1.Secret {
	return &configv1.Secret{Source: &configv1.Secret_Value{Value: value}}
}

func tokens() *configv1.TokenAuth {
	return &configv1.TokenAuth{Principals: map[string]*configv1.Secret{"irma": secret("sesame")}}
}

func rules() *configv1.Authorization {
	return &configv1.Authorization{Rules: []*configv1.AuthorizationRule{{Principals: []string{"*"}}}}
}

func limit(rate float64) *configv1.RateLimit {
	return &configv1.RateLimit{Rules: []*configv1.RateLimitRule{{Rate: rate}}}
}

func pure() *configv1.Cache {
	return &configv1.Cache{Rules: []*configv1.CacheRule{{Calls: []string{"*"}, Age: durationpb.New(1)}}}
}

// production is every middleware of a server in the recommended order, each with something to do.
func production() []proto.Message {
	return []proto.Message{
		&configv1.Recovery{}, &configv1.Correlation{}, &configv1.Tracing{}, &configv1.Metrics{},
		&configv1.Logging{Success: configv1.LogLevel_LOG_LEVEL_DEBUG},
		tokens(), rules(), limit(1e9),
		&configv1.ConcurrencyLimit{Limit: 1000},
		&configv1.Timeout{Rules: []*configv1.TimeoutRule{{Calls: []string{"*.slow_*"}, Limit: durationpb.New(60e9)}}},
		&configv1.Watchdog{Default: durationpb.New(30e9)},
		&configv1.Validation{Shapes: []*configv1.Shape{{Calls: "o.m", Params: []*configv1.Param{
			{Name: "item", Type: configv1.Param_TYPE_STR, MaxLen: 100}, {Name: "count", Type: configv1.Param_TYPE_INT},
		}}}},
	}
}

// ofProxy is every middleware of a proxy in the recommended order.
func ofProxy() []proto.Message {
	return []proto.Message{
		&configv1.Recovery{}, &configv1.Correlation{}, &configv1.Retry{}, &configv1.Tracing{}, &configv1.Metrics{},
		&configv1.Logging{Success: configv1.LogLevel_LOG_LEVEL_DEBUG},
		&configv1.TokenAuth{Token: secret("sesame")}, &configv1.CircuitBreaker{},
		&configv1.Timeout{Rules: []*configv1.TimeoutRule{{Calls: []string{"*.slow_*"}, Limit: durationpb.New(60e9)}}},
	}
}

func TestTheRecommendedOrderIsOne(t *testing.T) {
	built, err := config.Chain(chainOf(t, append(production(), pure())...), env())
	require.NoError(t, err)
	require.Empty(t, built.Warnings())
	require.Equal(t, []string{
		"recovery", "correlation", "tracing", "metrics", "logging", "token_auth", "authorization", "rate_limit",
		"concurrency_limit", "timeout", "watchdog", "validation", "cache",
	}, built.Order())

	onProxy := env()
	onProxy.End = transport.ClientEnd
	built, err = config.Chain(chainOf(t, ofProxy()...), onProxy)
	require.NoError(t, err)
	require.Empty(t, built.Warnings())
}

func TestAnEmptyChain(t *testing.T) {
	for _, m := range []*configv1.Chain{nil, {}} {
		built, err := config.Chain(m, config.Env{})
		require.NoError(t, err)
		require.Empty(t, built.Order())
	}
}

func TestNamesOfEntries(t *testing.T) {
	chain := chainOf(t, limit(1), limit(2), pure())
	chain.Middlewares[0].Name = "all"
	built, err := config.Chain(chain, env())
	require.NoError(t, err)
	require.Equal(t, []string{"all", "rate_limit", "cache"}, built.Order())
}

func TestWhatIsWrongWithAChain(t *testing.T) {
	tests := []struct {
		name  string
		end   transport.End
		chain []proto.Message
		want  []string
	}{
		{"fields", transport.ServerEnd, []proto.Message{limit(-1), &configv1.Correlation{}, &configv1.Cache{MaxEntries: -1}}, []string{
			"server.chain[0].rate_limit.rules[0].rate: must be a number of 0 or more, not -1",
			"server.chain[2].cache.rules: must have one at least",
			"server.chain[2].cache.max_entries: must be 0 or more, not -1",
		}},
		{"no middleware", transport.ServerEnd, []proto.Message{wrapperspb.Bool(true)}, []string{
			`server.chain[0].config: message "google.protobuf.BoolValue" is no middleware's`,
		}},
		{"the wrong end", transport.ServerEnd, []proto.Message{&configv1.Retry{}, &configv1.CircuitBreaker{}}, []string{
			"server.chain[0]: retry: has no meaning on a server", "server.chain[1]: circuit_breaker: has no meaning on a server",
		}},
		{"the other wrong end", transport.ClientEnd, []proto.Message{&configv1.Authorization{}, &configv1.CertificateAuth{}}, []string{
			"server.chain[0]: authorization: has no meaning on a proxy", "server.chain[1]: certificate_auth: has no meaning on a proxy",
		}},
		{"nobody authenticates", transport.ServerEnd, []proto.Message{rules()}, []string{
			"server.chain[0]: authorization: nothing in the chain gives principal: its rules name principals",
		}},
		{"it authenticates inside", transport.ServerEnd, []proto.Message{rules(), tokens()}, []string{
			"server.chain[0]: authorization: belongs inside of token_auth: its rules name principals",
		}},
		{"answers leak", transport.ServerEnd, []proto.Message{pure(), tokens(), rules()}, []string{
			"server.chain[0]: cache: belongs inside of token_auth: answers would reach peers that nobody knows",
			"server.chain[0]: cache: belongs inside of authorization: answers would reach callers that are not allowed to call",
		}},
		{"two that authenticate", transport.ServerEnd, []proto.Message{tokens(), &configv1.CertificateAuth{}}, []string{
			"server.chain[1]: certificate_auth: does not go together with token_auth: a chain has one authentication (any_auth, or AnyOf, joins several)",
		}},
		{"twice", transport.ServerEnd, []proto.Message{&configv1.Metrics{}, &configv1.Metrics{}}, []string{
			"server.chain[1]: metrics: does not go together with metrics: a chain has one metrics",
		}},
	}
	for _, tt := range tests {
		e := env()
		e.End = tt.end
		_, err := config.Chain(chainOf(t, tt.chain...), e)
		require.Error(t, err, tt.name)
		require.Equal(t, strings.Join(tt.want, "\n"), err.Error(), tt.name)
		var field *config.FieldError
		require.ErrorAs(t, err, &field, tt.name)
	}
}

func TestWarnings(t *testing.T) {
	perPrincipal := limit(1)
	perPrincipal.Rules[0].Per = []configv1.RateLimitRule_Per{configv1.RateLimitRule_PER_PRINCIPAL}
	waiting := limit(1)
	waiting.Wait = durationpb.New(1e9)
	tests := []struct {
		chain []proto.Message
		want  []string
	}{
		{[]proto.Message{perPrincipal}, []string{
			"server.chain[0]: rate_limit: nothing in the chain gives principal: peers are told apart by their host",
		}},
		{[]proto.Message{&configv1.Metrics{}, &configv1.Recovery{}}, []string{"server.chain[1]: recovery: belongs outside of metrics"}},
		{[]proto.Message{&configv1.Logging{}, &configv1.Correlation{}, &configv1.Tracing{}}, []string{
			"server.chain[0]: logging: belongs inside of correlation: the beginning of a call would be logged without its id",
			"server.chain[0]: logging: belongs inside of tracing: the log's handler could not add the trace",
		}},
		{[]proto.Message{&configv1.Watchdog{Default: durationpb.New(1)}, &configv1.ConcurrencyLimit{}, waiting}, []string{
			"server.chain[0]: watchdog: belongs inside of rate_limit: time that a call waits would count as running",
			"server.chain[0]: watchdog: belongs inside of concurrency_limit: time that a call waits would count as running",
			"server.chain[1]: concurrency_limit: belongs inside of rate_limit: calls would hold a place while they wait for their turn",
		}},
	}
	for _, tt := range tests {
		built, err := config.Chain(chainOf(t, tt.chain...), env())
		require.NoError(t, err)
		var got []string
		for _, w := range built.Warnings() {
			got = append(got, w.Error())
		}
		require.Equal(t, tt.want, got)
	}
}

func TestAChainWithoutWhatItNeeds(t *testing.T) {
	e := config.Env{}
	_, err := config.Chain(chainOf(t, &configv1.Metrics{}, &configv1.Tracing{}), e)
	require.EqualError(t, err, "[0].metrics: nothing here takes metrics\n[1].tracing: nothing here takes spans")
}

// A secret is in no error, whatever is wrong.
func TestErrorsHoldNoSecrets(t *testing.T) {
	e := env()
	e.Secret = func(s *configv1.Secret) (string, error) { return s.GetValue(), nil }
	wrong := tokens()
	wrong.Principals["kees"] = secret("sesame")
	_, err := config.Chain(chainOf(t, wrong), e)
	require.ErrorContains(t, err, "is the same as that of irma")
	require.NotContains(t, err.Error(), "sesame")
}

func TestEachMiddlewareIsCalledByItsMessage(t *testing.T) {
	types := config.Default().Types()
	require.NotEmpty(t, types)
	for name, message := range types {
		var camel strings.Builder
		for part := range strings.SplitSeq(name, "_") {
			camel.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
		require.Equal(t, camel.String(), string(message.Descriptor().Name()))
	}
	require.Equal(t, slices.Sorted(maps.Keys(types)), config.Default().Names())
}

func TestAMiddlewareOfOnesOwn(t *testing.T) {
	r := config.Default()
	shout := func(m *wrapperspb.StringValue, env middleware.Env) (transport.Middleware, error) {
		if m.GetValue() == "" {
			return transport.Middleware{}, &middleware.FieldError{Path: "value", Err: errors.New("must not be empty")}
		}
		return transport.Middleware{Call: func(transport.Endpoint) transport.Endpoint {
			return func(context.Context, *transport.Call) (*transport.Reply, error) {
				return nil, fmt.Errorf("%s at the %s", m.GetValue(), env.End)
			}
		}}, nil
	}
	require.NoError(t, config.Register(r, "shout", shout))
	require.EqualError(t, config.Register(r, "shout", shout), "middleware shout: it is there already")
	require.EqualError(t, config.Register(r, "cry", shout), "middleware cry: its message google.protobuf.StringValue is that of shout")
	require.EqualError(t, config.Register(r, "Cry-out", shout), `middleware "Cry-out": the name is not in snake_case`)

	e := env()
	e.Registry = r
	_, err := config.Chain(chainOf(t, wrapperspb.String("")), e)
	require.EqualError(t, err, "server.chain[0].shout.value: must not be empty")
	built, err := config.Chain(chainOf(t, wrapperspb.String("hey")), e)
	require.NoError(t, err)
	_, err = built.Middleware().Call(nil)(t.Context(), &transport.Call{})
	require.EqualError(t, err, "hey at the server")
}

// What keeps answers reads and writes them as the server, or the proxy, around it does.
func TestAChainKnowsHowValuesAreWritten(t *testing.T) {
	var seen []codec.Options
	e := config.Env{Registry: config.Default()}
	require.NoError(t, config.Register(e.Registry, "witness", func(_ *wrapperspb.BoolValue, env middleware.Env) (transport.Middleware, error) {
		seen = append(seen, env.Values)
		return transport.Middleware{}, nil
	}))
	classes := codec.NewRegistry()
	e.Values = codec.Options{Registry: classes, MaxDepth: 3}
	chain := chainOf(t, wrapperspb.Bool(true))
	all := &configv1.Values{
		OrderedDicts: true, DisallowUnknownFields: true, BytesRepr: true, Lenient: true, PickleCalls: true, PickleProtocol: 5,
	}
	limits := &configv1.Limits{MaxDepth: 7}
	_, err := config.ServerOptions(&configv1.Server{Chain: chain, Values: all, Limits: limits}, e)
	require.NoError(t, err)
	_, err = config.ProxyOptions(&configv1.Proxy{Uri: "PYRO:o@h:1", Chain: chain, Values: all, Limits: limits}, e)
	require.NoError(t, err)
	_, err = config.ServerOptions(&configv1.Server{Chain: chain}, e)
	require.NoError(t, err)
	want := codec.Options{
		OrderedDicts: true, DisallowUnknownFields: true, BytesRepr: true, Lenient: true, PickleCalls: true, PickleProtocol: 5,
		MaxDepth: 7, Registry: classes,
	}
	require.Equal(t, []codec.Options{want, want, e.Values}, seen)
	require.Equal(t, 6, all.ProtoReflect().Descriptor().Fields().Len(), "a new option has to be known here, too")
}

func TestSecretsOfAChainAreReadAsThoseBesideIt(t *testing.T) {
	t.Setenv("PYROKIT_TEST_TOKEN", "sesame")
	from := &configv1.Secret{Source: &configv1.Secret_Env{Env: "PYROKIT_TEST_TOKEN"}}
	_, err := config.ServerOptions(&configv1.Server{
		HmacKey: from,
		Chain:   chainOf(t, &configv1.TokenAuth{Principals: map[string]*configv1.Secret{"irma": from}}),
	}, config.Env{})
	require.NoError(t, err)
}
