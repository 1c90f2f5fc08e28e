package nameserver_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// store returns a storage with records of these names and URIs.
func store(t *testing.T, records map[string]string) *storage.Memory {
	t.Helper()
	s := storage.NewMemory()
	for name, uri := range records {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: name, URI: uri}, false))
	}
	return s
}

func stored(t *testing.T, s storage.Storage) []string {
	t.Helper()
	names := []string{}
	for r, err := range s.Prefix(t.Context(), "") {
		require.NoError(t, err)
		names = append(names, r.Name)
	}
	return names
}

func TestAutocleanRemovesWhatIsGone(t *testing.T) {
	s := store(t, map[string]string{
		"dead1": "PYRO:a@dead:1", "dead2": "PYRO:b@dead:1", "lives": "PYRO:a@lives:1", "socket": "PYRO:a@./u:/gone",
		"Pyro.NameServer": "PYRO:Pyro.NameServer@dead:1", "Pyro.Daemon": "PYRO:Pyro.Daemon@dead:1",
		"elsewhere": "PYRONAME:x", "wrong": "what is this",
	})
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
	defer ns.Close()
	var mu sync.Mutex
	asked := map[string]int{}
	dial := func(network, address string) error {
		mu.Lock()
		defer mu.Unlock()
		asked[network+" "+address]++
		if address == "lives:1" {
			return nil
		}
		return syscall.ECONNREFUSED
	}
	require.NoError(t, ns.Clean(t.Context(), time.Hour, dial))
	require.Equal(t, map[string]int{"tcp dead:1": 1, "tcp lives:1": 1, "unix /gone": 1}, asked, "each place once")
	require.Len(t, stored(t, s), 8, "they may come back")
	stats, err := ns.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, stats.Unreachable)

	require.NoError(t, ns.Clean(t.Context(), 0, dial))
	require.Equal(t, []string{"Pyro.Daemon", "Pyro.NameServer", "elsewhere", "lives", "wrong"}, stored(t, s))
	stats, err = ns.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, stats.Cleaned)
	require.Zero(t, stats.Unreachable)
}

func TestAutocleanLeavesWhatHasChanged(t *testing.T) {
	s := store(t, map[string]string{"a": "PYRO:a@dead:1", "b": "PYRO:a@dead:1"})
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
	defer ns.Close()
	refuse := func(string, string) error { return syscall.ECONNREFUSED }
	require.NoError(t, ns.Clean(t.Context(), time.Hour, refuse))
	ns.Age(time.Hour)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "PYRO:a@dead:2"}, false))
	require.NoError(t, ns.Clean(t.Context(), time.Hour, refuse))
	require.Equal(t, []string{"a"}, stored(t, s), "its time begins anew")
}

// What goes without being asked to is a warning, with its URI: by default no less is shown.
func TestRemovalsThatNobodyAskedForAreWarnings(t *testing.T) {
	s := store(t, map[string]string{"dead": "PYRO:a@dead:1", "lives": "PYRO:a@lives:1"})
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "leased", URI: "PYRO:b@lives:1", Lease: time.Minute}, false))
	var log bytes.Buffer
	warnings := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(warnings))
	defer ns.Close()
	ns.Service() // which reads the leases
	dial := func(_, address string) error {
		if address == "lives:1" {
			return nil
		}
		return syscall.ECONNREFUSED
	}
	require.NoError(t, ns.Clean(t.Context(), 0, dial))
	require.NoError(t, ns.Clean(t.Context(), 0, dial))
	ns.EndLeases()
	require.Equal(t, []string{"lives"}, stored(t, s))
	require.Contains(t, log.String(), `level=WARN msg="autoclean: cannot be connected to, removed" name=dead uri=PYRO:a@dead:1`)
	require.Contains(t, log.String(), `level=WARN msg="the lease has ended, removed" name=leased uri=PYRO:b@lives:1`)
	require.NotContains(t, log.String(), "name=lives")
}

func TestAutocleanBlamesNobodyForItsOwnTrouble(t *testing.T) {
	for _, tt := range []struct {
		err  error
		kept bool
	}{
		{syscall.EMFILE, true},
		{syscall.ENETUNREACH, true},
		{syscall.EACCES, true}, // a unix socket of another user
		{syscall.EPERM, true},  // a firewall of this machine
		{syscall.EAGAIN, true}, // a unix socket whose server is busy
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, true},
		{&net.DNSError{Err: "i/o timeout", IsTimeout: true}, true},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, false},
		{syscall.EHOSTUNREACH, false}, // it is switched off
		{os.ErrDeadlineExceeded, false},
	} {
		s := store(t, map[string]string{"a": "PYRO:a@dead:1"})
		ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
		fails := func(string, string) error { return &net.OpError{Op: "dial", Err: tt.err} }
		require.NoError(t, ns.Clean(t.Context(), 0, fails))
		require.NoError(t, ns.Clean(t.Context(), 0, fails))
		require.Equal(t, tt.kept, len(stored(t, s)) == 1, tt.err)
		ns.Close()
	}
}

func TestAutocleanConnects(t *testing.T) {
	tcp, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer tcp.Close()
	path := filepath.Join(t.TempDir(), "s")
	unix, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	require.NoError(t, err)
	defer unix.Close()
	s := store(t, map[string]string{"a": "PYRO:a@" + tcp.Addr().String(), "b": "PYRO:a@./u:" + path, "c": "PYRO:a@./u:" + path + "x"})
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
	defer ns.Close()
	dial := func(network, address string) error {
		c, err := (&net.Dialer{}).DialContext(t.Context(), network, address)
		return errors.Join(err, closed(c))
	}
	require.NoError(t, ns.Clean(t.Context(), 0, dial))
	require.Equal(t, []string{"a", "b"}, stored(t, s))
}

func closed(c net.Conn) error {
	if c == nil {
		return nil
	}
	return c.Close()
}
