package service_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/service"
)

// A Cart belongs to one caller.
type Cart struct {
	items []string
	left  chan<- string
}

// Put puts an item into the cart and returns what is in it.
func (c *Cart) Put(item string) []string {
	c.items = append(c.items, item)
	return c.items
}

// Close is called when the caller's connection has ended. Callers cannot.
func (c *Cart) Close() error {
	c.left <- fmt.Sprint("left behind: ", c.items)
	return nil
}

// Each connection has a Cart of its own: a proxy has one connection.
func ExamplePerSession() {
	left := make(chan string, 1)
	carts := service.PerSession(func(context.Context) (*Cart, error) { return &Cart{left: left}, nil })
	mine, stop := serveInMemory(carts.Named("cart"))
	defer stop()
	yours, err := mine.With() // another proxy for the same object, with a connection of its own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer yours.Close()
	ctx := context.Background()

	fmt.Println(service.Call[[]string](ctx, mine, "put", "tea"))
	fmt.Println(service.Call[[]string](ctx, yours, "put", "milk"))
	fmt.Println(service.Call[[]string](ctx, mine, "put", "sugar"))
	fmt.Println(mine.Close())
	fmt.Println(<-left)
	fmt.Println(yours.Close())
	fmt.Println(<-left)
	// Output:
	// [tea] <nil>
	// [milk] <nil>
	// [tea sugar] <nil>
	// <nil>
	// left behind: [tea sugar]
	// <nil>
	// left behind: [milk]
}

// A Counter is for all callers, so it must bear calls that run at the same time.
type Counter struct{ n atomic.Int64 }

// Next counts.
func (c *Counter) Next() int64 { return c.n.Add(1) }

// The counter is made at the first call, and never if there is none.
func ExampleSingle() {
	s := service.Single(func(context.Context) (*Counter, error) {
		fmt.Println("made")
		return &Counter{}, nil
	})
	p, stop := serveInMemory(s)
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Call[int](ctx, p, "next"))
	fmt.Println(service.Call[int](ctx, p, "next"))
	// Output:
	// made
	// 1 <nil>
	// 2 <nil>
}

// A job is a resource that somebody has to give back.
type job struct{ ended chan<- string }

// Close gives it back.
func (j *job) Close() error {
	j.ended <- "closed with its connection"
	return nil
}

// What a method has opened is closed when its caller is gone, however that came about.
func ExampleTrack() {
	ended := make(chan string, 1)
	s := service.New("jobs").Method("start", func(ctx context.Context) error {
		return service.Track(ctx, &job{ended})
	})
	p, stop := serveInMemory(s)
	defer stop()

	fmt.Println(service.Do(context.Background(), p, "start"))
	fmt.Println(p.Release()) // ends the connection
	fmt.Println(<-ended)
	// Output:
	// <nil>
	// <nil>
	// closed with its connection
}
