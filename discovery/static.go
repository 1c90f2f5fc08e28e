package discovery

import (
	"context"
	"iter"
	"slices"

	"github.com/pyrokit/pyrokit/transport"
)

// A Table is a directory that never changes. It is a Resolver, a Finder and a Watcher.
type Table struct{ entries []Entry }

// Static returns a directory of the entries that code or configuration knows. Of several with the same name
// Resolve returns the first.
func Static(entries ...Entry) *Table {
	entries = slices.Clone(entries)
	SortEntries(entries)
	return &Table{entries: entries}
}

// Resolve returns the entry with this name.
func (t *Table) Resolve(_ context.Context, name string) (Entry, error) {
	i, known := slices.BinarySearchFunc(t.entries, Entry{Name: name}, compareNames)
	if !known {
		return Entry{}, transport.Errorf(transport.CodeNotFound, "unknown name: %s", name)
	}
	return t.entries[i], nil
}

// Find returns the entries that q chooses.
func (t *Table) Find(_ context.Context, q Query) ([]Entry, error) { return q.Choose(t.entries), nil }

// Watch yields the entries that q chooses, once, and waits for the end of ctx.
func (t *Table) Watch(ctx context.Context, q Query) iter.Seq2[[]Entry, error] {
	return func(yield func([]Entry, error) bool) {
		if ctx.Err() == nil && yield(q.Choose(t.entries), nil) {
			<-ctx.Done()
		}
	}
}
