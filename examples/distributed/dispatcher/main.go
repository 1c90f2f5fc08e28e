// The dispatcher: two queues, one of work and one of results. It never looks at what an item is.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A queue holds items, and what callers put too much waits for room.
type queue chan any

func (q queue) put(ctx context.Context, item any) error {
	select {
	case q <- item:
		return nil
	case <-ctx.Done(): // the caller went away
		return ctx.Err()
	}
}

// get waits up to seconds for an item. None in time is a ValueError.
func (q queue) get(ctx context.Context, seconds float64) (any, error) {
	select {
	case item := <-q:
		return item, nil
	case <-time.After(time.Duration(seconds * float64(time.Second))):
		return nil, transport.NewError("ValueError", "no items in queue")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func main() {
	work, results := make(queue, 1000), make(queue, 1000)
	wait := service.Params(service.Default("timeout", 5.0)) // seconds
	dispatcher := service.New("example.distributed.dispatcher").
		Method("put_work", work.put).
		Method("get_work", work.get, wait).
		Method("put_result", results.put).
		Method("get_result", results.get, wait)
	srv := service.NewServer(service.Announce(nameserver.Registrar(pyro.DialConfig{})))
	if err := srv.Add(dispatcher); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := srv.Run(ctx); err != nil {
		log.Print(err)
	}
}
