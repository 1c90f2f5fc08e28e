package discovery_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func entry(t testing.TB, name, uri string, tags ...string) discovery.Entry {
	t.Helper()
	u, err := pyro.ParseURI(uri)
	require.NoError(t, err)
	return discovery.Entry{Name: name, URI: u, Metadata: tags}
}

// A directory of names in memory, whose fields tests set.
type directory struct {
	mu      sync.Mutex
	entries map[string]discovery.Entry
	leases  map[string]time.Time
	asked   int           // lookups
	left    int           // those that were given up
	calls   []string      // what changed something
	failing error         // what every method returns
	slow    time.Duration // how long a lookup takes
	noLease bool
}

func newDirectory(entries ...discovery.Entry) *directory {
	d := &directory{entries: map[string]discovery.Entry{}, leases: map[string]time.Time{}}
	for _, e := range entries {
		d.entries[e.Name] = e
	}
	return d
}

// with does something with the directory's fields.
func (d *directory) with(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire()
	do()
}

func (d *directory) expire() {
	for name, until := range d.leases {
		if time.Now().After(until) {
			delete(d.leases, name)
			delete(d.entries, name)
		}
	}
}

func (d *directory) names() (names []string) {
	d.with(func() { names = slices.Sorted(maps.Keys(d.entries)) })
	return names
}

func (d *directory) Resolve(ctx context.Context, name string) (e discovery.Entry, err error) {
	var known bool
	var slow time.Duration
	d.with(func() {
		d.asked++
		e, known = d.entries[name]
		err, slow = d.failing, d.slow
	})
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		d.with(func() { d.left++ })
		return e, ctx.Err()
	}
	if err == nil && !known {
		err = transport.Errorf(transport.CodeNotFound, "unknown name: %s", name)
	}
	return e, err
}

func (d *directory) Find(_ context.Context, q discovery.Query) (found []discovery.Entry, err error) {
	d.with(func() {
		d.asked++
		found, err = q.Choose(slices.Collect(maps.Values(d.entries))), d.failing
	})
	return found, err
}

func (d *directory) Register(_ context.Context, e discovery.Entry) (err error) {
	d.with(func() {
		if err = d.failing; err == nil {
			d.entries[e.Name] = e
			delete(d.leases, e.Name)
			d.calls = append(d.calls, "register "+e.Name)
		}
	})
	return err
}

func (d *directory) Unregister(_ context.Context, e discovery.Entry) (err error) {
	d.with(func() {
		if err = d.failing; err == nil && d.entries[e.Name].URI.String() == e.URI.String() {
			delete(d.entries, e.Name)
			delete(d.leases, e.Name)
			d.calls = append(d.calls, "unregister "+e.Name)
		}
	})
	return err
}

func (d *directory) Lease(_ context.Context, e discovery.Entry, wanted time.Duration) (granted time.Duration, err error) {
	d.with(func() {
		switch {
		case d.failing != nil:
			err = d.failing
		case d.noLease:
			err = transport.Errorf(transport.CodeUnimplemented, "no leases")
		default:
			d.entries[e.Name], d.leases[e.Name] = e, time.Now().Add(wanted)
			d.calls = append(d.calls, "lease "+e.Name)
			granted = wanted
		}
	})
	return granted, err
}

var (
	errGone = transport.Errorf(transport.CodeUnavailable, "the directory is gone")
	_       = discovery.Leaser(&directory{})
)

func TestAQueryChooses(t *testing.T) {
	one := entry(t, "shop.one", "PYRO:o@h:1", "food", "hot")
	two := entry(t, "shop.two", "PYRO:o@h:2", "food")
	other := entry(t, "other", "PYRO:o@h:3")
	all := []discovery.Entry{two, other, one}
	for _, tt := range []struct {
		query discovery.Query
		want  []discovery.Entry
		says  string
	}{
		{discovery.Query{}, []discovery.Entry{other, one, two}, "all entries"},
		{discovery.Query{Name: "other"}, []discovery.Entry{other}, "entries with name other"},
		{discovery.Query{Name: "oth"}, nil, "entries with name oth"},
		{discovery.Query{Prefix: "shop."}, []discovery.Entry{one, two}, "entries with prefix shop."},
		{discovery.Query{All: []string{"food", "hot"}}, []discovery.Entry{one}, "entries with all of food, hot"},
		{discovery.Query{All: []string{"food", "none"}}, nil, "entries with all of food, none"},
		{discovery.Query{Any: []string{"hot", "none"}}, []discovery.Entry{one}, "entries with any of hot, none"},
		{discovery.Query{Prefix: "shop.t", All: []string{"food"}}, []discovery.Entry{two}, "entries with prefix shop.t; all of food"},
		{discovery.Query{Name: "shop.two", Any: []string{"hot"}}, nil, "entries with name shop.two; any of hot"},
	} {
		require.Equal(t, tt.want, tt.query.Choose(all), tt.says)
		require.Equal(t, tt.says, tt.query.String())
		found, err := discovery.Static(all...).Find(t.Context(), tt.query)
		require.NoError(t, err)
		require.Equal(t, tt.want, found)
	}
}

func TestInstancesKnowTheirService(t *testing.T) {
	e := entry(t, "app", "PYRO:app@h:1", "z", "a")
	i := discovery.Instance(e, "7")
	require.Equal(t, entry(t, "app#7", "PYRO:app@h:1", "a", "pyro.service:app", "z"), i)
	require.Equal(t, []string{"z", "a"}, e.Metadata)
	require.True(t, discovery.InstancesOf("app").Matches(i))
	require.False(t, discovery.InstancesOf("app").Matches(e))
}

func TestAStaticDirectory(t *testing.T) {
	one, again, two := entry(t, "one", "PYRO:o@h:1"), entry(t, "one", "PYRO:o@h:9"), entry(t, "two", "PYRO:o@h:2")
	table := discovery.Static(two, one, again)
	got, err := table.Resolve(t.Context(), "one")
	require.NoError(t, err)
	require.Equal(t, one, got, "the first of its name")
	_, err = table.Resolve(t.Context(), "three")
	require.ErrorIs(t, err, transport.ErrNotFound)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for entries, err := range table.Watch(ctx, discovery.Query{Name: "two"}) {
		require.NoError(t, err)
		require.Equal(t, []discovery.Entry{two}, entries)
		n++
		cancel()
	}
	require.Equal(t, 1, n)
}
