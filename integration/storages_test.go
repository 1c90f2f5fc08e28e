//go:build integration

package integration

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/dbm"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/open"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

var storagesKills = flag.Int("storages.kills", 20, "how often a process is killed while it registers names")

// storagesSpec has the helper process of the kills register names in the storage that it names.
const storagesSpec = "PYROKIT_STORAGES_SPEC"

// oddNames are names that Pyro takes; what goes through SQL, or a line of text, could stumble over each.
var oddNames = []string{
	" ", "a'b\"c", "a\\b", "line\nfeed", "nul\x00inside", "100%", "a_b", "\t", "\u0085\u2028", "é", "e\u0301", "\u8336", "🫖\U0010fffd", strings.Repeat("long", 1<<18),
}

func openStorage(t *testing.T, spec string) storage.Storage {
	t.Helper()
	s, err := open.Storage(spec)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// oddRecords have all odd names, and all as tags.
func oddRecords(tags bool) []storage.Record {
	var records []storage.Record
	for i, name := range oddNames {
		r := storage.Record{Name: name, URI: fmt.Sprintf("PYRO:obj_%d@host:%d", i, i+1)}
		if tags && i%2 == 0 {
			r.Tags = storage.Tidy([]string{name, "x" + name, "tag"})
		}
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b storage.Record) int { return strings.Compare(a.Name, b.Name) })
	return records
}

func putAll(t *testing.T, s storage.Storage, records []storage.Record) {
	t.Helper()
	for _, r := range records {
		require.NoError(t, s.Put(t.Context(), r, true))
	}
}

// everything returns what is in a storage, the name server's own name aside.
func everything(t *testing.T, s storage.Storage) []storage.Record {
	t.Helper()
	var records []storage.Record
	for r, err := range s.Prefix(t.Context(), "") {
		require.NoError(t, err)
		if r.Name != nameserver.ObjectName {
			records = append(records, r)
		}
	}
	return records
}

// sameRecords compares without printing a megabyte.
func sameRecords(t *testing.T, want, got []storage.Record) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.True(t, want[i].Equal(got[i]), "%.200q, not %.200q", fmt.Sprint(got[i]), fmt.Sprint(want[i]))
	}
}

// pythonStorage starts Python's name server on a storage and returns a client of it.
func pythonStorage(t *testing.T, d peers.Dialect, spec string) (*nameserver.Client, *peers.Process) {
	t.Helper()
	p := peers.NameServer(t, d, "-s", spec)
	_, location, ok := strings.Cut(p.URIs["uri"], "@")
	require.True(t, ok)
	c, err := nameserver.Locate(t.Context(), pyro.DialConfig{Serializer: "serpent"}, location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c, p
}

// pythons returns what Python's name server has.
func pythons(t *testing.T, c *nameserver.Client) []storage.Record {
	t.Helper()
	entries, err := c.List(t.Context(), nameserver.Filter{})
	require.NoError(t, err)
	var records []storage.Record
	for _, e := range entries {
		if e.Name != nameserver.ObjectName {
			records = append(records, storage.Record{Name: e.Name, URI: e.URI.String(), Tags: storage.Tidy(e.Metadata)})
		}
	}
	slices.SortFunc(records, func(a, b storage.Record) int { return strings.Compare(a.Name, b.Name) })
	return records
}

func registerAll(t *testing.T, c *nameserver.Client, records []storage.Record) {
	t.Helper()
	for _, r := range records {
		require.NoError(t, c.Register(t.Context(), r.Name, parse(t, r.URI), false, r.Tags...))
	}
}

func TestSQLiteFilesOfEitherSide(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		records := oddRecords(true)
		t.Run("ours", func(t *testing.T) {
			spec := "sql:" + filepath.Join(t.TempDir(), "names.db")
			s := openStorage(t, spec)
			putAll(t, s, records)
			require.NoError(t, s.Close())
			c, p := pythonStorage(t, d, spec)
			sameRecords(t, records, pythons(t, c))
			require.NoError(t, c.SetMetadata(t.Context(), "\u8336", "other"))
			p.Stop()
			r, err := openStorage(t, spec).Get(t.Context(), "\u8336")
			require.NoError(t, err)
			require.Equal(t, []string{"other"}, r.Tags)
		})
		t.Run("theirs", func(t *testing.T) {
			spec := "sql:" + filepath.Join(t.TempDir(), "names.db")
			c, p := pythonStorage(t, d, spec)
			registerAll(t, c, records)
			p.Stop()
			sameRecords(t, records, everything(t, openStorage(t, spec)))
		})
		t.Run("both at a time", func(t *testing.T) {
			spec := "sql:" + filepath.Join(t.TempDir(), "names.db")
			s := openStorage(t, spec)
			c, _ := pythonStorage(t, d, spec)
			leased := storage.Record{Name: "leased", URI: "PYRO:a@b:1", Lease: soon}
			require.NoError(t, s.Put(t.Context(), leased, false))
			registerAll(t, c, []storage.Record{{Name: "theirs", URI: "PYRO:a@b:1", Tags: []string{"x"}}, {Name: "leased", URI: "PYRO:a@b:1"}})
			require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "theirs"}, true), storage.ErrExists)
			r, err := s.Get(t.Context(), "leased")
			require.NoError(t, err)
			require.Zero(t, r.Lease, "registered by Python, it stays")
			require.NoError(t, s.Put(t.Context(), storage.Record{Name: "ours", URI: "PYRO:a@b:1", Tags: []string{"y", "z"}}, true))
			entry, err := c.Lookup(t.Context(), "ours")
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"y", "z"}, entry.Metadata)
			removed, err := c.Remove(t.Context(), "ours")
			require.NoError(t, err)
			require.True(t, removed)
			for change, err := range s.Watch(t.Context(), "") {
				require.NoError(t, err)
				if change.Kind == storage.Removed {
					require.Equal(t, "ours", change.Record.Name)
					break
				}
			}
		})
	})
}

func TestDumbFilesOfEitherSide(t *testing.T) {
	records := oddRecords(false)
	ours := "dbm:" + filepath.Join(t.TempDir(), "names")
	s := openStorage(t, ours)
	putAll(t, s, records)
	require.NoError(t, s.Close())
	c, p := pythonStorage(t, peers.Pyro4, ours)
	sameRecords(t, records, pythons(t, c))
	for i := range records {
		records[i].URI = "PYRO:" + strings.Repeat("x", i*100+1) + "@host:1"
	}
	registerAll(t, c, records)
	p.Stop()
	s = openStorage(t, ours)
	sameRecords(t, records, everything(t, s))
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "é", URI: "PYRO:again@host:1"}, false))
	require.NoError(t, s.Close())
	c, p = pythonStorage(t, peers.Pyro4, ours)
	entry, err := c.Lookup(t.Context(), "é")
	require.NoError(t, err)
	require.Equal(t, "PYRO:again@host:1", entry.URI.String())
	p.Stop()

	// What ForeignError names works for any kind that Python reads, and this is the one that each Python has.
	python, err := peers.Python()
	require.NoError(t, err)
	file := strings.TrimPrefix(ours, "dbm:")
	command := (&dbm.ForeignError{Path: file, Kind: dbm.Dumb}).Command()
	convert := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "python3", python, 1))
	lines, err := convert.Output()
	require.NoError(t, err)
	s, imported := openStorage(t, ours), storage.NewMemory()
	for r, err := range storage.ReadRecords(strings.NewReader(string(lines)), nil) {
		require.NoError(t, err)
		require.NoError(t, imported.Put(t.Context(), r, true))
	}
	sameRecords(t, everything(t, s), everything(t, imported))
}

// Every acknowledged name is there after kill -9, and Python opens the file.
func TestStoragesSurviveKills(t *testing.T) {
	t.Run("sql", func(t *testing.T) {
		testKills(t, "sql", `
import json, sqlite3, sys
from Pyro5.nameserver import SqlStorage
names = list(SqlStorage(sys.argv[1]))
whole = sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0]
print(json.dumps({"names": names, "whole": whole}))`)
	})
	t.Run("dbm", func(t *testing.T) {
		testKills(t, "dbm", `
import json, sys
from Pyro4.naming_storage import DbmStorage
print(json.dumps({"names": list(DbmStorage(sys.argv[1]).everything()), "whole": "ok"}))`)
	})
}

func testKills(t *testing.T, kind, check string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "names")
	known := map[string]bool{} // acknowledged to be there, or not to be
	for round := range *storagesKills {
		killWhileRegistering(t, kind+":"+file, round, known)
		var found struct {
			Names []string
			Whole string
		}
		require.NoError(t, peers.Run(t.Context(), &found, check, file))
		require.Equal(t, "ok", found.Whole)
		there := map[string]bool{}
		for _, name := range found.Names {
			there[name] = true
		}
		for name, want := range known {
			require.Equal(t, want, there[name], "%s in round %d", name, round)
		}
	}
	require.NotEmpty(t, known)
	t.Logf("%d acknowledged writes in %d rounds", len(known), *storagesKills)
}

// killWhileRegistering starts a process that registers names, kills it after some, and notes what was acknowledged.
func killWhileRegistering(t *testing.T, spec string, round int, known map[string]bool) {
	t.Helper()
	helper := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStoragesRegister$")
	helper.Env = append(os.Environ(), storagesSpec+"="+spec, fmt.Sprintf("PYROKIT_STORAGES_ROUND=%d", round))
	helper.Stderr = os.Stderr
	out, err := helper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, helper.Start())
	after := 1 + rand.IntN(60)
	in := bufio.NewReader(out)
	for n := 0; ; n++ {
		line, err := in.ReadString('\n')
		if err != nil {
			break // part of a line was not acknowledged to anybody
		}
		what, name := line[0], strings.TrimSpace(line[1:])
		switch what {
		case '+':
			known[name] = true
		case '?':
			delete(known, name)
		case '-':
			known[name] = false
		default:
			t.Fatalf("the helper printed %q", line)
		}
		if n == after {
			require.NoError(t, helper.Process.Kill())
		}
	}
	require.Error(t, helper.Wait(), "killed")
}

// TestStoragesRegister is the helper process of the kills: it registers and removes names without an end and prints
// what was acknowledged. Without its variable there is nothing to do.
func TestStoragesRegister(t *testing.T) {
	spec := os.Getenv(storagesSpec)
	if spec == "" {
		return
	}
	s, err := open.Storage(spec)
	require.NoError(t, err)
	var mu sync.Mutex
	say := func(what, name string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(os.Stdout, what+name)
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("round%s.%d.%d", os.Getenv("PYROKIT_STORAGES_ROUND"), w, i)
				if s.Put(context.Background(), storage.Record{Name: name, URI: "PYRO:a@b:1", Tags: []string{"x", name}}, true) != nil {
					return
				}
				say("+", name)
				if i%4 != 0 {
					continue
				}
				say("?", name)
				if _, err := s.Remove(context.Background(), []string{name}, nil); err != nil {
					return
				}
				say("-", name)
			}
		})
	}
	wg.Wait()
	t.Fatal("a write failed")
}
