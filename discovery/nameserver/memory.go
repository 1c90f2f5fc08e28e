package nameserver

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// A Record is what a storage keeps of a name.
type Record struct {
	URI  string
	Tags []string // metadata: sorted, each once
}

// Memory is a storage that lasts as long as its process. Its methods may be called concurrently.
type Memory struct {
	mu      sync.RWMutex // guards records
	records map[string]Record
}

// NewMemory returns an empty storage.
func NewMemory() *Memory { return &Memory{records: map[string]Record{}} }

// Len returns the number of names.
func (m *Memory) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.records)
}

// Get returns the record of name and whether there is one.
func (m *Memory) Get(name string) (Record, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, ok := m.records[name]
	return r, ok
}

// Put stores a record. With onlyNew set it leaves a name alone that is there already, and returns
// false.
func (m *Memory) Put(name string, r Record, onlyNew bool) bool {
	r.Tags = tidy(r.Tags)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.records[name]; known && onlyNew {
		return false
	}
	m.records[name] = r
	return true
}

// SetTags replaces the tags of a name and tells whether there is such a name.
func (m *Memory) SetTags(name string, tags []string) bool {
	tags = tidy(tags)
	m.mu.Lock()
	defer m.mu.Unlock()
	r, known := m.records[name]
	if known {
		r.Tags = tags
		m.records[name] = r
	}
	return known
}

// tidy returns the tags sorted, each once.
func tidy(tags []string) []string {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	return slices.Compact(tags)
}

// Remove removes the names that match, except keep, and returns how many there were.
func (m *Memory) Remove(match func(name string) bool, keep string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.records)
	maps.DeleteFunc(m.records, func(name string, _ Record) bool { return name != keep && match(name) })
	return before - len(m.records)
}

// Find returns the names, sorted, whose records match.
func (m *Memory) Find(match func(name string, r Record) bool) []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var names []string
	for name, r := range m.records {
		if match(name, r) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
