package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/pyrokit/pyrokit/service"
)

// A server that is taken out of service for a while, as somebody sees it who watches.
func ExampleHealth() {
	ctx := context.Background()
	srv := service.NewServer(service.Logger(slog.New(slog.DiscardHandler)))
	err := srv.Add(service.New("greeting").Method("greet", func() string { return "Hello" }))
	if err == nil {
		err = srv.Start()
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	p, err := service.Connect(srv.URI(service.HealthObject).String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	for status, err := range service.Stream[service.HealthStatus](ctx, p, "watch", "greeting") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(status)
		if status == service.Serving {
			srv.Health().Set("greeting", service.NotServing)
			continue
		}
		break
	}
	fmt.Println(srv.Shutdown(ctx))
	// Output:
	// SERVING
	// NOT_SERVING
	// <nil>
}

// A server that is well only while its database is.
func ExampleHealth_AddCheck() {
	srv := service.NewServer()
	err := srv.Health().AddCheck("database", func(context.Context) error {
		return errors.New("it is read only") // db.PingContext
	}, service.CheckConfig{})
	fmt.Println(err, srv.Health().Status(""))
	for _, c := range srv.Health().Checks() {
		fmt.Println(c.Name+":", c.Err)
	}
	// Output:
	// <nil> NOT_SERVING
	// database: it has not been checked yet
}
