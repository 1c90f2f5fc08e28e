package ratelimit_test

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/middleware/ratelimit"
	"github.com/pyrokit/pyrokit/transport"
)

func Example() {
	limit := ratelimit.New(ratelimit.Limit(
		ratelimit.Rule{Rate: 1000}, // all together
		ratelimit.Rule{Calls: "bank.pay", Rate: 0.0001, Per: ratelimit.Principal}, // each client
	))
	pay := limit.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	for _, who := range []string{"irma", "kees", "irma"} {
		_, err := pay(context.Background(), &transport.Call{Object: "bank", Method: "pay", Peer: &transport.Peer{Principal: who}})
		fmt.Println(who, err != nil)
	}
	// Output:
	// irma false
	// kees false
	// irma true
}
