package nameserver_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

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

func TestWhatEndsALease(t *testing.T) {
	lease := []any{"app.x", "PYRO:o@h:1", 30}
	tests := []struct {
		name   string
		method string
		args   []any
		left   map[string]string // when the time is over
	}{
		{"registering makes a name permanent", "register", []any{"app.x", "PYRO:o@h:1"}, map[string]string{"app.x": "PYRO:o@h:1"}},
		{"registering another object, too", "register", []any{"app.x", "PYRO:o@h:2"}, map[string]string{"app.x": "PYRO:o@h:2"}},
		{"removing ends it", "remove", []any{"app.x"}, map[string]string{}},
		{"metadata change nothing", "set_metadata", []any{"app.x", []string{"t"}}, map[string]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ns, address := start(t)
			p := proxy(t, address, codec.Pyro5)
			require.NoError(t, service.Do(t.Context(), p, "lease", lease...))
			require.NoError(t, service.Do(t.Context(), p, tt.method, tt.args...))
			ns.EndLeases()
			require.Equal(t, tt.left, names(t, p))
		})
	}
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
	s := storage.NewMemory()
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "PYRO:o@h:1", Lease: time.Hour}, false))
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "b", URI: "PYRO:o@h:1"}, false))
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
	defer ns.Close()
	ns.Service()
	stats, err := ns.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, stats.Leases)
	ns.EndLeases()
	n, err := s.Len(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
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
