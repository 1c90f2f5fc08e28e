package recovery_test

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/middleware/recovery"
	"github.com/pyrokit/pyrokit/transport"
)

func Example() {
	endpoint := recovery.New().Call(func(context.Context, *transport.Call) (*transport.Reply, error) {
		panic("the password is sesame")
	})
	_, err := endpoint(context.Background(), &transport.Call{Method: "m"})
	fmt.Println(err)
	// Output: internal error
}
