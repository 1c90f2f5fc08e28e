package service_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func plus(n int) func(context.Context, int) (int, error) {
	return func(_ context.Context, v int) (int, error) { return v + n, nil }
}

// until returns a function that waits for the end of its context.
func until(ctx context.Context) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestGo(t *testing.T) {
	eachWay(t, func(t *testing.T, l *ledger, p *service.Proxy) {
		f := service.Go[int](t.Context(), p, "add", 1, service.Kwargs{"b": 3})
		n, err := f.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, 4, n)
		require.True(t, f.Ready())
		<-f.Done()

		held := service.Go[any](t.Context(), p, "hold")
		<-l.entered
		require.False(t, held.Ready())
		close(l.release)
		_, err = held.Wait(t.Context())
		require.NoError(t, err)

		_, err = service.Go[any](t.Context(), p, "fail").Wait(t.Context())
		var e *transport.Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.Remote)
		require.Equal(t, "builtins.ValueError", e.Class)
	})
}

func TestCancelGivesUpTheCall(t *testing.T) {
	l, p := join(t)
	f := service.Go[any](t.Context(), p, "hold")
	then := service.Then(f, func(context.Context, any) (int, error) { return 1, nil })
	<-l.entered
	require.True(t, then.Cancel(), "what follows will never run")
	for _, err := range []error{wait(t, f), wait(t, then)} {
		require.ErrorIs(t, err, transport.ErrCanceled)
	}
	require.False(t, f.Cancel(), "it did run")
	close(l.release)
	_, err := service.Call[int](t.Context(), p, "add", 1)
	require.NoError(t, err, "the connection stays")
}

func wait[T any](t *testing.T, f *service.Future[T]) error {
	t.Helper()
	_, err := f.Wait(t.Context())
	return err
}

func TestFuturesOfOneProxyAreInFlightTogether(t *testing.T) {
	_, p := join(t)
	futures := make([]*service.Future[int], 200)
	for i := range futures {
		futures[i] = service.Then(service.Go[int](t.Context(), p, "add", i, 0), plus(1))
	}
	for i, f := range futures {
		n, err := f.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, i+1, n)
	}
}

func TestWaitEndsWithItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := service.AsyncAfter(t.Context(), time.Minute, func(context.Context) (string, error) { return "late", nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.Wait(ctx)
		require.ErrorIs(t, err, transport.ErrTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, f.Ready(), "it goes on")
		v, err := f.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, "late", v)

		v, err = f.Wait(ctx)
		require.NoError(t, err, "what is there is returned, though the context is over")
		require.Equal(t, "late", v)
	})
}

func TestAsyncAfterWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		f := service.AsyncAfter(t.Context(), time.Hour, func(context.Context) (time.Duration, error) { return time.Since(began), nil })
		v, err := f.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, time.Hour, v)

		v, err = service.AsyncAfter(t.Context(), -time.Hour, func(context.Context) (time.Duration, error) { return time.Since(began), nil }).Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, time.Hour, v, "at once")
	})
}

func TestCancelBeforeTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Bool
		fn := func(context.Context) (int, error) { ran.Store(true); return 1, nil }
		f := service.AsyncAfter(t.Context(), time.Hour, fn)
		synctest.Wait()
		require.True(t, f.Cancel())
		require.True(t, f.Cancel(), "once more")
		err := wait(t, f)
		require.ErrorIs(t, err, transport.ErrCanceled)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "cancelled before it began")

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		f = service.AsyncAfter(ctx, time.Hour, fn)
		require.ErrorIs(t, wait(t, f), transport.ErrTimeout)
		require.True(t, f.Cancel(), "it never ran, whoever saw to that")

		f = service.Async(ctx, fn)
		require.ErrorIs(t, wait(t, f), transport.ErrTimeout, "a context that is over begins nothing")
		require.False(t, ran.Load())
	})
}

func TestCancelAfterTheEndChangesNothing(t *testing.T) {
	f := service.Async(t.Context(), func(context.Context) (int, error) { return 1, nil })
	require.NoError(t, wait(t, f))
	require.False(t, f.Cancel())
	require.NoError(t, wait(t, f))
	n, err := service.Then(f, plus(1)).Wait(t.Context())
	require.NoError(t, err, "what follows has a context of its own")
	require.Equal(t, 2, n)
}

func TestAChainRunsInOrderAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		step := func(name string) func(context.Context, int) (int, error) {
			return func(_ context.Context, v int) (int, error) {
				order = append(order, name)
				time.Sleep(time.Second)
				return v*10 + len(order), nil
			}
		}
		f := service.AsyncAfter(t.Context(), time.Second, func(context.Context) (int, error) { return 0, nil })
		a := service.Then(f, step("a"))
		c := service.Then(service.Then(a, step("b")), step("c"))
		text := service.Then(c, func(_ context.Context, v int) (string, error) { return strconv.Itoa(v), nil })
		for range 3 {
			v, err := text.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, "123", v)
		}
		require.Equal(t, []string{"a", "b", "c"}, order)
		v, err := a.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, v, "each future of a chain keeps its own value")

		two := service.Then(a, step("d")) // the value is known already
		v, err = two.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, 14, v)
	})
}

func TestAnErrorPassesOverAChain(t *testing.T) {
	wrong := errors.New("wrong")
	failing := func() *service.Future[int] {
		return service.Async(t.Context(), func(context.Context) (int, error) { return 7, wrong })
	}
	never := func(context.Context, int) (int, error) { panic("not called") }

	require.ErrorIs(t, wait(t, service.Then(service.Then(failing(), never), never)), wrong)

	f := failing()
	v, err := f.Wait(t.Context())
	require.ErrorIs(t, err, wrong)
	require.Equal(t, 7, v, "what the function returned beside its error")

	var seen error
	looks := func(_ context.Context, err error) (int, error) { seen = err; return 0, err }
	require.ErrorIs(t, wait(t, service.Then(f, never).IfError(looks)), wrong)
	require.Equal(t, wrong, seen)

	n, err := service.Then(f.IfError(func(context.Context, error) (int, error) { return 40, nil }), plus(2)).Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 42, n, "another value")

	other := errors.New("other")
	require.ErrorIs(t, wait(t, f.IfError(func(context.Context, error) (int, error) { return 0, other })), other)

	good := service.Async(t.Context(), func(context.Context) (int, error) { return 1, nil })
	n, err = good.IfError(func(context.Context, error) (int, error) { panic("not called") }).Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestPanicsBecomeErrors(t *testing.T) {
	panics := func(context.Context) (int, error) { panic("oh no") }
	f := service.Async(t.Context(), panics)
	err := wait(t, f)
	require.ErrorIs(t, err, transport.ErrInternal)
	require.ErrorContains(t, err, "panic: oh no")
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "oh no", e.Panic.Value)
	require.Contains(t, string(e.Panic.Stack), "future_test.go")

	good := service.Async(t.Context(), func(context.Context) (int, error) { return 1, nil })
	require.ErrorContains(t, wait(t, service.Then(good, func(ctx context.Context, _ int) (int, error) { return panics(ctx) })), "oh no")
	require.ErrorContains(t, wait(t, f.IfError(func(ctx context.Context, _ error) (int, error) { return panics(ctx) })), "oh no")

	exits := func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }
	require.ErrorContains(t, wait(t, service.Async(t.Context(), exits)), "ended its goroutine instead of returning")
}

func TestCancelOfAChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(context.Context, int) (int, error) { panic("not called") }
		first := service.Async(t.Context(), until)
		last := service.Then(service.Then(first, never), never)
		beside := first.IfError(func(context.Context, error) (int, error) { return 5, nil })
		synctest.Wait()
		require.True(t, last.Cancel())
		require.ErrorIs(t, wait(t, first), context.Canceled, "what it waited for is given up")
		require.ErrorIs(t, wait(t, last), transport.ErrCanceled)
		n, err := beside.Wait(t.Context())
		require.NoError(t, err, "what was not cancelled goes on with the outcome")
		require.Equal(t, 5, n)

		done := service.Async(t.Context(), func(context.Context) (int, error) { return 1, nil })
		require.NoError(t, wait(t, done))
		running := service.Then(done, func(ctx context.Context, _ int) (int, error) { return until(ctx) })
		synctest.Wait()
		require.False(t, done.Cancel())
		synctest.Wait()
		require.False(t, running.Ready(), "what is done has nothing to give up")
		require.False(t, running.Cancel())
		require.ErrorIs(t, wait(t, running), context.Canceled)
	})
}

// The handler hears of every failure, also of the one that the end of the context is.
func TestAnErrorHandlerOutlivesTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f := service.Async(ctx, until).IfError(func(ctx context.Context, err error) (int, error) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Error(t, ctx.Err())
			return 3, nil
		})
		n, err := f.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, n)
	})
}

func TestFuturesAreReleased(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 100 {
		f := service.Async(ctx, func(ctx context.Context) (context.Context, error) { return ctx, nil })
		inner, err := f.Wait(t.Context())
		require.NoError(t, err)
		requireOver(inner, t)
	}
}

// requireOver waits for the end of a future's own context, which follows its value at once.
func requireOver(ctx context.Context, t *testing.T) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("the context of a future outlives it")
	}
}
