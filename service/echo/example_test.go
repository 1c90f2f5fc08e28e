package echo_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/echo"
)

func Example() {
	srv := service.NewServer(service.Logger(slog.New(slog.DiscardHandler)))
	if err := srv.Add(echo.New(echo.Config{})); err != nil {
		fmt.Println(err)
		return
	}
	if err := srv.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _ = srv.Shutdown(ctx) }()

	p, err := service.Connect(srv.URI(echo.Name).String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(service.Call[string](ctx, p, "echo", "hello"))
	// Output: hello <nil>
}
