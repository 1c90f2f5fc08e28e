package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/indexed"
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

func run(t *testing.T, db *sql.DB, queries ...string) {
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
	require.NoError(t, storage.WriteRecords(&b, s.Prefix(t.Context(), "")))
	return b.String()
}

// becomes waits until these lines are all there is.
func becomes(t *testing.T, s storage.Storage, lines ...string) {
	t.Helper()
	want := strings.Join(lines, "\n") + "\n"
	require.Eventually(t, func() bool { return text(t, s) == want }, time.Minute, time.Millisecond, "%s", text(t, s))
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
	run(t, foreign(t, path), "CREATE TABLE pyro_names (name nvarchar PRIMARY KEY, uri nvarchar)", "INSERT INTO pyro_names VALUES('a', '1')")
	s := start(t, path)
	require.NoError(t, s.SetTags(t.Context(), "a", []string{"tag"}))
	require.NoError(t, s.Close())
	require.JSONEq(t, `{"name":"a","uri":"1","metadata":["tag"]}`, text(t, start(t, path)))
}

func TestOtherFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"CREATE TABLE pyro_names (id integer)", "the table pyro_names has the columns id, not name"},
		{"CREATE TABLE pyro_names (id integer PRIMARY KEY, name UNIQUE, uri); CREATE TABLE pyro_metadata (object integer)", "the table pyro_metadata has the columns object, not metadata"},
		{pyroNames + ";CREATE TABLE pyrokit_leases (name text)", "the table pyrokit_leases has the columns name, not object"},
		{"CREATE TABLE users (id integer); CREATE VIEW v AS SELECT 1", "it has other tables (users, v), but not pyro_names: it is another program's"},
		{
			"CREATE TABLE a(x); CREATE TABLE b(x); CREATE TABLE c(x); CREATE TABLE d(x); CREATE TABLE e(x); CREATE TABLE f(x)",
			"it has other tables (a, b, c, d, e, ...), but not pyro_names",
		},
		{pyroMetadata, "it has other tables (pyro_metadata), but not pyro_names"},
		{"PRAGMA application_id = 77", "its application_id is 77, and it has no table pyro_names: it is another program's"},
		{"PRAGMA user_version = 3", "its user_version is 3, and"},
		{"CREATE TABLE pyro_names (id integer PRIMARY KEY, name, uri)", "the table pyro_names may have a name twice"},
		{"CREATE TABLE pyro_names (id integer PRIMARY KEY, name UNIQUE, uri, age integer NOT NULL)", "the table pyro_names has the column age, which has to be given"},
		{"CREATE TABLE pyro_names (id integer, name UNIQUE, uri);" + pyroMetadata, "the table pyro_names has an id that is not its key"},
		{"CREATE TABLE x (name, uri); CREATE VIEW pyro_names AS SELECT name, uri FROM x", "the table pyro_names may have a name twice"},
		{"PRAGMA encoding = 'UTF-16le'; CREATE TABLE x (id integer)", "its texts are in UTF-16le, not UTF-8"},
		{"CREATE TABLE pyro_names (name UNIQUE, uri); CREATE TABLE pyro_metadata (object, metadata)", "the table pyro_names has the columns name, uri, not id"},
	} {
		path := filepath.Join(t.TempDir(), "names.db")
		db := foreign(t, path)
		db.SetMaxOpenConns(1)
		run(t, db, strings.Split(c.query, ";")...)
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = Open(path)
		require.ErrorIs(t, err, storage.ErrFormat, c.query)
		require.ErrorContains(t, err, path+": not a file of this storage: "+c.want)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
	path := filepath.Join(t.TempDir(), "names.db") // with more in it than ours
	run(t, foreign(t, path), pyroNames, "CREATE TABLE users (id integer)", "PRAGMA application_id = 77", "PRAGMA user_version = 3")
	start(t, path)
	path = filepath.Join(t.TempDir(), "names.db")
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
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "e", URI: "1"}, false))
	run(t, other,
		"DELETE FROM pyro_metadata", "DELETE FROM pyro_names WHERE name IN ('a', 'c')",
		"INSERT INTO pyro_names(name, uri) VALUES('c', '2'), ('d', '3')",
		"INSERT INTO pyro_metadata(object, metadata) SELECT id, 'y' FROM pyro_names WHERE name = 'd'",
	)
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "d"}, true), storage.ErrExists, "seen before a write")
	r, err := s.Get(t.Context(), "d")
	require.NoError(t, err)
	require.Equal(t, storage.Record{Name: "d", URI: "3", Tags: []string{"y"}}, r, "and then known")
	becomes(t, s, // a lease goes with its name, also when another one gets its id
		`{"name":"b","uri":"1","metadata":[],"lease":1}`,
		`{"name":"c","uri":"2","metadata":[]}`,
		`{"name":"d","uri":"3","metadata":["y"]}`,
		`{"name":"e","uri":"1","metadata":[]}`,
	)

	told := map[string]bool{}
	for c, err := range s.Watch(t.Context(), "") {
		require.NoError(t, err)
		if c.Kind == storage.Synced {
			run(t, other, "UPDATE pyro_names SET uri = '4' WHERE name = 'b'")
			run(t, other, "DELETE FROM pyro_metadata", "DELETE FROM pyro_names WHERE name = 'd'")
			run(t, other, "INSERT INTO pyro_names(name, uri) VALUES('f', '5')")
			told = map[string]bool{}
			continue
		}
		if told[c.Record.Name+c.Record.URI] = true; told["b4"] && told["d"] && told["f5"] {
			break // seen without a write
		}
	}
}

func TestTwoStoragesOnOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	one, two := start(t, path), start(t, path)
	for i, s := range []storage.Storage{one, two, one, two} {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: "last wins", URI: string(rune('0' + i))}, false))
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: string(rune('a' + i)), URI: "1"}, true))
		require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "2"}, true), storage.ErrExists)
	}
	require.Eventually(t, func() bool { return strings.Count(text(t, two), "\n") == 5 }, time.Minute, time.Millisecond)
	want := text(t, two)
	require.NoError(t, one.Close(), "which leaves the log to the other one")
	require.NoError(t, two.Put(t.Context(), storage.Record{Name: "last wins", URI: "3"}, false))
	require.NoError(t, two.Close())
	require.Equal(t, want, text(t, start(t, path)))
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
	run(t, foreign(t, path), "UPDATE pyro_names SET uri = '3'")
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "d", URI: "3"}, false))
	becomes(t, s,
		`{"name":"a","uri":"3","metadata":[]}`, `{"name":"b","uri":"2","metadata":[]}`,
		`{"name":"c","uri":"2","metadata":[]}`, `{"name":"d","uri":"3","metadata":[]}`,
	)
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

// Somebody brings back a backup with cp, while the storage has the file open: SQLite goes on with what is in its log and its
// memory, and names that were stored would be gone some time.
func TestAFileThatIsWrittenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s, err := Open(path)
	require.NoError(t, err)
	put := func(name string) error {
		return s.Put(t.Context(), storage.Record{Name: name, URI: "u"}, false)
	}
	require.NoError(t, put("a"))
	require.NoError(t, s.Close())
	backup, err := os.ReadFile(path)
	require.NoError(t, err)
	s, err = Open(path)
	require.NoError(t, err)
	for i := range 300 { // the log is copied to the file meanwhile
		require.NoError(t, put(fmt.Sprint("stored", i, strings.Repeat("x", 20_000))))
	}
	require.NoError(t, os.WriteFile(path, backup, 0o600))
	require.ErrorIs(t, put("b"), storage.ErrReplaced)
	require.Eventually(t, func() bool { return errors.Is(s.Behind(), storage.ErrReplaced) }, time.Minute, time.Millisecond)
	require.ErrorIs(t, put("b"), storage.ErrReplaced, "it stays so")
	n, err := s.Len(t.Context())
	require.NoError(t, err)
	require.Equal(t, 301, n)
	require.ErrorIs(t, s.Close(), storage.ErrReplaced)
}

// What is written to the file by nobody knows whom, but changes nothing, is no trouble.
func TestAFileThatIsTouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	put := func(name string) {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: name, URI: "u", Tags: []string{"t"}, Lease: time.Hour}, false))
	}
	for i := range 3 {
		put(fmt.Sprint("before", i))
		require.NoError(t, s.PutVolatile(storage.Record{Name: "volatile", URI: "u"}))
		soon := time.Now().Add(time.Duration(i) * time.Hour)
		require.NoError(t, os.Chtimes(path, soon, soon))
		put(fmt.Sprint("after", i))
	}
	require.NoError(t, s.Behind())
	run(t, foreign(t, path), "INSERT INTO pyro_names(name, uri) VALUES('theirs', 'u')")
	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)))
	put("last")
	require.Eventually(t, func() bool {
		_, err := s.Get(t.Context(), "theirs")
		return err == nil
	}, time.Minute, time.Millisecond)
}

// A program that is SQLite may move the tables, and make others.
func TestAFileThatIsTouchedAfterVacuum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "1"}, false))
	db := foreign(t, path)
	run(t, db, "DROP INDEX pyrokit_metadata", "VACUUM", "CREATE INDEX theirs ON pyro_names(uri)")
	run(t, db, "INSERT INTO pyro_names(name, uri) VALUES('theirs', '2')", "PRAGMA wal_checkpoint(TRUNCATE)")
	require.Eventually(t, func() bool { // a reread that began after the last change has ended
		_, err := s.Get(t.Context(), "theirs")
		return err == nil
	}, time.Minute, time.Millisecond)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "b", URI: "1"}, false))
	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)))
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "c", URI: "1"}, false))
}

// What cannot be looked at, for want of a file descriptor say, may be looked at later.
func TestAFileInDoubt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	f, err := openFile(path)
	require.NoError(t, err)
	require.NoError(t, f.Load(false, func(storage.Record) error { return nil }))
	trouble := errors.New("no descriptor left")
	f.Verify(func() error { return trouble })
	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)))
	_, err = f.Begin()
	require.ErrorIs(t, err, trouble)
	require.NotErrorIs(t, err, storage.ErrReplaced)
	trouble = nil
	_, err = f.Begin()
	require.NoError(t, err)
	f.Rollback()
	trouble = storage.ErrReplaced
	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Hour)))
	_, err = f.Begin()
	require.ErrorIs(t, err, storage.ErrReplaced)
	trouble = nil
	_, err = f.Begin()
	require.ErrorIs(t, err, storage.ErrReplaced, "it stays so")
	require.ErrorIs(t, f.Close(), storage.ErrReplaced)
}

// What is written to a log that was removed, nobody would find after a crash.
func TestALogThatIsRemoved(t *testing.T) {
	for _, end := range []string{"-wal", "-shm"} {
		path := filepath.Join(t.TempDir(), "names.db")
		s, err := Open(path)
		require.NoError(t, err)
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "1"}, false))
		require.NoError(t, os.Remove(path+end))
		err = s.Put(t.Context(), storage.Record{Name: "b", URI: "1"}, false)
		require.ErrorIs(t, err, storage.ErrReplaced)
		require.ErrorContains(t, err, path+end)
		require.ErrorIs(t, s.Close(), storage.ErrReplaced)
		becomes(t, start(t, path), `{"name":"a","uri":"1","metadata":[]}`)
	}
}

// SQLite would write behind the end of a log that was cut, and then copy the hole to the file.
func TestALogThatIsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "1"}, false))
	other := foreign(t, path)
	run(t, other, "PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, other.Close())
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "b", URI: "1"}, false))
	require.NoError(t, os.Truncate(path+"-wal", 0))
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "c", URI: "1"}, false), storage.ErrReplaced)
	n, err := s.Len(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.ErrorIs(t, s.Close(), storage.ErrReplaced)
	becomes(t, start(t, path), `{"name":"a","uri":"1","metadata":[]}`)
}

// Another process that is killed in a checkpoint has copied some pages of the log, and noted none of them.
func TestAFileWithHalfACheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	for i := range 100 {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: fmt.Sprint("stored", i), URI: "u"}, false))
	}
	copyPages(t, path, func(n int) bool { return n%2 == 0 })
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "more", URI: "u"}, false))
	require.NoError(t, s.Behind())
	require.NoError(t, s.Close())
	s = start(t, path)
	n, err := s.Len(t.Context())
	require.NoError(t, err)
	require.Equal(t, 101, n)
}

// copyPages copies to a file the newest of each page in its log that is wanted, as a checkpoint does,
// https://www.sqlite.org/fileformat2.html#walformat.
func copyPages(t *testing.T, path string, wanted func(page int) bool) {
	t.Helper()
	log, err := os.ReadFile(path + "-wal")
	require.NoError(t, err)
	const header, frameHeader = 32, 24
	size := int(binary.BigEndian.Uint32(log[8:]))
	salt := log[16:24]
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	copied := 0
	for at := header; at+frameHeader+size <= len(log) && bytes.Equal(log[at+8:at+16], salt); at += frameHeader + size {
		page := int(binary.BigEndian.Uint32(log[at:]))
		if !wanted(page) {
			continue
		}
		_, err := file.WriteAt(log[at+frameHeader:at+frameHeader+size], int64(page-1)*int64(size))
		require.NoError(t, err)
		copied++
	}
	require.Positive(t, copied)
	require.NoError(t, file.Sync())
	// Closed by this process, it would lose the locks that SQLite has on it.
	t.Cleanup(func() { _ = file.Close() })
}

// A checkpoint writes to the file, too, whoever does it and however long after the commit.
func TestOthersCopyTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	db := foreign(t, path)
	run(t, db, "PRAGMA wal_autocheckpoint = 0")
	for i := range 5 {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: fmt.Sprint("mine", i), URI: "u"}, false))
		run(t, db, fmt.Sprintf("INSERT INTO pyro_names(name, uri) VALUES('theirs%d', 'u')", i))
		require.Eventually(t, func() bool {
			_, err := s.Get(t.Context(), fmt.Sprint("theirs", i))
			return err == nil
		}, time.Minute, time.Millisecond)
		run(t, db, "PRAGMA wal_checkpoint(PASSIVE)")
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: fmt.Sprint("more", i), URI: "u"}, false))
		run(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "last", URI: "u"}, false))
	require.NoError(t, s.Behind())
}

// TestAnotherFileIsNotRead: what is read beside the writer, with a connection of its own, is the file that was opened.
func TestAnotherFileIsNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	f, err := openFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Rename(path, path+".old"))
	require.ErrorIs(t, f.Names(t.Context(), errors.New), storage.ErrReplaced)
	require.NoFileExists(t, path)
	require.NoError(t, start(t, path).Put(t.Context(), storage.Record{Name: "another's"}, false))
	require.ErrorIs(t, f.Names(t.Context(), errors.New), storage.ErrReplaced)
	require.ErrorIs(t, f.Close(), storage.ErrReplaced)
}

// limited opens a storage after queries in its connection.
func limited(t *testing.T, path string, queries ...string) *Storage {
	t.Helper()
	f, err := openFile(path)
	require.NoError(t, err)
	for _, q := range queries {
		require.NoError(t, f.Query(q, func(*sql.Rows) error { return nil }))
	}
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
	run(t, other, "BEGIN IMMEDIATE")
	check(storage.ErrLocked)
	_, err := s.Remove(t.Context(), []string{"a"}, nil)
	require.ErrorIs(t, err, storage.ErrLocked)
	require.ErrorIs(t, s.SetTags(t.Context(), "a", nil), storage.ErrLocked)
	run(t, other, "ROLLBACK")
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

// The write-ahead log may have what room there was: it gives it back before the next write.
func TestTheLogGivesRoomBackOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := limited(t, path, "PRAGMA max_page_count = 100")
	for n := range 20 {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: strconv.Itoa(n)}, false))
	}
	logged := func() int64 {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	before := logged()
	require.Greater(t, before, int64(20*4096))
	long := storage.Record{Name: "b", URI: strings.Repeat("u", 1<<20)}
	require.ErrorIs(t, s.Put(t.Context(), long, false), storage.ErrFull)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "last"}, false))
	require.Less(t, logged(), before)
	require.NoError(t, s.Close())
	becomes(t, start(t, path), `{"name":"a","uri":"last","metadata":[]}`)
}

func TestWhatIsNoTextIsLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	run(t, foreign(t, path), pyroNames, pyroMetadata, "INSERT INTO pyro_names(name, uri) VALUES('a', '1'), (x'ff', '2'), (CAST(x'fe' AS TEXT), '3')")
	s := start(t, path)
	becomes(t, s, `{"name":"a","uri":"1","metadata":[]}`)
	run(t, foreign(t, path), "UPDATE pyro_names SET uri = '4' WHERE name = 'a'", "INSERT INTO pyro_names(name, uri) VALUES('b', x'ff')")
	becomes(t, s, `{"name":"a","uri":"4","metadata":[]}`)
}

// A file that was removed while it was open leaves its log to the next one of its name.
func TestALogOfARemovedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	old := start(t, path)
	require.NoError(t, old.Put(t.Context(), storage.Record{Name: "old", URI: "1"}, false))
	next := filepath.Join(t.TempDir(), "names.db")
	for _, end := range []string{"-wal", "-shm"} {
		left, err := os.ReadFile(path + end)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(next+end, left, 0o600))
	}
	s := start(t, next)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "new", URI: "1"}, false))
	require.NoError(t, s.Close())
	becomes(t, start(t, next), `{"name":"new","uri":"1","metadata":[]}`)
}

func TestManyOpenANewFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	const many = 6
	opened := make(chan *Storage, many)
	for range many {
		go func() {
			s, err := Open(path)
			if err != nil {
				t.Error(err)
			}
			opened <- s
		}()
	}
	for i := range many {
		s := <-opened
		require.NotNil(t, s)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: strconv.Itoa(i), URI: "1", Lease: time.Hour}, true))
		adopted, err := s.Adopt(t.Context())
		require.NoError(t, err)
		require.Empty(t, adopted)
	}
	require.Len(t, marks(t, path), many)
}

// More than one part of a file, changed in each.
func TestOthersChangeMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	const many = 3*part + 5
	var records []storage.Record
	for i := range many {
		records = append(records, storage.Record{Name: fmt.Sprintf("n%06d", i), URI: "1", Tags: []string{"x", "y"}})
	}
	require.NoError(t, s.PutAll(t.Context(), records))
	run(t, foreign(t, path),
		"DELETE FROM pyro_names WHERE id % 1000 = 1",
		"UPDATE pyro_names SET uri = '2' WHERE id % 1000 = 2",
		"INSERT INTO pyro_names(name, uri) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) SELECT 'new' || i, '3' FROM n",
	)
	want := map[string]int{"1": many - 31 - 31, "2": 31, "3": 5000}
	require.Eventually(t, func() bool {
		got := map[string]int{}
		for r := range s.Prefix(t.Context(), "") {
			got[r.URI]++
		}
		return maps.Equal(want, got)
	}, time.Minute, time.Millisecond)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "n000003", URI: "4"}, false))
}

// TestManyCloseAtOnce: one of them is the last one, and leaves FILE alone.
func TestManyCloseAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	closed := make(chan error)
	all := []*Storage{start(t, path), start(t, path), start(t, path)}
	require.NoError(t, all[0].Put(t.Context(), storage.Record{Name: "a", URI: "1"}, false))
	for _, s := range all {
		go func() { closed <- s.Close() }()
	}
	for range all {
		require.NoError(t, <-closed)
	}
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, files)
}
