package retry_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/middleware/retry"
	"github.com/pyrokit/pyrokit/transport"
)

// Without Safe only that is repeated which surely never left this process.
func ExampleSafe() {
	breaks := func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
		fmt.Println("calling", call.Method)
		return nil, transport.Errorf(transport.CodeUnavailable, "connection lost")
	}
	endpoint := retry.New(
		retry.Attempts(2),
		retry.Backoff(time.Millisecond, time.Millisecond),
		retry.Safe("get_*"),
	).Call(breaks)
	for _, method := range []string{"get_price", "buy"} {
		_, err := endpoint(context.Background(), &transport.Call{Object: "shop", Method: method})
		fmt.Println(err)
	}
	// Output:
	// calling get_price
	// calling get_price
	// connection lost
	// calling buy
	// connection lost
}
