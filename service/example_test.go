package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

// A server and its caller. Here they are in one program and joined in memory, so that no port is needed;
// elsewhere service.Listen("tcp", "localhost:9999") takes the place of ListenOn, nothing that of DialWith,
// and the caller may be Python.
func Example() {
	l := inmem.Listen()
	greeter := service.New("example.greeting")
	greeter.Method("get_fortune", func(name string) string { return "Hello " + name })
	srv := service.NewServer(service.ListenOn(l))
	if err := errors.Join(srv.Add(greeter), srv.Start()); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _ = srv.Shutdown(ctx) }()

	p, err := service.Connect("PYRO:example.greeting@memory:1", service.DialWith(l.DialContext))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	text, err := service.Call[string](ctx, p, "get_fortune", "Irmen")
	fmt.Println(text, err)
	// Output: Hello Irmen <nil>
}

// serveInMemory serves s until stop, for the proxy that it returns.
func serveInMemory(s *service.Service, opts ...service.ServerOption) (p *service.Proxy, stop func()) {
	l := inmem.Listen()
	srv := service.NewServer(append(opts, service.ListenOn(l), service.Logger(slog.New(slog.DiscardHandler)))...)
	if err := errors.Join(srv.Add(s), srv.Start()); err != nil {
		panic(err)
	}
	p, err := service.Connect("PYRO:"+s.Name()+"@memory:1", service.DialWith(l.DialContext))
	if err != nil {
		panic(err)
	}
	return p, func() { _, _ = p.Close(), srv.Shutdown(context.Background()) }
}
