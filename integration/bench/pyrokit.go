package main

import (
	"context"
	"net"

	"github.com/pyrokit/pyrokit/service"
)

// pyrokit is a service and a proxy with nothing switched on or off.
type pyrokit struct{}

func (pyrokit) serve(listener net.Listener) error {
	echo := service.New("bench.echo")
	echo.Method("echo", func(message string) string { return message })
	srv := service.NewServer(service.ListenOn(listener))
	if err := srv.Add(echo); err != nil {
		return err
	}
	return srv.Run(context.Background())
}

func (pyrokit) dial(address string) (connection, error) {
	p, err := service.Connect("PYRO:bench.echo@" + address)
	return pyrokitConnection{p}, err
}

type pyrokitConnection struct{ *service.Proxy }

func (c pyrokitConnection) echo() error {
	out, err := service.Call[string](context.Background(), c.Proxy, "echo", message)
	if err != nil {
		return err
	}
	if out != message {
		return errOther
	}
	return nil
}
