package storage

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/btree"
)

// Memory is a storage that lasts as long as its process. The zero value is empty and ready for use.
//
// Names and the records of each tag are kept in order, so that nothing looks at more records than it
// yields, metadata of several tags aside, which looks at those of the rarest one. One name is found by its hash. What reads many records
// reads a copy on write: writers do not wait for it.
type Memory struct {
	mu     sync.RWMutex // guards everything; taking a copy of a tree writes to it
	names  btree.Map[string, *kept]
	byName map[string]*kept // the same: three times as fast for one name
	tags   map[string]*tagged
	feed   feed
	closed bool
}

// kept is a record in little room: there may be millions. It does not change.
type kept struct {
	*shape
	text  string // name, URI
	split int    // the length of the name
}

// shape is what records often have in common.
type shape struct {
	tags   []string
	lease  time.Duration
	holder int64
}

var plain = &shape{}

func (k *kept) name() string { return k.text[:k.split] }

func (k *kept) record() Record {
	return Record{Name: k.name(), URI: k.text[k.split:], Tags: k.tags, Lease: k.lease, Holder: k.holder}
}

// tagged is what has a tag.
type tagged struct {
	tag   string               // the one copy of its text: many records have it
	names *btree.BTreeG[*kept] // in order
	last  *shape               // of the record that got the tag last: the next one's is often the same
}

// NewMemory returns an empty storage.
func NewMemory() *Memory { return &Memory{} }

var (
	_ Storage   = (*Memory)(nil)
	_ Batch     = (*Memory)(nil)
	_ Immediate = (*Memory)(nil)
	_ Seeker    = (*Memory)(nil)
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
	k, known := m.byName[name]
	if !known {
		return Record{}, ErrNotFound
	}
	return k.record(), nil
}

// Immediate returns m. See Immediate.
func (m *Memory) Immediate() Storage { return m }

// Put stores a record. See Storage.
func (m *Memory) Put(_ context.Context, r Record, onlyNew bool) error {
	r.Tags = Tidy(r.Tags)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.state(); err != nil {
		return err
	}
	if _, known := m.byName[r.Name]; known && onlyNew {
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
	old, known := m.byName[r.Name]
	if known {
		if old.record().Equal(r) {
			return
		}
		m.untag(old)
		m.names.Delete(r.Name) // whose key is part of the old text
		delete(m.byName, r.Name)
	}
	k := &kept{text: r.Name + r.URI, split: len(r.Name)}
	m.tag(k, shape{tags: r.Tags, lease: r.Lease, holder: r.Holder})
	m.names.Set(k.name(), k)
	if m.byName == nil {
		m.byName = map[string]*kept{}
	}
	m.byName[k.name()] = k
	m.feed.tell(news{record: k}, m.names.Len())
}

// remove removes a name, under mu.
func (m *Memory) remove(name string) {
	k, known := m.names.Delete(name)
	if !known {
		return
	}
	delete(m.byName, name)
	m.untag(k)
	m.feed.tell(news{record: k, gone: true}, m.names.Len())
}

// tag gives a record its shape and puts it to those of its tags, under mu.
func (m *Memory) tag(k *kept, as shape) {
	all := make([]*tagged, len(as.tags))
	for i, tag := range as.tags {
		all[i] = m.ofTag(tag)
		as.tags[i] = all[i].tag
	}
	k.shape = like(all, as)
	for _, t := range all {
		t.last = k.shape
		t.names.Set(k)
	}
}

// like returns a shape that is there already, if one of the tags was last used with it.
func like(all []*tagged, as shape) *shape {
	if len(as.tags) == 0 && as.lease == 0 && as.holder == 0 {
		return plain
	}
	for _, t := range all {
		if t.last != nil && t.last.lease == as.lease && t.last.holder == as.holder && slices.Equal(t.last.tags, as.tags) {
			return t.last
		}
	}
	return &as
}

// ofTag returns what has a tag, under mu.
func (m *Memory) ofTag(tag string) *tagged {
	if t := m.tags[tag]; t != nil {
		return t
	}
	if m.tags == nil {
		m.tags = map[string]*tagged{}
	}
	t := &tagged{tag: tag, names: newTree()}
	m.tags[tag] = t
	return t
}

func newTree() *btree.BTreeG[*kept] {
	byName := func(a, b *kept) bool { return a.name() < b.name() }
	return btree.NewBTreeGOptions(byName, btree.Options{NoLocks: true})
}

// untag takes a record from those of its tags, under mu.
func (m *Memory) untag(k *kept) {
	for _, tag := range k.tags {
		t := m.tags[tag]
		t.names.Delete(k)
		if t.names.Len() == 0 {
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
	old, known := m.byName[name]
	if !known {
		return ErrNotFound
	}
	r := old.record()
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
		k, known := m.byName[name]
		if !known || match != nil && !match(k.record()) {
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
		names.Ascend(prefix, func(name string, k *kept) bool {
			return strings.HasPrefix(name, prefix) && yieldRecord(ctx, k, yield)
		})
	}
}

// Between returns the first and the last name between two texts. See Seeker.
func (m *Memory) Between(_ context.Context, from, to string) (first, last string, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.state(); err != nil {
		return "", "", err
	}
	err = ErrNotFound
	m.names.Ascend(from, func(name string, _ *kept) bool {
		if name < to {
			first, err = name, nil
		}
		return false
	})
	if err != nil {
		return "", "", err
	}
	m.names.Descend(to, func(name string, _ *kept) bool {
		last = name
		return name == to
	})
	return first, last, nil
}

// snapshot returns the names as they are now.
func (m *Memory) snapshot() (*btree.Map[string, *kept], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.names.Copy(), m.state()
}

// yieldRecord yields a record, or the error of ctx; false ends the loop.
func yieldRecord(ctx context.Context, k *kept, yield func(Record, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield(Record{}, err)
		return false
	}
	return yield(k.record(), nil)
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
		rarest.Scan(func(k *kept) bool {
			return !k.hasAll(tags) || yieldRecord(ctx, k, yield)
		})
	}
}

// rarest returns the records that have one of tags as they are now, of the tag that the fewest have.
func (m *Memory) rarest(tags []string) (*btree.BTreeG[*kept], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rarest *tagged
	for _, tag := range tags {
		t := m.tags[tag]
		if t == nil {
			return newTree(), m.state()
		}
		if rarest == nil || t.names.Len() < rarest.names.Len() {
			rarest = t
		}
	}
	return rarest.names.Copy(), m.state()
}

func (s *shape) hasAll(tags []string) bool {
	for _, tag := range tags {
		if _, has := slices.BinarySearch(s.tags, tag); !has {
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
		union(sets).Scan(func(k *kept) bool { return yieldRecord(ctx, k, yield) })
	}
}

// having returns the records of each of tags, as they are now.
func (m *Memory) having(tags []string) ([]*btree.BTreeG[*kept], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sets []*btree.BTreeG[*kept]
	for _, tag := range Tidy(tags) {
		if t := m.tags[tag]; t != nil {
			sets = append(sets, t.names.Copy())
		}
	}
	return sets, m.state()
}

func union(sets []*btree.BTreeG[*kept]) *btree.BTreeG[*kept] {
	if len(sets) == 1 {
		return sets[0]
	}
	all := newTree()
	for _, set := range sets {
		set.Scan(func(k *kept) bool { all.Set(k); return true })
	}
	return all
}

// Close ends the storage, and lets go of what it has.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.names.Clear()
	m.byName, m.tags = nil, nil
	for prefix, w := range m.feed.waiting {
		m.feed.wake(prefix, w)
	}
	return nil
}
