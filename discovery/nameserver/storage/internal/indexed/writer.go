package indexed

import (
	"context"
	"errors"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// run writes until Close.
func (s *Storage) run() {
	defer close(s.done)
	defer s.stopReading()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
			s.look()
		case found, more := <-s.steps():
			s.learn(found, more)
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

// look finds out what others have changed. The next writer gets an error from Begin, too.
func (s *Storage) look() {
	changed, err := s.file.Changed()
	if changed && err == nil {
		if err = s.catchUp(); err == nil && s.shared != nil {
			return // the end of the reread tells
		}
	}
	s.setBehind(err)
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
		err = s.catchUp()
	}
	c := &changes{index: s.index, now: map[string]*storage.Record{}}
	if changed && s.shared != nil {
		c.file, c.seen = s.lookAt, map[string]*storage.Record{}
	}
	if err == nil {
		for _, o := range ops {
			if o.err = o.ctx.Err(); o.err == nil {
				o.err = o.do(c)
			}
		}
		err = c.err
	}
	if err == nil {
		err = s.store(c)
	}
	if err != nil {
		s.file.Rollback()
		return err
	}
	if err := s.file.Commit(); err != nil {
		return err
	}
	return s.learnNewer(c.result())
}

// apply changes the index.
func (s *Storage) apply(now step) error {
	if err := s.index.Apply(now.put, now.remove); err != nil {
		return err
	}
	s.note(now.put)
	return nil
}

// lookAt returns the record of a name, or nil, where the index may be older than the file.
func (s *Storage) lookAt(ctx context.Context, name string) (*storage.Record, error) {
	if s.isVolatile(name) {
		r, err := s.index.Get(ctx, name)
		if errors.Is(err, storage.ErrNotFound) {
			return nil, nil //nolint:nilnil // as the file has it
		}
		return &r, err
	}
	r, known, err := s.shared.Get(name)
	if err != nil || !known {
		return nil, err
	}
	return &r, nil
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

// changes are what a transaction makes of the records in the index.
type changes struct {
	index *storage.Memory
	now   map[string]*storage.Record // those that are not what was there before; nil where there is none any more
	order []string                   // the names in now, in the order of their first change

	file func(context.Context, string) (*storage.Record, error) // asked instead of the index, if there is one
	seen map[string]*storage.Record                             // what it has answered
	err  error                                                  // with which it has failed
}

func (c *changes) get(ctx context.Context, name string) (storage.Record, bool) {
	r, changed := c.now[name]
	switch {
	case changed:
	case c.file != nil:
		r = c.ask(ctx, name)
	default:
		r, err := c.index.Get(ctx, name)
		return r, err == nil
	}
	if r == nil {
		return storage.Record{}, false
	}
	return *r, true
}

// ask returns what the file has of a name; nil if nothing.
func (c *changes) ask(ctx context.Context, name string) *storage.Record {
	if r, known := c.seen[name]; known {
		return r
	}
	r, err := c.file(ctx, name)
	if err != nil {
		c.err = err
		return nil
	}
	c.seen[name] = r
	return r
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

// result returns the changes for the index, and what was seen in the file.
func (c *changes) result() step {
	var all step
	for _, name := range c.order {
		all.add(name, c.now[name])
	}
	for name, r := range c.seen {
		if _, changed := c.now[name]; !changed {
			all.add(name, r)
		}
	}
	return all
}
