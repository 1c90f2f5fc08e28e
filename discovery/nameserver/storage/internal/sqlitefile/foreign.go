package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// lookBeside notes what SQLite has open beside the file, from now on until the last process closes the file.
func (f *File) lookBeside() error {
	const header = 24 // of a page in the log
	err := f.conn.QueryRowContext(context.Background(), "PRAGMA page_size").Scan(&f.logged)
	if err != nil {
		return f.failed(err)
	}
	f.logged += header
	if _, err := f.version(); err != nil { // this opens the log
		return err
	}
	f.beside = map[string]os.FileInfo{}
	for _, end := range []string{"-wal", "-shm"} {
		if is, err := os.Stat(f.path + end); err == nil {
			f.beside[end] = is
		}
	}
	return nil
}

// Verify has same asked, when something else than SQLite may have written to the file, whether what it has is still what was
// loaded and stored. Without it, no is assumed.
func (f *File) Verify(same func() error) { f.same = same }

// tables returns what the schema is and where each table and index begins.
func tables(query QueryFunc) (all string, err error) {
	const schema = "SELECT name || ' ' || rootpage || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY name"
	err = query(schema, func(row *sql.Rows) error {
		var one string
		err := row.Scan(&one)
		all += one + "\n"
		return err
	})
	return all, err
}

// written is what is to be seen of who has written to the file.
type written struct {
	info       os.FileInfo
	version    int64 // of the data, which commits of others change
	backfilled int64 // pages that checkpoints have copied from the log
	short      bool  // the log has less than was written to it
}

// written looks at the file first: it is written to before a checkpoint says so.
func (f *File) written() (now written, err error) {
	if now.info, err = os.Stat(f.path); err != nil {
		return now, err
	}
	if now.version, err = f.version(); err != nil {
		return now, err
	}
	if f.layout == "" || now.version != f.laidOut { // others may have made a table, or moved all of them
		if f.layout, err = tables(f.Query); err != nil {
			return now, err
		}
		f.laidOut = now.version
	}
	var busy, log int64
	err = f.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &log, &now.backfilled)
	if err != nil || f.beside["-wal"] == nil {
		return now, f.failed(err)
	}
	is, err := os.Stat(f.path + "-wal")
	now.short = err == nil && is.Size() < log*f.logged
	return now, err
}

// own notes that this process may have written to the file, as a commit does that copies what is in the log.
func (f *File) own() {
	if f.seen.info == nil { // it is being opened
		return
	}
	if now, err := f.written(); err == nil {
		f.seen = now
	}
}

func sameContent(a, b os.FileInfo) bool {
	return a != nil && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// untouched returns an error if the file is another one, or was written to by what is not SQLite, as cp does that puts a
// backup in its place: SQLite takes what was there before and what is there now for one file.
func (f *File) untouched() error {
	if err := f.there(); err != nil || f.foreign != nil {
		return errors.Join(err, f.foreign)
	}
	for range checkpointing / lookAgain {
		now, err := f.written()
		if err != nil {
			return f.doubted(err)
		}
		known := sameContent(now.info, f.seen.info) || now.version != f.seen.version || now.backfilled != f.seen.backfilled
		if known && !now.short {
			f.seen = now
			return nil
		}
		time.Sleep(lookAgain) // somebody else may be in a checkpoint
	}
	now, err := f.unharmed()
	if err != nil {
		return f.doubted(err)
	}
	f.seen = now
	return nil
}

// doubted returns the error for a file of which it could not be found out whether it is what it was. Where it surely is not,
// it stays so.
func (f *File) doubted(err error) error {
	if !errors.Is(err, storage.ErrReplaced) && !errors.Is(err, storage.ErrFormat) {
		return err
	}
	f.foreign = fmt.Errorf("%s: %w: a program that is not SQLite has written over it", f.path, storage.ErrReplaced)
	if !errors.Is(err, storage.ErrReplaced) {
		f.foreign = errors.Join(f.foreign, err)
	}
	return f.foreign
}

// unharmed returns an error unless a file that was written to by nobody knows whom holds what it should: touch changes no
// content, and what a process had copied that was killed in a checkpoint is in the log, too.
func (f *File) unharmed() (now written, err error) {
	if now, err = f.written(); err != nil {
		return now, err
	}
	if f.same == nil || now.short {
		return now, storage.ErrReplaced
	}
	if err := f.Exec("PRAGMA shrink_memory"); err != nil { // what the connection remembers may be elsewhere now
		return now, err
	}
	if err := f.Beside(context.Background(), f.sound); err != nil {
		return now, err
	}
	if now.version != f.loaded { // what others have committed is not known yet
		return now, nil
	}
	loaded := f.loaded
	differs := f.same()
	f.loaded = loaded // it was only compared
	if differs == nil {
		return now, nil
	}
	later, err := f.written()
	if err == nil && later.version == now.version {
		err = differs
	}
	return later, err
}

// sound returns an error unless the tables are whole, and where they were.
func (f *File) sound(query QueryFunc) error {
	layout, err := tables(query)
	if err != nil {
		return err
	}
	if layout != f.layout {
		return storage.ErrReplaced
	}
	return query("PRAGMA quick_check(1)", func(row *sql.Rows) error {
		var found string
		if err := row.Scan(&found); err != nil || found == "ok" {
			return err
		}
		return storage.ErrReplaced
	})
}

const (
	checkpointing = time.Second // how long others need, of a log of some megabytes
	lookAgain     = 20 * time.Millisecond
)

// there returns an error if the file, or one of those beside it, is not the one any more that was opened: what is written to
// a log that was removed is gone with the last process that has it open.
func (f *File) there() error {
	if err := stillThere(f.path, f.is); err != nil {
		return err
	}
	for end, is := range f.beside {
		if err := stillThere(f.path+end, is); err != nil {
			return err
		}
	}
	return nil
}

func stillThere(path string, opened os.FileInfo) error {
	if is, err := os.Stat(path); err != nil || !os.SameFile(is, opened) {
		return fmt.Errorf("%s: %w", path, storage.ErrReplaced)
	}
	return nil
}
