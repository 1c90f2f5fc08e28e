package dbm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/indexed"
)

// Storage is a storage in a dbm file: a storage.Storage, a storage.Batch, a storage.Immediate, a storage.Seeker and
// a storage.Volatile.
type Storage = indexed.Storage

// Open opens a dbm file by the name that Python knows it by, or makes a new one. Errors are those of package storage, and
// *ForeignError.
func Open(path string) (*Storage, error) {
	kind, err := Which(path)
	if err != nil {
		return nil, err
	}
	var file indexed.File
	switch kind {
	case Dumb, None:
		file, err = openDumb(path)
	case SQLite3:
		file, err = openSQLite(path)
	case GNU, NDBM:
		err = foreign(path, kind)
	}
	if err != nil {
		return nil, err
	}
	return indexed.Open(file, indexed.Limits{NoTags: true, NoLeases: true})
}

// A Kind is a module of Python's dbm.
type Kind string

// The kinds of files.
const (
	None    Kind = "" // there is no file
	Dumb    Kind = "dbm.dumb"
	SQLite3 Kind = "dbm.sqlite3"
	GNU     Kind = "dbm.gnu"
	NDBM    Kind = "dbm.ndbm"
)

// A ForeignError is the error for a kind of file that only Python can read.
type ForeignError struct {
	Path string // as the module of Kind opens it
	Kind Kind
}

// foreign returns the error for a file. What gdbm writes for dbm.ndbm, FILE.pag and FILE.dir, is known to Debian's dbm.ndbm as
// nothing, which is Berkeley DB's; FILE.pag is one of dbm.gnu by itself.
func foreign(path string, kind Kind) error {
	if start, err := begin(path + ".pag"); err == nil && kind == NDBM && isGNU(start) {
		return &ForeignError{Path: path + ".pag", Kind: GNU}
	}
	return &ForeignError{Path: path, Kind: kind}
}

func (e *ForeignError) Error() string {
	with := ""
	switch e.Kind {
	case GNU:
		with = " (Debian's has it with the package python3-gdbm)"
	case NDBM:
		with = " (Debian's has it)"
	}
	return fmt.Sprintf("%s is a file of Python's %s, which only a Python with this module reads%s: convert it with `%s > names.jsonl`, "+
		"then give the names to a name server with `pyroctl ns import names.jsonl`", e.Path, e.Kind, with, e.Command())
}

// Is makes it a storage.ErrFormat.
func (e *ForeignError) Is(target error) bool { return target == storage.ErrFormat }

// Command is what writes the names as JSON lines, see storage.ReadRecords, for a shell. It asks for the module by its name:
// where that is not there, dbm.open would say that the file is not.
func (e *ForeignError) Command() string {
	const program = `import %[1]s, json, sys; db = %[1]s.open(sys.argv[1]); ` +
		`[print(json.dumps({"name": k.decode(), "uri": db[k].decode(), "metadata": []})) for k in db.keys()]`
	return "python3 -c '" + fmt.Sprintf(program, e.Kind) + "' '" + strings.ReplaceAll(e.Path, "'", `'\''`) + "'"
}

// Which tells the kind of a file by what Python looks at, too. A file that is none is a storage.ErrFormat.
func Which(path string) (Kind, error) {
	if exist(path+".pag", path+".dir") {
		return NDBM, nil
	}
	if start, err := begin(path + ".db"); err == nil && isBerkeley(start) {
		return NDBM, nil
	}
	switch start, err := begin(path + ".dir"); {
	case err == nil && exist(path+".dat") && (len(start) == 0 || start[0] == '\'' || start[0] == '"'):
		return Dumb, nil
	case err != nil && exist(path+".dat"):
		// Python's dumb has FILE.bak while it writes FILE.dir anew. Going on would forget all names.
		return None, fmt.Errorf("%w (if there is %s, that is what it was before: rename it)", err, path+".bak")
	}
	start, err := begin(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && exist(path+".dir") && !isEmpty(path+".dir"):
		return None, fmt.Errorf("%s.dir: %w: no kind of dbm has it like that", path, storage.ErrFormat)
	case errors.Is(err, fs.ErrNotExist):
		return None, nil
	case err != nil:
		return None, err
	case bytes.HasPrefix(start, []byte("SQLite format 3\x00")):
		return SQLite3, nil
	case isGNU(start):
		return GNU, nil
	}
	if whole := partOf(path); whole != "" {
		return None, fmt.Errorf("%s: %w: a part of the dbm %s, which is named without the ending", path, storage.ErrFormat, whole)
	}
	return None, fmt.Errorf("%s: %w: no kind of dbm", path, storage.ErrFormat)
}

// endings are those of the files that the kinds are made of.
var endings = map[Kind][]string{Dumb: {".dat", ".dir", ".bak"}, NDBM: {".db", ".pag", ".dir"}}

// partOf returns the name of the dbm that a file is a part of; empty if there is none.
func partOf(path string) string {
	ending := filepath.Ext(path)
	whole := strings.TrimSuffix(path, ending)
	if ending == "" {
		return ""
	}
	if kind, err := Which(whole); err != nil || !slices.Contains(endings[kind], ending) {
		return ""
	}
	return whole
}

func exist(paths ...string) bool {
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == 0
}

// begin returns the first bytes of a file.
func begin(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, 16))
}

// isGNU knows the magic numbers of gdbm, the old one, those for 32 and 64 bits, and those with a number of syncs.
func isGNU(start []byte) bool {
	return anyOrder(start, 0x13579acd, 0x13579ace, 0x13579acf, 0x13579ad0, 0x13579ad1)
}

// isBerkeley knows the magic numbers of Berkeley DB, hash and btree, of 1.85 and later ones.
func isBerkeley(start []byte) bool {
	const hash, btree = 0x061561, 0x053162
	return anyOrder(start, hash, btree) || len(start) >= 16 && anyOrder(start[12:], hash, btree)
}

// anyOrder tells whether data starts with one of numbers, of a machine of whichever kind.
func anyOrder(data []byte, numbers ...uint32) bool {
	if len(data) < 4 {
		return false
	}
	for _, n := range numbers {
		if binary.LittleEndian.Uint32(data) == n || binary.BigEndian.Uint32(data) == n {
			return true
		}
	}
	return false
}
