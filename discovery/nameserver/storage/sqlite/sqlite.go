package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/indexed"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/sqlitefile"
)

// Storage is a storage in an SQLite file: a storage.Storage, and a storage.Batch, a storage.Immediate, a storage.Seeker,
// a storage.Sharer and a storage.Volatile.
type Storage = indexed.Storage

// Open opens the file of a name server of Pyro4, Pyro5 or pyrokit, or makes a new one. Errors are those of package
// storage: ErrLocked after five seconds, ErrReadOnly, ErrFull, ErrFormat, where the text says what is wrong.
func Open(path string) (*Storage, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return indexed.Open(f, indexed.Limits{})
}

// file is the names of a file, as indexed wants them.
type file struct {
	*sqlitefile.File
	put, clear, tag, lease, remove, get, since *sqlitefile.Statement

	latest int64  // the highest id when Latest was called last, or a transaction ended
	path   string // without symbolic links
	holder int64
	mark   *mark // nil where there was no room for it yet
}

var (
	_ indexed.Shared   = (*file)(nil)
	_ indexed.Verified = (*file)(nil)
)

func openFile(path string) (*file, error) {
	f := &file{holder: newHolder()}
	var err error
	if f.File, err = sqlitefile.Open(path, prepare); err != nil {
		return nil, err
	}
	if f.path, err = filepath.EvalSymlinks(path); err == nil {
		sweep(f.path)
		err = f.statements()
	}
	if err == nil {
		err = f.setMark()
	}
	if err != nil && !errors.Is(err, storage.ErrFull) {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// setMark has others see that this process is there.
func (f *file) setMark() (err error) {
	if f.mark == nil {
		f.mark, err = setMark(f.path, f.holder)
	}
	return err
}

// Begin begins a transaction.
func (f *file) Begin() (changed bool, err error) {
	if err := f.setMark(); err != nil { // the leases that are written would be taken for those of one who is gone
		return false, err
	}
	return f.File.Begin()
}

// Holder is what this process is called.
func (f *file) Holder() int64 { return f.holder }

// Gone tells whether another one does not have the file open any more.
func (f *file) Gone(holder int64) bool { return holder != f.holder && isGone(f.path, holder) }

// Close ends the mark last: until then, nobody else adopts leases.
func (f *file) Close() error {
	turn, noTurn := setMark(f.path, closer)
	err := f.File.Close()
	if noTurn == nil { // else it is closed all the same
		err = errors.Join(err, turn.remove())
	}
	if f.mark != nil {
		err = errors.Join(err, f.mark.remove())
	}
	return err
}

func (f *file) statements() error {
	const object = "(SELECT id FROM pyro_names WHERE name = ?)"
	for to, query := range map[**sqlitefile.Statement]string{
		&f.put:    "INSERT INTO pyro_names(name, uri) VALUES(?, ?)",
		&f.clear:  "DELETE FROM pyro_metadata WHERE object = " + object,
		&f.tag:    "INSERT INTO pyro_metadata(object, metadata) VALUES(" + object + ", ?)",
		&f.lease:  "INSERT INTO pyrokit_leases(object, nanoseconds, holder) VALUES(" + object + ", ?, ?)",
		&f.get:    records + "WHERE n.name = ?",
		&f.since:  recordsFrom,
		&f.remove: "DELETE FROM pyro_names WHERE name = ?", // the trigger ends its lease
	} {
		var err error
		if *to, err = f.Prepare(query); err != nil {
			return err
		}
	}
	return nil
}

// Put stores a record.
func (f *file) Put(r storage.Record) error {
	if err := f.Remove(r.Name); err != nil { // its tags and its lease, too
		return err
	}
	if err := f.put.Exec(r.Name, r.URI); err != nil {
		return err
	}
	for _, tag := range r.Tags {
		if err := f.tag.Exec(r.Name, tag); err != nil {
			return err
		}
	}
	if r.Lease == 0 {
		return nil
	}
	return f.lease.Exec(r.Name, int64(r.Lease), r.Holder)
}

// Remove removes a name.
func (f *file) Remove(name string) error {
	if err := f.clear.Exec(name); err != nil {
		return err
	}
	return f.remove.Exec(name)
}

const (
	// records is a row for each tag, and one for a name without tags.
	records = `SELECT n.id, n.name, n.uri, m.metadata, l.nanoseconds, l.holder FROM pyro_names n
		LEFT JOIN pyro_metadata m ON m.object = n.id
		LEFT JOIN pyrokit_leases l ON l.object = n.id
		`
	// recordsFrom is those of so many names from an id on.
	recordsFrom = records + "WHERE n.id IN (SELECT id FROM pyro_names WHERE id >= ? ORDER BY id LIMIT ?) ORDER BY n.id"
	// namesFrom is so many names from one on, in their order. What is no text comes after all texts.
	namesFrom = "SELECT name FROM pyro_names WHERE name >= ? AND name < x'' ORDER BY name LIMIT ?"
)

const (
	// latest is how many records are looked at that may be new.
	latest = 1000
	// part is how many are read in one query beside transactions. While it runs, the write-ahead log only grows.
	part = 10_000
)

// Get returns the record of a name.
func (f *file) Get(name string) (r storage.Record, known bool, err error) {
	from := reader{yield: func(found storage.Record) error {
		r, known = found, true
		return nil
	}}
	err = from.all(f.get.Query(from.row, name))
	return r, known, err
}

// Load yields all records.
func (f *file) Load(sorted bool, yield func(storage.Record) error) error {
	order := "ORDER BY n.id" // as they lie in the file
	if sorted {
		order = "ORDER BY n.name"
	}
	if err := f.highest(); err != nil {
		return err
	}
	return f.File.Load(func() error {
		from := reader{yield: yield}
		return from.all(f.Query(records+order, from.row))
	})
}

// Latest yields what has a new id: Pyro's name servers give a record another one whenever they change it, and the highest.
// The last one may be an old one that is another record now.
func (f *file) Latest(yield func(storage.Record) error) error {
	from := reader{yield: yield}
	if err := from.all(f.since.Query(from.row, f.latest, latest)); err != nil {
		return err
	}
	return f.highest()
}

// highest looks where the next call of Latest begins.
func (f *file) highest() error {
	return f.Query("SELECT coalesce(max(id), 0) FROM pyro_names", func(rows *sql.Rows) error { return rows.Scan(&f.latest) })
}

// Commit ends the transaction.
func (f *file) Commit() error {
	if err := f.highest(); err != nil {
		f.Rollback()
		return err
	}
	return f.File.Commit()
}

// Names yields all names, beside transactions: the index of names has all that it reads.
func (f *file) Names(ctx context.Context, yield func(string) error) error {
	return f.Beside(ctx, func(query sqlitefile.QueryFunc) error {
		next := ""
		for n := part; n == part; {
			n = 0
			err := query(namesFrom, func(row *sql.Rows) error {
				n++
				var name string
				if err := row.Scan(&name); err != nil {
					return err
				}
				next = name + "\x00" // the first one after it
				return yield(name)
			}, next, part)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Reread yields all records, beside transactions, as they lie in the file.
func (f *file) Reread(ctx context.Context, yield func(storage.Record) error) error {
	return f.Beside(ctx, func(query sqlitefile.QueryFunc) error {
		next := int64(math.MinInt64)
		for {
			from := reader{yield: yield}
			err := from.all(query(recordsFrom, from.row, next, part))
			if err != nil || from.records < part || from.id == math.MaxInt64 {
				return err
			}
			next = from.id + 1
		}
	})
}

// A reader makes records of rows. Those are left out that are no text: nobody could ask for them, or be answered.
type reader struct {
	yield          func(storage.Record) error
	records        int
	id             int64
	name, uri, tag sql.RawBytes
	r              storage.Record // that of id
}

// row reads a row: another record, or another tag.
func (f *reader) row(row *sql.Rows) error {
	var id int64
	var lease, holder sql.NullInt64
	if err := row.Scan(&id, &f.name, &f.uri, &f.tag, &lease, &holder); err != nil {
		return err
	}
	if f.records == 0 || id != f.id {
		if err := f.all(nil); err != nil {
			return err
		}
		f.records++
		f.id = id
		f.r = storage.Record{Name: string(f.name), URI: string(f.uri), Lease: time.Duration(max(0, lease.Int64))}
		if f.r.Lease > 0 {
			f.r.Holder = holder.Int64
		}
	}
	if f.tag != nil {
		f.r.Tags = append(f.r.Tags, string(f.tag))
	}
	return nil
}

// all yields the last record after all rows, unless they have ended with an error.
func (f *reader) all(err error) error {
	if err != nil || f.records == 0 || storage.CheckText(f.r) != nil {
		return err
	}
	return f.yield(finish(f.r))
}

// finish returns a record with all its tags.
func finish(r storage.Record) storage.Record {
	slices.Sort(r.Tags)
	r.Tags = slices.Compact(r.Tags)
	return r
}
