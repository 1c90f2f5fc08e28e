package storage

import (
	"context"
	"iter"

	"github.com/tidwall/btree"
)

// A watcher is told what changes. Its fields are guarded by Memory.mu.
type watcher struct {
	pending []string        // names that have changed, in the order of their first change; only those in news count
	news    map[string]news // of the names that have changed
	ready   chan struct{}   // has room for one: somebody may be waiting
}

// news is what a watcher has not been told of a name.
type news struct {
	fresh bool // when the watcher was told last, the name was not there
}

// note notes that a name has changed, which was there before or not, and is there now or not.
func (w *watcher) note(name string, was, is bool) {
	n, known := w.news[name]
	switch {
	case known && n.fresh && !is:
		// It came and went. That nothing is to be told bounds what a slow watcher costs.
		delete(w.news, name)
		w.tidy()
		return
	case known:
		return
	}
	w.news[name] = news{fresh: !was}
	w.pending = append(w.pending, name)
	w.wake()
}

// tidy takes names that came and went from pending when they are more than the others.
func (w *watcher) tidy() {
	if len(w.pending) < 2*len(w.news)+64 {
		return
	}
	seen := make(map[string]struct{}, len(w.news))
	kept := make([]string, 0, len(w.news))
	for _, name := range w.pending {
		_, counts := w.news[name]
		if _, twice := seen[name]; counts && !twice {
			seen[name] = struct{}{}
			kept = append(kept, name)
		}
	}
	w.pending = kept
}

// next takes the name that has waited longest.
func (w *watcher) next() (name string, more bool) {
	for len(w.pending) > 0 {
		name, w.pending = w.pending[0], w.pending[1:]
		if _, counts := w.news[name]; counts {
			delete(w.news, name)
			return name, true
		}
	}
	w.pending = nil // what was taken needs no room any more
	return "", false
}

func (w *watcher) wake() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// changed tells the watchers that a name has changed, under mu.
func (m *Memory) changed(name string, was bool) {
	if len(m.watchers) == 0 {
		return
	}
	_, is := m.names.Get(name)
	for w := range m.watchers {
		w.note(name, was, is)
	}
}

// Watch yields what is there and what changes. See Storage.
func (m *Memory) Watch(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w := &watcher{news: map[string]news{}, ready: make(chan struct{}, 1)}
		names, err := m.watch(w)
		if err != nil {
			yield(Change{}, err)
			return
		}
		defer m.unwatch(w)
		if !yieldAll(ctx, names, yield) || !yield(Change{Kind: Synced}, nil) {
			return
		}
		for m.yieldChange(ctx, w, yield) {
		}
	}
}

// watch makes w known, and returns what is there.
func (m *Memory) watch(w *watcher) (*btree.Map[string, *kept], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.state(); err != nil {
		return nil, err
	}
	if m.watchers == nil {
		m.watchers = map[*watcher]struct{}{}
	}
	m.watchers[w] = struct{}{}
	return m.names.Copy(), nil
}

func (m *Memory) unwatch(w *watcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.watchers, w)
}

// yieldAll yields what is there; false ends the watch.
func yieldAll(ctx context.Context, names *btree.Map[string, *kept], yield func(Change, error) bool) bool {
	goOn := true
	names.Scan(func(_ string, k *kept) bool {
		goOn = yieldRecord(ctx, k, func(r Record, err error) bool {
			if err != nil {
				return yield(Change{}, err)
			}
			return yield(Change{Kind: Put, Record: r}, nil)
		})
		return goOn
	})
	return goOn
}

// yieldChange waits for a change and yields it; false ends the watch.
func (m *Memory) yieldChange(ctx context.Context, w *watcher, yield func(Change, error) bool) bool {
	for {
		if err := ctx.Err(); err != nil {
			yield(Change{}, err)
			return false
		}
		c, more, err := m.nextChange(w)
		switch {
		case err != nil:
			yield(Change{}, err)
			return false
		case more:
			return yield(c, nil)
		}
		select {
		case <-ctx.Done():
		case <-w.ready:
		}
	}
}

// nextChange takes the change that has waited longest.
func (m *Memory) nextChange(w *watcher) (c Change, more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.state(); err != nil {
		return Change{}, false, err
	}
	name, more := w.next()
	if !more {
		return Change{}, false, nil
	}
	k, known := m.names.Get(name)
	if !known {
		return Change{Kind: Removed, Record: Record{Name: name}}, true, nil
	}
	return Change{Kind: Put, Record: k.record()}, true, nil
}
