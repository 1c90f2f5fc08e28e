package timeout_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/middleware/timeout"
	"github.com/pyrokit/pyrokit/transport"
)

func Example() {
	slow := func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
		<-ctx.Done()
		return nil, transport.AsError(ctx.Err())
	}
	endpoint := timeout.New(10 * time.Millisecond).Call(slow)
	_, err := endpoint(context.Background(), &transport.Call{Method: "slow"})
	fmt.Println(errors.Is(err, transport.ErrTimeout), err)
	// Output: true context deadline exceeded
}
