package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

// A middleware of one's own: what it wraps is only called where it says so.
func ExampleUse() {
	readOnly := transport.Middleware{
		Name: "read-only",
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				if call.Kind == transport.SetAttr || strings.HasPrefix(call.Method, "set_") {
					return nil, transport.NewError("PermissionError", call.Describe()+": not while we count")
				}
				return next(ctx, call) // and what it returns can be looked at, or changed
			}
		},
	}
	s := service.New("stock")
	s.Method("get_price", func() float64 { return 1.5 })
	s.Method("set_price", func(float64) {})
	p, stop := serveInMemory(s, service.Use(readOnly)) // a proxy takes it just so
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Call[float64](ctx, p, "get_price"))
	e := transport.AsError(service.Do(ctx, p, "set_price", 2.0))
	fmt.Println(e.Class, e.Message)
	// Output:
	// 1.5 <nil>
	// builtins.PermissionError call set_price: not while we count
}

// A server that wants to know who connects. A Python client says it with proxy._pyroHandshake = "sesame".
func ExampleValidateHandshake() {
	s := service.New("cave").Method("enter", func(ctx context.Context) string {
		return fmt.Sprint("welcome, ", transport.FromContext(ctx).Peer.Principal)
	})
	p, stop := serveInMemory(s, service.ValidateHandshake(func(_ context.Context, h *transport.Handshake) (any, error) {
		var said string
		if err := h.Value.Decode(&said); err != nil || said != "sesame" {
			return nil, transport.Errorf(transport.CodePermissionDenied, "the cave stays shut")
		}
		h.Peer.Principal = "Ali Baba"
		return "open", nil
	}))
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Do(ctx, p, "enter"))
	knowing, err := p.With(service.Handshake("sesame"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer knowing.Close()
	fmt.Println(service.Call[string](ctx, knowing, "enter"))
	// Output:
	// connect to PYRO:cave@memory:1 at memory:1 (pyro5): the peer rejected the connection: the cave stays shut
	// welcome, Ali Baba <nil>
}

// What Pyro's users set in the environment. A program gives os.LookupEnv.
func ExampleFromEnv() {
	lookup := func(vars map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			value, ok := vars[name]
			return value, ok
		}
	}
	env, err := service.FromEnv(lookup(map[string]string{"PYRO_SERIALIZER": "json"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	s := service.New("example").Method("serializer", func(ctx context.Context) string {
		return transport.FromContext(ctx).Peer.Codec
	})
	bare, stop := serveInMemory(s, env)
	defer stop()
	p, err := bare.With(env) // usually service.Connect(uri, env)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(service.Call[string](context.Background(), p, "serializer"))

	_, err = service.FromEnv(lookup(map[string]string{"PYRO_COMMTIMEOUT": "soon"}))
	fmt.Println(err)
	// Output:
	// json <nil>
	// PYRO_COMMTIMEOUT=soon: want seconds
}

// The short way to serve: it returns when its context has ended and the calls that ran are done.
func ExampleServe() {
	ctx, cancel := context.WithCancel(context.Background()) // in a program, signal.NotifyContext
	defer cancel()
	l := inmem.Listen() // in a program, service.Listen
	served := make(chan error)
	go func() {
		served <- service.Serve(ctx, map[any]string{&Greeter{"Hello"}: "example.greeting"},
			service.ListenOn(l), service.Logger(slog.New(slog.DiscardHandler)))
	}()

	p, err := service.Connect("PYRO:example.greeting@memory:1", service.DialWith(l.DialContext))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(service.Call[string](ctx, p, "get_fortune", "Irmen"))
	cancel()
	fmt.Println(<-served)
	// Output:
	// Hello Irmen <nil>
	// <nil>
}

// A client that is called back serves, too: it passes its service, which arrives as a proxy.
func ExampleCallback() {
	ctx := context.Background()
	phone := inmem.Listen()
	caller := service.NewServer(service.ListenOn(phone), service.Logger(slog.New(slog.DiscardHandler)))
	me := service.New("") // an id of its own
	me.Method("tell", func(news string) { fmt.Println("I hear:", news) }, service.Callback())
	err := caller.Add(me)
	if err == nil {
		err = caller.Start()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = caller.Shutdown(ctx) }()

	p, stop := serveInMemory(service.New("agency").Method("ask", func(ctx context.Context, who *service.Proxy) error {
		defer who.Close()
		called, err := who.With(service.DialWith(phone.DialContext)) // only because it is in memory
		if err != nil {
			return err
		}
		defer called.Close()
		return service.Do(ctx, called, "tell", "it rains")
	}))
	defer stop()
	fmt.Println(service.Do(ctx, p, "ask", me))
	// Output:
	// I hear: it rains
	// <nil>
}
