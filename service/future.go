package service

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// A Future is a value that is being worked out in a goroutine: by [Go], [Async], [AsyncAfter] and
// [Batch.Go]. It is what Pyro4 calls a FutureResult and a Future. Its methods may be called concurrently.
//
// The function works with the context that the future was made with: when that ends, or [Future.Cancel] is
// called, a call under way is given up. The future is done, and its goroutine ends, when the function
// returns, so one that heeds its context leaves nothing behind.
type Future[T any] struct {
	base   context.Context //nolint:containedctx // what Then makes lives as long
	stop   context.CancelFunc
	before func() // cancels what this one waits for; nil if that is nothing
	began  atomic.Int32

	done  chan struct{} // closed when what follows is set
	value T
	err   error
}

// States of Future.began: whichever comes first stays.
const (
	waiting int32 = iota
	running
	cancelled
)

var errNeverReturned = errors.New("the function of the future ended its goroutine instead of returning")

// Go calls a method in the background, with the arguments that Call takes. The arguments must not be
// changed until the future is done. Calls of one proxy are in flight together, in no certain order; a
// Python server carries out those of one connection one after the other, so what should run side by side
// there needs a [Pool].
func Go[T any](ctx context.Context, p *Proxy, method string, args ...any) *Future[T] {
	return Async(ctx, func(ctx context.Context) (T, error) { return Call[T](ctx, p, method, args...) })
}

// Async runs fn in a goroutine of its own. What fn panics with becomes the future's error.
func Async[T any](ctx context.Context, fn func(context.Context) (T, error)) *Future[T] {
	return AsyncAfter(ctx, 0, fn)
}

// AsyncAfter is Async with a delay d before fn begins. Until then, Cancel and the end of ctx keep it from
// running at all.
func AsyncAfter[T any](ctx context.Context, d time.Duration, fn func(context.Context) (T, error)) *Future[T] {
	f, own := newFuture[T](ctx, nil)
	go f.run(own, func() error { return sleep(own, d) }, fn)
	return f
}

// newFuture returns a future and its own context.
func newFuture[T any](ctx context.Context, before func()) (*Future[T], context.Context) {
	own, stop := context.WithCancel(ctx) //nolint:gosec // run calls stop
	return &Future[T]{base: ctx, stop: stop, before: before, done: make(chan struct{})}, own
}

// sleep waits for d. It returns an error if ctx is over by then.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// run works the value out, unless wait fails or the future is cancelled before wait returns.
func (f *Future[T]) run(ctx context.Context, wait func() error, fn func(context.Context) (T, error)) {
	defer close(f.done)
	defer f.stop()
	err := wait()
	if err == nil && !f.began.CompareAndSwap(waiting, running) {
		err = ctx.Err() // Cancel has ended it
	}
	if err != nil {
		f.err = transport.AsError(fmt.Errorf("cancelled before it began: %w", err))
		return
	}
	f.err = transport.Wrap(transport.CodeInternal, errNeverReturned) // unless it returns or panics
	defer func() {
		if r := recover(); r != nil {
			e := transport.NewPanicError(r, debug.Stack())
			e.Message = fmt.Sprintf("panic: %v", r) // it is this program's own, not a peer's
			f.err = e
		}
	}()
	f.value, f.err = fn(ctx)
}

// Wait waits for the future until ctx ends and returns what its function returned. The end of ctx leaves
// the future as it is.
func (f *Future[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	default:
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var zero T
		return zero, transport.AsError(fmt.Errorf("wait for a future: %w", ctx.Err()))
	}
}

// Done returns a channel that is closed when Wait has something to return.
func (f *Future[T]) Done() <-chan struct{} { return f.done }

// Ready reports whether Wait returns at once.
func (f *Future[T]) Ready() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Cancel gives up the future, and what it waits for: of a chain that Then and IfError made, all that is not
// done. A call under way is given up. It reports whether the future's own function will surely never
// run. Cancelling a future that is done changes nothing.
func (f *Future[T]) Cancel() (neverRan bool) {
	f.stop() // first: who finds the future cancelled finds its context over
	f.began.CompareAndSwap(waiting, cancelled)
	if f.before != nil {
		f.before()
	}
	return f.began.Load() == cancelled
}

// Then returns the future of what fn makes of f's value. fn runs once, in a goroutine of its own, when f is
// done; if f fails, it does not run, and the error is passed on.
func Then[T, U any](f *Future[T], fn func(context.Context, T) (U, error)) *Future[U] {
	return follow(f, func(ctx context.Context, v T, err error) (U, error) {
		if err != nil {
			var zero U
			return zero, err
		}
		return fn(ctx, v)
	})
}

// IfError returns a future of f's value or, if f fails, of what fn makes of the error: another value, or an
// error, which may be the same. fn does not run if f succeeds.
func (f *Future[T]) IfError(fn func(context.Context, error) (T, error)) *Future[T] {
	return follow(f, func(ctx context.Context, v T, err error) (T, error) {
		if err == nil {
			return v, nil
		}
		return fn(ctx, err)
	})
}

// follow returns the future of what fn makes of f's outcome. It is f's outcome that counts, also when the
// context is over: so an error handler sees every error.
func follow[T, U any](f *Future[T], fn func(context.Context, T, error) (U, error)) *Future[U] {
	g, own := newFuture[U](f.base, func() { f.Cancel() })
	wait := func() error {
		<-f.done
		return nil
	}
	go g.run(own, wait, func(ctx context.Context) (U, error) { return fn(ctx, f.value, f.err) })
	return g
}
