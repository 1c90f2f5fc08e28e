package nameserver_test

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

// A name server is a service like any other. On a network it would listen on port 9090.
func Example() {
	l := inmem.Listen()
	ns := nameserver.New()
	srv := service.NewServer(service.ListenOn(l))
	if err := srv.Add(ns.Service()); err != nil {
		fmt.Println(err)
		return
	}
	if err := srv.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _ = srv.Shutdown(ctx) }()

	p, err := service.Connect("PYRO:"+nameserver.ObjectName+"@memory:9090", service.DialWith(l.DialContext))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(service.Do(ctx, p, "register", "example.greeting", "PYRO:greeter@host:4711"))
	fmt.Println(service.Call[map[string]string](ctx, p, "list", "example."))
	_, err = service.Call[any](ctx, p, "lookup", "nobody")
	fmt.Println(err)
	// Output:
	// <nil>
	// map[example.greeting:PYRO:greeter@host:4711] <nil>
	// call lookup of PYRO:Pyro.NameServer@memory:9090 at pipe (pyro5): Pyro5.errors.NamingError: unknown name: nobody
}
