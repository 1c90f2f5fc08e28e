package auth_test

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/service"
)

func Example() {
	greeter := service.New("greeter").Method("greet", func(ctx context.Context) string {
		return fmt.Sprint("Hello ", auth.Principal(ctx))
	})
	verify := auth.Verify(auth.Tokens(map[string]string{"irma": "sesame"}))
	pair, err := pairtest.Serve(greeter, service.Use(verify))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pair.Close() }()

	for _, token := range []string{"sesame", "guessed"} {
		p, err := pair.Connect(service.Use(auth.Credential(token)))
		if err != nil {
			fmt.Println(err)
			return
		}
		greeting, err := service.Call[string](context.Background(), p, "greet")
		fmt.Println(greeting, err)
	}
	// Output:
	// Hello irma <nil>
	//  connect to PYRO:greeter@memory:1 at memory:1 (pyro5): the peer rejected the connection: authentication failed
}
