package validate_test

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/middleware/validate"
	"github.com/pyrokit/pyrokit/transport"
)

func Example() {
	least := 0.01
	m := validate.New(validate.Calls(validate.Shape{Calls: "bank.pay", Params: []validate.Param{
		{Name: "to", Type: validate.Str, MinLen: 1, MaxLen: 40},
		{Name: "amount", Type: validate.Float, Min: &least},
	}}))
	pay := m.Call(func(context.Context, *transport.Call) (*transport.Reply, error) { return &transport.Reply{}, nil })
	for _, args := range [][]any{{"irma", 5}, {"irma", -5}, {"irma", "five"}, {"irma"}} {
		_, err := pay(context.Background(), &transport.Call{Object: "bank", Method: "pay", Args: transport.Args{Positional: args}})
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// ValueError: bank.pay: argument amount must be at least 0.01
	// TypeError: bank.pay: argument amount must be float, not str
	// TypeError: bank.pay: argument amount is missing
}
