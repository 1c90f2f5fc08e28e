package indexed

import (
	"context"
	"iter"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// run writes until Close.
func (s *Storage) run() {
	defer close(s.done)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
			s.look()
		case o := <-s.ops:
			s.serve(s.waiting(o))
		}
	}
}

// waiting returns the first writer and those that wait behind it.
func (s *Storage) waiting(first *op) []*op {
	ops := []*op{first}
	for len(ops) < gather {
		select {
		case o := <-s.ops:
			ops = append(ops, o)
		default:
			return ops
		}
	}
	return ops
}

// look merges what others changed. An error waits for the next writer, who gets it from Begin.
func (s *Storage) look() {
	if changed, err := s.file.Changed(); err == nil && changed {
		_ = s.merge()
	}
}

// serve writes what the writers want in one transaction, and answers them.
func (s *Storage) serve(ops []*op) {
	err := s.transaction(ops)
	for _, o := range ops {
		if err != nil {
			o.err = err // and what it would have been else was decided on what is not there
		}
		close(o.done)
	}
}

func (s *Storage) transaction(ops []*op) error {
	changed, err := s.file.Begin()
	if err != nil {
		return err
	}
	if changed {
		err = s.merge()
	}
	c := &changes{index: s.index, now: map[string]*storage.Record{}}
	if err == nil {
		for _, o := range ops {
			if o.err = o.ctx.Err(); o.err == nil {
				o.err = o.do(c)
			}
		}
		err = s.store(c)
	}
	if err != nil {
		s.file.Rollback()
		return err
	}
	if err := s.file.Commit(); err != nil {
		return err
	}
	return s.index.Apply(c.result())
}

// store writes what a transaction changes.
func (s *Storage) store(c *changes) error {
	for _, name := range c.order {
		var err error
		if r := c.now[name]; r == nil || s.limits.NoLeases && r.Lease != 0 {
			err = s.file.Remove(name)
		} else {
			err = s.file.Put(*r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// merge makes the index what the file is.
func (s *Storage) merge() error {
	next, stop := iter.Pull2(s.index.Prefix(context.Background(), ""))
	defer stop()
	var put []storage.Record
	var remove []string
	mine, _, more := next()
	// Names of the index up to one are gone, those aside that only memory can have.
	gone := func(before func(name string) bool) {
		for ; more && before(mine.Name); mine, _, more = next() {
			if (!s.limits.NoLeases || mine.Lease == 0) && !s.isVolatile(mine.Name) {
				remove = append(remove, mine.Name)
			}
		}
	}
	err := s.file.Load(true, func(r storage.Record) error {
		gone(func(name string) bool { return name < r.Name })
		if !more || mine.Name != r.Name {
			put = append(put, r)
			return nil
		}
		if !mine.Equal(r) && !s.isVolatile(r.Name) {
			put = append(put, r)
		}
		mine, _, more = next()
		return nil
	})
	if err != nil {
		return err
	}
	gone(func(string) bool { return true })
	return s.index.Apply(put, remove)
}

// changes are what a transaction makes of the records in the index.
type changes struct {
	index *storage.Memory
	now   map[string]*storage.Record // those that are not what the index has; nil where there is none any more
	order []string                   // the names in now, in the order of their first change
}

func (c *changes) get(ctx context.Context, name string) (storage.Record, bool) {
	if r, changed := c.now[name]; changed {
		if r == nil {
			return storage.Record{}, false
		}
		return *r, true
	}
	r, err := c.index.Get(ctx, name)
	return r, err == nil
}

func (c *changes) put(ctx context.Context, r storage.Record) {
	if old, known := c.get(ctx, r.Name); known && old.Equal(r) {
		return
	}
	c.set(r.Name, &r)
}

func (c *changes) remove(name string) { c.set(name, nil) }

func (c *changes) set(name string, r *storage.Record) {
	if _, changed := c.now[name]; !changed {
		c.order = append(c.order, name)
	}
	c.now[name] = r
}

// result returns the changes for the index.
func (c *changes) result() (put []storage.Record, remove []string) {
	for _, name := range c.order {
		if r := c.now[name]; r != nil {
			put = append(put, *r)
		} else {
			remove = append(remove, name)
		}
	}
	return put, remove
}
