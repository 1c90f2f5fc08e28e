package indexed

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// A File keeps records. One goroutine at a time calls its methods.
type File interface {
	// Begin begins a transaction, in which nobody else changes the file where its kind has locks. It tells whether
	// somebody else has changed it since it was loaded.
	Begin() (changed bool, err error)
	// Changed tells the same without a transaction.
	Changed() (bool, error)
	// Load yields all records, in the order of their names or the one that is fastest, inside of a transaction or
	// outside, until yield returns an error.
	Load(sorted bool, yield func(storage.Record) error) error
	// Put stores a record, in a transaction.
	Put(r storage.Record) error
	// Remove removes a name, if it is there, in a transaction.
	Remove(name string) error
	// Commit ends the transaction: without an error what it did lasts, whatever happens to process and machine; with one
	// it is undone.
	Commit() error
	// Rollback ends the transaction and undoes what it did.
	Rollback()
	// Close lets go of the file, which is whole and needs nobody any more.
	Close() error
}

// Shared is a File that can be read while it is written to, and that several processes have open.
type Shared interface {
	File
	// Get reads a record, in a transaction.
	Get(name string) (r storage.Record, known bool, err error)
	// Latest yields the records that have been stored since it was called last, inside of a transaction or outside: as
	// many, and as far, as that is cheap.
	Latest(yield func(storage.Record) error) error
	// Loading returns a function that has the file count as loaded at the moment of this call.
	Loading() (loaded func(), err error)
	// Names yields all names in their order, and Reread all records, until ctx ends or yield returns an error. What changes
	// meanwhile they may miss. They run in another goroutine, beside any method but Close.
	Names(ctx context.Context, yield func(name string) error) error
	Reread(ctx context.Context, yield func(storage.Record) error) error
	// Holder is what this process is called in records with a lease.
	Holder() int64
	// Gone tells whether a holder does not have the file open any more. It may be called at any time.
	Gone(holder int64) bool
}

// Verified is a File that may doubt whether it holds what was loaded and stored.
type Verified interface {
	File
	// Verify has the file ask same then, which reads it with Load, or with Names and Reread. It is called before the methods
	// of File, and same in one of Begin, Changed and Close, outside of a transaction.
	Verify(same func() error)
}

// Limits says what a file does not keep.
type Limits struct {
	NoTags   bool // they are dropped; a search for them is an error
	NoLeases bool // records with a lease stay in memory: the file could not say that they end
}

// poll is how often the file is looked at for changes by others.
const poll = time.Second

// gather is how many writers one transaction serves at most.
const gather = 1024

// Storage is a storage in a file.
type Storage struct {
	index  *storage.Memory
	file   File
	shared Shared // the file, if it is one
	limits Limits
	ops    chan *op
	quit   chan struct{} // closed by Close
	done   chan struct{} // closed when the writer has ended
	close  func() error

	reading *reread   // one that is going on, or nil. The writer's alone, as rest is
	rest    time.Time // no other one begins before it

	mu       sync.Mutex          // guards what follows
	volatile map[string]struct{} // names that are not what the file says
	holders  map[int64]struct{}  // of leases, this process aside
	behind   error               // of Behind
}

// op is what somebody wants to be written.
type op struct {
	ctx  context.Context //nolint:containedctx // whose caller waits no more is not begun
	do   func(*changes) error
	err  error
	done chan struct{} // closed after the commit, with err set
}

var (
	_ storage.Storage   = (*Storage)(nil)
	_ storage.Batch     = (*Storage)(nil)
	_ storage.Immediate = (*Storage)(nil)
	_ storage.Seeker    = (*Storage)(nil)
	_ storage.Sharer    = (*Storage)(nil)
	_ storage.Follower  = (*Storage)(nil)
	_ storage.Volatile  = (*Storage)(nil)
)

// Open loads a file into a new storage, which closes it in the end; after an error it is closed already.
func Open(file File, limits Limits) (*Storage, error) {
	s := &Storage{
		index: storage.NewMemory(), file: file, limits: limits,
		ops: make(chan *op, gather), quit: make(chan struct{}), done: make(chan struct{}),
	}
	s.shared, _ = file.(Shared)
	if v, ok := file.(Verified); ok {
		v.Verify(s.same)
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.close = sync.OnceValue(func() error {
		close(s.quit)
		<-s.done
		return errors.Join(s.file.Close(), s.index.Close())
	})
	go s.run()
	return s, nil
}

// load fills the empty index, while the file is read.
func (s *Storage) load() error {
	const many = 1024
	batches := make(chan []storage.Record, 4)
	filled := make(chan error, 1)
	go func() {
		var err error
		for batch := range batches {
			err = errors.Join(err, s.apply(step{put: batch}))
		}
		filled <- err
	}()
	var batch []storage.Record
	err := s.file.Load(false, func(r storage.Record) error {
		if batch = append(batch, r); len(batch) == many {
			batches <- batch
			batch = make([]storage.Record, 0, many)
		}
		return nil
	})
	batches <- batch
	close(batches)
	return errors.Join(err, <-filled)
}

// Close ends the storage after the writes that have begun.
func (s *Storage) Close() error { return s.close() }

// Len returns the number of names.
func (s *Storage) Len(ctx context.Context) (int, error) { return s.index.Len(ctx) }

// Get returns the record of a name, or ErrNotFound.
func (s *Storage) Get(ctx context.Context, name string) (storage.Record, error) {
	return s.index.Get(ctx, name)
}

// Immediate returns s. See storage.Immediate.
func (s *Storage) Immediate() storage.Storage { return s }

// Prefix yields the records whose names begin with prefix. See storage.Storage.
func (s *Storage) Prefix(ctx context.Context, prefix string) iter.Seq2[storage.Record, error] {
	return s.index.Prefix(ctx, prefix)
}

// Between returns the first and the last name between two texts. See storage.Seeker.
func (s *Storage) Between(ctx context.Context, from, to string) (first, last string, err error) {
	return s.index.Between(ctx, from, to)
}

// TaggedAll yields the records that have every one of tags. See storage.Storage.
func (s *Storage) TaggedAll(ctx context.Context, tags []string) iter.Seq2[storage.Record, error] {
	if s.limits.NoTags && len(tags) > 0 {
		return noMetadata
	}
	return s.index.TaggedAll(ctx, tags)
}

// TaggedAny yields the records that have at least one of tags. See storage.Storage.
func (s *Storage) TaggedAny(ctx context.Context, tags []string) iter.Seq2[storage.Record, error] {
	if s.limits.NoTags && len(tags) > 0 {
		return noMetadata
	}
	return s.index.TaggedAny(ctx, tags)
}

func noMetadata(yield func(storage.Record, error) bool) {
	yield(storage.Record{}, storage.ErrNoMetadata)
}

// Watch yields what is there and what changes. See storage.Storage.
func (s *Storage) Watch(ctx context.Context, prefix string) iter.Seq2[storage.Change, error] {
	return s.index.Watch(ctx, prefix)
}

// Put stores a record. See storage.Storage.
func (s *Storage) Put(ctx context.Context, r storage.Record, onlyNew bool) error {
	r, err := s.tidy(r)
	if err != nil {
		return err
	}
	return s.write(ctx, func(c *changes) error {
		if _, known := c.get(ctx, r.Name); known && onlyNew {
			return storage.ErrExists
		}
		c.put(ctx, r)
		return nil
	})
}

// Behind returns why what others have changed cannot be read. See storage.Follower.
func (s *Storage) Behind() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behind
}

func (s *Storage) setBehind(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = why
}

// PutVolatile stores a record in memory alone. See storage.Volatile.
func (s *Storage) PutVolatile(r storage.Record) error {
	r, err := s.tidy(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.volatile == nil {
		s.volatile = map[string]struct{}{}
	}
	s.volatile[r.Name] = struct{}{}
	return s.index.Apply([]storage.Record{r}, nil)
}

func (s *Storage) isVolatile(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, is := s.volatile[name]
	return is
}

// tidy returns a record as the file can keep it.
func (s *Storage) tidy(r storage.Record) (storage.Record, error) {
	r.Tags = s.tidyTags(r.Tags)
	if r.Holder = 0; r.Lease != 0 {
		r.Holder = s.Holder()
	}
	return r, storage.CheckText(r)
}

func (s *Storage) tidyTags(tags []string) []string {
	if s.limits.NoTags {
		return nil
	}
	return storage.Tidy(tags)
}

// PutAll stores records in one transaction. See storage.Batch.
func (s *Storage) PutAll(ctx context.Context, records []storage.Record) error {
	tidied := make([]storage.Record, len(records))
	for i, r := range records {
		var err error
		if tidied[i], err = s.tidy(r); err != nil {
			return err
		}
	}
	return s.write(ctx, func(c *changes) error {
		for _, r := range tidied {
			c.put(ctx, r)
		}
		return nil
	})
}

// SetTags replaces the tags of a name, or returns ErrNotFound.
func (s *Storage) SetTags(ctx context.Context, name string, tags []string) error {
	tags = s.tidyTags(tags)
	if err := storage.CheckText(storage.Record{Tags: tags}); err != nil {
		return err
	}
	return s.write(ctx, func(c *changes) error {
		r, known := c.get(ctx, name)
		if !known {
			return storage.ErrNotFound
		}
		r.Tags = tags
		c.put(ctx, r)
		return nil
	})
}

// Remove removes those of names whose records match, in one transaction. See storage.Storage.
func (s *Storage) Remove(ctx context.Context, names []string, match func(storage.Record) bool) (int, error) {
	n := 0
	err := s.write(ctx, func(c *changes) error {
		for _, name := range names {
			r, known := c.get(ctx, name)
			if !known || match != nil && !match(r) {
				continue
			}
			c.remove(name)
			n++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// write has the writer do something, and waits until it lasts.
func (s *Storage) write(ctx context.Context, do func(*changes) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o := &op{ctx: ctx, do: do, done: make(chan struct{})}
	select {
	case <-s.quit:
		return storage.ErrClosed
	default:
	}
	select {
	case s.ops <- o:
	case <-s.quit:
		return storage.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
	}
	select {
	case <-o.done: // it was among the last ones
		return o.err
	default:
		return storage.ErrClosed
	}
}
