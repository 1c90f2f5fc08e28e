package dbm_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // makes a file of Python 3.13

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/dbm"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/storagetest"
)

func open(t *testing.T, path string) *dbm.Storage {
	t.Helper()
	s, err := dbm.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// python313 makes an empty file as Python 3.13 does.
func python313(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "names")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("CREATE TABLE IF NOT EXISTS Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)")
	require.NoError(t, err)
	return path
}

func TestStorageDumb(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Storage {
		return open(t, filepath.Join(t.TempDir(), "names"))
	}, storagetest.NoTags())
}

func TestStorageSQLite3(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Storage { return open(t, python313(t)) }, storagetest.NoTags())
}

func TestWhatIsWrittenIsThereAgain(t *testing.T) {
	for kind, path := range map[dbm.Kind]string{dbm.Dumb: filepath.Join(t.TempDir(), "x"), dbm.SQLite3: python313(t)} {
		ctx := t.Context()
		s := open(t, path)
		odd := storage.Record{Name: "a'b\"c\\\n\x00é\u8336", URI: strings.Repeat("u", 1300)}
		require.NoError(t, s.PutAll(ctx, []storage.Record{odd, {Name: "b", URI: ""}, {Name: "c", URI: "1"}, {Name: "d", URI: "2"}}))
		require.NoError(t, s.Put(ctx, storage.Record{Name: "c", URI: "other"}, false))
		require.NoError(t, s.Put(ctx, storage.Record{Name: "leased", URI: "1", Lease: 1}, false))
		require.NoError(t, s.Put(ctx, storage.Record{Name: "d", URI: "2", Lease: 1}, false))
		require.NoError(t, s.Close())
		got, err := dbm.Which(path)
		require.NoError(t, err)
		require.Equal(t, kind, got)

		s = open(t, path)
		var text strings.Builder
		require.NoError(t, storage.WriteRecords(&text, s.Prefix(ctx, "")))
		require.NotContains(t, text.String(), "lease", "it would stay for ever")
		n, err := s.Len(ctx)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		r, err := s.Get(ctx, odd.Name)
		require.NoError(t, err)
		require.Equal(t, odd, r)
		r, err = s.Get(ctx, "c")
		require.NoError(t, err)
		require.Equal(t, "other", r.URI)
		require.NoError(t, s.Close())
	}
}

func TestDumbUsesRoomAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	s := open(t, path)
	for i := range 200 {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: strings.Repeat("x", 1+i%3*512)}, false))
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: "b", URI: strings.Repeat("y", 1+i%2*512)}, false))
		_, err := s.Remove(t.Context(), []string{"b"}, nil)
		require.NoError(t, err)
	}
	info, err := os.Stat(path + ".dat")
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(10*512))
}

func TestDumbFilesByOthers(t *testing.T) {
	for directory, want := range map[string]string{
		"'a', (0, 2)\n":                   "ab",
		"'a', (0, 2)\r\n'a', (2, 1)\n":    "c",
		"\"it's\", (1, 2)\n":              "bc",
		"'\\xe8\\x8c\\xb6', (0, 0)\n":     "",
		"'\xe8\\x8c\\xb6\\n\\\\', (0, 1)": "a",
		"'a', (1,  1)":                    "b",
		"'b', (0, 9)\n":                   "!line 1: the value of \"b\" lies behind the end",
		"'a', (0, 1)\n'b', (9, 0)\n":      "!line 2: the value of \"b\" lies behind the end",
		"'a', (0, 9223372036854775807)":   "!lies behind the end",
		"'a', (0, -1)":                    "!invalid syntax",
		"'a', (0)":                        "!line 1: not a key and the place of its value",
		"'a', 0, 1":                       "!not a key and the place of its value",
		"'a', (0, 1":                      "!not a key and the place of its value",
		"'a":                              "!a key does not end",
		"'a\\":                            "!a key does not end",
		"'a\\q', (0, 1)":                  "!unknown escape \\q in a key",
		"'a\\x1":                          "!unknown escape \\x in a key",
		"'a', (0, 1)\n\n'b', (0, 1)":      "!line 2: it does not begin with a key",
		"'\\xff', (0, 1)":                 "!not a text in UTF-8",
	} {
		path := filepath.Join(t.TempDir(), "names")
		write(t, path+".dat", "abc")
		write(t, path+".dir", directory)
		s, err := dbm.Open(path)
		if text, fails := strings.CutPrefix(want, "!"); fails {
			require.ErrorIs(t, err, storage.ErrFormat, "%q", directory)
			require.ErrorContains(t, err, text, "%q", directory)
			continue
		}
		require.NoError(t, err, "%q", directory)
		for r, err := range s.Prefix(t.Context(), "") {
			require.NoError(t, err)
			require.Equal(t, want, r.URI, "%q", directory)
		}
		require.NoError(t, s.Close())
	}
}

func TestDumbChangedByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	s := open(t, path)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "mine", URI: "1"}, false))
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "leased", URI: "1", Lease: 1}, false))
	others := func(text string) { // as Python does
		t.Helper()
		require.NoError(t, os.Rename(path+".dir", path+".bak"))
		write(t, path+".dir", text)
	}
	others("'theirs', (0, 1)\n")
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "theirs", URI: "1"}, true), storage.ErrExists)
	_, err := s.Get(t.Context(), "mine")
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = s.Get(t.Context(), "leased")
	require.NoError(t, err)
	added, err := os.OpenFile(path+".dir", os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = added.WriteString("'added', (0, 1)\n")
	require.NoError(t, errors.Join(err, added.Close()))
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "added", URI: "1"}, true), storage.ErrExists)
	require.NoError(t, os.Rename(path+".dir", path+".bak"))
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "x", URI: "1"}, true), storage.ErrReplaced)
	write(t, path+".dir", "oops")
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "x", URI: "1"}, true), storage.ErrFormat)
	others("")
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "x", URI: "1"}, true))
}

// What is written to a file of SQLite by nobody knows whom is no trouble as long as it changes nothing.
func TestSQLite3IsTouched(t *testing.T) {
	path := python313(t)
	backup, err := os.ReadFile(path)
	require.NoError(t, err)
	s, err := dbm.Open(path)
	require.NoError(t, err)
	put := func(name string, lease time.Duration) error {
		return s.Put(t.Context(), storage.Record{Name: name, URI: strings.Repeat("u", 1000), Lease: lease}, false)
	}
	for name := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyz", "") { // more than one page
		require.NoError(t, put(name, 0))
	}
	require.NoError(t, put("leased", time.Minute))
	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)))
	require.NoError(t, put("before", 0))

	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, errors.Join(err, db.Close()))
	require.NoError(t, put("after", 0)) // the log has only some pages now
	write(t, path, string(backup))
	require.ErrorIs(t, put("too late", 0), storage.ErrReplaced)
	require.ErrorIs(t, s.Close(), storage.ErrReplaced)
}

// Somebody brings back a backup with cp, while the storage has the file open.
func TestDumbIsWrittenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	s := open(t, path)
	put := func(name string) error {
		return s.Put(t.Context(), storage.Record{Name: name, URI: "1"}, false)
	}
	require.NoError(t, put("a"))
	before, err := os.ReadFile(path + ".dir")
	require.NoError(t, err)
	require.NoError(t, put("acknowledged"))
	write(t, path+".dir", string(before))
	require.ErrorIs(t, put("b"), storage.ErrReplaced)
	require.Eventually(t, func() bool { return errors.Is(s.Behind(), storage.ErrReplaced) }, time.Minute, time.Millisecond)
	require.ErrorIs(t, put("b"), storage.ErrReplaced)
	_, err = s.Get(t.Context(), "acknowledged")
	require.NoError(t, err)
}

func TestDumbIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	s := open(t, path)
	put := func() error { return s.Put(t.Context(), storage.Record{Name: "a", URI: "1"}, false) }
	require.NoError(t, os.Rename(path+".dat", path+".old"))
	require.ErrorIs(t, put(), storage.ErrReplaced)
	write(t, path+".dat", "another one")
	require.ErrorIs(t, put(), storage.ErrReplaced)
	require.NoError(t, os.Rename(path+".old", path+".dat"))
	require.NoError(t, put())
}

func TestDumbIsForOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	open(t, path)
	_, err := dbm.Open(path)
	require.ErrorIs(t, err, storage.ErrLocked)
}

// An empty FILE.dir does not say whose FILE.dat is.
func TestDumbLeavesWhatItDoesNotKnow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	theirs := strings.Repeat("precious", 100)
	write(t, path+".dat", theirs)
	write(t, path+".dir", "")
	s := open(t, path)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "1"}, false))
	require.NoError(t, s.Close())
	data, err := os.ReadFile(path + ".dat")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(data), theirs))
	r, err := open(t, path).Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "1", r.URI)
}

func TestFilesOfOthersAreLeftAsTheyAre(t *testing.T) {
	for _, files := range []map[string]string{
		{".dir": "'a', (0, 0)"}, {".dir": "binary", ".dat": "x"}, {".dir": "'a' is not", ".dat": "x"}, {"": "something else"},
	} {
		path := filepath.Join(t.TempDir(), "names")
		for end, text := range files {
			write(t, path+end, text)
		}
		_, err := dbm.Open(path)
		require.ErrorIs(t, err, storage.ErrFormat)
		left, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		require.Len(t, left, len(files), "%q", files)
		for end, text := range files {
			got, err := os.ReadFile(path + end)
			require.NoError(t, err)
			require.Equal(t, text, string(got))
		}
	}
}

func TestWhich(t *testing.T) {
	berkeley := strings.Repeat("\x00", 12) + "\x61\x15\x06\x00"
	for _, c := range []struct {
		files map[string]string
		want  dbm.Kind
		err   error
	}{
		{nil, dbm.None, nil},
		{map[string]string{".dir": "", ".dat": ""}, dbm.Dumb, nil},
		{map[string]string{".dir": "'a', (0, 0)", ".dat": ""}, dbm.Dumb, nil},
		{map[string]string{".dir": "", ".pag": ""}, dbm.NDBM, nil},
		{map[string]string{".db": berkeley}, dbm.NDBM, nil},
		{map[string]string{".db": "\x00\x06\x15\x61"}, dbm.NDBM, nil},
		{map[string]string{".db": "other"}, dbm.None, nil},
		{map[string]string{"": "\xce\x9a\x57\x13"}, dbm.GNU, nil},
		{map[string]string{"": "\x13\x57\x9a\xcf1234"}, dbm.GNU, nil},
		{map[string]string{"": "SQLite format 3\x00"}, dbm.SQLite3, nil},
		{map[string]string{"": ""}, dbm.None, storage.ErrFormat},
		{map[string]string{"": "something else"}, dbm.None, storage.ErrFormat},
		{map[string]string{".dat": "", ".bak": ""}, dbm.None, os.ErrNotExist},
		{map[string]string{".dir": "'a', (0, 0)"}, dbm.None, storage.ErrFormat},
		{map[string]string{".dir": "binary", ".dat": "x"}, dbm.None, storage.ErrFormat},
		{map[string]string{".dir": ""}, dbm.None, nil},
	} {
		path := filepath.Join(t.TempDir(), "names")
		for end, text := range c.files {
			write(t, path+end, text)
		}
		got, err := dbm.Which(path)
		require.ErrorIs(t, err, c.err)
		require.Equal(t, c.want, got, "%q", c.files)
	}
}

// The error for a file that only Python reads names it as its module opens it, whatever its name ends in.
func TestForeignKinds(t *testing.T) {
	for name, want := range map[string]dbm.ForeignError{
		"gnu.db":     {Path: "gnu.db", Kind: dbm.GNU},
		"berkeley":   {Path: "berkeley", Kind: dbm.NDBM},
		"compat":     {Path: "compat.pag", Kind: dbm.GNU},
		"compat.pag": {Path: "compat.pag", Kind: dbm.GNU},
	} {
		_, err := dbm.Open(filepath.Join("testdata", name))
		require.ErrorIs(t, err, storage.ErrFormat, name)
		want.Path = filepath.Join("testdata", want.Path)
		var foreign *dbm.ForeignError
		require.ErrorAs(t, err, &foreign, name)
		require.Equal(t, want, *foreign, name)
		require.ErrorContains(t, err, want.Path+" is a file of Python's "+string(want.Kind))
		require.ErrorContains(t, err, want.Command())
		require.Contains(t, want.Command(), "db = "+string(want.Kind)+".open(")
	}
	path := filepath.Join(t.TempDir(), "it's")
	write(t, path, "\xce\x9a\x57\x13")
	_, err := dbm.Open(path)
	require.ErrorContains(t, err, "python3-gdbm")
	require.ErrorContains(t, err, `it'\''s' > names.jsonl`)

	names := filepath.Join(t.TempDir(), "sql.db")
	db, err := sql.Open("sqlite", names)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("CREATE TABLE pyro_names (id integer)")
	require.NoError(t, err)
	_, err = dbm.Open(names)
	require.ErrorIs(t, err, storage.ErrFormat)
	require.ErrorContains(t, err, "sql:FILE")
}

// Who names one of the files that a dbm is made of is told its name.
func TestPartsOfADBM(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "dumb.dat"), "x")
	write(t, filepath.Join(dir, "dumb.dir"), "'a', (0, 1)")
	write(t, filepath.Join(dir, "dumb.bak"), "'a', (0, 1)")
	write(t, filepath.Join(dir, "dumb.db"), "nothing of it")
	write(t, filepath.Join(dir, "none.dat"), "x")
	for path, want := range map[string]string{
		filepath.Join(dir, "dumb.dat"):           filepath.Join(dir, "dumb"),
		filepath.Join(dir, "dumb.dir"):           filepath.Join(dir, "dumb"),
		filepath.Join(dir, "dumb.bak"):           filepath.Join(dir, "dumb"),
		filepath.Join(dir, "dumb.db"):            "",
		filepath.Join(dir, "none.dat"):           "",
		filepath.Join("testdata", "berkeley.db"): filepath.Join("testdata", "berkeley"),
		filepath.Join("testdata", "compat.dir"):  filepath.Join("testdata", "compat"),
	} {
		_, err := dbm.Open(path)
		require.ErrorIs(t, err, storage.ErrFormat, path)
		if want == "" {
			require.ErrorContains(t, err, "no kind of dbm", path)
			continue
		}
		require.ErrorContains(t, err, "a part of the dbm "+want+", which is named without the ending", path)
	}
}

func TestWhatACrashLeftGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names")
	write(t, path+".dir.new", "'a', (0,") // of one that was killed in the middle of a write
	s := open(t, path)
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "1"}, false))
	require.NoError(t, s.Close())
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path + ".dat", path + ".dir"}, left)
}
