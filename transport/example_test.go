package transport_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pyrokit/pyrokit/transport"
)

// A middleware wraps calls on either end alike.
func ExampleMiddleware() {
	shouting := transport.Middleware{
		Name: "shouting",
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				fmt.Println(call.Kind, call.Object, call.Method)
				return next(ctx, call)
			}
		},
	}
	endpoint := transport.Chain(shouting).Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		return nil, transport.NewError("ValueError", "wrong value", 42)
	})
	_, err := endpoint(context.Background(), &transport.Call{Object: "greeter", Method: "greet"})
	fmt.Println(err)
	// Output:
	// invoke greeter greet
	// ValueError: ('wrong value', 42)
}

// Errors are told apart by what they mean, on both sides of the wire.
func ExampleError() {
	err := fmt.Errorf("looking up: %w", transport.NewError("NamingError", "unknown name: x"))
	fmt.Println(errors.Is(err, transport.ErrNotFound))
	if e, ok := errors.AsType[*transport.Error](err); ok {
		fmt.Println(e.Class, e.Code)
	}
	// Output:
	// true
	// Pyro5.errors.NamingError not_found
}
