package discovery

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/transport/pyro"
)

// An Entry is an object that is known by name.
type Entry struct {
	Name     string
	URI      pyro.URI
	Metadata []string // tags, in no order
}

// Equal tells whether two entries say the same. The order of the tags counts: directories give them sorted.
func (e Entry) Equal(o Entry) bool {
	return e.Name == o.Name && sameURI(e.URI, o.URI) && slices.Equal(e.Metadata, o.Metadata)
}

// sameURI compares without making texts of the URIs, if it can: watches compare very many.
func sameURI(a, b pyro.URI) bool {
	same := a.Protocol == b.Protocol && a.Object == b.Object && a.Host == b.Host && a.Port == b.Port && a.Socket == b.Socket &&
		slices.Equal(a.Tags, b.Tags)
	return same || a.String() == b.String()
}

// A Resolver looks entries up. Resolve returns the entry with exactly this name; an unknown name is an
// error that errors.Is matches with transport.ErrNotFound.
type Resolver interface {
	Resolve(ctx context.Context, name string) (Entry, error)
}

// A Finder returns all entries that a query chooses, in the order of their names. None is no error.
type Finder interface {
	Find(ctx context.Context, q Query) ([]Entry, error)
}

// A Watcher tells what a query chooses, now and whenever that changes: it yields the whole set, in the order
// of the names, as soon as it is known, and again after each change. Several changes may come as one.
//
// An error says that the directory cannot be asked at the moment: what was yielded last is still the best that is
// known, and the watch goes on by itself. It ends with ctx, or with the loop. The slice is the caller's own.
type Watcher interface {
	Watch(ctx context.Context, q Query) iter.Seq2[[]Entry, error]
}

// A Registrar makes entries known. Register replaces an entry of the same name and is harmless when
// repeated; Unregister of an unknown name is no error, and leaves a name alone that has another URI by now.
type Registrar interface {
	Register(ctx context.Context, e Entry) error
	Unregister(ctx context.Context, e Entry) error
}

// A Leaser is a Registrar that may be able to make an entry known for a limited time: as long as its owner
// goes on asking for it. Lease registers e for d, or for as long as the directory grants, which it returns;
// the same again renews it. A directory without leases is an error that errors.Is matches with
// transport.ErrUnimplemented.
type Leaser interface {
	Registrar
	Lease(ctx context.Context, e Entry, d time.Duration) (granted time.Duration, err error)
}

// A Query chooses entries: those for which all holds that it says. The zero value chooses all entries.
type Query struct {
	Name   string   // is the name
	Prefix string   // the name begins with it
	All    []string // every one of these is among the tags
	Any    []string // at least one of these is among the tags
}

// Matches tells whether the query chooses e.
func (q Query) Matches(e Entry) bool {
	if q.Name != "" && e.Name != q.Name || !strings.HasPrefix(e.Name, q.Prefix) {
		return false
	}
	tagged := func(tag string) bool { return slices.Contains(e.Metadata, tag) }
	for _, tag := range q.All {
		if !tagged(tag) {
			return false
		}
	}
	return len(q.Any) == 0 || slices.ContainsFunc(q.Any, tagged)
}

// Choose returns those of entries that the query chooses, in the order of their names.
func (q Query) Choose(entries []Entry) []Entry {
	var chosen []Entry
	for _, e := range entries {
		if q.Matches(e) {
			chosen = append(chosen, e)
		}
	}
	SortEntries(chosen)
	return chosen
}

// String says in words what the query chooses.
func (q Query) String() string {
	var parts []string
	add := func(format, text string) {
		if text != "" {
			parts = append(parts, fmt.Sprintf(format, text))
		}
	}
	add("name %s", q.Name)
	add("prefix %s", q.Prefix)
	add("all of %s", strings.Join(q.All, ", "))
	add("any of %s", strings.Join(q.Any, ", "))
	if parts == nil {
		return "all entries"
	}
	return "entries with " + strings.Join(parts, "; ")
}

// SortEntries puts entries in the order of their names.
func SortEntries(entries []Entry) { slices.SortStableFunc(entries, compareNames) }

func compareNames(a, b Entry) int { return strings.Compare(a.Name, b.Name) }

// ServiceTag is what the tag begins with that says of which service an entry is an instance.
const ServiceTag = "pyro.service:"

// Instance returns e as one of several instances of the service that e names: under a name of its own, with id
// behind '#', and with the tag by which its siblings are found, too. Python clients get one of them at random
// as PYROMETA:pyro.service:NAME.
func Instance(e Entry, id string) Entry {
	tags := append(slices.Clone(e.Metadata), ServiceTag+e.Name)
	slices.Sort(tags)
	return Entry{Name: e.Name + "#" + id, URI: e.URI, Metadata: slices.Compact(tags)}
}

// InstancesOf chooses the instances of a service; see [Instance].
func InstancesOf(service string) Query { return Query{All: []string{ServiceTag + service}} }
