package concurrency_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/middleware/concurrency"
	"github.com/pyrokit/pyrokit/transport"
)

func Example() {
	limit := concurrency.New(concurrency.Limit(1), concurrency.Queue(10, 5*time.Second))
	var endpoint transport.Endpoint
	endpoint = limit.Call(func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
		if call.Method == "inner" {
			return &transport.Reply{}, nil
		}
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		return endpoint(ctx, &transport.Call{Method: "inner"}) // there is one place, and it is taken
	})
	_, err := endpoint(context.Background(), &transport.Call{Method: "outer"})
	fmt.Println(err)
	// Output: context deadline exceeded
}
