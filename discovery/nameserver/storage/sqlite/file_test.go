package sqlite

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/indexed"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/sqlitefile"
)

func start(t *testing.T, path string) *Storage {
	t.Helper()
	s, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// foreign is another process, as far as SQLite can tell.
func foreign(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func exec(t *testing.T, db *sql.DB, queries ...string) {
	t.Helper()
	for _, q := range queries {
		_, err := db.Exec(q)
		require.NoError(t, err, q)
	}
}

// text is all there is, as JSON lines.
func text(t *testing.T, s storage.Storage) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, storage.Export(t.Context(), &b, s))
	return b.String()
}

func TestAFileOutlivesItsStorage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	require.NoError(t, s.PutAll(t.Context(), []storage.Record{
		{Name: "a", URI: "1", Tags: []string{"x", "y"}}, {Name: "b", URI: "2", Lease: time.Second}, {Name: "\x00é", URI: "3", Tags: []string{""}},
	}))
	want := text(t, s)
	require.NoError(t, s.Close())
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, files, "nothing beside it")
	header, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 1}, header[18:20], "without write-ahead log")
	require.Equal(t, want, text(t, start(t, path)))
}

func TestAnOldFileIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	exec(t, foreign(t, path), "CREATE TABLE pyro_names (name nvarchar PRIMARY KEY, uri nvarchar)", "INSERT INTO pyro_names VALUES('a', '1')")
	s := start(t, path)
	require.NoError(t, s.SetTags(t.Context(), "a", []string{"tag"}))
	require.NoError(t, s.Close())
	require.JSONEq(t, `{"name":"a","uri":"1","metadata":["tag"]}`, text(t, start(t, path)))
}

func TestOtherFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"CREATE TABLE pyro_names (id integer)", "the table pyro_names has the columns id, not name"},
		{"CREATE TABLE pyro_metadata (object integer)", "the table pyro_metadata has the columns object, not metadata"},
		{"CREATE TABLE pyrokit_leases (name text)", "the table pyrokit_leases has the columns name, not object"},
		{"PRAGMA encoding = 'UTF-16le'; CREATE TABLE x (id integer)", "its texts are in UTF-16le, not UTF-8"},
		{"CREATE TABLE pyro_names (name, uri); CREATE TABLE pyro_metadata (object, metadata)", "the table pyro_names has the columns name, uri, not id"},
	} {
		path := filepath.Join(t.TempDir(), "names.db")
		db := foreign(t, path)
		db.SetMaxOpenConns(1)
		exec(t, db, strings.Split(c.query, ";")...)
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = Open(path)
		require.ErrorIs(t, err, storage.ErrFormat, c.query)
		require.ErrorContains(t, err, path+": not a file of this storage: "+c.want)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
	path := filepath.Join(t.TempDir(), "names.db")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600))
	_, err := Open(path)
	require.ErrorIs(t, err, storage.ErrFormat)
	for path, want := range map[string]string{
		"":         "is no file",
		":memory:": "is no file",
		filepath.Join(t.TempDir(), "no", "names"): "no such file or directory",
		t.TempDir(): "is a directory",
	} {
		_, err := Open(path)
		require.ErrorContains(t, err, want)
	}
}

func TestOthersChangeTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	for _, name := range []string{"a", "b", "c"} {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: name, URI: "1", Tags: []string{"x"}, Lease: time.Second}, false))
	}
	other := foreign(t, path)
	exec(t, other,
		"DELETE FROM pyro_metadata", "DELETE FROM pyro_names WHERE name IN ('a', 'c')",
		"INSERT INTO pyro_names(name, uri) VALUES('c', '2'), ('d', '3')",
		"INSERT INTO pyro_metadata(object, metadata) SELECT id, 'y' FROM pyro_names WHERE name = 'd'",
	)
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "d"}, true), storage.ErrExists, "seen before a write")
	require.Equal(t, []string{
		`{"name":"b","uri":"1","metadata":[],"lease":1}`,
		`{"name":"c","uri":"2","metadata":[]}`,
		`{"name":"d","uri":"3","metadata":["y"]}`,
	}, strings.Split(strings.TrimSpace(text(t, s)), "\n"), "a lease goes with its name, also when another one gets its id")

	var told []string
	for c, err := range s.Watch(t.Context(), "") {
		require.NoError(t, err)
		if c.Kind == storage.Synced {
			exec(t, other, "UPDATE pyro_names SET uri = '4' WHERE name = 'b'")
			exec(t, other, "DELETE FROM pyro_metadata", "DELETE FROM pyro_names WHERE name = 'd'")
		}
		told = append(told, c.Record.Name+c.Record.URI)
		if c.Kind == storage.Removed {
			break
		}
	}
	require.Contains(t, told, "b4", "seen without a write")
	require.Equal(t, "d", told[len(told)-1])
}

func TestTwoStoragesOnOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	one, two := start(t, path), start(t, path)
	for i, s := range []storage.Storage{one, two, one, two} {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: "last wins", URI: string(rune('0' + i))}, false))
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: string(rune('a' + i)), URI: "1"}, true))
		require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "2"}, true), storage.ErrExists)
	}
	want := text(t, two)
	require.Equal(t, 5, strings.Count(want, "\n"))
	require.NoError(t, one.Close(), "which leaves the log to the other one")
	require.NoError(t, two.Put(t.Context(), storage.Record{Name: "last wins", URI: "3"}, false))
	require.NoError(t, two.Close())
	require.Equal(t, want, text(t, start(t, path)))
}

func TestWhoElseHasTheFileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	other := foreign(t, path)
	exec(t, other, "PRAGMA journal_mode = wal", pyroNames)
	require.NoError(t, other.Close())
	one := start(t, path)
	require.False(t, one.Shared(), "a file that was left with a log has nobody")
	require.True(t, start(t, path).Shared())
}

func TestWhatOnlyMemoryHas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	for _, name := range []string{"a", "b"} {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: name, URI: "1"}, false))
	}
	require.NoError(t, s.PutVolatile(storage.Record{Name: "b", URI: "2"}))
	require.NoError(t, s.PutVolatile(storage.Record{Name: "c", URI: "2"}))
	require.ErrorIs(t, s.PutVolatile(storage.Record{Name: "\xff"}), storage.ErrNotText)
	exec(t, foreign(t, path), "UPDATE pyro_names SET uri = '3'")
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "d", URI: "3"}, false))
	require.Equal(t, []string{
		`{"name":"a","uri":"3","metadata":[]}`, `{"name":"b","uri":"2","metadata":[]}`,
		`{"name":"c","uri":"2","metadata":[]}`, `{"name":"d","uri":"3","metadata":[]}`,
	}, strings.Split(strings.TrimSpace(text(t, s)), "\n"))
	require.NoError(t, s.Close())
	require.NotContains(t, text(t, start(t, path)), "2")
}

func TestAFileThatIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, os.Rename(path, path+".old"))
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "a"}, false), storage.ErrReplaced)
	require.NoError(t, os.Rename(path+".old", path))
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a"}, false))
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, s.Close(), storage.ErrReplaced)
}

// limited opens a storage after queries in its connection.
func limited(t *testing.T, path string, queries ...string) *Storage {
	t.Helper()
	f := &file{}
	var err error
	f.File, err = sqlitefile.Open(path, prepare)
	require.NoError(t, err)
	for _, q := range queries {
		require.NoError(t, f.Query(q, func(*sql.Rows) error { return nil }))
	}
	require.NoError(t, f.statements())
	s, err := indexed.Open(f, indexed.Limits{})
	require.NoError(t, err)
	return s
}

func TestAFailedWriteChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := limited(t, path, "PRAGMA busy_timeout = 0", "PRAGMA max_page_count = 100")
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "1", Tags: []string{"x"}}, false))
	before := text(t, s)
	check := func(want error) {
		t.Helper()
		long := storage.Record{Name: "b", URI: strings.Repeat("u", 1<<20)}
		err := s.PutAll(t.Context(), []storage.Record{{Name: "a", URI: "2"}, long})
		require.ErrorIs(t, err, want)
		require.ErrorContains(t, err, path)
		require.Equal(t, before, text(t, s))
	}
	check(storage.ErrFull)
	other := foreign(t, path)
	other.SetMaxOpenConns(1)
	exec(t, other, "BEGIN IMMEDIATE")
	check(storage.ErrLocked)
	_, err := s.Remove(t.Context(), []string{"a"}, nil)
	require.ErrorIs(t, err, storage.ErrLocked)
	require.ErrorIs(t, s.SetTags(t.Context(), "a", nil), storage.ErrLocked)
	exec(t, other, "ROLLBACK")
	for _, r := range []storage.Record{{Name: "\xff"}, {Name: "b", URI: "\xff"}, {Name: "b", Tags: []string{"\xff"}}} {
		require.ErrorIs(t, s.Put(t.Context(), r, false), storage.ErrNotText, "Python could read none of the names")
	}
	require.ErrorIs(t, s.SetTags(t.Context(), "a", []string{"\xff"}), storage.ErrNotText)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "b", URI: "2"}, false), "it goes on")
	require.NoError(t, s.Close())

	s = limited(t, path, "PRAGMA query_only = ON")
	before = text(t, s)
	check(storage.ErrReadOnly)
	require.NoError(t, s.Close())
}
