package nameserver

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
)

// watchRetry is the pause after a failure.
const watchRetry = time.Second

// watchGrace is for how long entries are still told of that a name server does not know when it is back: if it has lost
// them, those who keep them registered have them back by then. A variable for the tests.
var watchGrace = discovery.DefaultLease

// pollPatience is for how long a name server that cannot tell of changes is waited for, which may have very many names. A
// variable for the tests.
var pollPatience = time.Minute

// Watch tells of the entries that q chooses, for discovery.Watcher. A name server of pyrokit tells of changes
// at once, over a connection of its own; Python's are asked every PollInterval. Names that a name server has lost when it
// is back after a restart are told to be gone 10 s later, unless their owners have registered them again.
func (c *Client) Watch(ctx context.Context, q discovery.Query) iter.Seq2[[]discovery.Entry, error] {
	use := func(_ context.Context, fn func(*Client) error) error { return fn(c) }
	return watch(ctx, q, use, c.PollInterval)
}

// A useFunc has fn use a name server, and returns its error.
type useFunc func(ctx context.Context, fn func(*Client) error) error

// watch is Watch at whatever name server use finds.
func watch(ctx context.Context, q discovery.Query, use useFunc, poll time.Duration) iter.Seq2[[]discovery.Entry, error] {
	if poll <= 0 {
		poll = discovery.DefaultPoll
	}
	return func(yield func([]discovery.Entry, error) bool) {
		w := &watcher{query: q, use: use, poll: poll, yield: yield, wanted: true}
		for w.wanted && ctx.Err() == nil {
			pause, err := w.follow(ctx)
			if err != nil && w.wanted && ctx.Err() == nil {
				pause = min(watchRetry, poll)
				w.wanted = w.changes.Yield(nil, err, yield)
			}
			if w.wanted {
				sleep(ctx, pause)
			}
		}
	}
}

// A watcher is one loop over a Watch.
type watcher struct {
	query discovery.Query
	use   useFunc
	poll  time.Duration
	yield func([]discovery.Entry, error) bool

	changes discovery.Changes
	last    []discovery.Entry // what was told last
	lost    loss
	wanted  bool // false when the loop has ended
}

// tell yields entries, if they differ from those before. It is false when the loop has ended.
func (w *watcher) tell(entries []discovery.Entry) bool {
	w.last = entries
	w.wanted = w.wanted && w.changes.Yield(entries, nil, w.yield)
	return w.wanted
}

// follow asks a name server once, or, if it tells of changes by itself, listens to it until that fails. It returns how long
// to pause before the next time.
func (w *watcher) follow(ctx context.Context) (pause time.Duration, err error) {
	var (
		teller  *Client // the name server, if it tells of changes by itself
		entries []discovery.Entry
	)
	err = w.use(ctx, func(c *Client) (err error) {
		if teller = nil; c.has(ctx, "watch") {
			teller = c
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, pollPatience)
		defer cancel()
		entries, err = c.Find(ctx, w.query)
		return err
	})
	if err != nil {
		return w.poll, err
	}
	if teller == nil {
		w.tell(w.lost.judge(entries, w.last))
		return w.poll, nil
	}
	err = teller.listen(ctx, w.query, w.last, w.tell)
	if lacksMethod(err) { // another name server, of Python, has taken the place: a ping has use notice that the connection is gone
		err = w.use(ctx, func(c *Client) error { return c.Ping(ctx) })
	}
	return watchRetry, err
}

// A loss is noticed when a name server that is polled has none of the entries any more: Python's do not tell that they were
// restarted, and are empty then.
type loss struct {
	since time.Time // zero: nothing is lost
}

// judge returns the entries that are to be told: those told last as long as the grace lasts, else what the name server has.
func (l *loss) judge(entries, last []discovery.Entry) []discovery.Entry {
	switch {
	case len(entries) > 0 || len(last) == 0:
		l.since = time.Time{}
	case l.since.IsZero():
		l.since = time.Now()
		return last
	case time.Since(l.since) < watchGrace:
		return last
	}
	return entries
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// has tells whether the name server has a method; where it does not say, no.
func (c *Client) has(ctx context.Context, method string) bool {
	welcome, _, _, err := c.client.Connect(ctx)
	return err == nil && welcome.Metadata != nil && slices.Contains(welcome.Metadata.Methods, method)
}
