package storage

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// hear returns the next change of a watch.
func hear(t *testing.T, next func() (Change, error, bool)) Change {
	t.Helper()
	c, err, more := next()
	require.NoError(t, err)
	require.True(t, more)
	return c
}

func TestNewsAreKeptOnlyForWhoIsBehind(t *testing.T) {
	m := NewMemory()
	change := func(uri int) { require.NoError(t, m.Apply([]Record{{Name: "a", URI: strconv.Itoa(uri)}}, nil)) }
	change(0)
	require.Empty(t, m.feed.news, "nobody watches")
	next, stop := iter.Pull2(m.Watch(t.Context(), "a"))
	other, stopOther := iter.Pull2(m.Watch(t.Context(), ""))
	hear(t, next)
	hear(t, other)
	change(1)
	require.Len(t, m.feed.news, 1)
	stopOther()
	require.Len(t, m.feed.news, 1)
	require.Equal(t, Synced, hear(t, next).Kind)
	require.Equal(t, "1", hear(t, next).Record.URI)
	for i := range 10 * minBehind {
		change(i)
	}
	require.LessOrEqual(t, len(m.feed.news), 2*minBehind)
	stop()
	require.Empty(t, m.feed.news)
	require.Zero(t, m.feed.behind)
}

func TestAWatcherThatWaitsIsForgotten(t *testing.T) {
	m := NewMemory()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	synced := make(chan struct{}, 2)
	for range 2 {
		go func() {
			var last error
			for _, err := range m.Watch(ctx, "a") {
				last = err
				synced <- struct{}{}
			}
			ended <- last
		}()
		<-synced
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Empty(t, m.feed.waiting)
	require.Empty(t, m.feed.lengths)
	require.Zero(t, m.feed.behind)
}

// TestAWatcherThatIsBehind has one that does not listen, and is told that it has missed something, and others that do.
func TestAWatcherThatIsBehind(t *testing.T) {
	m := NewMemory()
	put := func(name string, uri int) {
		require.NoError(t, m.Put(t.Context(), Record{Name: name, URI: strconv.Itoa(uri)}, false))
	}
	put("a", 0)
	watch := func(prefix string) func() (Change, error, bool) {
		next, stop := iter.Pull2(m.Watch(t.Context(), prefix))
		t.Cleanup(stop)
		return next
	}
	slow, quick, others := watch(""), watch("a"), watch("x")
	hear(t, slow)
	hear(t, quick)
	require.Equal(t, Synced, hear(t, quick).Kind)
	require.Equal(t, Synced, hear(t, others).Kind)
	for i := 1; i <= 2*minBehind; i++ {
		put("b", i)
		if i%1000 == 0 {
			put("a", i)
			require.Equal(t, strconv.Itoa(i), hear(t, quick).Record.URI)
		}
	}
	put("x", 1)
	require.Equal(t, "x", hear(t, others).Record.Name, "nothing that it has missed was for it")
	_, err, _ := slow()
	require.ErrorIs(t, err, ErrBehind)
	_, _, more := slow()
	require.False(t, more)
}

// BenchmarkWatchers tells what a change costs with 10,000 watchers, and what they take: bytes/watcher.
func BenchmarkWatchers(b *testing.B) {
	const watchers = 10_000
	for _, bm := range []struct {
		name, prefix string
		listen       bool
	}{
		{"of other names", "other.", true},
		{"that do not listen", "name", false},
		{"that listen", "name", true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			m := NewMemory()
			ctx, cancel := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			defer wg.Wait()
			defer cancel()
			before := inUse()
			synced := make(chan struct{})
			for range watchers {
				wg.Go(func() {
					for c := range m.Watch(ctx, bm.prefix) {
						if c.Kind == Synced {
							synced <- struct{}{}
							if !bm.listen {
								<-ctx.Done()
							}
						}
					}
				})
				<-synced
			}
			i := 0
			for b.Loop() {
				i++
				r := Record{Name: fmt.Sprintf("name%05d", i%5000), URI: strconv.Itoa(i)}
				if err := m.Put(ctx, r, false); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((inUse()-before)/watchers, "bytes/watcher")
		})
	}
}

func inUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}
