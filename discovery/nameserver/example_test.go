package nameserver_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	nsservice "github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func Example() {
	pair, err := pairtest.Serve(nsservice.New().Service()) // usually somebody else's, of Python or Go
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pair.Close() }()

	ctx := context.Background()
	ns, err := nameserver.Locate(ctx, pyro.DialConfig{Dial: pair.Dial}, "ns.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ns.Close()
	uri, err := pyro.ParseURI("PYRO:greeter@host:4711")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := ns.Register(ctx, "example.greeting", uri, true, "greets", "english"); err != nil {
		fmt.Println(err)
		return
	}
	e, err := ns.Lookup(ctx, "example.greeting")
	fmt.Println(e.URI, e.Metadata, err)
	_, err = ns.Lookup(ctx, "example.missing")
	fmt.Println(errors.Is(err, transport.ErrNotFound))
	// Output:
	// PYRO:greeter@host:4711 [english greets] <nil>
	// true
}
