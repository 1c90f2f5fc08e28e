package config_test

import (
	"context"
	"fmt"
	"log/slog"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/transport"
)

func entry(m proto.Message) *configv1.Middleware {
	packed, err := anypb.New(m)
	if err != nil {
		slog.Error("packing failed", "error", err)
	}
	return &configv1.Middleware{Config: packed}
}

// A middleware of one's own has a message, here one that protobuf comes with, and a function that makes it.
func ExampleRegister() {
	closed := func(m *wrapperspb.StringValue, _ middleware.Env) (transport.Middleware, error) {
		var f middleware.Fields
		if m.GetValue() == "" {
			f.Wrongf("value", "must say why")
		}
		return transport.Middleware{Call: func(transport.Endpoint) transport.Endpoint {
			return func(context.Context, *transport.Call) (*transport.Reply, error) {
				return nil, middleware.Refusal(transport.CodeUnavailable, 0, m.GetValue())
			}
		}}, f.Err()
	}
	registry := config.Default()
	err := config.Register(registry, "closed", closed)
	env := config.Env{Path: "server.chain", Registry: registry}

	_, wrong := config.Chain(&configv1.Chain{Middlewares: []*configv1.Middleware{entry(wrapperspb.String(""))}}, env)
	fmt.Println(wrong)
	chain, wrong := config.Chain(&configv1.Chain{Middlewares: []*configv1.Middleware{
		entry(&configv1.Correlation{}), entry(wrapperspb.String("closed for the day")),
	}}, env)
	fmt.Println(chain.Order(), wrong)
	_, answer := chain.Middleware().Call(nil)(context.Background(), &transport.Call{})
	fmt.Println(answer, err)
	// Output:
	// server.chain[0].closed.value: must say why
	// [correlation closed] <nil>
	// closed for the day <nil>
}

func ExampleDynamic() {
	env := config.Env{Path: "server.chain"}
	limited := func(rate float64) *config.BuiltChain {
		chain, err := config.Chain(&configv1.Chain{Middlewares: []*configv1.Middleware{
			entry(&configv1.RateLimit{Rules: []*configv1.RateLimitRule{{Rate: rate}}}),
		}}, env)
		if err != nil {
			slog.Error("the chain is wrong", "error", err)
		}
		return chain
	}
	chain := config.NewDynamic(limited(0.001))
	endpoint := chain.Middleware().Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return &transport.Reply{}, nil
	})
	call := func() error {
		_, err := endpoint(context.Background(), &transport.Call{Object: "o", Method: "m"})
		return err
	}
	fmt.Println(call(), middleware.CodeOf(call()))
	chain.Replace(limited(1000))
	fmt.Println(call())
	// Output:
	// <nil> resource_exhausted
	// <nil>
}
