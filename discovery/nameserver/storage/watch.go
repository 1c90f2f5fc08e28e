package storage

import (
	"context"
	"errors"
	"iter"
	"strings"
)

// ErrBehind is the error for a watcher that has fallen so far behind that starting anew takes less.
var ErrBehind = errors.New("the watcher is too far behind")

const (
	// minBehind is how many changes a watcher may be behind, where there are fewer names than that.
	minBehind = 10_000
	// look is how many records or news are looked at between other users of the storage.
	look = 128
)

// feed is what watchers are told of: one list of news for all of them, of which each knows its place. So a change costs the
// same however many watchers do not listen, and what they have not heard is kept once. Memory.mu guards it.
type feed struct {
	news    []news
	begin   uint64 // the number of news[0]; a watcher that wants one before is too late
	behind  int    // watchers that have not heard all; without any there are no news
	waiting map[string]*waiting
	lengths map[int]int // of the prefixes in waiting: how many have it
}

// news is that a record is there, or gone. It counts until there are other news of its name.
type news struct {
	record *kept
	gone   bool
}

// waiting is watchers of one prefix that have heard all.
type waiting struct {
	watchers int
	next     uint64        // the number of the news that they wait for
	heard    chan struct{} // closed when next is known
}

func (f *feed) end() uint64 { return f.begin + uint64(len(f.news)) }

// wait makes a watcher of prefix one that has heard all.
func (f *feed) wait(prefix string) *waiting {
	f.left()
	w := f.waiting[prefix]
	if w == nil {
		if f.waiting == nil {
			f.waiting, f.lengths = map[string]*waiting{}, map[int]int{}
		}
		w = &waiting{heard: make(chan struct{})}
		f.waiting[prefix] = w
		f.lengths[len(prefix)]++
	}
	w.watchers++
	return w
}

// left forgets a watcher that is behind.
func (f *feed) left() {
	if f.behind--; f.behind == 0 {
		f.begin, f.news = f.end(), nil
	}
}

// stopped forgets a watcher that waits.
func (f *feed) stopped(prefix string, w *waiting) {
	switch w.watchers--; {
	case f.waiting[prefix] != w: // it has been woken
		f.left()
	case w.watchers == 0:
		f.drop(prefix)
	}
}

func (f *feed) drop(prefix string) {
	delete(f.waiting, prefix)
	if f.lengths[len(prefix)]--; f.lengths[len(prefix)] == 0 {
		delete(f.lengths, len(prefix))
	}
}

// wake has watchers go on that wait; the next news are for them.
func (f *feed) wake(prefix string, w *waiting) {
	f.drop(prefix)
	w.next = f.end()
	f.behind += w.watchers
	close(w.heard)
}

// tell adds news of a storage with so many names.
func (f *feed) tell(n news, names int) {
	if len(f.waiting) > 0 {
		name := n.record.name()
		for length := range f.lengths {
			if length > len(name) {
				continue
			}
			if w := f.waiting[name[:length]]; w != nil {
				f.wake(name[:length], w)
			}
		}
	}
	if f.behind == 0 {
		return
	}
	f.news = append(f.news, n)
	// Who is behind by more changes than there are names hears less by starting anew.
	if most := max(minBehind, names); len(f.news) > 2*most {
		late := len(f.news) - most
		f.begin += uint64(late) //nolint:gosec // not negative
		f.news = append([]news(nil), f.news[late:]...)
	}
}

// A watcher is one call of Watch.
type watcher struct {
	m      *Memory
	prefix string
	next   uint64   // the number of the news that it looks at next
	waits  *waiting // what it waits for; nil while it is behind
}

// Watch yields what is there and what changes. See Storage.
func (m *Memory) Watch(ctx context.Context, prefix string) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w := m.watcher(prefix)
		defer w.stop()
		if err := w.run(ctx, yield); err != nil {
			yield(Change{}, err)
		}
	}
}

// watcher returns one that hears of all from now on.
func (m *Memory) watcher(prefix string) *watcher {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feed.behind++
	return &watcher{m: m, prefix: prefix, next: m.feed.end()}
}

func (w *watcher) stop() {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	if w.waits == nil {
		w.m.feed.left()
	} else {
		w.m.feed.stopped(w.prefix, w.waits)
	}
}

// run yields until the loop ends, or returns an error that is to be yielded.
func (w *watcher) run(ctx context.Context, yield func(Change, error) bool) error {
	if more, err := w.tellAll(ctx, yield); err != nil || !more {
		return err
	}
	c, some := Change{Kind: Synced}, true
	for {
		var err error
		if c, some, err = w.hear(c, some); err != nil {
			return err
		}
		if some && !yield(c, nil) {
			return nil
		}
		some = false
		if w.waits != nil {
			select {
			case <-ctx.Done():
			case <-w.waits.heard:
				w.next, w.waits = w.waits.next, nil // written before heard was closed
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// tellAll yields what is there; more is false when the loop has ended. A watcher that is slow here keeps nothing alive: what
// it gets is what is there when it asks for it, and what changed meanwhile comes later.
func (w *watcher) tellAll(ctx context.Context, yield func(Change, error) bool) (more bool, err error) {
	records := make([]*kept, 0, look)
	for from := w.prefix; ; from = records[len(records)-1].name() + "\x00" {
		if records, err = w.there(records[:0], from); err != nil {
			return false, err
		}
		for _, k := range records {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			if !yield(Change{Kind: Put, Record: k.record(), More: true}, nil) {
				return false, nil
			}
		}
		if len(records) < look {
			return true, nil
		}
	}
}

// there appends the next records from a name on.
func (w *watcher) there(records []*kept, from string) ([]*kept, error) {
	w.m.mu.RLock()
	defer w.m.mu.RUnlock()
	w.m.names.Ascend(from, func(name string, k *kept) bool {
		if !strings.HasPrefix(name, w.prefix) {
			return false
		}
		records = append(records, k)
		return len(records) < look
	})
	return records, w.m.state()
}

// hear returns the next change, or the one given if some is true. When nothing is left after it, the watcher waits: how
// long it takes to tell it does not count then.
func (w *watcher) hear(c Change, some bool) (Change, bool, error) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	if err := w.m.state(); err != nil {
		return Change{}, false, err
	}
	f := &w.m.feed
	if w.next < f.begin {
		return Change{}, false, ErrBehind
	}
	for range look {
		if w.next == f.end() {
			w.waits = f.wait(w.prefix)
			break
		}
		next, counts := w.m.change(f.news[w.next-f.begin], w.prefix)
		if counts && some {
			c.More = true
			break
		}
		w.next++
		if counts {
			c, some = next, true
		}
	}
	return c, some, nil
}

// change returns what news are to a watcher of prefix. They do not count when there are later ones of that name. It is
// called under mu.
func (m *Memory) change(n news, prefix string) (c Change, counts bool) {
	name := n.record.name()
	if !strings.HasPrefix(name, prefix) {
		return Change{}, false
	}
	now, known := m.byName[name]
	switch {
	case n.gone && !known:
		return Change{Kind: Removed, Record: Record{Name: name}}, true
	case !n.gone && now == n.record:
		return Change{Kind: Put, Record: now.record()}, true
	}
	return Change{}, false
}
