package discovery_test

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A table knows what it was told. It is all that a Resolver has to be.
type table map[string]string

func (t table) Resolve(_ context.Context, name string) (discovery.Entry, error) {
	location, ok := t[name]
	if !ok {
		return discovery.Entry{}, transport.Errorf(transport.CodeNotFound, "%s is in no table", name)
	}
	uri, err := pyro.ParseURI(location)
	return discovery.Entry{Name: name, URI: uri}, err
}

func ExampleResolver() {
	greeter := service.New("greeter").Method("greet", func() string { return "Hello" })
	pair, err := pairtest.Serve(greeter)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pair.Close() }()
	names := table{"example.greeting": "PYRO:greeter@memory:1"}

	for _, name := range []string{"example.greeting", "example.missing"} {
		p, err := service.Connect("PYRONAME:"+name, service.Resolver(names), service.DialWith(pair.Dial))
		if err != nil {
			fmt.Println(err)
			return
		}
		greeting, err := service.Call[string](context.Background(), p, "greet")
		fmt.Printf("%q %v\n", greeting, err)
		_ = p.Close()
	}
	// Output:
	// "Hello" <nil>
	// "" call greet of PYRONAME:example.missing: example.missing is in no table
}
