package sqlite

import (
	"database/sql"
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
	`CREATE TABLE IF NOT EXISTS pyrokit_leases (object integer PRIMARY KEY, nanoseconds integer NOT NULL,
		holder integer NOT NULL DEFAULT 0)`,
	`CREATE TRIGGER IF NOT EXISTS pyrokit_removed AFTER DELETE ON pyro_names
		BEGIN DELETE FROM pyrokit_leases WHERE object = OLD.id; END`,
}

// prepare makes the tables that are missing, in a file of Pyro's or an empty one.
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
	if err != nil {
		return err
	}
	if !found {
		if err := isNobodys(f); err != nil {
			return err
		}
		return f.Exec(pyroNames)
	}
	const unique = `SELECT count(*) FROM pragma_index_list('pyro_names') l WHERE l."unique" AND NOT l.partial
		AND (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) = 'name'`
	return need(f, unique, "the table pyro_names may have a name twice")
}

// need refuses a file where a query has 0.
func need(f *sqlitefile.File, query, otherwise string) error {
	n, err := f.Text(query)
	if err == nil && n == "0" {
		err = f.Wrong("%s", otherwise)
	}
	return err
}

// isNobodys refuses a file that another program uses: Python's name servers make their tables in any.
func isNobodys(f *sqlitefile.File) error {
	tables, err := f.Tables()
	if err != nil {
		return err
	}
	if len(tables) > 0 {
		more := ""
		if some := 5; len(tables) > some {
			tables, more = tables[:some], ", ..."
		}
		return f.Wrong("it has other tables (%s%s), but not pyro_names: it is another program's", strings.Join(tables, ", "), more)
	}
	for _, pragma := range []string{"application_id", "user_version"} {
		n, err := f.Text("PRAGMA " + pragma)
		if err != nil {
			return err
		}
		if n != "0" {
			return f.Wrong("its %s is %s, and it has no table pyro_names: it is another program's", pragma, n)
		}
	}
	return nil
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
	if _, err := hasTable(f, "pyro_names", "id", "name", "uri"); err != nil {
		return err
	}
	const key = `SELECT count(*) FROM pragma_table_info('pyro_names') WHERE name = 'id' AND pk = 1 AND upper(type) = 'INTEGER'`
	if err := need(f, key, "the table pyro_names has an id that is not its key"); err != nil {
		return err
	}
	found, err := hasTable(f, "pyrokit_leases", "object", "nanoseconds")
	if err != nil {
		return err
	}
	columns, err := f.Columns("pyrokit_leases")
	if err != nil {
		return err
	}
	if found && !slices.Contains(columns, "holder") { // of a version that knew no holders
		if err := f.Exec("ALTER TABLE pyrokit_leases ADD COLUMN holder integer NOT NULL DEFAULT 0"); err != nil {
			return err
		}
	}
	for _, change := range additions {
		if err := f.Exec(change); err != nil {
			return err
		}
	}
	return nil
}

// hasTable tells whether a table is there. One that has other columns, or one more that has to be given, is another one, and
// an error.
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
	const needed = `SELECT name FROM pragma_table_info(?) WHERE "notnull" AND dflt_value IS NULL AND NOT pk`
	return true, f.Query(needed, func(rows *sql.Rows) error {
		var name string
		if err := rows.Scan(&name); err != nil || slices.Contains(columns, name) {
			return err
		}
		return f.Wrong("the table %s has the column %s, which has to be given", table, name)
	}, table)
}
