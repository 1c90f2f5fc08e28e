// The client: it puts numbers into the dispatcher and collects their factors.
package main

import (
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/pyrokit/pyrokit/examples/distributed"
	"github.com/pyrokit/pyrokit/service"
)

const count = 20

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dispatcher, err := service.Connect("PYRONAME:example.distributed.dispatcher")
	if err != nil {
		return err
	}
	defer dispatcher.Close()
	batch := dispatcher.Batch() // all items in one message
	for id := range count {
		service.Queue[any](batch, "put_work", distributed.Item{ID: id, Number: 1000000007 * (id + 1)})
	}
	if err := batch.Do(ctx); err != nil {
		return err
	}
	var items []distributed.Item
	for len(items) < count {
		item, err := service.Call[distributed.Item](ctx, dispatcher, "get_result")
		if distributed.Empty(err) {
			fmt.Printf("%d of %d results, waiting for workers\n", len(items), count)
			continue
		}
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	slices.SortFunc(items, func(a, b distributed.Item) int { return a.ID - b.ID })
	for _, item := range items {
		fmt.Println(item.Number, "-->", item.Factors, "by", item.ProcessedBy)
	}
	return nil
}
