package sqlite

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// helperFile has TestHelper lease names in a file.
const helperFile = "PYROKIT_SQLITE_HELPER"

// startHelper starts a process that has the file open, and holds leases of so many names.
func startHelper(t *testing.T, path string, names ...string) (kill func()) {
	t.Helper()
	helper := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-test.run=^TestHelper$", "--"}, names...)...)
	helper.Env = append(os.Environ(), helperFile+"="+path)
	helper.Stderr = os.Stderr
	out, err := helper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, helper.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return func() {
		require.NoError(t, helper.Process.Kill())
		require.Error(t, helper.Wait())
	}
}

// TestHelper is the process of startHelper, until it is killed. Without its variable there is nothing to do.
func TestHelper(t *testing.T) {
	path := os.Getenv(helperFile)
	if path == "" {
		return
	}
	s, err := Open(path)
	require.NoError(t, err)
	_, names, _ := strings.Cut(strings.Join(os.Args, " "), " -- ")
	for name := range strings.FieldsSeq(names) {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: name, URI: "1", Tags: []string{"x"}, Lease: time.Hour}, false))
	}
	_, _ = fmt.Fprintln(os.Stdout, "ready")
	select {}
}

// adopts waits until a storage has adopted these names.
func adopts(t *testing.T, s *Storage, names ...string) {
	t.Helper()
	var all []storage.Record
	var err error
	require.Eventually(t, func() bool {
		var some []storage.Record
		some, err = s.Adopt(t.Context())
		all = append(all, some...)
		return err != nil || len(all) >= len(names)
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, err)
	require.Len(t, all, len(names))
	for i, r := range all {
		require.Equal(t, storage.Record{Name: names[i], URI: "1", Tags: []string{"x"}, Lease: time.Hour, Holder: s.Holder()}, r)
	}
}

func marks(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(path + between + "*")
	require.NoError(t, err)
	return found
}

func TestLeasesOfAKilledProcessAreAdopted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	killOne := startHelper(t, path, "a", "b")
	two := start(t, path)
	killThree := startHelper(t, path, "c")
	require.NoError(t, two.Put(t.Context(), storage.Record{Name: "d", URI: "1", Tags: []string{"x"}, Lease: time.Hour}, false))
	adopted, err := two.Adopt(t.Context())
	require.NoError(t, err)
	require.Empty(t, adopted, "their holders are there")
	require.Len(t, marks(t, path), 3)

	// What is renewed at another one is this one's from then on.
	require.NoError(t, two.Put(t.Context(), storage.Record{Name: "b", URI: "1", Tags: []string{"x"}, Lease: time.Hour}, false))
	killOne()
	adopts(t, two, "a")
	killThree()
	adopts(t, two, "c")
	require.Len(t, marks(t, path), 1)

	n := 0
	for r, err := range two.Prefix(t.Context(), "") {
		require.NoError(t, err)
		require.Equal(t, two.Holder(), r.Holder)
		n++
	}
	require.Equal(t, 4, n)
	require.NoError(t, two.Close())
	require.Empty(t, marks(t, path))
	adopts(t, start(t, path), "a", "b", "c", "d")
}

func TestManyLeasesAreAdopted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	one, two := start(t, path), start(t, path)
	var records []storage.Record
	var names []string
	for i := range 3*adoptSome + 1 {
		names = append(names, fmt.Sprintf("n%05d", i))
		records = append(records, storage.Record{Name: names[i], URI: "1", Tags: []string{"x"}, Lease: time.Hour})
	}
	require.NoError(t, one.PutAll(t.Context(), records))
	require.NoError(t, one.Close())
	adopts(t, two, names...)
}

// adoptSome is about how many leases are adopted at a time.
const adoptSome = 300

func TestALeaseOfNobodyIsAdopted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	run(t, foreign(t, path), pyroNames, pyroMetadata, "CREATE TABLE pyrokit_leases (object integer PRIMARY KEY, nanoseconds integer NOT NULL)",
		"INSERT INTO pyro_names VALUES(7, 'old', '1')", "INSERT INTO pyro_metadata VALUES(7, 'x')",
		fmt.Sprintf("INSERT INTO pyrokit_leases VALUES(7, %d)", time.Hour))
	s := start(t, path)
	adopts(t, s, "old")
	require.NoError(t, os.Remove(marks(t, path)[0])) // a mark that is missing is one of nobody
	adopts(t, start(t, path), "old")
}

func TestMarksOfOthersAreLeftAlone(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "names.db")
	left := []string{path + between + "x", path + between + "zzzzzzzzzzzzzzzz", path + between + "0123456789abcdef0"}
	for _, name := range left {
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
	require.NoError(t, os.WriteFile(markPath(path, 77), nil, 0o600)) // of one that was killed
	s := start(t, path)
	require.Len(t, marks(t, path), 4)
	require.NoError(t, s.Close())
	require.ElementsMatch(t, left, marks(t, path))
}

func TestAMarkHasTheRightsOfItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o660))
	start(t, path)
	info, err := os.Stat(marks(t, path)[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o660), info.Mode().Perm())
}

func TestAFileByTwoNames(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "names.db"), filepath.Join(t.TempDir(), "link")
	one := start(t, path)
	require.NoError(t, one.Put(t.Context(), storage.Record{Name: "a", URI: "1", Lease: time.Hour}, false))
	require.NoError(t, os.Symlink(path, link))
	two := start(t, link)
	require.Len(t, marks(t, path), 2)
	adopted, err := two.Adopt(t.Context())
	require.NoError(t, err)
	require.Empty(t, adopted)
}
