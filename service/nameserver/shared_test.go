package nameserver_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// sharedFile has TestSharedHelper serve a file.
const sharedFile = "PYROKIT_NAMESERVER_SHARED"

// TestSharedHelper is a name server in a process of its own, until it is killed. Without its variable there is nothing
// to do.
func TestSharedHelper(t *testing.T) {
	path := os.Getenv(sharedFile)
	if path == "" {
		return
	}
	s, err := sqlite.Open(path)
	require.NoError(t, err)
	ns := nameserver.New(nameserver.Storage(s), nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Logger(quiet()))
	require.NoError(t, ns.Start(t.Context()))
	_, _ = fmt.Fprintln(os.Stdout, ns.URI().Location())
	select {}
}

func startShared(t *testing.T, path string) (helper *exec.Cmd, address string) {
	t.Helper()
	helper = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSharedHelper$")
	helper.Env = append(os.Environ(), sharedFile+"="+path)
	helper.Stderr = os.Stderr
	out, err := helper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, helper.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return helper, line[:len(line)-1]
}

// TestLeasesOfAKilledNameServerEnd: of two that share a file, one is killed. What was leased at it ends at the other one,
// what is renewed there stays.
func TestLeasesOfAKilledNameServerEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.sqlite")
	helper, address := startShared(t, path)
	p := proxy(t, address, codec.Pyro5)
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.gone", "PYRO:o@h:1", 2))
	require.NoError(t, service.Do(t.Context(), p, "lease", "app.renewed", "PYRO:o@h:1", 30))

	s, err := sqlite.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	var log lockedBuffer
	ns, address := start(t, nameserver.Storage(s), nameserver.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	q := proxy(t, address, codec.Pyro4)
	require.Equal(t, map[string]string{"app.gone": "PYRO:o@h:1", "app.renewed": "PYRO:o@h:1"}, names(t, q))
	stats, err := ns.Stats(t.Context())
	require.NoError(t, err)
	require.Zero(t, stats.Leases, "they are the other one's")

	require.NoError(t, helper.Process.Kill())
	require.Error(t, helper.Wait())
	require.NoError(t, service.Do(t.Context(), q, "lease", "app.renewed", "PYRO:o@h:1", 30))
	require.Eventually(t, func() bool { return len(names(t, q)) == 1 }, patience, 10*time.Millisecond)
	require.Contains(t, names(t, q), "app.renewed")
	require.Eventually(t, func() bool {
		stats, err = ns.Stats(t.Context())
		return err == nil && stats.Expired == 1 && stats.Leases == 1 // noted after the removal
	}, patience, 10*time.Millisecond)
	require.Contains(t, log.String(), "took over leases of a name server that is gone")
}

// That a file cannot be followed is one line of the log, and that it can again is another one.
func TestAFileThatIsGoneAndBackIsLoggedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.sqlite")
	s, err := sqlite.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	var log lockedBuffer
	start(t, nameserver.Storage(s), nameserver.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	const gone, back = "cannot be read, trying again", "can be read again"
	for n := 1; n <= 2; n++ {
		require.NoError(t, os.Rename(path, path+".away"))
		require.Eventually(t, func() bool { return strings.Count(log.String(), gone) == n }, patience, 10*time.Millisecond)
		require.NoError(t, os.Rename(path+".away", path))
		require.Eventually(t, func() bool { return strings.Count(log.String(), back) == n }, patience, 10*time.Millisecond)
	}
	require.Equal(t, 2, strings.Count(log.String(), gone))
	require.Contains(t, log.String(), "removed or replaced while it was open")
}

// A lockedBuffer may be read while leases, which nobody waits for, end.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
