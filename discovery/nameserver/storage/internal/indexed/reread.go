package indexed

import (
	"context"
	"iter"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// What a reread hands over at a time, at most: little enough that nobody waits for it.
const (
	stepRecords = 512
	stepBytes   = 1 << 20
)

// A reread finds out, beside the writer, in what the file differs from the index.
type reread struct {
	cancel context.CancelFunc
	begun  time.Time
	steps  chan step // closed after the last one
	err    error     // with which it ended; written before steps is closed
	loaded func()    // has the file know that the index has all
	// changed is the names that transactions have changed, or looked at in the file, since it began: what it finds out
	// about these may be older. The writer's alone.
	changed map[string]struct{}
}

// A step is some of what is different.
type step struct {
	put    []storage.Record
	remove []string
}

// add adds that a name has another record now; nil is none.
func (s *step) add(name string, now *storage.Record) {
	if now == nil {
		s.remove = append(s.remove, name)
	} else {
		s.put = append(s.put, *now)
	}
}

// catchUp has the index become what the file is, which others have changed: at once, or where that can be, beside the
// writer.
func (s *Storage) catchUp() error {
	if s.shared == nil {
		return s.merge()
	}
	if s.reading != nil || time.Now().Before(s.rest) {
		return nil
	}
	read, loaded, err := s.shared.Reread()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.reading = &reread{
		cancel: cancel, begun: time.Now(), steps: make(chan step), loaded: loaded, changed: map[string]struct{}{},
	}
	go s.reading.run(ctx, s, read)
	return nil
}

func (r *reread) run(ctx context.Context, s *Storage, read func(context.Context, func(storage.Record) error) error) {
	defer close(r.steps)
	var found step
	size := 0
	send := func() error {
		select {
		case r.steps <- found:
			found, size = step{}, 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	load := func(yield func(storage.Record) error) error { return read(ctx, yield) }
	r.err = s.compare(load, func(name string, now *storage.Record) error {
		found.add(name, now)
		if size += sizeOf(name, now); len(found.put)+len(found.remove) < stepRecords && size < stepBytes {
			return nil
		}
		return send()
	})
	if r.err == nil {
		r.err = send()
	}
}

// sizeOf is how much text a difference has.
func sizeOf(name string, r *storage.Record) int {
	size := len(name)
	if r == nil {
		return size
	}
	size += len(r.URI)
	for _, tag := range r.Tags {
		size += len(tag)
	}
	return size
}

// steps is where a reread hands over what it has found; nil when there is none.
func (s *Storage) steps() <-chan step {
	if s.reading == nil {
		return nil
	}
	return s.reading.steps
}

// learn takes over what a reread has found. Without more, it has ended.
func (s *Storage) learn(found step, more bool) {
	r := s.reading
	if !more {
		if r.err == nil {
			r.loaded()
		} // else others have changed the file still, and it is read again
		s.stopReading()
		return
	}
	var now step
	for _, p := range found.put {
		if _, newer := r.changed[p.Name]; !newer {
			now.put = append(now.put, p)
		}
	}
	for _, name := range found.remove {
		if _, newer := r.changed[name]; !newer {
			now.remove = append(now.remove, name)
		}
	}
	_ = s.apply(now) // fails when the index is closed, which is after the writer has ended
}

// outdate notes what transactions know better.
func (r *reread) outdate(by step) {
	for _, p := range by.put {
		r.changed[p.Name] = struct{}{}
	}
	for _, name := range by.remove {
		r.changed[name] = struct{}{}
	}
}

// stopReading waits until a reread has ended. The next one waits for as long as this one took: it would have all of a
// processor otherwise while others write.
func (s *Storage) stopReading() {
	if s.reading == nil {
		return
	}
	s.reading.cancel()
	for range s.reading.steps { // what is not taken is found again
	}
	s.rest = time.Now().Add(time.Since(s.reading.begun))
	s.reading = nil
}

// merge makes the index what the file is, in a transaction.
func (s *Storage) merge() error {
	var found step
	load := func(yield func(storage.Record) error) error { return s.file.Load(true, yield) }
	err := s.compare(load, func(name string, now *storage.Record) error {
		found.add(name, now)
		return nil
	})
	if err != nil {
		return err
	}
	return s.apply(found)
}

// compare calls differs for each name of which the file has another record than the index, or none: nil. load yields
// those of the file, in the order of their names.
func (s *Storage) compare(load func(func(storage.Record) error) error, differs func(string, *storage.Record) error) error {
	next, stop := iter.Pull2(s.index.Prefix(context.Background(), ""))
	defer stop()
	mine, _, more := next()
	// Names of the index up to one are gone, those aside that only memory can have.
	gone := func(before func(name string) bool) error {
		for ; more && before(mine.Name); mine, _, more = next() {
			if s.limits.NoLeases && mine.Lease != 0 || s.isVolatile(mine.Name) {
				continue
			}
			if err := differs(mine.Name, nil); err != nil {
				return err
			}
		}
		return nil
	}
	err := load(func(r storage.Record) error {
		if err := gone(func(name string) bool { return name < r.Name }); err != nil {
			return err
		}
		same := more && mine.Name == r.Name && (mine.Equal(r) || s.isVolatile(r.Name))
		if more && mine.Name == r.Name {
			mine, _, more = next()
		}
		if same {
			return nil
		}
		return differs(r.Name, &r)
	})
	if err != nil {
		return err
	}
	return gone(func(string) bool { return true })
}
