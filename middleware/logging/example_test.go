package logging_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/logging"
	"github.com/pyrokit/pyrokit/service"
)

func Example() {
	// Without what differs each time.
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, "duration", "peer", "correlation_id":
			return slog.Attr{}
		}
		return a
	}}))
	users := service.New("users").Method("login", func(_, _ string) bool { return false }, service.Params("name", "password"))
	pair, err := pairtest.Serve(users, service.Use(logging.New(log, logging.Arguments(logging.HideKeys()))))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pair.Close() }()
	p, err := pair.Connect()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	_, _ = service.Call[bool](ctx, p, "login", service.Kwargs{"name": "ann", "password": "sesame"})
	_, _ = service.Call[bool](ctx, p, "login", 1, 2, 3)
	// Output:
	// level=INFO msg=handshake object=users code=ok
	// level=INFO msg=call object=users method=login kwargs="{'name': 'ann', 'password': '[hidden]'}" code=ok
	// level=WARN msg="call failed" object=users method=login args="['<int64>', '<int64>', '<int64>']" code=invalid_argument class=builtins.TypeError error="login() takes 2 positional arguments but 3 were given"
}
