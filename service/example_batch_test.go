package service_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// calculator serves a calculator in memory and returns a proxy for it, and what ends both.
func calculator() (p *service.Proxy, end func()) {
	s := service.New("calculator")
	s.Method("add", func(a, b int) int { return a + b })
	s.Method("div", func(a, b int) (int, error) {
		if b == 0 {
			return 0, transport.NewError("ZeroDivisionError", "division by zero")
		}
		return a / b, nil
	})
	pair, err := pairtest.Serve(s, quiet)
	if err != nil {
		panic(err)
	}
	if p, err = pair.Connect(); err != nil {
		panic(err)
	}
	return p, func() { _ = pair.Close() }
}

func ExampleBatch() {
	p, end := calculator()
	defer end()
	b := p.Batch()
	sum := service.Queue[int](b, "add", 1, 2)
	quotient := service.Queue[int](b, "div", 1, 0)
	never := service.Queue[int](b, "add", 3, 4)

	err := b.Do(context.Background()) // one message each way

	if e, ok := errors.AsType[*transport.Error](err); ok {
		fmt.Println(e.Op+":", e.Class, e.Message)
	}
	fmt.Println(sum.Value())
	_, raised := quotient.Value()
	fmt.Println(errors.Is(raised, err))
	_, notRun := never.Value()
	fmt.Println(errors.Is(notRun, service.ErrNotExecuted))
	// Output:
	// call div (2 of 3 in a batch): builtins.ZeroDivisionError division by zero
	// 3 <nil>
	// true
	// true
}

func ExampleGo() {
	p, end := calculator()
	defer end()
	ctx := context.Background()
	sum := service.Go[int](ctx, p, "add", 20, 1)
	double := service.Then(sum, func(ctx context.Context, n int) (int, error) {
		return service.Call[int](ctx, p, "add", n, n)
	})
	text := service.Then(double, func(_ context.Context, n int) (string, error) { return fmt.Sprint("is ", n), nil })

	fmt.Println(text.Wait(ctx))
	// Output:
	// is 42 <nil>
}

func ExampleFuture_IfError() {
	p, end := calculator()
	defer end()
	ctx := context.Background()
	f := service.Go[int](ctx, p, "div", 1, 0).IfError(func(_ context.Context, err error) (int, error) {
		fmt.Println(transport.AsError(err).Class)
		return -1, nil // or return 0, err
	})

	fmt.Println(f.Wait(ctx))
	// Output:
	// builtins.ZeroDivisionError
	// -1 <nil>
}

func ExampleAsyncAfter() {
	ctx := context.Background()
	f := service.AsyncAfter(ctx, time.Hour, func(context.Context) (string, error) { return "too late", nil })
	fmt.Println("will never run:", f.Cancel())
	_, err := f.Wait(ctx)
	fmt.Println(errors.Is(err, transport.ErrCanceled))
	// Output:
	// will never run: true
	// true
}
