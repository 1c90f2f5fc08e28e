// A worker: it takes items from the dispatcher, one at a time. Start as many as there are cores.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/pyrokit/pyrokit/examples/distributed"
	"github.com/pyrokit/pyrokit/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := work(ctx); err != nil && ctx.Err() == nil {
		log.Print(err)
	}
}

func work(ctx context.Context) error {
	dispatcher, err := service.Connect("PYRONAME:example.distributed.dispatcher")
	if err != nil {
		return err
	}
	defer dispatcher.Close()
	name := fmt.Sprintf("Go worker %d", os.Getpid())
	for {
		item, err := service.Call[distributed.Item](ctx, dispatcher, "get_work")
		if distributed.Empty(err) {
			continue
		}
		if err != nil {
			return err
		}
		item.Factors, item.ProcessedBy = distributed.Factorize(item.Number), name
		if err := service.Do(ctx, dispatcher, "put_result", item); err != nil {
			return err
		}
	}
}
