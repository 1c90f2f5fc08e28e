package service_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// Functions are taken as they are.
func ExampleService_Method() {
	s := service.New("example")
	s.Method("add", func(a, b int) int { return a + b })
	s.Method("sum", func(numbers ...int) int { // sum(1, 2, 3)
		total := 0
		for _, n := range numbers {
			total += n
		}
		return total
	})
	s.Method("split", func(at, text string) (before, after string, err error) { // Python gets a tuple, or the exception
		before, after, found := strings.Cut(text, at)
		if !found {
			return "", "", transport.NewError("ValueError", "substring not found")
		}
		return before, after, nil
	})
	s.Method("whoami", func(ctx context.Context) string { return service.ServiceFrom(ctx).Name() })
	s.Method("count", func(n int) iter.Seq[int] { // for i in proxy.count(3)
		return func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	})
	p, stop := serveInMemory(s)
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Call[int](ctx, p, "add", 1, 2))
	fmt.Println(service.Call[int](ctx, p, "sum", 1, 2, 3))
	fmt.Println(service.Call[[]string](ctx, p, "split", "=", "key=value"))
	fmt.Println(service.Call[string](ctx, p, "whoami"))
	for i, err := range service.Stream[int](ctx, p, "count", 3) {
		fmt.Println(i, err)
	}
	// Output:
	// 3 <nil>
	// 6 <nil>
	// [key value] <nil>
	// example <nil>
	// 0 <nil>
	// 1 <nil>
	// 2 <nil>
}

// Go keeps no names of parameters, so what callers are to pass by name, or may leave out, has to be said.
func ExampleParams() {
	s := service.New("stock")
	s.Method("buy", func(item string, count int) string { return fmt.Sprint(count, " of ", item) },
		service.Params("item", service.Default("count", 1)))
	p, stop := serveInMemory(s)
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Call[string](ctx, p, "buy", "tea"))
	fmt.Println(service.Call[string](ctx, p, "buy", service.Kwargs{"item": "tea", "count": 3})) // buy(item="tea", count=3)
	_, err := service.Call[string](ctx, p, "buy")
	fmt.Println(transport.AsError(err).Message)
	// Output:
	// 1 of tea <nil>
	// 3 of tea <nil>
	// buy() missing 1 required positional argument: 'item'
}

// A struct takes the keyword arguments by its fields, as it does with the keys of a dict.
func ExampleKwargsStruct() {
	type query struct {
		Text  string `pyro:"text"`
		Limit int    `pyro:"limit"`
	}
	s := service.New("stock")
	s.Method("find", func(q query) string { return fmt.Sprintf("%+v", q) }, service.KwargsStruct())
	p, stop := serveInMemory(s)
	defer stop()

	fmt.Println(service.Call[string](context.Background(), p, "find", service.Kwargs{"text": "tea", "limit": 5}))
	// Output: {Text:tea Limit:5} <nil>
}

// Callers send a one-way call and go on; what becomes of it they are not told.
func ExampleOneway() {
	reset := make(chan struct{})
	s := service.New("stock").Method("reset", func() error {
		close(reset)
		return errors.New("nobody sees this")
	}, service.Oneway())
	p, stop := serveInMemory(s)
	defer stop()

	fmt.Println(service.Do(context.Background(), p, "reset"))
	<-reset
	// Output: <nil>
}

// An attribute, with a setter that refuses some values: car.velocity = 3.5.
func ExampleService_Property() {
	var (
		mu       sync.Mutex // callers come at the same time
		velocity float64
	)
	s := service.New("car")
	s.Property("velocity",
		func() float64 {
			mu.Lock()
			defer mu.Unlock()
			return velocity
		},
		func(v float64) error {
			if v < 0 {
				return transport.NewError("ValueError", "too slow")
			}
			mu.Lock()
			defer mu.Unlock()
			velocity = v
			return nil
		})
	s.Property("wheels", func() int { return 4 }, nil) // nobody sets it
	p, stop := serveInMemory(s)
	defer stop()
	ctx := context.Background()

	fmt.Println(service.Set(ctx, p, "velocity", 3.5))
	fmt.Println(service.Get[float64](ctx, p, "velocity"))
	fmt.Println(transport.AsError(service.Set(ctx, p, "velocity", -1.0)).Class)
	fmt.Println(service.Get[int](ctx, p, "wheels"))
	// Output:
	// <nil>
	// 3.5 <nil>
	// builtins.ValueError
	// 4 <nil>
}

// Greeter is an ordinary Go type.
type Greeter struct{ greeting string }

// GetFortune is get_fortune to callers.
func (g *Greeter) GetFortune(name string) string { return g.greeting + " " + name }

// Every exported method of a value, under a name of its own.
func ExampleOf() {
	p, stop := serveInMemory(service.Of(&Greeter{"Hello"}).Named("example.greeting"))
	defer stop()
	ctx := context.Background()

	info, err := p.Info(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Metadata.Methods)
	fmt.Println(service.Call[string](ctx, p, "get_fortune", "Irmen"))
	// Output:
	// [get_fortune]
	// Hello Irmen <nil>
}

func ExampleNames() {
	p, stop := serveInMemory(service.Of(&Greeter{"Hello"}, service.Names(service.CamelCase)))
	defer stop()

	fmt.Println(service.Call[string](context.Background(), p, "getFortune", "Irmen"))
	// Output: Hello Irmen <nil>
}
