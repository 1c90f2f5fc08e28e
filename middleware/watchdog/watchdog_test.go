package watchdog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/middleware/watchdog"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within is how long a test waits for what has to happen.
const within = 20 * time.Second

// short is a limit that calls reach, but not before they hang.
const short = 100 * time.Millisecond

// A journal hands each line that is logged to who waits for it.
type journal chan map[string]any

func newJournal() journal { return make(journal, 1000) }

func (j journal) Write(p []byte) (int, error) {
	var fields map[string]any
	if err := json.Unmarshal(bytes.Clone(p), &fields); err != nil {
		return 0, err
	}
	j <- fields
	return len(p), nil
}

func (j journal) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(j, nil)) }

func (j journal) next(t *testing.T) map[string]any {
	t.Helper()
	select {
	case line := <-j:
		return line
	case <-time.After(within):
		t.Fatal("nothing is logged")
		return nil
	}
}

// hangsHere waits for release: its name is looked for in stacks.
func hangsHere(release <-chan struct{}) { <-release }

// worker is started by a method.
func worker(release <-chan struct{}) { <-release }

// hanging has methods that last until release is closed, or yields a value.
func hanging(release <-chan struct{}) *service.Service {
	s := service.New("hanging")
	s.Method("hang", func() { hangsHere(release) })
	s.Method("later", func() { hangsHere(release) }, service.Oneway())
	s.Method("workers", func() {
		var started sync.WaitGroup
		started.Go(func() { worker(release) })
		started.Wait()
	})
	s.Method("count", func() iter.Seq[int] { return func(yield func(int) bool) { _ = yield(1) && yield(2) } })
	s.Method("quick", func() int { return 1 })
	s.Property("velocity", func() float64 {
		hangsHere(release)
		return 1.5
	}, nil)
	return s
}

func TestWhereACallHangs(t *testing.T) {
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		t.Run(d.String(), func(t *testing.T) {
			j, release := newJournal(), make(chan struct{})
			dog := watchdog.New(j.logger(), watchdog.Limit("hanging.*", short))
			p := pairtest.Join(t, hanging(release), []service.ServerOption{service.Use(dog)}, service.Dialect(d), service.Use(correlation.New()))
			f := service.Go[any](t.Context(), p, "hang")
			line := j.next(t)
			require.Equal(t, "WARN", line["level"])
			require.Equal(t, "hanging", line["object"])
			require.Equal(t, "hang", line["method"])
			require.InDelta(t, short, line["limit"], 0)
			require.GreaterOrEqual(t, line["running"], line["limit"])
			require.Contains(t, line["peer"], d.String())
			require.NotEmpty(t, line["correlation_id"])
			stack := line["stack"].(string)
			require.Contains(t, strings.Split(stack, "\n")[0], "hangsHere")
			require.Contains(t, stack, "watchdog_test.go:")
			require.Equal(t, 1, strings.Count(stack, "hangsHere"))
			close(release)
			_, err := f.Wait(t.Context())
			require.NoError(t, err)
			require.Empty(t, j, "once")
		})
	}
}

func TestOfOtherKindsToo(t *testing.T) {
	j, release := newJournal(), make(chan struct{})
	dog := watchdog.New(j.logger(), watchdog.Default(short), watchdog.Level(slog.LevelError), watchdog.Limit("count", 0))
	p := pairtest.Join(t, hanging(release), []service.ServerOption{service.Use(dog)})
	var callers sync.WaitGroup
	callers.Go(func() { _, _ = service.Get[float64](t.Context(), p, "velocity") })
	line := j.next(t)
	require.Equal(t, "ERROR", line["level"])
	require.Equal(t, "getattr", line["kind"])
	require.Contains(t, line["stack"], "hangsHere")

	callers.Go(func() { _ = service.Do(t.Context(), p, "later") })
	line = j.next(t)
	require.Equal(t, "later", line["method"])
	require.Contains(t, line["stack"], "hangsHere")

	callers.Go(func() {
		b := p.Batch()
		service.Queue[int](b, "quick")
		service.Queue[any](b, "hang")
		_ = b.Do(t.Context())
	})
	line = j.next(t)
	require.Equal(t, "hang", line["method"])
	require.Contains(t, line["stack"], "hangsHere")
	for _, err := range service.Stream[int](t.Context(), p, "count") {
		require.NoError(t, err)
	}
	close(release)
	callers.Wait()
}

func TestOnAClient(t *testing.T) {
	j, release := newJournal(), make(chan struct{})
	p := pairtest.Join(t, hanging(release), nil, service.Use(watchdog.New(j.logger(), watchdog.Limit("hang", short))))
	require.NoError(t, service.Do(t.Context(), p, "quick"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- service.Do(ctx, p, "hang") }()
	line := j.next(t)
	require.Contains(t, line["stack"], "TestOnAClient")
	cancel()
	require.ErrorIs(t, <-done, transport.ErrCanceled)
	close(release)
}

func TestGoroutinesThatAMethodStarted(t *testing.T) {
	j, release := newJournal(), make(chan struct{})
	dog := watchdog.New(j.logger(), watchdog.Default(short))
	p := pairtest.Join(t, hanging(release), []service.ServerOption{service.Use(dog)})
	f := service.Go[any](t.Context(), p, "workers")
	stack := j.next(t)["stack"].(string)
	own, started := strings.Index(stack, "WaitGroup).Wait"), strings.Index(stack, "watchdog_test.worker")
	require.Positive(t, started)
	require.Less(t, own, started, "its own is the first")
	close(release)
	_, err := f.Wait(t.Context())
	require.NoError(t, err)
}

func TestACallInACall(t *testing.T) {
	j, release := newJournal(), make(chan struct{})
	dog := service.Use(watchdog.New(j.logger(), watchdog.Default(short)))
	inner := pairtest.Join(t, hanging(release), nil, dog)
	require.NoError(t, service.Do(t.Context(), inner, "quick")) // connects
	outer := service.New("outer").Method("call", func(ctx context.Context) error { return service.Do(ctx, inner, "hang") })
	p := pairtest.Join(t, outer, []service.ServerOption{dog})
	f := service.Go[any](t.Context(), p, "call")
	seen := map[string]bool{}
	for len(seen) < 2 {
		line := j.next(t)
		if line["method"] == "quick" { // on a slow machine
			continue
		}
		seen[line["method"].(string)] = true
		require.Contains(t, line["stack"], "TestACallInACall", "both are in this goroutine: %v", line)
	}
	require.Equal(t, map[string]bool{"call": true, "hang": true}, seen)
	close(release)
	_, err := f.Wait(t.Context())
	require.NoError(t, err)
}

func TestManyAtATime(t *testing.T) {
	const n = 100
	j := newJournal()
	release := make(chan struct{})
	endpoint := watchdog.New(j.logger(), watchdog.Default(short)).Call(
		func(context.Context, *transport.Call) (*transport.Reply, error) {
			hangsHere(release)
			return &transport.Reply{}, nil
		})
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() { _, _ = endpoint(t.Context(), &transport.Call{Object: "o", Method: fmt.Sprintf("m%d", i)}) })
	}
	seen := map[any]bool{}
	for range n {
		line := j.next(t)
		seen[line["method"]] = true
		require.Contains(t, line["stack"], "watchdog.(*watchdog).guard")
	}
	require.Len(t, seen, n)
	close(release)
	callers.Wait()
	require.Empty(t, j)
}

func TestWhoIsInTimeIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		m := watchdog.New(j.logger(), watchdog.Default(time.Second), watchdog.Limit("slow", time.Hour), watchdog.Limit("*", 2*time.Second))
		endpoint := m.Call(func(_ context.Context, c *transport.Call) (*transport.Reply, error) {
			time.Sleep(c.Timeout)
			return &transport.Reply{}, nil
		})
		call := func(kind transport.Kind, method string, lasts time.Duration) {
			_, _ = endpoint(t.Context(), &transport.Call{Kind: kind, Object: "o", Method: method, Timeout: lasts})
		}
		for range 3 { // watches are used again
			call(transport.Invoke, "m", 1900*time.Millisecond)
			call(transport.Invoke, "slow", 59*time.Minute)
			call(transport.Ping, "", time.Hour)
		}
		time.Sleep(time.Hour)
		require.Empty(t, j)
		call(transport.Invoke, "m", 2100*time.Millisecond)
		call(transport.Invoke, "slow", 61*time.Minute)
		synctest.Wait()
		require.Len(t, j, 2)
		require.Equal(t, "m", (<-j)["method"])
		require.Equal(t, "slow", (<-j)["method"])
	})
}

func TestStacksAreCut(t *testing.T) {
	j, release := newJournal(), make(chan struct{})
	dog := watchdog.New(j.logger(), watchdog.Default(short), watchdog.MaxStack(20))
	p := pairtest.Join(t, hanging(release), []service.ServerOption{service.Use(dog)})
	f := service.Go[any](t.Context(), p, "hang")
	require.Len(t, j.next(t)["stack"], 23)
	close(release)
	_, err := f.Wait(t.Context())
	require.NoError(t, err)
}

func TestLabelsAreTakenBack(t *testing.T) {
	var inside string
	endpoint := watchdog.New(slog.New(slog.DiscardHandler), watchdog.Default(time.Hour)).Call(
		func(ctx context.Context, _ *transport.Call) (*transport.Reply, error) {
			inside, _ = pprof.Label(ctx, watchdog.Label)
			own, _ := pprof.Label(ctx, "own")
			require.Equal(t, "kept", own)
			require.Contains(t, profile(t), `"`+watchdog.Label+`":"`+inside+`"`)
			return &transport.Reply{}, nil
		})
	pprof.Do(t.Context(), pprof.Labels("own", "kept"), func(ctx context.Context) {
		_, err := endpoint(ctx, &transport.Call{})
		require.NoError(t, err)
		require.NotEmpty(t, inside)
		require.NotContains(t, profile(t), `"`+watchdog.Label+`":"`+inside+`"`)
		require.Contains(t, profile(t), `"own":"kept"`)
		require.Panics(t, func() {
			_, _ = watchdog.New(nil, watchdog.Default(time.Hour)).Call(
				func(context.Context, *transport.Call) (*transport.Reply, error) { panic("oh") })(ctx, &transport.Call{})
		})
		require.NotContains(t, profile(t), watchdog.Label)
	})
}

func profile(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&b, 1))
	return b.String()
}

func TestWithoutLimitsItIsNotThere(t *testing.T) {
	require.Nil(t, watchdog.New(nil).Call)
}

func BenchmarkCall(b *testing.B) {
	reply := &transport.Reply{}
	next := func(context.Context, *transport.Call) (*transport.Reply, error) { return reply, nil }
	call := &transport.Call{Object: "example.stock", Method: "price"}
	for name, opt := range map[string]watchdog.Option{
		"with a limit":    watchdog.Default(time.Minute),
		"without a limit": watchdog.Limit("example.other.*", time.Minute),
	} {
		endpoint := watchdog.New(nil, opt).Call(next)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = endpoint(b.Context(), call)
			}
		})
	}
}
