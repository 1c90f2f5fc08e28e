package storage

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"unique"

	"github.com/tidwall/btree"
)

// Memory is a storage that lasts as long as its process. The zero value is empty and ready for use.
//
// Names and the names of each tag are kept in order, so that nothing looks at more records than it
// yields, metadata of several tags aside, which looks at those of the rarest one.
type Memory struct {
	mu       sync.RWMutex // guards everything; taking a copy of a tree writes to it
	names    btree.Map[string, Record]
	tags     map[string]*btree.Set[string] // the names that have a tag
	watchers map[*watcher]struct{}
	closed   bool
}

// NewMemory returns an empty storage.
func NewMemory() *Memory { return &Memory{} }

var _ Storage = (*Memory)(nil)

// Len returns the number of names.
func (m *Memory) Len(context.Context) (int, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.names.Len(), m.state()
}

func (m *Memory) state() error {
	if m.closed {
		return ErrClosed
	}
	return nil
}

// Get returns the record of a name, or ErrNotFound.
func (m *Memory) Get(_ context.Context, name string) (Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.state(); err != nil {
		return Record{}, err
	}
	r, ok := m.names.Get(name)
	if !ok {
		return Record{}, ErrNotFound
	}
	return r, nil
}

// Put stores a record. See Storage.
func (m *Memory) Put(_ context.Context, r Record, onlyNew bool) error {
	r.Tags = Tidy(r.Tags)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.state(); err != nil {
		return err
	}
	old, known := m.names.Get(r.Name)
	switch {
	case known && onlyNew:
		return ErrExists
	case known && old.Equal(r):
		return nil
	}
	m.put(old, r)
	return nil
}

// put stores r in the place of old, under mu.
func (m *Memory) put(old, r Record) {
	m.untag(old)
	for i, tag := range r.Tags {
		tag = unique.Make(tag).Value() // many names have the same tags
		r.Tags[i] = tag
		if m.tags[tag] == nil {
			if m.tags == nil {
				m.tags = map[string]*btree.Set[string]{}
			}
			m.tags[tag] = &btree.Set[string]{}
		}
		m.tags[tag].Insert(r.Name)
	}
	m.names.Set(r.Name, r)
	m.changed(r.Name)
}

// untag takes a record's name from its tags, under mu.
func (m *Memory) untag(r Record) {
	for _, tag := range r.Tags {
		names := m.tags[tag]
		names.Delete(r.Name)
		if names.Len() == 0 {
			delete(m.tags, tag)
		}
	}
}

// SetTags replaces the tags of a name, or returns ErrNotFound.
func (m *Memory) SetTags(_ context.Context, name string, tags []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.state(); err != nil {
		return err
	}
	old, known := m.names.Get(name)
	if !known {
		return ErrNotFound
	}
	r := old
	r.Tags = Tidy(tags)
	if !r.Equal(old) {
		m.put(old, r)
	}
	return nil
}

// Remove removes those of names whose records match. See Storage.
func (m *Memory) Remove(_ context.Context, names []string, match func(Record) bool) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.state(); err != nil {
		return 0, err
	}
	n := 0
	for _, name := range names {
		r, known := m.names.Get(name)
		if !known || match != nil && !match(r) {
			continue
		}
		m.untag(r)
		m.names.Delete(name)
		m.changed(name)
		n++
	}
	return n, nil
}

// snapshot returns the names as they are now.
func (m *Memory) snapshot() (*btree.Map[string, Record], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.names.Copy(), m.state()
}

// Prefix yields the records whose names begin with prefix. See Storage.
func (m *Memory) Prefix(ctx context.Context, prefix string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		names, err := m.snapshot()
		if err != nil {
			yield(Record{}, err)
			return
		}
		names.Ascend(prefix, func(name string, r Record) bool {
			if !strings.HasPrefix(name, prefix) {
				return false
			}
			if err := ctx.Err(); err != nil {
				yield(Record{}, err)
				return false
			}
			return yield(r, nil)
		})
	}
}

// TaggedAll yields the records that have every one of tags. See Storage.
func (m *Memory) TaggedAll(ctx context.Context, tags []string) iter.Seq2[Record, error] {
	if len(tags) == 0 {
		return m.Prefix(ctx, "")
	}
	return m.ofNames(ctx, func() []*btree.Set[string] {
		rarest := m.tags[tags[0]]
		for _, tag := range tags {
			names := m.tags[tag]
			if names == nil {
				return nil
			}
			if names.Len() < rarest.Len() {
				rarest = names
			}
		}
		return []*btree.Set[string]{rarest.Copy()}
	}, func(r Record) bool {
		for _, tag := range tags {
			if !slices.Contains(r.Tags, tag) {
				return false
			}
		}
		return true
	})
}

// TaggedAny yields the records that have at least one of tags. See Storage.
func (m *Memory) TaggedAny(ctx context.Context, tags []string) iter.Seq2[Record, error] {
	return m.ofNames(ctx, func() (sets []*btree.Set[string]) {
		for _, tag := range tags {
			if names := m.tags[tag]; names != nil {
				sets = append(sets, names.Copy())
			}
		}
		return sets
	}, func(Record) bool { return true })
}

// ofNames yields the records that match, as they are at one moment, of the names in the sets that choose
// returns under mu.
func (m *Memory) ofNames(
	ctx context.Context, choose func() []*btree.Set[string], match func(Record) bool,
) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		m.mu.Lock()
		err := m.state()
		sets := choose()
		names := m.names.Copy()
		m.mu.Unlock()
		if err != nil {
			yield(Record{}, err)
			return
		}
		union(sets).Scan(func(name string) bool {
			r, _ := names.Get(name)
			if err := ctx.Err(); err != nil {
				yield(Record{}, err)
				return false
			}
			return !match(r) || yield(r, nil)
		})
	}
}

func union(sets []*btree.Set[string]) *btree.Set[string] {
	if len(sets) == 1 {
		return sets[0]
	}
	all := &btree.Set[string]{}
	for _, set := range sets {
		set.Scan(func(name string) bool { all.Insert(name); return true })
	}
	return all
}

// Close ends the storage.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for w := range m.watchers {
		w.wake()
	}
	return nil
}
