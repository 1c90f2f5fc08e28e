package middleware_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A middleware of one's own: while the stock is counted, calls that a pattern names are sent away.
func Example() {
	counting := func(names ...string) transport.Middleware {
		patterns := middleware.ParsePatterns(names...)
		return transport.Middleware{
			Name: "counting",
			Call: func(next transport.Endpoint) transport.Endpoint {
				return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
					for _, p := range patterns {
						if p.FitsCall(call) {
							return nil, middleware.Refusal(transport.CodeUnavailable, time.Minute, "the stock is being counted")
						}
					}
					return next(ctx, call)
				}
			},
		}
	}
	stock := service.New("stock").Method("look", func() string { return "tea" }).Method("buy_all", func() {})
	pair, err := pairtest.Serve(stock, service.Use(counting("stock.buy*")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pair.Close() }()
	p, err := pair.Connect()
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	fmt.Println(service.Call[string](ctx, p, "look"))
	err = service.Do(ctx, p, "buy_all")
	fmt.Println(transport.AsError(err).Message)
	fmt.Println(middleware.RetryAfter(err))
	// Output:
	// tea <nil>
	// the stock is being counted: try again in 1m0s
	// 1m0s true
}
