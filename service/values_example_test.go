package service_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/inmem"
)

// Basket is an object that a shop hands out.
type Basket struct{ items []string }

// Put puts an item into the basket and says how many are in it.
func (b *Basket) Put(item string) int {
	b.items = append(b.items, item)
	return len(b.items)
}

// A service that is returned, or the value that it was made of, arrives as a proxy.
func ExampleServer_Add() {
	l := inmem.Listen()
	srv := service.NewServer(service.ListenOn(l), service.Logger(slog.New(slog.DiscardHandler)))
	shop := service.New("shop").Method("new_basket", func() (*Basket, error) {
		b := &Basket{}
		return b, srv.Add(service.Of(b))
	})
	if err := srv.Add(shop); err != nil {
		fmt.Println(err)
		return
	}
	if err := srv.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _ = srv.Shutdown(ctx) }()

	p, _ := service.Connect("PYRO:shop@memory:1", service.DialWith(l.DialContext))
	defer p.Close()
	arrived, err := service.Call[*service.Proxy](ctx, p, "new_basket")
	if err != nil {
		fmt.Println(err)
		return
	}
	basket, _ := arrived.With(service.DialWith(l.DialContext)) // it is in memory, too
	defer basket.Close()
	n, err := service.Call[int](ctx, basket, "put", "tea")
	fmt.Println(basket.URI(), n, err)
	// Output: PYRO:basket@memory:1 1 <nil>
}

// A dispatcher looks at a blob's info and passes it on; only the worker knows what is in it.
func ExampleSerializedBlob() {
	ctx := context.Background()
	worker, stop := serveInMemory(service.New("worker").Method("work", func(b *service.SerializedBlob) (int, error) {
		var numbers []int
		if err := b.Decode(&numbers); err != nil {
			return 0, err
		}
		sum := 0
		for _, n := range numbers {
			sum += n
		}
		return sum, nil
	}))
	defer stop()
	dispatcher, stop := serveInMemory(service.New("dispatcher").Method("work", func(ctx context.Context, b *service.SerializedBlob) (any, error) {
		fmt.Println("a blob:", b.Info())
		return service.Call[any](ctx, worker, "work", b)
	}))
	defer stop()

	sum, err := service.Call[int](ctx, dispatcher, "work", service.NewSerializedBlob("numbers", []int{1, 2, 3}))
	fmt.Println(sum, err)
	// Output:
	// a blob: numbers
	// 6 <nil>
}
