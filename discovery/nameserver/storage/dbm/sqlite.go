package dbm

import (
	"database/sql"
	"errors"
	"slices"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/indexed"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/sqlitefile"
)

// sqliteFile is a file of Python's dbm.sqlite3.
type sqliteFile struct {
	*sqlitefile.File
	put, remove *sqlitefile.Statement
}

var _ indexed.Verified = (*sqliteFile)(nil)

func openSQLite(path string) (*sqliteFile, error) {
	f := &sqliteFile{}
	var err error
	if f.File, err = sqlitefile.Open(path, checkDict); err != nil {
		return nil, err
	}
	if f.put, err = f.Prepare("REPLACE INTO Dict(key, value) VALUES(?, ?)"); err == nil {
		f.remove, err = f.Prepare("DELETE FROM Dict WHERE key = ?")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// checkDict refuses other SQLite files, those of sql:FILE for one.
func checkDict(f *sqlitefile.File) error {
	columns, err := f.Columns("Dict")
	if err != nil {
		return err
	}
	if !slices.Equal(columns, []string{"key", "value"}) {
		return f.Wrong("an SQLite file, but not one of Python's dbm; sql:FILE is what Pyro's name servers call others")
	}
	return nil
}

// Put stores a name and its URI, as blobs.
func (f *sqliteFile) Put(r storage.Record) error { return f.put.Exec([]byte(r.Name), []byte(r.URI)) }

// Remove removes a name.
func (f *sqliteFile) Remove(name string) error { return f.remove.Exec([]byte(name)) }

// Load yields all records, in the order of their names.
func (f *sqliteFile) Load(_ bool, yield func(storage.Record) error) error {
	return f.File.Load(func() error {
		return f.Query("SELECT key, value FROM Dict ORDER BY key", func(rows *sql.Rows) error {
			var r storage.Record
			if err := rows.Scan(&r.Name, &r.URI); err != nil {
				return err
			}
			if err := storage.CheckText(r); err != nil {
				return f.Wrong("%v", err)
			}
			return yield(r)
		})
	})
}
