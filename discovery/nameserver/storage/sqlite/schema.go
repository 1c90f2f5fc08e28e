package sqlite

import (
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/internal/sqlitefile"
)

// The tables of Pyro4 and Pyro5.
const (
	pyroNames = `CREATE TABLE pyro_names (
		id integer PRIMARY KEY,
		name nvarchar NOT NULL UNIQUE,
		uri nvarchar NOT NULL
	)`
	pyroMetadata = `CREATE TABLE pyro_metadata (
		object integer NOT NULL,
		metadata nvarchar NOT NULL,
		FOREIGN KEY(object) REFERENCES pyro_names(id)
	)`
)

// additions is what Python's servers do without and do not mind.
var additions = []string{
	// Without it, a change of one name reads the tags of all.
	`CREATE INDEX IF NOT EXISTS pyrokit_metadata ON pyro_metadata(object, metadata)`,
	// SQLite gives the id of a removed name to the next one: its lease must be gone by then.
	`CREATE TABLE IF NOT EXISTS pyrokit_leases (object integer PRIMARY KEY, nanoseconds integer NOT NULL)`,
	`CREATE TRIGGER IF NOT EXISTS pyrokit_removed AFTER DELETE ON pyro_names
		BEGIN DELETE FROM pyrokit_leases WHERE object = OLD.id; END`,
}

// prepare makes the tables that are missing.
func prepare(f *sqlitefile.File) error {
	for _, change := range []func(*sqlitefile.File) error{prepareNames, prepareMetadata, prepareAdditions} {
		if err := change(f); err != nil {
			return err
		}
	}
	return nil
}

func prepareNames(f *sqlitefile.File) error {
	// In another one, the order of names is not that of their bytes.
	encoding, err := f.Text("PRAGMA encoding")
	if err == nil && encoding != "UTF-8" {
		err = f.Wrong("its texts are in %s, not UTF-8", encoding)
	}
	if err != nil {
		return err
	}
	found, err := hasTable(f, "pyro_names", "name", "uri")
	if err != nil || found {
		return err
	}
	return f.Exec(pyroNames)
}

// prepareMetadata makes the table of tags. A file that has none is older than tags: its names are copied as Pyro does, for
// they may have no id.
func prepareMetadata(f *sqlitefile.File) error {
	found, err := hasTable(f, "pyro_metadata", "object", "metadata")
	if err != nil || found {
		return err
	}
	for _, change := range []string{
		"ALTER TABLE pyro_names RENAME TO pyro_names_old",
		pyroNames,
		pyroMetadata,
		"INSERT INTO pyro_names(name, uri) SELECT name, uri FROM pyro_names_old",
		"DROP TABLE pyro_names_old",
	} {
		if err := f.Exec(change); err != nil {
			return err
		}
	}
	return nil
}

func prepareAdditions(f *sqlitefile.File) error {
	if found, err := hasTable(f, "pyro_names", "id", "name", "uri"); err != nil || !found {
		return err
	}
	for _, change := range additions {
		if err := f.Exec(change); err != nil {
			return err
		}
	}
	_, err := hasTable(f, "pyrokit_leases", "object", "nanoseconds")
	return err
}

// hasTable tells whether a table is there; without one of the columns it is another one, and an error.
func hasTable(f *sqlitefile.File, table string, columns ...string) (bool, error) {
	found, err := f.Columns(table)
	if err != nil || len(found) == 0 {
		return false, err
	}
	for _, c := range columns {
		if !slices.Contains(found, c) {
			return true, f.Wrong("the table %s has the columns %s, not %s", table, strings.Join(found, ", "), c)
		}
	}
	return true, nil
}
