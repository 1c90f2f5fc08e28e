// A server that lets in who has a token, and follows a call through the log by its correlation id.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/middleware/auth"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// logged is a middleware of one's own: a function around each call.
func logged(l *slog.Logger) transport.Middleware {
	return transport.Middleware{
		Name: "log",
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				reply, err := next(ctx, call)
				l.InfoContext(ctx, "call", "object", call.Object, "method", call.Method,
					"by", auth.Principal(ctx), "id", correlation.FromContext(ctx), "error", err)
				return reply, err
			}
		},
	}
}

func whoAmI(ctx context.Context) string { return fmt.Sprint(auth.Principal(ctx)) }

func main() {
	listen := flag.String("listen", "localhost:0", "address to listen on")
	flag.Parse()
	token := os.Getenv("EXAMPLE_TOKEN")
	if token == "" {
		log.Fatal("set EXAMPLE_TOKEN to what alice has to say")
	}

	svc := service.New("example.secured")
	svc.Method("whoami", whoAmI)
	srv := service.NewServer(
		service.Listen("tcp", *listen),
		service.Use( // the first one is the outermost
			auth.Verify(auth.Tokens(map[string]string{"alice": token})),
			correlation.New(),
			logged(slog.New(slog.NewTextHandler(os.Stderr, nil))),
		),
	)
	if err := srv.Add(svc); err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("Ready:", srv.URI(svc.Name()))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	<-ctx.Done()
	if err := srv.Shutdown(context.Background()); err != nil {
		log.Print(err)
	}
}
