package discovery_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
)

func TestACacheAsksAgainWhenItsAnswerIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, moved := entry(t, "app", "PYRO:app@h:1"), entry(t, "app", "PYRO:app@h:2")
		d := newDirectory(old)
		c := discovery.NewCache(d, discovery.CacheConfig{TTL: 10 * time.Second})
		is := func(want discovery.Entry, asked int) {
			t.Helper()
			got, err := c.Resolve(t.Context(), "app")
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, asked, d.asked)
		}
		is(old, 1)
		d.with(func() { d.entries["app"] = moved })
		time.Sleep(9999 * time.Millisecond)
		is(old, 1)
		time.Sleep(time.Millisecond)
		is(moved, 2)
	})
}

func TestACacheHasOldAnswersWhileTheDirectoryIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := entry(t, "app", "PYRO:app@h:1")
		d := newDirectory(app)
		c := discovery.NewCache(d, discovery.CacheConfig{TTL: 10 * time.Second, Stale: time.Minute})
		_, err := c.Resolve(t.Context(), "app")
		require.NoError(t, err)
		d.with(func() { d.failing = errGone })
		_, err = c.Resolve(t.Context(), "other")
		require.ErrorIs(t, err, transport.ErrUnavailable, "nothing is known of it")

		time.Sleep(69 * time.Second)
		for range 3 {
			got, err := c.Resolve(t.Context(), "app")
			require.NoError(t, err)
			require.Equal(t, app, got)
		}
		require.Equal(t, 3, d.asked, "the directory is not asked for each one while it is gone")
		time.Sleep(time.Second)
		_, err = c.Resolve(t.Context(), "app")
		require.ErrorIs(t, err, transport.ErrUnavailable, "there is an end to it")

		d.with(func() { d.failing = nil; delete(d.entries, "app") })
		_, err = c.Resolve(t.Context(), "app")
		require.ErrorIs(t, err, transport.ErrNotFound)
		d.with(func() { d.failing = errGone })
		_, err = c.Resolve(t.Context(), "app")
		require.ErrorIs(t, err, transport.ErrUnavailable, "what was removed is not used again")
	})
}

func TestACacheMayHaveNoOldAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(entry(t, "app", "PYRO:app@h:1"))
		c := discovery.NewCache(d, discovery.CacheConfig{TTL: time.Second, Stale: -1})
		_, err := c.Resolve(t.Context(), "app")
		require.NoError(t, err)
		d.with(func() { d.failing = errGone })
		time.Sleep(time.Second)
		_, err = c.Resolve(t.Context(), "app")
		require.ErrorIs(t, err, transport.ErrUnavailable)
	})
}

func TestACacheBelievesThatNamesAreUnknownOnlyWhenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, negative := range []time.Duration{0, 2 * time.Second} {
			d := newDirectory()
			c := discovery.NewCache(d, discovery.CacheConfig{Negative: negative})
			_, err := c.Resolve(t.Context(), "app")
			require.ErrorIs(t, err, transport.ErrNotFound)
			d.with(func() { d.entries["app"] = entry(t, "app", "PYRO:app@h:1") })
			time.Sleep(negative - negative/4)
			_, err = c.Resolve(t.Context(), "app")
			if negative > 0 {
				require.ErrorIs(t, err, transport.ErrNotFound)
				time.Sleep(negative / 4)
				_, err = c.Resolve(t.Context(), "app")
			}
			require.NoError(t, err)
		}
	})
}

func TestThoseWhoAskAtTheSameTimeShareALookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(entry(t, "app", "PYRO:app@h:1"))
		d.slow = time.Second
		c := discovery.NewCache(d, discovery.CacheConfig{})
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				ctx := t.Context()
				if i == 0 { // who began it gives up; the others get their answer
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Millisecond)
					defer cancel()
				}
				time.Sleep(time.Duration(i) * time.Microsecond)
				_, err := c.Resolve(ctx, "app")
				if i == 0 {
					require.ErrorIs(t, err, transport.ErrTimeout)
				} else {
					require.NoError(t, err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, d.asked)
	})
}

func TestALookupEndsWithTheLastWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(entry(t, "app", "PYRO:app@h:1"))
		d.slow = time.Hour
		c := discovery.NewCache(d, discovery.CacheConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Resolve(ctx, "app")
		require.ErrorIs(t, err, transport.ErrTimeout)
		begun := time.Now()
		synctest.Wait() // the lookup is over, or this would not return
		require.Zero(t, time.Since(begun))
		d.with(func() { d.slow = 0 })
		_, err = c.Resolve(t.Context(), "app")
		require.NoError(t, err, "who comes then starts anew")
	})
}

func TestACacheHasOldAnswersWhileTheDirectoryIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, moved := entry(t, "app", "PYRO:app@h:1"), entry(t, "app", "PYRO:app@h:2")
		d := newDirectory(old)
		c := discovery.NewCache(d, discovery.CacheConfig{TTL: 10 * time.Second, Stale: time.Minute})
		takes := func(want discovery.Entry, most time.Duration) {
			t.Helper()
			begun := time.Now()
			got, err := c.Resolve(t.Context(), "app")
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, most, time.Since(begun))
		}
		asked := func(times int) {
			t.Helper()
			d.with(func() { require.Equal(t, times, d.asked) })
		}
		takes(old, 0)
		time.Sleep(10 * time.Second)
		d.with(func() { d.slow = time.Hour })
		takes(old, time.Second)
		takes(old, 0)
		time.Sleep(2 * time.Second)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { takes(old, 0) }) // the directory has been silent for long enough
		}
		wg.Wait()
		asked(2)

		time.Sleep(20 * time.Second) // the lookup was given up
		d.with(func() { d.slow, d.entries["app"] = 3*time.Second, moved })
		takes(old, time.Second)
		time.Sleep(2500 * time.Millisecond)
		takes(moved, 0) // a slow answer is an answer
		asked(3)

		d.with(func() { d.slow = time.Hour })
		time.Sleep(69 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		_, err := c.Resolve(ctx, "app")
		require.ErrorIs(t, err, transport.ErrTimeout, "there is no time left")
	})
}

func TestClosingACacheEndsItsLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := entry(t, "app", "PYRO:app@h:1")
		d := newDirectory(app)
		c := discovery.NewCache(d, discovery.CacheConfig{TTL: 10 * time.Second})
		_, err := c.Resolve(t.Context(), "app")
		require.NoError(t, err)
		time.Sleep(9 * time.Second)
		_, err = c.Resolve(t.Context(), "app")
		require.NoError(t, err)
		time.Sleep(time.Second)
		d.with(func() { d.slow = time.Hour })
		_, err = c.Resolve(t.Context(), "app")
		require.NoError(t, err, "the old answer")
		waiting := make(chan error)
		go func() {
			_, err := c.Resolve(t.Context(), "other")
			waiting <- err
		}()
		synctest.Wait()
		require.Equal(t, 3, d.asked)
		begun := time.Now()
		go c.Close()
		require.Equal(t, transport.CodeFailedPrecondition, transport.AsError(<-waiting).Code)
		c.Close()
		require.Equal(t, 2, d.left, "both lookups have ended when it returns")
		require.Zero(t, time.Since(begun))
		got, err := c.Resolve(t.Context(), "app")
		require.NoError(t, err, "it is believed for another second")
		require.Equal(t, app, got)
		time.Sleep(time.Second)
		_, err = c.Resolve(t.Context(), "app")
		require.Equal(t, transport.CodeFailedPrecondition, transport.AsError(err).Code)
		require.Equal(t, 3, d.asked)
	})
}

func TestACacheForgetsWhatTurnedOutDead(t *testing.T) {
	old, moved := entry(t, "app", "PYRO:app@h:1", "tag"), entry(t, "app", "PYRO:app@h:2", "tag")
	d := newDirectory(old)
	c := discovery.NewCache(d, discovery.CacheConfig{TTL: time.Hour})
	query := discovery.Query{All: []string{"tag"}}
	_, err := c.Resolve(t.Context(), "app")
	require.NoError(t, err)
	_, err = c.Find(t.Context(), query)
	require.NoError(t, err)
	d.with(func() { d.entries["app"] = moved })
	require.False(t, c.Forget(moved.URI), "nothing leads there")
	require.True(t, c.Forget(old.URI))
	got, err := c.Resolve(t.Context(), "app")
	require.NoError(t, err)
	require.Equal(t, moved, got)
	found, err := c.Find(t.Context(), query)
	require.NoError(t, err)
	require.Equal(t, []discovery.Entry{moved}, found)
	require.Equal(t, 4, d.asked)
	_, err = c.Find(t.Context(), query)
	require.NoError(t, err)
	require.Equal(t, 4, d.asked)

	require.True(t, c.Forget(moved.URI))
	d.with(func() { d.failing = errGone })
	got, err = c.Resolve(t.Context(), "app")
	require.NoError(t, err)
	require.Equal(t, moved, got, "it is better than nothing")
}

func TestACacheKeepsQueriesApart(t *testing.T) {
	c := discovery.NewCache(newDirectory(
		entry(t, "one", "PYRO:o@h:1", "a", "b"), entry(t, "two", "PYRO:o@h:2", "a\x01b"), entry(t, "three", "PYRO:o@h:3", ""),
	), discovery.CacheConfig{})
	for _, tt := range []struct {
		query discovery.Query
		want  int
	}{
		{discovery.Query{}, 3},
		{discovery.Query{All: []string{""}}, 1},
		{discovery.Query{Any: []string{""}}, 1},
		{discovery.Query{All: []string{"a", "b"}}, 1},
		{discovery.Query{All: []string{"a\x01b"}}, 1},
		{discovery.Query{Any: []string{"a", "b"}}, 1},
		{discovery.Query{Any: []string{"a\x01b", "a"}}, 2},
		{discovery.Query{Name: "one\x00"}, 0},
		{discovery.Query{Name: "one"}, 1},
	} {
		for range 2 {
			found, err := c.Find(t.Context(), tt.query)
			require.NoError(t, err)
			require.Len(t, found, tt.want, "%q", tt.query)
			require.Equal(t, tt.query.Choose(found), found)
		}
	}
}

func TestACacheHasItsLimit(t *testing.T) {
	d := newDirectory()
	c := discovery.NewCache(d, discovery.CacheConfig{Answers: 8})
	ask := func(i int) {
		_, err := c.Resolve(t.Context(), strconv.Itoa(i))
		require.NoError(t, err)
	}
	for i := range 100 {
		d.entries[strconv.Itoa(i)] = entry(t, strconv.Itoa(i), "PYRO:o@h:1")
		ask(i)
	}
	for i := range 100 {
		ask(i)
	}
	require.GreaterOrEqual(t, d.asked, 100+92, "it remembers no more than 8")
}

func TestACacheOfWhatFindsNothingByAQuery(t *testing.T) {
	c := discovery.NewCache(onlyNames{}, discovery.CacheConfig{})
	_, err := c.Find(t.Context(), discovery.Query{})
	require.ErrorIs(t, err, transport.ErrUnimplemented)
}

type onlyNames struct{}

func (onlyNames) Resolve(context.Context, string) (discovery.Entry, error) {
	return discovery.Entry{}, errGone
}
