package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/middleware/breaker"
	"github.com/pyrokit/pyrokit/transport"
)

func Example() {
	breaks := func(context.Context, *transport.Call) (*transport.Reply, error) {
		fmt.Println("calling")
		return nil, transport.Errorf(transport.CodeUnavailable, "connection lost")
	}
	endpoint := breaker.New(breaker.Failures(2), breaker.Delay(time.Minute)).Call(breaks)
	for range 4 {
		_, err := endpoint(context.Background(), &transport.Call{Object: "shop", Method: "get_price"})
		fmt.Println(errors.Is(err, transport.ErrUnavailable))
	}
	// Output:
	// calling
	// true
	// calling
	// true
	// true
	// true
}
