package service_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A Stock sells tea and coffee.
type Stock struct {
	mu     sync.Mutex // guards what follows: callers come at the same time
	prices map[string]float64
	open   bool
}

// Price returns the price of an item.
func (s *Stock) Price(item string) (float64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	price, ok := s.prices[item]
	if !ok {
		return 0, transport.NewError("KeyError", item)
	}
	return price, nil
}

// Item returns a dict.
func (s *Stock) Item(name string) (map[string]any, error) {
	price, err := s.Price(name)
	return map[string]any{"name": name, "price": price, "tags": []string{"hot"}}, err
}

// RaisePrices raises all prices and returns how many those are.
func (s *Stock) RaisePrices(by float64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for item := range s.prices {
		s.prices[item] += by
	}
	return len(s.prices)
}

// Quotes returns ever higher prices.
func (s *Stock) Quotes(ctx context.Context, item string) (iter.Seq[float64], error) {
	price, err := s.Price(item)
	return func(yield func(float64) bool) {
		for ctx.Err() == nil && yield(price) {
			price++
		}
	}, err
}

func (s *Stock) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *Stock) setOpen(open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = open
}

// serveStock serves a Stock in memory and returns a proxy for it, and what ends both.
func serveStock() (p *service.Proxy, stop func()) {
	stock := &Stock{prices: map[string]float64{"tea": 1.5, "coffee": 2.5}, open: true}
	return serveInMemory(service.Of(stock).Property("open", stock.isOpen, stock.setOpen))
}

// The result is decoded into the type that is asked for, and whatever does not fit it is an error.
func ExampleCall() {
	p, stop := serveStock()
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Call[float64](ctx, p, "price", "tea"))
	type item struct {
		Name  string
		Price float64
		Tags  []string
	}
	fmt.Println(service.Call[item](ctx, p, "item", "tea"))
	fmt.Println(service.Call[any](ctx, p, "item", "tea")) // whatever it is
	_, err := service.Call[int](ctx, p, "price", "tea")
	fmt.Println(err)
	// Output:
	// 1.5 <nil>
	// {tea 1.5 [hot]} <nil>
	// map[name:tea price:1.5 tags:[hot]] <nil>
	// call price of PYRO:stock@memory:1 at pipe (pyro5): result of price: want int, found float
}

// What the object raised is told apart from what happened on the way.
func ExampleCall_exception() {
	p, stop := serveStock()
	defer stop()

	_, err := service.Call[float64](context.Background(), p, "price", "cocoa")
	if e, ok := errors.AsType[*transport.Error](err); ok && e.Remote {
		fmt.Println(e.Class, e.Args)
	}
	fmt.Println(errors.Is(err, transport.ErrTimeout)) // or ErrUnavailable, ErrNotFound, ...
	// Output:
	// builtins.KeyError [cocoa]
	// false
}

// Options stand among the arguments, anywhere. The method is told when its time is up.
func ExampleTimeout() {
	p, stop := serveInMemory(service.New("slow").Method("wait", func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}))
	defer stop()

	err := service.Do(context.Background(), p, "wait", service.Timeout(10*time.Millisecond))
	fmt.Println(errors.Is(err, transport.ErrTimeout))
	// Output: true
}

// Do is for a call whose result, if there is one, does not matter.
func ExampleDo() {
	p, stop := serveStock()
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Do(ctx, p, "raise_prices", 0.5))
	fmt.Println(service.Call[float64](ctx, p, "price", "tea"))
	// Output:
	// <nil>
	// 2 <nil>
}

func ExampleGet() {
	p, stop := serveStock()
	defer stop()

	fmt.Println(service.Get[bool](context.Background(), p, "open"))
	// Output: true <nil>
}

func ExampleSet() {
	p, stop := serveStock()
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Set(ctx, p, "open", false))
	fmt.Println(service.Get[bool](ctx, p, "open"))
	// Output:
	// <nil>
	// false <nil>
}

// A remote iterator, which may have no end. Leaving the loop closes it.
func ExampleStream() {
	p, stop := serveStock()
	defer stop()

	for price, err := range service.Stream[float64](context.Background(), p, "quotes", "tea") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(price)
		if price > 3 {
			break
		}
	}
	// Output:
	// 1.5
	// 2.5
	// 3.5
}

// Items are sent before they are asked for. The server has made some in vain when the loop is left.
func ExampleAhead() {
	p, stop := serveStock()
	defer stop()

	n := 0
	for _, err := range service.Stream[float64](context.Background(), p, "quotes", "tea", service.Ahead()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if n++; n == 1000 {
			break
		}
	}
	fmt.Println(n, "quotes")
	// Output: 1000 quotes
}

// Annotations travel beside the arguments and the result: here a version of what was asked for.
func ExampleResponseAnnotations() {
	s := service.New("documents").Method("read", func(ctx context.Context, _ string) string {
		transport.FromContext(ctx).Response.Set("ETAG", []byte("v7"))
		return "once upon a time"
	})
	p, stop := serveInMemory(s)
	defer stop()

	var got transport.Annotations
	text, err := service.Call[string](context.Background(), p, "read", "tale", service.ResponseAnnotations(&got))
	version, _ := got.Get("ETAG")
	fmt.Println(text, err)
	fmt.Printf("%s\n", version)
	// Output:
	// once upon a time <nil>
	// v7
}
