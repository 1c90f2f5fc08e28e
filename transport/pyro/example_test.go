package pyro_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/inmem"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func ExampleParseURI() {
	u, err := pyro.ParseURI("pyro:greeter@[::1]:4711")
	fmt.Println(u, u.Object, u.Host, u.Port, err)
	_, err = pyro.ParseURI("PYRO:greeter@host")
	fmt.Println(errors.Is(err, pyro.ErrURI), err)
	// Output:
	// PYRO:greeter@[::1]:4711 greeter ::1 4711 <nil>
	// true invalid uri "PYRO:greeter@host": no port
}

// A Server and a Conn carry calls; objects and functions are the business of package service.
func ExampleServer() {
	srv, err := pyro.NewServer(pyro.Handler{
		Handshake: func(_ context.Context, h *transport.Handshake) (*transport.Welcome, error) {
			if h.Object != "greeter" {
				return nil, errors.New("unknown object")
			}
			return &transport.Welcome{Metadata: &transport.ObjectMetadata{Methods: []string{"greet"}}}, nil
		},
		Call: func(_ context.Context, call *transport.Call) (*transport.Reply, error) {
			return &transport.Reply{Value: codec.ValueOf("Hello from " + call.Method)}, nil
		},
	}, pyro.ServerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	l := inmem.Listen()
	go func() { _ = srv.Serve(l, pyro.ListenConfig{}) }()
	defer func() { _ = srv.Shutdown(context.Background()) }()

	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		fmt.Println(greet(l.DialContext, dialect))
	}
	// Output:
	// pyro4: Hello from greet <nil>
	// pyro5: Hello from greet <nil>
}

func greet(dial func(ctx context.Context, network, address string) (net.Conn, error), dialect codec.Dialect) (string, error) {
	ctx := context.Background()
	uri := pyro.URI{Protocol: pyro.ProtocolPyro, Object: "greeter", Host: "memory", Port: 1}
	conn, err := pyro.Dial(ctx, uri, pyro.DialConfig{Dialect: dialect, Dial: dial})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	reply, err := conn.Call(ctx, &transport.Call{Object: "greeter", Method: "greet"})
	if err != nil {
		return "", err
	}
	defer reply.Release()
	text, err := reply.Value.Any()
	return fmt.Sprintf("%s: %v", dialect, text), err
}
