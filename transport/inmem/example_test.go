package inmem_test

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

func Example() {
	l := inmem.Listen()
	srv := service.NewServer(service.ListenOn(l))
	err := srv.Add(service.New("greeter").Method("greet", func(name string) string { return "Hello " + name }))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := srv.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _ = srv.Shutdown(ctx) }()
	p, err := service.Connect("PYRO:greeter@memory:1", service.DialWith(l.DialContext))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(service.Call[string](ctx, p, "greet", "Irmen"))
	// Output: Hello Irmen <nil>
}
