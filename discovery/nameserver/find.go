package nameserver

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Find returns the entries that q chooses, for discovery.Finder. The name server is asked by one thing, its name,
// else the tags, else the prefix, and what q says besides is looked at here. Entries with a URI that nobody can read, as a
// file may hold them, are left out: nobody could call what they stand for. Unreadable is told of each.
func (c *Client) Find(ctx context.Context, q discovery.Query) ([]discovery.Entry, error) {
	var (
		entries []discovery.Entry
		bad     []unreadable
		err     error
	)
	switch {
	case q.Name != "":
		var e discovery.Entry
		e, err = c.Lookup(ctx, q.Name)
		switch {
		case errors.Is(err, transport.ErrNotFound):
			return nil, nil
		case isUnreadable(err):
			bad, err = []unreadable{{e, err}}, nil
		default:
			entries = []discovery.Entry{e}
		}
	case len(q.All) > 0:
		entries, bad, err = c.tagged(ctx, "all", q.All)
	case len(q.Any) > 0:
		entries, bad, err = c.tagged(ctx, "any", q.Any)
	default:
		entries, bad, err = c.list(ctx, "list", Filter{Prefix: q.Prefix}.kwargs())
	}
	if err != nil {
		return nil, err
	}
	c.tell(q, bad)
	return q.Choose(entries), nil
}

// tell tells of the entries that are left out of those that q chooses.
func (c *Client) tell(q discovery.Query, bad []unreadable) {
	for _, b := range bad {
		if c.Unreadable != nil && q.Matches(b.entry) {
			c.Unreadable(b.err)
		}
	}
}

// An unreadable is an entry whose URI nobody can read: it has none.
type unreadable struct {
	entry discovery.Entry
	err   error
}

// tagged asks for the entries that have all, or any, of tags: as Pyro5 has it, else as Pyro4 has it.
func (c *Client) tagged(ctx context.Context, which string, tags []string) ([]discovery.Entry, []unreadable, error) {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags) // Python's SQL storage finds nothing for a tag that comes twice
	entries, bad, err := c.list(ctx, "yplookup", codec.Kwargs{"meta_" + which: tags})
	if lacksMethod(err) {
		entries, bad, err = c.list(ctx, "list", codec.Kwargs{"metadata_" + which: tags})
	}
	return entries, bad, err
}

// lacksMethod tells that the name server does not have the method that was called.
func lacksMethod(err error) bool {
	e, ok := errors.AsType[*transport.Error](err)
	return ok && e.NoSuchMember
}

// list calls a method that lists entries, with their metadata; bad are those that are left out.
func (c *Client) list(
	ctx context.Context, method string, kwargs codec.Kwargs,
) (entries []discovery.Entry, bad []unreadable, err error) {
	kwargs["return_metadata"] = true
	var answer map[string]any
	if err := c.call(ctx, &answer, method, kwargs); err != nil {
		return nil, nil, err
	}
	entries = make([]discovery.Entry, 0, len(answer))
	for name, v := range answer {
		e, err := asEntry(name, v)
		if err != nil {
			err = fmt.Errorf("answer of the name server to %s: %w", method, err)
		}
		switch {
		case err == nil:
			entries = append(entries, e)
		case isUnreadable(err):
			bad = append(bad, unreadable{e, err})
		default:
			return nil, nil, err
		}
	}
	discovery.SortEntries(entries)
	return entries, bad, nil
}

// asEntry reads what a name server says of a name: a URI and metadata. With an unreadableError the entry is there but for the
// URI.
func asEntry(name string, v any) (discovery.Entry, error) {
	pair := elements(v)
	if len(pair) != 2 {
		return discovery.Entry{}, fmt.Errorf("%s: want a URI and metadata, got %T", name, v)
	}
	uri, err := asURI(pair[0])
	if errors.Is(err, pyro.ErrURI) {
		err = &unreadableError{err.Error()}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return discovery.Entry{Name: name, URI: uri, Metadata: asTags(pair[1])}, err
}

// An unreadableError says that an entry has a URI which nobody can read. It is the name server's fault: whoever looks
// for pyro.ErrURI in an error looks for that of the caller.
type unreadableError struct{ text string }

func (e *unreadableError) Error() string { return e.text }

func isUnreadable(err error) bool {
	_, is := errors.AsType[*unreadableError](err)
	return is
}
