package watchdog_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/middleware/watchdog"
	"github.com/pyrokit/pyrokit/transport"
)

// printed prints a line and closes the channel.
type printed chan struct{}

func (p printed) Write(line []byte) (int, error) {
	defer close(p)
	return os.Stdout.Write(line)
}

func Example() {
	logged := make(printed)
	log := slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, "running":
			return slog.Attr{}
		case "stack":
			where, _, _ := strings.Cut(a.Value.String(), "\n")
			return slog.String("stack", where+" ...")
		}
		return a
	}}))
	endpoint := watchdog.New(log, watchdog.Limit("stock.*", 100*time.Millisecond)).Call(
		func(context.Context, *transport.Call) (*transport.Reply, error) {
			hangsHere(logged) // until it is printed
			return &transport.Reply{}, nil
		})
	_, err := endpoint(context.Background(), &transport.Call{Object: "stock", Method: "price"})
	fmt.Println(err)
	// Output:
	// level=WARN msg="call runs long" object=stock method=price limit=100ms stack="github.com/pyrokit/pyrokit/middleware/watchdog_test.hangsHere ..."
	// <nil>
}
