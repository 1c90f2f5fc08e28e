package discovery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
)

func TestPollingTellsWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := entry(t, "one", "PYRO:o@h:1"), entry(t, "two", "PYRO:o@h:2")
		d := newDirectory(one)
		type news struct {
			at      time.Duration
			entries []discovery.Entry
			err     error
		}
		var told []news
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
		defer cancel()
		for after, do := range map[time.Duration]func(){
			1500 * time.Millisecond: func() { d.entries["two"] = two },
			4500 * time.Millisecond: func() { d.failing = errGone },
			6500 * time.Millisecond: func() { d.failing = nil },
			8500 * time.Millisecond: func() { delete(d.entries, "one") },
		} {
			time.AfterFunc(after, func() { d.with(do) })
		}
		for entries, err := range discovery.Poll(d, time.Second).Watch(ctx, discovery.Query{}) {
			told = append(told, news{time.Since(begun), entries, err})
		}
		both := []discovery.Entry{one, two}
		require.Equal(t, []news{
			{0, []discovery.Entry{one}, nil},
			{2 * time.Second, both, nil},
			{5 * time.Second, nil, errGone},
			{6 * time.Second, nil, errGone},
			{7 * time.Second, both, nil}, // the same, but all is well again
			{9 * time.Second, []discovery.Entry{two}, nil},
		}, told)
		require.Equal(t, 10500*time.Millisecond, time.Since(begun), "it ended with its context")
	})
}

func TestPollingEndsWithTheLoop(t *testing.T) {
	d := newDirectory()
	n := 0
	for entries, err := range discovery.Poll(d, 0).Watch(t.Context(), discovery.Query{}) {
		require.NoError(t, err)
		require.Empty(t, entries)
		n++
		break
	}
	require.Equal(t, 1, n)
}
