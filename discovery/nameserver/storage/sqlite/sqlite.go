package sqlite

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/indexed"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/sqlitefile"
)

// Storage is a storage in an SQLite file.
type Storage = indexed.Storage

// Open opens the file of a name server of Pyro4, Pyro5 or pyrokit, or makes a new one. Errors are those of package
// storage: ErrLocked after five seconds, ErrReadOnly, ErrFull, ErrFormat, where the text says what is wrong.
func Open(path string) (*Storage, error) {
	f := &file{}
	var err error
	if f.File, err = sqlitefile.Open(path, prepare); err != nil {
		return nil, err
	}
	if err := f.statements(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return indexed.Open(f, indexed.Limits{})
}

// file is the names of a file, as indexed wants them.
type file struct {
	*sqlitefile.File
	put, clear, tag, lease, remove *sqlitefile.Statement
}

var _ indexed.File = (*file)(nil)

func (f *file) statements() error {
	const object = "(SELECT id FROM pyro_names WHERE name = ?)"
	for to, query := range map[**sqlitefile.Statement]string{
		&f.put:    "INSERT INTO pyro_names(name, uri) VALUES(?, ?)",
		&f.clear:  "DELETE FROM pyro_metadata WHERE object = " + object,
		&f.tag:    "INSERT INTO pyro_metadata(object, metadata) VALUES(" + object + ", ?)",
		&f.lease:  "INSERT INTO pyrokit_leases(object, nanoseconds) VALUES(" + object + ", ?)",
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
	return f.lease.Exec(r.Name, int64(r.Lease))
}

// Remove removes a name.
func (f *file) Remove(name string) error {
	if err := f.clear.Exec(name); err != nil {
		return err
	}
	return f.remove.Exec(name)
}

// Load yields all records.
func (f *file) Load(sorted bool, yield func(storage.Record) error) error {
	order := "n.id" // as they lie in the file
	if sorted {
		order = "n.name"
	}
	return f.File.Load(func() error { return f.load(order, yield) })
}

func (f *file) load(order string, yield func(storage.Record) error) error {
	// A row for each tag, and one for a name without tags.
	const query = `SELECT n.name, n.uri, m.metadata, l.nanoseconds FROM pyro_names n
		LEFT JOIN pyro_metadata m ON m.object = n.id
		LEFT JOIN pyrokit_leases l ON l.object = n.id
		ORDER BY `
	var r storage.Record
	var name, uri, tag sql.RawBytes
	some := false
	err := f.Query(query+order, func(rows *sql.Rows) error {
		var lease sql.NullInt64
		if err := rows.Scan(&name, &uri, &tag, &lease); err != nil {
			return err
		}
		if !some || string(name) != r.Name {
			if some {
				if err := yield(finish(r)); err != nil {
					return err
				}
			}
			some = true
			r = storage.Record{Name: string(name), URI: string(uri), Lease: time.Duration(max(0, lease.Int64))}
		}
		if tag != nil {
			r.Tags = append(r.Tags, string(tag))
		}
		return nil
	})
	if err != nil || !some {
		return err
	}
	return yield(finish(r))
}

// finish returns a record with all its tags.
func finish(r storage.Record) storage.Record {
	slices.Sort(r.Tags)
	r.Tags = slices.Compact(r.Tags)
	return r
}
