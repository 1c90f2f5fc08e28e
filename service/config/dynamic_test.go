package config_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/auth"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
)

func build(t testing.TB, e config.Env, messages ...proto.Message) *config.BuiltChain {
	t.Helper()
	built, err := config.Chain(chainOf(t, messages...), e)
	require.NoError(t, err)
	return built
}

// once lets one call through, ever.
func once() *configv1.RateLimit {
	return &configv1.RateLimit{Rules: []*configv1.RateLimitRule{{Burst: 1}}}
}

func answer(context.Context, *transport.Call) (*transport.Reply, error) {
	return &transport.Reply{}, nil
}

func TestWhatDoesNotChangeKeepsWhatItKnows(t *testing.T) {
	e := env()
	d := config.NewDynamic(build(t, e, once()))
	endpoint := d.Middleware().Call(answer)
	try := func() error {
		_, err := endpoint(t.Context(), &transport.Call{Object: "o", Method: "m"})
		return err
	}
	require.NoError(t, try())
	require.ErrorIs(t, try(), transport.ErrExhausted)

	d.Replace(build(t, e, &configv1.Correlation{}, &configv1.ConcurrencyLimit{}, once()))
	require.Equal(t, []string{"correlation", "concurrency_limit", "rate_limit"}, d.Chain().Order())
	require.ErrorIs(t, try(), transport.ErrExhausted, "the same bucket")

	more := once()
	more.Rules[0].Burst = 2
	d.Replace(build(t, e, more))
	require.NoError(t, try())
	require.NoError(t, try())
	require.ErrorIs(t, try(), transport.ErrExhausted)

	d.Replace(build(t, e, more, more))
	require.ErrorIs(t, try(), transport.ErrExhausted, "one of the two is the one before")
	d.Replace(build(t, e))
	require.NoError(t, try())
}

func TestABreakerKeepsItsState(t *testing.T) {
	e := env()
	e.End = transport.ClientEnd
	opens := &configv1.CircuitBreaker{Failures: 1, Delay: durationpb.New(3600e9)}
	d := config.NewDynamic(build(t, e, opens))
	endpoint := d.Middleware().Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return nil, transport.Errorf(transport.CodeUnavailable, "lost")
	})
	_, err := endpoint(t.Context(), &transport.Call{Object: "o", Method: "m"})
	require.EqualError(t, err, "lost")
	d.Replace(build(t, e, &configv1.Timeout{Default: durationpb.New(1e9)}, opens))
	_, err = endpoint(t.Context(), &transport.Call{Object: "o", Method: "m"})
	require.ErrorContains(t, err, "circuit breaker of o is open")
}

func TestASecretThatChangesMakesItAnew(t *testing.T) {
	content := "sesame"
	e := env()
	e.Secret = func(*configv1.Secret) (string, error) { return content, nil }
	file := &configv1.TokenAuth{Principals: map[string]*configv1.Secret{"irma": {Source: &configv1.Secret_File{File: "token"}}}}
	d := config.NewDynamic(build(t, e, file))
	shake := d.Middleware().Handshake(func(context.Context, *transport.Handshake) (*transport.Welcome, error) {
		return &transport.Welcome{}, nil
	})
	accepted := func(token string) bool {
		_, err := shake(t.Context(), &transport.Handshake{Value: codec.ValueOf(token), Peer: &transport.Peer{}})
		return err == nil
	}
	require.True(t, accepted("sesame"))
	content = "tulip"
	d.Replace(build(t, e, file))
	require.False(t, accepted("sesame"))
	require.True(t, accepted("tulip"))
}

func TestACallGoesOnInTheChainThatItBeganIn(t *testing.T) {
	e := env()
	d := config.NewDynamic(build(t, e, &configv1.ConcurrencyLimit{Limit: 1}))
	entered, leave := make(chan struct{}), make(chan struct{})
	endpoint := d.Middleware().Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		entered <- struct{}{}
		<-leave
		return &transport.Reply{}, nil
	})
	ended := make(chan error)
	call := func() { _, err := endpoint(context.Background(), &transport.Call{}); ended <- err }
	go call()
	<-entered
	d.Replace(build(t, e, &configv1.ConcurrencyLimit{Limit: 2}))
	go call()
	<-entered
	go call()
	<-entered
	go call()
	require.ErrorIs(t, <-ended, transport.ErrExhausted, "two places that the first call does not take")
	close(leave)
	for range 3 {
		require.NoError(t, <-ended)
	}
}

// Rules that change count from the next call on, on connections that are open, too.
func TestRulesChangeWhileCallsRun(t *testing.T) {
	e := env()
	allows := func(calls ...string) proto.Message {
		return &configv1.Authorization{Rules: []*configv1.AuthorizationRule{{Principals: []string{"irma"}, Calls: calls}}}
	}
	d := config.NewDynamic(build(t, e, tokens(), allows("o.a", "o.b")))
	s := service.New("o").Method("a", func() {}).Method("b", func() {})
	p := pairtest.Join(t, s, []service.ServerOption{service.Use(d.Middleware())}, service.Use(auth.Credential("sesame")))
	require.NoError(t, service.Do(t.Context(), p, "a"))

	var stop atomic.Bool
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for !stop.Load() {
				if err := service.Do(t.Context(), p, "a"); err != nil {
					t.Error(err)
					return
				}
				if err := service.Do(t.Context(), p, "b"); err != nil && !errors.Is(err, transport.ErrPermissionDenied) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 50 {
		d.Replace(build(t, e, tokens(), allows("o.a")))
		require.ErrorIs(t, service.Do(t.Context(), p, "b"), transport.ErrPermissionDenied)
		d.Replace(build(t, e, &configv1.Metrics{}, tokens(), allows("o.a", "o.b"), limit(1e9)))
		require.NoError(t, service.Do(t.Context(), p, "b"))
	}
	stop.Store(true)
	calls.Wait()
}

func TestHandshakesOfAChainThatIsReplaced(t *testing.T) {
	d := config.NewDynamic(build(t, env()))
	s := service.New("o").Method("m", func() {})
	pair, err := pairtest.Serve(s, service.Use(d.Middleware()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pair.Close()) })
	before, err := pair.Connect()
	require.NoError(t, err)
	require.NoError(t, service.Do(t.Context(), before, "m"))

	d.Replace(build(t, env(), tokens()))
	require.Error(t, service.Do(t.Context(), before, "m"), "nobody knows who it is")
	after, err := pair.Connect()
	require.NoError(t, err)
	require.ErrorIs(t, service.Do(t.Context(), after, "m"), transport.ErrUnauthenticated)
}

// What is registered or shared by several is there once.
func TestChainsOfAProcessGoTogether(t *testing.T) {
	server, proxy := env(), env()
	proxy.End, proxy.Metrics = transport.ClientEnd, server.Metrics
	d := config.NewDynamic(build(t, server, production()...))
	build(t, proxy, ofProxy()...)
	before := d.Chain().Order()
	d.Replace(build(t, server, production()...))
	require.Equal(t, before, d.Chain().Order())
}
