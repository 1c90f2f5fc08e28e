package transport_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/service"
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

// What a method finds in its context: who calls, what came beside the arguments, and a way to send something
// beside the result.
func ExampleFromContext() {
	s := service.New("documents").Method("read", func(ctx context.Context, title string) string {
		call := transport.FromContext(ctx)
		language, _ := call.Header.Annotations.Get("LANG")
		fmt.Printf("%s %s, %s, %s\n", call.Object, call.Method, call.Peer.Dialect, language)
		call.Response.Set("ETAG", []byte("v7"))
		return "the text of " + title
	})
	documents, err := pairtest.Serve(s) // in memory, so that no port is needed
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = documents.Close() }()
	p, err := documents.Connect()
	if err != nil {
		fmt.Println(err)
		return
	}

	var beside transport.Annotations
	text, err := service.Call[string](context.Background(), p, "read", "tale",
		service.WithAnnotation("LANG", []byte("en")), service.ResponseAnnotations(&beside))
	version, _ := beside.Get("ETAG")
	fmt.Println(text, err)
	fmt.Printf("%s\n", version)
	// Output:
	// documents read, pyro5, en
	// the text of tale <nil>
	// v7
}

// overdrawnError is a program's own error.
type overdrawnError struct{ missing int }

func (e *overdrawnError) Error() string { return fmt.Sprintf("%d too little", e.missing) }

// A program's own error, which Python callers that know bank.Overdrawn catch as that exception. A Go caller finds
// the same type again.
func ExampleRegisterException() {
	transport.RegisterException(transport.ExceptionClass[*overdrawnError]{
		Class:  "bank.Overdrawn",
		Code:   transport.CodeFailedPrecondition,
		Encode: func(e *overdrawnError) ([]any, map[string]any) { return []any{e.missing}, nil },
		Decode: func(e *transport.Error) (*overdrawnError, error) {
			if len(e.Args) == 1 { // whatever the peer has sent
				if missing, ok := e.Args[0].(int64); ok {
					return &overdrawnError{int(missing)}, nil
				}
			}
			return nil, errors.New("want a number")
		},
	})
	bank, err := pairtest.Serve(service.New("bank").Method("withdraw", func(amount int) error {
		return fmt.Errorf("withdrawing %d: %w", amount, &overdrawnError{amount - 100})
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = bank.Close() }()
	p, err := bank.Connect()
	if err != nil {
		fmt.Println(err)
		return
	}

	err = service.Do(context.Background(), p, "withdraw", 130)
	fmt.Println(transport.AsError(err).Class)
	if e, ok := errors.AsType[*overdrawnError](err); ok {
		fmt.Println(e.missing, "missing")
	}
	// Output:
	// bank.Overdrawn
	// 30 missing
}

// What belongs to a caller's connection, and ends with it, is kept in its session.
func ExampleSession_Load() {
	type visits struct{} // a key of one's own
	s := service.New("counter").Method("visit", func(ctx context.Context) (int64, error) {
		n, err := transport.FromContext(ctx).Peer.Session.Load(visits{}, func() (any, error) { return new(atomic.Int64), nil })
		if err != nil {
			return 0, err
		}
		return n.(*atomic.Int64).Add(1), nil
	})
	counter, err := pairtest.Serve(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = counter.Close() }()
	for range 2 { // two proxies have two connections
		p, err := counter.Connect()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(service.Call[int](context.Background(), p, "visit"))
		fmt.Println(service.Call[int](context.Background(), p, "visit"))
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 1 <nil>
	// 2 <nil>
}
