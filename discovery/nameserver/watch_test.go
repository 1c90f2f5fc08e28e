package nameserver_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	nsservice "github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const soon = 20 * time.Second // nothing passes because it is long

// startAt serves a name server at HOST:PORT until stop is called.
func startAt(t *testing.T, address string) (location string, stop func()) {
	t.Helper()
	ns := nsservice.New()
	srv := service.NewServer(service.Listen("tcp", address))
	require.NoError(t, srv.Add(ns.Service()))
	require.NoError(t, srv.Start())
	stop = func() {
		ns.Close()
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		require.NoError(t, srv.Shutdown(ctx))
	}
	return srv.URI("").Location(), stop
}

// python serves what a name server of Python has: no leases and no watches. yplookup is what only Pyro5's has.
func python(t *testing.T, yplookup bool, entries map[string]string) string {
	t.Helper()
	return pythonAt(t, "127.0.0.1:0", yplookup, entries)
}

func pythonAt(t *testing.T, address string, yplookup bool, entries map[string]string) string {
	t.Helper()
	s := service.New(nameserver.ObjectName)
	s.Method("ping", func() {})
	s.Method("register", func(name, uri string, _, _ any) { entries[name] = uri }, service.Params("name", "uri", service.Default("safe", nil), service.Default("metadata", nil)))
	list := func(tags []string) (map[string]codec.Tuple, error) {
		if len(tags) != 1 || tags[0] != "tag" {
			return nil, fmt.Errorf("asked for %v", tags)
		}
		all := map[string]codec.Tuple{}
		for name, uri := range entries {
			all[name] = codec.Tuple{uri, []string{"tag"}}
		}
		return all, nil
	}
	if yplookup {
		s.Method("yplookup", func(all []string, _ bool) (map[string]codec.Tuple, error) { return list(all) }, service.Params("meta_all", "return_metadata"))
	} else {
		s.Method("list", func(all []string, _ bool) (map[string]codec.Tuple, error) { return list(all) }, service.Params("metadata_all", "return_metadata"))
	}
	srv := service.NewServer(service.Listen("tcp", address))
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	return srv.URI("").Location()
}

// until walks a watch to the snapshot with these names and returns the errors before it.
func until(t *testing.T, next func() ([]discovery.Entry, error, bool), names ...string) (errs []error) {
	t.Helper()
	for {
		entries, err, more := next()
		require.True(t, more)
		var got []string
		for _, e := range entries {
			got = append(got, e.Name)
		}
		if err == nil && fmt.Sprint(got) == fmt.Sprint(names) {
			return errs
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
}

func TestWatch(t *testing.T) {
	nameserver.WatchGrace(t, time.Millisecond)
	location, stop := startAt(t, "127.0.0.1:0")
	_, port, err := net.SplitHostPort(location)
	require.NoError(t, err)
	c := client(t, location, pyro.DialConfig{})
	register := func(name string, tags ...string) {
		t.Helper()
		require.NoError(t, c.Register(t.Context(), name, uri(t, "PYRO:o@h:1"), false, tags...))
	}
	register("app.a", "tag")
	register("app.b")
	register("other", "tag")
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	r := nameserver.NewResolver(nameserver.Locator{Locations: []string{location}})
	next, end := iter.Pull2(r.Watch(ctx, discovery.Query{Prefix: "app.", All: []string{"tag"}}))
	defer end()
	entries, err, more := next()
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, []discovery.Entry{{Name: "app.a", URI: uri(t, "PYRO:o@h:1"), Metadata: []string{"tag"}}}, entries, "the first is all there is")
	register("app.c", "tag")
	require.Empty(t, until(t, next, "app.a", "app.c"))
	require.NoError(t, c.SetMetadata(ctx, "app.a", "another"))
	require.Empty(t, until(t, next, "app.c"))
	register("app.d", "tag")
	_, err = c.Remove(ctx, "app.c")
	require.NoError(t, err)
	require.Empty(t, until(t, next, "app.d"))

	stop()
	_, err, _ = next()
	require.ErrorIs(t, err, transport.ErrUnavailable)
	_, stop = startAt(t, "127.0.0.1:"+port) // empty
	defer stop()
	until(t, next)
	register("app.e", "tag")
	require.Empty(t, until(t, next, "app.e"))
	cancel()
	_, _, more = next()
	require.False(t, more, "it ends with its context, and without an error")
}

// TestWhatANameServerHasLostIsToldOfForAGrace: it is back before those are who register their names again.
func TestWhatANameServerHasLostIsToldOfForAGrace(t *testing.T) {
	nameserver.WatchGrace(t, time.Hour)
	location, stop := startAt(t, "127.0.0.1:0")
	c := client(t, location, pyro.DialConfig{})
	register := func(name, at string) {
		t.Helper()
		require.NoError(t, c.Register(t.Context(), name, uri(t, at), false))
	}
	register("app.a", "PYRO:o@h:1")
	register("app.b", "PYRO:o@h:1")
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	next, end := iter.Pull2(c.Watch(ctx, discovery.Query{Prefix: "app."}))
	defer end()
	until(t, next, "app.a", "app.b")
	stop()
	_, err, _ := next()
	require.ErrorIs(t, err, transport.ErrUnavailable)
	_, stop = startAt(t, location) // empty
	defer stop()
	for err != nil {
		var entries []discovery.Entry
		entries, err, _ = next()
		require.True(t, err != nil || len(entries) == 2, "what is told first has all")
	}
	register("app.a", "PYRO:o@h:2")
	entries, err, _ := next()
	require.NoError(t, err)
	require.Equal(t, []discovery.Entry{{Name: "app.a", URI: uri(t, "PYRO:o@h:2")}, {Name: "app.b", URI: uri(t, "PYRO:o@h:1")}}, entries)
	register("app.b", "PYRO:o@h:2")
	_, err = c.Remove(ctx, "app.b")
	require.NoError(t, err)
	require.Empty(t, until(t, next, "app.a"), "who removes a name has no grace")
}

func TestWatchOfWhatCannotTell(t *testing.T) {
	for _, yplookup := range []bool{true, false} {
		names := map[string]string{"a": "PYRO:o@h:1"}
		location := python(t, yplookup, names)
		c := client(t, location, pyro.DialConfig{})
		c.PollInterval = time.Millisecond
		next, end := iter.Pull2(c.Watch(t.Context(), discovery.Query{All: []string{"tag", "tag"}}))
		require.Empty(t, until(t, next, "a"))
		require.NoError(t, c.Register(t.Context(), "b", uri(t, "PYRO:o@h:2"), false))
		require.Empty(t, until(t, next, "a", "b"))
		end()
		_, err := c.Lease(t.Context(), "a", uri(t, "PYRO:o@h:1"), time.Second, false)
		require.ErrorIs(t, err, transport.ErrUnimplemented)
	}
}

// Python takes URIs that nobody can call, and a file may hold anything.
func TestAnUnreadableEntryHidesNoOther(t *testing.T) {
	for _, watches := range []bool{false, true} {
		all := map[string]codec.Tuple{"a": {"PYRO:o@h:1", []string{"tag"}}, "bad": {"PYRO:o@:1", []string{"tag"}}}
		s := service.New(nameserver.ObjectName).Method("ping", func() {})
		s.Method("list", func(bool) map[string]codec.Tuple { return all }, service.Params("return_metadata"))
		s.Method("yplookup", func([]string, bool) map[string]codec.Tuple { return all }, service.Params("meta_all", "return_metadata"))
		s.Method("lookup", func(name string, _ bool) codec.Tuple { return all[name] }, service.Params("name", "return_metadata"))
		if watches {
			s.Method("watch", func(ctx context.Context, _ string, _ float64, _ int) iter.Seq[[]codec.Tuple] {
				return func(yield func([]codec.Tuple) bool) {
					for name, e := range all {
						yield([]codec.Tuple{{"put", name, e[0], e[1]}})
					}
					yield([]codec.Tuple{{"synced"}})
					<-ctx.Done()
				}
			}, service.Params("prefix", "interval", "most"))
		}
		srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
		require.NoError(t, srv.Add(s))
		require.NoError(t, srv.Start())
		c := client(t, srv.URI("").Location(), pyro.DialConfig{})
		var unreadable []error
		c.Unreadable = func(err error) { unreadable = append(unreadable, err) }
		good := []discovery.Entry{{Name: "a", URI: uri(t, "PYRO:o@h:1"), Metadata: []string{"tag"}}}
		for _, q := range []discovery.Query{{}, {All: []string{"tag"}}, {Name: "a"}} {
			found, err := c.Find(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, good, found)
		}
		require.Len(t, unreadable, 2, "of two queries that choose it")
		require.ErrorContains(t, unreadable[1], `bad: invalid uri "PYRO:o@:1"`)
		_, err := c.Find(t.Context(), discovery.Query{All: []string{"tag"}, Prefix: "a"})
		require.NoError(t, err)
		require.Len(t, unreadable, 2)
		found, err := c.Find(t.Context(), discovery.Query{Name: "bad"})
		require.NoError(t, err)
		require.Empty(t, found)
		require.Len(t, unreadable, 3)
		next, end := iter.Pull2(c.Watch(t.Context(), discovery.Query{}))
		require.Empty(t, until(t, next, "a"))
		end()

		found, err = c.List(t.Context(), nameserver.Filter{})
		require.NoError(t, err)
		require.Equal(t, good, found)
		require.Greater(t, len(unreadable), 3)
		c.Unreadable = nil
		_, err = c.List(t.Context(), nameserver.Filter{})
		require.ErrorContains(t, err, `bad: invalid uri "PYRO:o@:1"`)
		_, err = c.Lookup(t.Context(), "bad")
		require.ErrorContains(t, err, `bad: invalid uri "PYRO:o@:1"`)
		require.NotErrorIs(t, err, pyro.ErrURI)
		require.NoError(t, srv.Shutdown(t.Context()))
	}
}

func TestAWatchTellsOfANameServerThatDoesNotAnswer(t *testing.T) {
	nameserver.PollPatience(t, 50*time.Millisecond)
	stuck := make(chan struct{})
	s := service.New(nameserver.ObjectName).Method("ping", func() {})
	s.Method("yplookup", func([]string, bool) map[string]codec.Tuple {
		<-stuck
		return nil
	}, service.Params("meta_all", "return_metadata"))
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(s))
	require.NoError(t, srv.Start())
	c := client(t, srv.URI("").Location(), pyro.DialConfig{})
	next, end := iter.Pull2(c.Watch(t.Context(), discovery.Query{All: []string{"tag"}}))
	defer end()
	_, err, _ := next()
	require.ErrorIs(t, err, transport.ErrTimeout)
	close(stuck)
	require.NoError(t, srv.Shutdown(t.Context()))
}

func TestWhatANameServerOfPythonHasLostIsToldOfForAGrace(t *testing.T) {
	for _, tt := range []struct {
		grace time.Duration
		want  []string
	}{{time.Hour, []string{"a", "b"}}, {time.Nanosecond, []string{"a", "", "b"}}} {
		nameserver.WatchGrace(t, tt.grace)
		answers := []string{"a", "", "", "", "b"}
		asked := 0
		s := service.New(nameserver.ObjectName)
		s.Method("ping", func() {})
		s.Method("yplookup", func([]string, bool) map[string]codec.Tuple {
			name := answers[min(asked, len(answers)-1)]
			asked++
			if name == "" {
				return nil
			}
			return map[string]codec.Tuple{name: {"PYRO:o@h:1", []string{"tag"}}}
		}, service.Params("meta_all", "return_metadata"))
		srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
		require.NoError(t, srv.Add(s))
		require.NoError(t, srv.Start())
		c := client(t, srv.URI("").Location(), pyro.DialConfig{})
		c.PollInterval = time.Millisecond
		var got []string
		for entries, err := range c.Watch(t.Context(), discovery.Query{All: []string{"tag"}}) {
			require.NoError(t, err)
			name := ""
			if len(entries) > 0 {
				name = entries[0].Name
			}
			if got = append(got, name); name == "b" {
				break
			}
		}
		require.Equal(t, tt.want, got)
		require.NoError(t, srv.Shutdown(context.Background()))
	}
}

func TestAWatchGoesOnWhenANameServerOfPythonTakesThePlace(t *testing.T) {
	location, stop := startAt(t, "127.0.0.1:0")
	c := client(t, location, pyro.DialConfig{})
	require.NoError(t, c.Register(t.Context(), "app.a", uri(t, "PYRO:o@h:1"), false, "tag"))
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	next, end := iter.Pull2(c.Watch(ctx, discovery.Query{All: []string{"tag"}}))
	defer end()
	until(t, next, "app.a")
	stop()
	pythonAt(t, location, true, map[string]string{"app.b": "PYRO:o@h:2"})
	until(t, next, "app.b")
}

func TestWatchTellsThatNobodyIsThere(t *testing.T) {
	r := nameserver.NewResolver(nameserver.Locator{Locations: []string{nobody(t)}})
	for _, err := range r.Watch(t.Context(), discovery.Query{}) {
		require.ErrorIs(t, err, transport.ErrUnavailable)
		break
	}
}

func TestManyChangesMayComeAsOne(t *testing.T) {
	c := client(t, start(t), pyro.DialConfig{})
	snapshots, last := 0, []discovery.Entry(nil)
	begun := false
	for entries, err := range c.Watch(t.Context(), discovery.Query{Prefix: "n"}) {
		require.NoError(t, err)
		if !begun {
			begun = true
			for i := range 200 {
				require.NoError(t, c.Register(t.Context(), fmt.Sprintf("n%03d", i), uri(t, "PYRO:o@h:1"), false))
			}
		}
		snapshots, last = snapshots+1, entries
		if len(entries) == 200 {
			break
		}
	}
	require.Equal(t, "n199", last[199].Name)
	require.LessOrEqual(t, snapshots, 200)
}

func TestLeases(t *testing.T) {
	c := client(t, start(t), pyro.DialConfig{})
	granted, err := c.Lease(t.Context(), "app", uri(t, "PYRO:o@h:1"), time.Hour, true, "tag")
	require.NoError(t, err)
	require.Equal(t, time.Hour, granted)
	e, err := c.Lookup(t.Context(), "app")
	require.NoError(t, err)
	require.Equal(t, []string{"tag"}, e.Metadata)
	_, err = c.Lease(t.Context(), "app", uri(t, "PYRO:o@h:2"), time.Second, true)
	require.ErrorIs(t, err, transport.ErrAlreadyExists)
	require.True(t, c.HasLeases(t.Context()))
	leases, err := c.Leases(t.Context())
	require.NoError(t, err)
	require.Equal(t, time.Hour, leases["app"])
	require.NotContains(t, leases, nameserver.ObjectName, "what stays has no lease")
	granted, err = c.Lease(t.Context(), "short", uri(t, "PYRO:o@h:1"), time.Millisecond, true)
	require.NoError(t, err)
	require.Equal(t, time.Second, granted, "the least that is granted")
	require.Eventually(t, func() bool {
		_, err := c.Lookup(t.Context(), "short")
		return errors.Is(err, transport.ErrNotFound)
	}, soon, 10*time.Millisecond)
	_, err = c.Lookup(t.Context(), "app")
	require.NoError(t, err, "its time is not over")
}

func TestFind(t *testing.T) {
	c := client(t, start(t), pyro.DialConfig{})
	one := discovery.Entry{Name: "shop.one", URI: uri(t, "PYRO:o@h:1"), Metadata: []string{"food", "hot"}}
	two := discovery.Entry{Name: "shop.two", URI: uri(t, "PYRO:o@h:2"), Metadata: []string{"food"}}
	for _, e := range []discovery.Entry{one, two} {
		require.NoError(t, c.Register(t.Context(), e.Name, e.URI, false, e.Metadata...))
	}
	for _, tt := range []struct {
		query discovery.Query
		want  []discovery.Entry
	}{
		{discovery.Query{Name: "shop.two"}, []discovery.Entry{two}},
		{discovery.Query{Name: "shop.three"}, nil},
		{discovery.Query{Name: "shop.two", All: []string{"hot"}}, nil},
		{discovery.Query{Prefix: "shop."}, []discovery.Entry{one, two}},
		{discovery.Query{All: []string{"food", "hot", "hot"}}, []discovery.Entry{one}},
		{discovery.Query{Any: []string{"food"}, Prefix: "shop.t"}, []discovery.Entry{two}},
		{discovery.Query{All: []string{"none"}}, nil},
	} {
		got, err := c.Find(t.Context(), tt.query)
		require.NoError(t, err, tt.query)
		require.Equal(t, tt.want, got, tt.query)
	}
}
