package indexed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// What a reread hands over at a time, at most: little enough that nobody waits for it.
const (
	stepRecords = 512
	stepBytes   = 1 << 20
	stepRead    = 1 << 14 // after so many records, what it has found is handed over
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
		return s.merge(context.Background())
	}
	if err := s.learnLatest(); err != nil {
		return err
	}
	if s.reading != nil || time.Now().Before(s.rest) {
		return nil
	}
	loaded, err := s.shared.Loading()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.reading = &reread{
		cancel: cancel, begun: time.Now(), steps: make(chan step), loaded: loaded, changed: map[string]struct{}{},
	}
	go s.reading.run(ctx, s)
	return nil
}

// run finds out first what is gone, for which it reads the names alone.
func (r *reread) run(ctx context.Context, s *Storage) {
	defer close(r.steps)
	to := collector{steps: r.steps, ctx: ctx}
	names := func(yield func(string) error) error {
		return s.shared.Names(ctx, func(name string) error { return errors.Join(to.read(), yield(name)) })
	}
	r.err = s.missing(ctx, names, func(name string) error { return to.add(name, nil) })
	if r.err == nil {
		r.err = to.send()
	}
	if r.err == nil {
		r.err = s.shared.Reread(ctx, func(now storage.Record) error {
			if err := to.read(); err != nil || !s.differs(ctx, now) {
				return err
			}
			return to.add(now.Name, &now)
		})
	}
	if r.err == nil {
		r.err = to.send()
	}
}

// A collector hands over steps.
type collector struct {
	ctx   context.Context //nolint:containedctx // of the one call of run that has it
	steps chan<- step
	found step
	size  int // of found, in bytes
	reads int
}

// read counts what is read: from time to time, what was found is handed over, little as it may be.
func (c *collector) read() error {
	if c.reads++; c.reads%stepRead != 0 || c.size == 0 {
		return nil
	}
	return c.send()
}

func (c *collector) add(name string, now *storage.Record) error {
	c.found.add(name, now)
	c.size += sizeOf(name, now) + 1
	if len(c.found.put)+len(c.found.remove) < stepRecords && c.size < stepBytes {
		return nil
	}
	return c.send()
}

func (c *collector) send() error {
	select {
	case c.steps <- c.found:
		c.found, c.size = step{}, 0
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
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

// learnLatest takes over what has been stored last, which is quickly found.
func (s *Storage) learnLatest() error {
	var found step
	size := 0
	err := s.shared.Latest(func(r storage.Record) error {
		if s.isVolatile(r.Name) {
			return nil
		}
		found.add(r.Name, &r)
		if size += sizeOf(r.Name, &r); size < stepBytes {
			return nil
		}
		now := found
		found, size = step{}, 0
		return s.learnNewer(now)
	})
	return errors.Join(err, s.learnNewer(found))
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
		s.setBehind(r.err)
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

// learnNewer takes over what is newer than what a reread may find out.
func (s *Storage) learnNewer(now step) error {
	if s.reading != nil {
		for _, p := range now.put {
			s.reading.changed[p.Name] = struct{}{}
		}
		for _, name := range now.remove {
			s.reading.changed[name] = struct{}{}
		}
	}
	return s.apply(now)
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
func (s *Storage) merge(ctx context.Context) error {
	found, err := s.difference(ctx)
	if err != nil {
		return err
	}
	return s.apply(found)
}

// difference loads the file, and returns what the index does not have of it.
func (s *Storage) difference(ctx context.Context) (found step, err error) {
	names := func(yield func(string) error) error {
		return s.file.Load(true, func(r storage.Record) error {
			if s.differs(ctx, r) {
				found.add(r.Name, &r)
			}
			return yield(r.Name)
		})
	}
	err = s.missing(ctx, names, func(name string) error {
		found.add(name, nil)
		return nil
	})
	return found, err
}

// errOther is the error of same.
var errOther = fmt.Errorf("%w: it holds something else than is known", storage.ErrReplaced)

// same returns an error unless the file holds what the index does.
func (s *Storage) same() error {
	ctx := context.Background()
	if s.shared == nil {
		found, err := s.difference(ctx)
		if err == nil && len(found.put)+len(found.remove) > 0 {
			err = errOther
		}
		return err
	}
	names := func(yield func(string) error) error { return s.shared.Names(ctx, yield) }
	if err := s.missing(ctx, names, func(string) error { return errOther }); err != nil {
		return err
	}
	return s.shared.Reread(ctx, func(now storage.Record) error {
		if s.differs(ctx, now) {
			return errOther
		}
		return nil
	})
}

// differs tells whether the index has another record than the file, or none.
func (s *Storage) differs(ctx context.Context, r storage.Record) bool {
	mine, err := s.index.Get(ctx, r.Name)
	return (err != nil || !mine.Equal(r)) && !s.isVolatile(r.Name)
}

// missing yields the names of the index that names does not yield, which are the file's in order; those aside that only
// memory can have.
func (s *Storage) missing(ctx context.Context, names func(func(string) error) error, yield func(string) error) error {
	next, stop := iter.Pull2(s.index.Prefix(ctx, ""))
	defer stop()
	mine, err, more := next()
	// gone yields names of the index, up to one.
	gone := func(before func(name string) bool) error {
		for ; more && err == nil && before(mine.Name); mine, err, more = next() {
			if s.limits.NoLeases && mine.Lease != 0 || s.isVolatile(mine.Name) {
				continue
			}
			if err := yield(mine.Name); err != nil {
				return err
			}
		}
		return err
	}
	failed := names(func(there string) error {
		if err := gone(func(name string) bool { return name < there }); err != nil {
			return err
		}
		if more && mine.Name == there {
			mine, err, more = next()
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	return gone(func(string) bool { return true })
}
