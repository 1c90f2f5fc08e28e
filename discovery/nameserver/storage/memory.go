package storage

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/btree"
)

// Memory is a storage that lasts as long as its process. The zero value is empty and ready for use.
//
// Names and the records of each tag are kept in order, so that nothing looks at more records than it
// yields, metadata of several tags aside, which looks at those of the rarest one. What reads many records
// reads a copy on write: writers do not wait for it.
type Memory struct {
	mu       sync.RWMutex // guards everything; taking a copy of a tree writes to it
	names    btree.Map[string, *Record]
	tags     map[string]*tagged
	watchers map[*watcher]struct{}
	closed   bool
}

// tagged is what has a tag.
type tagged struct {
	tag     string                 // the one copy of its text: many records have it
	records *btree.BTreeG[*Record] // by name
	list    []string               // the tags of the record that got this tag last: the next one's are often the same
}

// NewMemory returns an empty storage.
func NewMemory() *Memory { return &Memory{} }

var (
	_ Storage = (*Memory)(nil)
	_ Batch   = (*Memory)(nil)
)

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
	r, known := m.names.Get(name)
	if !known {
		return Record{}, ErrNotFound
	}
	return *r, nil
}

// Put stores a record. See Storage.
func (m *Memory) Put(_ context.Context, r Record, onlyNew bool) error {
	r.Tags = Tidy(r.Tags)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.state(); err != nil {
		return err
	}
	if _, known := m.names.Get(r.Name); known && onlyNew {
		return ErrExists
	}
	m.put(r)
	return nil
}

// PutAll stores records. See Batch.
func (m *Memory) PutAll(_ context.Context, records []Record) error {
	return m.Apply(records, nil)
}

// Apply stores records, then removes names, at one moment. Records that are there and names that are not change nothing.
// It is for storages that have this one as their index.
func (m *Memory) Apply(put []Record, remove []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.state(); err != nil {
		return err
	}
	for _, r := range put {
		r.Tags = Tidy(r.Tags)
		m.put(r)
	}
	for _, name := range remove {
		m.remove(name)
	}
	return nil
}

// put stores a record with tidy tags, under mu.
func (m *Memory) put(r Record) {
	old, known := m.names.Get(r.Name)
	if known && old.Equal(r) {
		return
	}
	if known {
		r.Name = old.Name // the text that is there already
		m.untag(old)
	}
	m.tag(&r)
	m.names.Set(r.Name, &r)
	m.changed(r.Name, known)
}

// remove removes a name, under mu.
func (m *Memory) remove(name string) {
	r, known := m.names.Delete(name)
	if !known {
		return
	}
	m.untag(r)
	m.changed(name, true)
}

// tag puts a record to those of its tags, under mu.
func (m *Memory) tag(r *Record) {
	if len(r.Tags) == 0 {
		return
	}
	all := make([]*tagged, len(r.Tags))
	for i, tag := range r.Tags {
		all[i] = m.ofTag(tag)
		r.Tags[i] = all[i].tag
	}
	if slices.Equal(all[0].list, r.Tags) {
		r.Tags = all[0].list
	}
	all[0].list = r.Tags
	for _, t := range all {
		t.records.Set(r)
	}
}

// ofTag returns what has a tag, under mu.
func (m *Memory) ofTag(tag string) *tagged {
	if t := m.tags[tag]; t != nil {
		return t
	}
	if m.tags == nil {
		m.tags = map[string]*tagged{}
	}
	t := &tagged{tag: tag, records: newRecords()}
	m.tags[tag] = t
	return t
}

func newRecords() *btree.BTreeG[*Record] {
	byName := func(a, b *Record) bool { return a.Name < b.Name }
	return btree.NewBTreeGOptions(byName, btree.Options{NoLocks: true})
}

// untag takes a record from those of its tags, under mu.
func (m *Memory) untag(r *Record) {
	for _, tag := range r.Tags {
		t := m.tags[tag]
		t.records.Delete(r)
		if t.records.Len() == 0 {
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
	r := *old
	r.Tags = Tidy(tags)
	m.put(r)
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
		if !known || match != nil && !match(*r) {
			continue
		}
		m.remove(name)
		n++
	}
	return n, nil
}

// Prefix yields the records whose names begin with prefix. See Storage.
func (m *Memory) Prefix(ctx context.Context, prefix string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		names, err := m.snapshot()
		if err != nil {
			yield(Record{}, err)
			return
		}
		names.Ascend(prefix, func(name string, r *Record) bool {
			return strings.HasPrefix(name, prefix) && yieldRecord(ctx, r, yield)
		})
	}
}

// snapshot returns the names as they are now.
func (m *Memory) snapshot() (*btree.Map[string, *Record], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.names.Copy(), m.state()
}

// yieldRecord yields a record, or the error of ctx; false ends the loop.
func yieldRecord(ctx context.Context, r *Record, yield func(Record, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield(Record{}, err)
		return false
	}
	return yield(*r, nil)
}

// TaggedAll yields the records that have every one of tags. See Storage.
func (m *Memory) TaggedAll(ctx context.Context, tags []string) iter.Seq2[Record, error] {
	if len(tags) == 0 {
		return m.Prefix(ctx, "")
	}
	return func(yield func(Record, error) bool) {
		rarest, err := m.rarest(tags)
		if err != nil {
			yield(Record{}, err)
			return
		}
		rarest.Scan(func(r *Record) bool {
			return !hasAll(r, tags) || yieldRecord(ctx, r, yield)
		})
	}
}

// rarest returns the records that have one of tags as they are now, of the tag that the fewest have.
func (m *Memory) rarest(tags []string) (*btree.BTreeG[*Record], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rarest *tagged
	for _, tag := range tags {
		t := m.tags[tag]
		if t == nil {
			return newRecords(), m.state()
		}
		if rarest == nil || t.records.Len() < rarest.records.Len() {
			rarest = t
		}
	}
	return rarest.records.Copy(), m.state()
}

func hasAll(r *Record, tags []string) bool {
	for _, tag := range tags {
		if _, has := slices.BinarySearch(r.Tags, tag); !has {
			return false
		}
	}
	return true
}

// TaggedAny yields the records that have at least one of tags. See Storage.
func (m *Memory) TaggedAny(ctx context.Context, tags []string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		sets, err := m.having(tags)
		if err != nil {
			yield(Record{}, err)
			return
		}
		union(sets).Scan(func(r *Record) bool { return yieldRecord(ctx, r, yield) })
	}
}

// having returns the records of each of tags, as they are now.
func (m *Memory) having(tags []string) ([]*btree.BTreeG[*Record], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sets []*btree.BTreeG[*Record]
	for _, tag := range Tidy(tags) {
		if t := m.tags[tag]; t != nil {
			sets = append(sets, t.records.Copy())
		}
	}
	return sets, m.state()
}

func union(sets []*btree.BTreeG[*Record]) *btree.BTreeG[*Record] {
	if len(sets) == 1 {
		return sets[0]
	}
	all := newRecords()
	for _, set := range sets {
		set.Scan(func(r *Record) bool { all.Set(r); return true })
	}
	return all
}

// Close ends the storage, and lets go of what it has.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.names.Clear()
	m.tags = nil
	for w := range m.watchers {
		w.wake()
	}
	return nil
}
