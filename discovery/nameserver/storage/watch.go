package storage

import (
	"context"
	"iter"

	"github.com/tidwall/btree"
)

// A watcher is told what changes. Its fields are guarded by Memory.mu.
type watcher struct {
	pending []string            // names that have changed, each once, in the order of their first change
	noted   map[string]struct{} // the same names
	ready   chan struct{}       // has room for one: somebody may be waiting
}

func (w *watcher) note(name string) {
	if _, known := w.noted[name]; known {
		return
	}
	w.noted[name] = struct{}{}
	w.pending = append(w.pending, name)
	w.wake()
}

func (w *watcher) wake() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// changed tells the watchers that a name has changed, under mu.
func (m *Memory) changed(name string) {
	for w := range m.watchers {
		w.note(name)
	}
}

// Watch yields what is there and what changes. See Storage.
func (m *Memory) Watch(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w := &watcher{noted: map[string]struct{}{}, ready: make(chan struct{}, 1)}
		names, err := m.watch(w)
		if err != nil {
			yield(Change{}, err)
			return
		}
		defer m.unwatch(w)
		goOn := true
		names.Scan(func(_ string, r Record) bool {
			goOn = ctx.Err() == nil && yield(Change{Kind: Put, Record: r}, nil)
			return goOn
		})
		goOn = goOn && yield(Change{Kind: Synced}, nil)
		for goOn {
			goOn = m.yieldChanges(ctx, w, yield)
		}
	}
}

// watch makes w known, and returns what is there.
func (m *Memory) watch(w *watcher) (*btree.Map[string, Record], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watchers == nil {
		m.watchers = map[*watcher]struct{}{}
	}
	m.watchers[w] = struct{}{}
	return m.names.Copy(), m.state()
}

func (m *Memory) unwatch(w *watcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.watchers, w)
}

// yieldChanges waits for changes and yields them; false ends the watch.
func (m *Memory) yieldChanges(ctx context.Context, w *watcher, yield func(Change, error) bool) bool {
	select {
	case <-ctx.Done():
		yield(Change{}, ctx.Err())
		return false
	case <-w.ready:
	}
	for {
		c, more, err := m.nextChange(w)
		switch {
		case err != nil:
			yield(Change{}, err)
			return false
		case !more:
			return true
		case !yield(c, nil):
			return false
		}
	}
}

// nextChange takes the change that has waited longest.
func (m *Memory) nextChange(w *watcher) (c Change, more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(w.pending) == 0 {
		w.pending = nil // what was taken needs no room any more
		return Change{}, false, m.state()
	}
	name := w.pending[0]
	w.pending = w.pending[1:]
	delete(w.noted, name)
	r, known := m.names.Get(name)
	if !known {
		return Change{Kind: Removed, Record: Record{Name: name}}, true, nil
	}
	return Change{Kind: Put, Record: r}, true, nil
}
