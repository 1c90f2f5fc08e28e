package nameserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func names(t *testing.T, p *service.Proxy) map[string]string {
	t.Helper()
	all, err := service.Call[map[string]string](t.Context(), p, "list", "app.")
	require.NoError(t, err)
	return all
}

func TestALeaseLastsAsLongAsItIsRenewed(t *testing.T) {
	ns, address := start(t)
	p := proxy(t, address, codec.Pyro5)
	for seconds, want := range map[any]float64{0.5: 1, 30: 30, 2.5: 2.5, 1e9: 3600} {
		got, err := service.Call[float64](t.Context(), p, "lease", "app.x", "PYRO:o@h:1", seconds)
		require.NoError(t, err)
		require.InDelta(t, want, got, 0)
	}
	require.Contains(t, names(t, p), "app.x")
	ns.EndLeases()
	require.Empty(t, names(t, p))
	stats, err := ns.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Expired)
	require.Zero(t, stats.Leases)
}

func TestALeaseEndsByItself(t *testing.T) {
	_, address := start(t)
	p := proxy(t, address, codec.Pyro4)
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.x", "PYRO:o@h:1", 1))
	require.Contains(t, names(t, p), "app.x")
	require.Eventually(t, func() bool { return len(names(t, p)) == 0 }, patience, 10*time.Millisecond)
}

func TestLeasesAreListed(t *testing.T) {
	_, address := start(t)
	for _, d := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p := proxy(t, address, d)
		require.NoError(t, service.Do(t.Context(), p, "lease", "app.x", "PYRO:o@h:1", 30))
		require.NoError(t, service.Do(t.Context(), p, "lease", "site.x", "PYRO:o@h:1", 2.5))
		require.NoError(t, service.Do(t.Context(), p, "register", "app.stays", "PYRO:o@h:1"))
		all, err := service.Call[map[string]float64](t.Context(), p, "leases")
		require.NoError(t, err)
		require.Equal(t, map[string]float64{"app.x": 30, "site.x": 2.5}, all)
		some, err := service.Call[map[string]float64](t.Context(), p, "leases", "app.")
		require.NoError(t, err)
		require.Equal(t, map[string]float64{"app.x": 30}, some)
		require.ErrorContains(t, service.Do(t.Context(), p, "leases", 5), "must be str")
	}
}

// cutOff is a storage whose callers do not wait for its removals: it asks what is to go while the caller has gone on.
type cutOff struct {
	*storage.Memory

	removing sync.WaitGroup
}

func (s *cutOff) Remove(ctx context.Context, names []string, match func(storage.Record) bool) (int, error) {
	begun := make(chan struct{})
	s.removing.Go(func() {
		for i, name := range names {
			r, _ := s.Get(context.WithoutCancel(ctx), name)
			match(r)
			if i == 0 {
				close(begun)
			}
		}
	})
	<-begun
	return 0, context.Canceled
}

// A name server that ends while leases end neither waits for the storage nor says what has become of them.
func TestLeasesThatEndWithTheNameServer(t *testing.T) {
	var log bytes.Buffer
	s := &cutOff{Memory: storage.NewMemory()}
	ns, address := start(t, nameserver.Storage(s), nameserver.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	p := proxy(t, address, codec.Pyro5)
	for i := range 100 {
		require.NoError(t, service.Do(t.Context(), p, "lease", fmt.Sprint("app.", i), "PYRO:o@h:1", 30))
	}
	log.Reset()
	ns.EndLeases()
	s.removing.Wait()
	require.Empty(t, log.String())
}

// stuck is a storage that removes so many times, and then fails as often.
type stuck struct {
	*storage.Memory

	removes, fails int
}

func (s *stuck) Remove(ctx context.Context, names []string, match func(storage.Record) bool) (int, error) {
	if s.removes--; s.removes >= 0 || -s.removes > s.fails {
		return s.Memory.Remove(ctx, names, match)
	}
	return 0, storage.ErrFull
}

// What is tried again each second is told once, and that it has come to an end.
func TestLeasesThatCannotEndAreToldOnce(t *testing.T) {
	var log bytes.Buffer
	ns, address := start(t, nameserver.Storage(&stuck{storage.NewMemory(), 0, 3}), nameserver.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, service.Do(t.Context(), proxy(t, address, codec.Pyro5), "lease", "app.x", "PYRO:o@h:1", 30))
	log.Reset()
	for range 4 {
		ns.EndLeases()
	}
	require.Equal(t, 3, strings.Count(log.String(), "\n"), log.String())
	require.Regexp(t, `(?s)level=ERROR msg=".* cannot be removed, trying again" names=\[app.x] .*removed again"\n.*level=WARN .* name=app.x`, log.String())
}

// Of many names that are removed the log has those that were, though the rest were not.
func TestWhatWasRemovedBeforeAnErrorIsLogged(t *testing.T) {
	var log bytes.Buffer
	s := &stuck{many(t, 1500).Memory, 1, 1}
	_, address := start(t, nameserver.Storage(s), nameserver.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	err := service.Do(t.Context(), proxy(t, address, codec.Pyro5), "remove", nil, "app.")
	require.ErrorContains(t, err, "storage: no room left")
	require.Contains(t, log.String(), "count=1024")
}

func TestWhatEndsALease(t *testing.T) {
	lease := []any{"app.x", "PYRO:o@h:1", 30}
	tests := []struct {
		name   string
		method string
		args   []any
		runs   int               // leases
		left   map[string]string // when the time is over
	}{
		{"registering makes a name permanent", "register", []any{"app.x", "PYRO:o@h:1"}, 0, map[string]string{"app.x": "PYRO:o@h:1"}},
		{"registering another object, too", "register", []any{"app.x", "PYRO:o@h:2"}, 0, map[string]string{"app.x": "PYRO:o@h:2"}},
		{"removing ends it", "remove", []any{"app.x"}, 0, map[string]string{}},
		{"by prefix, too", "remove", []any{nil, "app."}, 0, map[string]string{}},
		{"and by regex", "remove", []any{nil, nil, "app"}, 0, map[string]string{}},
		{"another lease takes its place", "lease", []any{"app.x", "PYRO:o@h:2", 60}, 1, map[string]string{}},
		{"metadata change nothing", "set_metadata", []any{"app.x", []string{"t"}}, 1, map[string]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ns, address := start(t)
			p := proxy(t, address, codec.Pyro5)
			require.NoError(t, service.Do(t.Context(), p, "lease", lease...))
			require.NoError(t, service.Do(t.Context(), p, tt.method, tt.args...))
			require.Equal(t, tt.runs, running(t, ns))
			ns.EndLeases()
			require.Equal(t, tt.left, names(t, p))
			require.Zero(t, running(t, ns))
		})
	}
}

func running(t *testing.T, ns *nameserver.NameServer) (leases int) {
	t.Helper()
	stats, err := ns.Stats(t.Context())
	require.NoError(t, err)
	return stats.Leases
}

func TestAutocleanEndsLeases(t *testing.T) {
	ns, address := start(t)
	p := proxy(t, address, codec.Pyro5)
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.x", "PYRO:o@h:1", 3600))
	refuse := func(_, address string) error {
		if address == "h:1" {
			return syscall.ECONNREFUSED
		}
		return nil
	}
	for range 2 { // seen, and seen again
		require.NoError(t, ns.Clean(t.Context(), 0, refuse))
	}
	require.Empty(t, names(t, p))
	require.Zero(t, running(t, ns))
}

// TestALeaseAmongOthersOfItsName: however leases, registrations and removals of a name come, there is a lease if and only if the
// name is leased.
func TestALeaseAmongOthersOfItsName(t *testing.T) {
	ns, address := start(t)
	var calls sync.WaitGroup
	p := proxy(t, address, codec.Pyro5)
	for _, call := range [][]any{{"lease", "app.x", "PYRO:o@h:1", 3600}, {"register", "app.x", "PYRO:o@h:1"}, {"remove", "app.x"}} {
		calls.Go(func() {
			for range 500 {
				assert.NoError(t, service.Do(t.Context(), p, call[0].(string), call[1:]...))
			}
		})
	}
	calls.Wait()
	leased, err := service.Call[map[string]float64](t.Context(), p, "leases")
	require.NoError(t, err)
	require.Len(t, leased, running(t, ns))
}

func TestLeasesThatAreRefused(t *testing.T) {
	tests := []struct {
		name        string
		args        []any
		class, text string
	}{
		{"no time", []any{"app.y", "PYRO:o@h:1", 0}, "builtins.ValueError", "a lease cannot last 0 seconds"},
		{"time that is no number", []any{"app.y", "PYRO:o@h:1", "x"}, "builtins.TypeError", "seconds must be a number, not str"},
		{"the name server itself", []any{nameserver.ObjectName, "PYRO:o@h:1", 3}, "Pyro5.errors.NamingError", "the name Pyro.NameServer cannot be leased"},
		{"a bad URI", []any{"app.y", "x", 3}, "Pyro5.errors.PyroError", "invalid uri"},
		{"safe, a name of another's lease", []any{"app.x", "PYRO:o@h:2", 3, nil, true}, "Pyro5.errors.NamingError", "name already registered: app.x"},
		{"safe, a name for good", []any{"app.one", "PYRO:o@h:1", 3, nil, true}, "Pyro5.errors.NamingError", "name already registered: app.one"},
	}
	_, address := start(t)
	p := proxy(t, address, codec.Pyro5)
	fill(t, p)
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.x", "PYRO:o@h:1", 30, nil, true))
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.x", "PYRO:o@h:1", 30, nil, true), "a renewal is safe")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := service.Do(t.Context(), p, "lease", tt.args...)
			var e *transport.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.class, e.Class)
			require.Equal(t, tt.text, e.Message)
		})
	}
	require.Len(t, names(t, p), 3)
}

// TestANameServerThatWasStoppedEndsNoLease: renewals may wait to be read.
func TestANameServerThatWasStoppedEndsNoLease(t *testing.T) {
	ns, address := start(t)
	p := proxy(t, address, codec.Pyro5)
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.x", "PYRO:o@h:1", 30))
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.y", "PYRO:o@h:1", 20))
	ns.Stop(time.Minute)
	require.Len(t, names(t, p), 2)
	ns.EndLeases()
	require.Empty(t, names(t, p), "they run anew")
}

func TestLeasesOfAStorageStartAnew(t *testing.T) {
	for name, serve := range map[string]func(*nameserver.NameServer){
		"served by another server": func(ns *nameserver.NameServer) { ns.Service() },
		"served by itself":         func(ns *nameserver.NameServer) { require.NoError(t, ns.Start(t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			s := storage.NewMemory()
			require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "PYRO:o@h:1", Lease: time.Hour}, false))
			require.NoError(t, s.Put(t.Context(), storage.Record{Name: "b", URI: "PYRO:o@h:1"}, false))
			ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()), nameserver.Listen("tcp", "127.0.0.1:0"))
			defer func() { require.NoError(t, ns.Shutdown(context.WithoutCancel(t.Context()))) }()
			serve(ns)
			stats, err := ns.Stats(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, stats.Leases)
			ns.EndLeases()
			_, err = s.Get(t.Context(), "a")
			require.ErrorIs(t, err, storage.ErrNotFound)
			_, err = s.Get(t.Context(), "b")
			require.NoError(t, err)
		})
	}
}

// TestTwoNameServersOnOneFile: the second one does not end what is renewed at the first one.
func TestTwoNameServersOnOneFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "names.sqlite")
	open := func() storage.Storage {
		s, err := sqlite.Open(file)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	serve := func() (*nameserver.NameServer, *service.Proxy) {
		ns, address := start(t, nameserver.Storage(open()), nameserver.Logger(quiet()))
		return ns, proxy(t, address, codec.Pyro5)
	}
	first, p := serve()
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.first", "PYRO:o@h:1", 30))
	second, q := serve()
	require.Contains(t, names(t, q), "app.first")
	require.NoError(t, service.Do(t.Context(), q, "lease", "app.second", "PYRO:o@h:1", 30))
	second.EndLeases()
	require.NoError(t, service.Do(t.Context(), p, "ping"))
	require.Equal(t, map[string]string{"app.first": "PYRO:o@h:1"}, names(t, q))
	first.EndLeases()
	require.Empty(t, names(t, p))
}

// hasty is a storage that does not have its callers wait: what they want is stored, but those who are gone are told of that.
type hasty struct {
	*storage.Memory

	stored chan struct{}
}

func (h hasty) Put(ctx context.Context, r storage.Record, onlyNew bool) error {
	if err := h.Memory.Put(ctx, r, onlyNew); err != nil || r.Lease == 0 {
		return err
	}
	close(h.stored)
	if ctx.Done() == nil {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestALeaseEndsWhoseCallerHasGone: a program that dies while it registers leaves nothing for good.
func TestALeaseEndsWhoseCallerHasGone(t *testing.T) {
	s := hasty{storage.NewMemory(), make(chan struct{})}
	ns, address := start(t, nameserver.Storage(s), nameserver.Logger(quiet()))
	p := proxy(t, address, codec.Pyro5)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = service.Do(ctx, p, "lease", "app.x", "PYRO:o@h:1", 30)
	}()
	<-s.stored
	cancel()
	<-gone
	require.NoError(t, p.Close())
	require.Eventually(t, func() bool {
		stats, err := ns.Stats(t.Context())
		return err == nil && stats.Methods["lease"].Calls == 1
	}, patience, 10*time.Millisecond, "the call has ended")
	ns.EndLeases()
	require.Empty(t, names(t, proxy(t, address, codec.Pyro5)))
}

// adopting is a storage where it takes forever to take leases over.
type adopting struct{ *storage.Memory }

func (adopting) Holder() int64 { return 1 }

func (adopting) Adopt(ctx context.Context) ([]storage.Record, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestNobodyWaitsForLeasesThatAreTakenOver(t *testing.T) {
	_, address := start(t, nameserver.Storage(adopting{storage.NewMemory()}), nameserver.Logger(quiet()))
	require.NoError(t, service.Do(t.Context(), proxy(t, address, codec.Pyro5), "lookup", nameserver.ObjectName))
}

// many returns a storage with so many leased names.
func many(t *testing.T, names int) *counting {
	t.Helper()
	s := &counting{Memory: storage.NewMemory()}
	for i := range names {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: "app." + strconv.Itoa(i), URI: "PYRO:o@h:1", Lease: time.Hour}, false))
	}
	return s
}

// TestManyAreRemovedInParts: who wants something else meanwhile does not wait for all of them.
func TestManyAreRemovedInParts(t *testing.T) {
	s := many(t, 3000)
	_, address := start(t, nameserver.Storage(s), nameserver.Logger(quiet()))
	removed, err := service.Call[int](t.Context(), proxy(t, address, codec.Pyro4), "remove", nil, "app.")
	require.NoError(t, err)
	require.Equal(t, 3000, removed)
	require.LessOrEqual(t, s.most, 1024)
}

// noRoom is what a server has for large answers while nobody reads them.
type noRoom struct{}

func (noRoom) Reserve(context.Context, int64) error { return errors.New("no room") }

func TestRemovingManyNeedsNoRoom(t *testing.T) {
	ns := nameserver.New(nameserver.Storage(many(t, nameserver.Many)), nameserver.Logger(quiet()))
	defer ns.Close()
	full := transport.Middleware{Call: func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			transport.FromContext(ctx).Room = noRoom{}
			return next(ctx, call)
		}
	}}
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"), service.Use(full))
	require.NoError(t, srv.Add(ns.Service()))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.Background())) })
	_, address := srv.URI(nameserver.ObjectName).Address()
	p := proxy(t, address, codec.Pyro5)
	require.ErrorContains(t, service.Do(t.Context(), p, "list"), "no room")
	require.ErrorContains(t, service.Do(t.Context(), p, "list", nil, "."), "no room")
	removed, err := service.Call[int](t.Context(), p, "remove", nil, "app.")
	require.NoError(t, err)
	require.Equal(t, nameserver.Many, removed)
}

func TestManyLeasesEndInParts(t *testing.T) {
	const all = 3000
	s := many(t, all)
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
	defer ns.Close()
	ns.Service()
	ns.EndLeases()
	stats, err := ns.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, all, stats.Expired)
	require.Zero(t, stats.Entries+stats.Leases)
	require.LessOrEqual(t, s.most, 1024)
}

// counting is a storage that knows how many names were to be removed at a time.
type counting struct {
	*storage.Memory

	most int
}

func (c *counting) Remove(ctx context.Context, names []string, match func(storage.Record) bool) (int, error) {
	c.most = max(c.most, len(names))
	return c.Memory.Remove(ctx, names, match)
}
