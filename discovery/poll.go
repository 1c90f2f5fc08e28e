package discovery

import (
	"context"
	"iter"
	"slices"
	"time"
)

// DefaultPoll is how often a directory is asked that cannot tell of changes by itself.
const DefaultPoll = 5 * time.Second

// Poll makes a Watcher of a directory that cannot tell of changes by itself: it asks again each time that
// interval has passed, and yields what differs from the last answer. An interval of 0 means DefaultPoll.
func Poll(f Finder, interval time.Duration) Watcher {
	if interval <= 0 {
		interval = DefaultPoll
	}
	return poller{f, interval}
}

type poller struct {
	finder   Finder
	interval time.Duration
}

func (p poller) Watch(ctx context.Context, q Query) iter.Seq2[[]Entry, error] {
	return func(yield func([]Entry, error) bool) {
		ticker := time.NewTicker(p.interval)
		defer ticker.Stop()
		var changes Changes
		for {
			entries, err := p.finder.Find(ctx, q)
			if ctx.Err() != nil || !changes.Yield(entries, err, yield) {
				return
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// Changes passes on what differs from what it passed on before. It is for those who write a Watcher. The zero
// value has passed nothing on yet.
type Changes struct {
	last  []Entry
	known bool // last is what the receiver takes for the truth
}

// Yield passes a copy of entries on unless the receiver has them already; an error always. It keeps entries, which must not
// change any more. It is false when the receiver wants no more.
func (c *Changes) Yield(entries []Entry, err error, yield func([]Entry, error) bool) bool {
	if err != nil {
		c.known = false // to hear of the same entries again means that all is well again
		return yield(nil, err)
	}
	if c.known && slices.EqualFunc(entries, c.last, Entry.Equal) {
		return true
	}
	c.last, c.known = entries, true
	return yield(slices.Clone(entries), nil)
}
