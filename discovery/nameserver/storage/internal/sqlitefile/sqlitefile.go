package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"modernc.org/sqlite"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// patience is how long one waits for others that have locked the file.
const patience = 5 * time.Second

// A File is an open SQLite file. One goroutine at a time uses it, Beside aside.
type File struct {
	path   string
	is     os.FileInfo            // of the file that was opened
	beside map[string]os.FileInfo // what SQLite has open beside it, by the end of the name; none without a write-ahead log
	logged int64                  // bytes that a page takes in the log
	db     *sql.DB
	conn   *sql.Conn // that of all methods but Beside: what SQLite tells of changes by others is told to a connection
	loaded int64     // PRAGMA data_version before the last Load

	seen    written      // when it was looked at last
	same    func() error // see Verify
	layout  string       // where the tables are
	laidOut int64        // the version of the data that has this layout
	foreign error        // that something else than SQLite has written to the file; it stays so

	full atomic.Bool // the last thing that was written could not be, for want of room perhaps

	statements []*sql.Stmt
}

// Open opens a file, or makes a new one. prepare, in a transaction, checks the tables and makes those that are missing.
// From then on, until Close, the file has a write-ahead log, and what is committed is on the disk.
func Open(path string, prepare func(*File) error) (*File, error) {
	if path == "" || path == ":memory:" {
		return nil, fmt.Errorf("%q is no file for SQLite: use the storage \"memory\"", path)
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	whole = filepath.ToSlash(whole)
	name := url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(whole, "/")}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(0) // one that Beside has left would have the file open
	f := &File{path: path, db: db}
	if err := f.open(prepare); err != nil {
		return nil, errors.Join(err, f.release())
	}
	return f, nil
}

func (f *File) open(prepare func(*File) error) (err error) {
	if f.conn, err = f.db.Conn(context.Background()); err != nil {
		return f.failed(err)
	}
	if err := f.busyTimeout(context.Background(), f.conn); err != nil {
		return err
	}
	if err := f.begin(); err != nil {
		return err
	}
	if err := prepare(f); err != nil {
		f.Rollback()
		return err
	}
	if err := f.Commit(); err != nil {
		return err
	}
	if f.is, err = os.Stat(f.path); err != nil {
		return err
	}
	err = f.journal("wal", patience)
	if err == nil {
		err = f.lookBeside()
	}
	// Where there is no room for a log, what is there can be read, and writing may become possible.
	if err != nil && !errors.Is(err, storage.ErrFull) {
		return err
	}
	if err := f.Exec("PRAGMA synchronous = FULL"); err != nil {
		return err
	}
	f.seen, err = f.written()
	return err
}

// journal sets the kind of journal. SQLite does not wait for others here.
func (f *File) journal(mode string, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		got, err := f.Text("PRAGMA journal_mode = " + mode)
		if err == nil && got != mode {
			return f.wrong(storage.ErrFormat, fmt.Sprintf("its journal stays %s, wanted %s", got, mode))
		}
		if err == nil || !errors.Is(err, storage.ErrLocked) || time.Now().After(deadline) {
			return err
		}
	}
}

// Text returns the one value that a query has.
func (f *File) Text(query string) (text string, err error) {
	err = f.conn.QueryRowContext(context.Background(), query).Scan(&text)
	return text, f.failed(err)
}

// Exec runs a statement.
func (f *File) Exec(query string, args ...any) error {
	_, err := f.conn.ExecContext(context.Background(), query, args...)
	return f.failed(err)
}

// Tables returns the names of all tables and views but SQLite's own.
func (f *File) Tables() (names []string, err error) {
	const query = `SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'`
	err = f.Query(query, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// Prepare makes a statement that is run many times. It ends with the file.
func (f *File) Prepare(query string) (*Statement, error) {
	s, err := f.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, f.failed(err)
	}
	f.statements = append(f.statements, s)
	return &Statement{file: f, stmt: s}, nil
}

// A Statement is a prepared one.
type Statement struct {
	file *File
	stmt *sql.Stmt
}

// Query calls each for every row.
func (s *Statement) Query(each func(*sql.Rows) error, args ...any) error {
	rows, err := s.stmt.QueryContext(context.Background(), args...)
	return s.file.each(rows, err, each)
}

// Exec runs it.
func (s *Statement) Exec(args ...any) error {
	_, err := s.stmt.ExecContext(context.Background(), args...)
	return s.file.failed(err)
}

// Columns returns the names of a table's columns; none, when there is no such table.
func (f *File) Columns(table string) (names []string, err error) {
	err = f.Query("SELECT name FROM pragma_table_info(?)", func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}, table)
	return names, err
}

// Query calls each for every row.
func (f *File) Query(query string, each func(*sql.Rows) error, args ...any) error {
	return f.rows(context.Background(), f.conn, query, each, args...)
}

// A QueryFunc calls each for every row.
type QueryFunc func(query string, each func(*sql.Rows) error, args ...any) error

// Beside calls do with what queries the file for another goroutine, until ctx ends, whatever transactions go on; each
// query sees what is there at its beginning. It has to have returned before Close.
func (f *File) Beside(ctx context.Context, do func(QueryFunc) error) (err error) {
	if err := f.there(); err != nil { // SQLite would open the other one, or make one
		return err
	}
	conn, err := f.db.Conn(ctx)
	if err != nil {
		return f.failed(err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := f.busyTimeout(ctx, conn); err != nil {
		return err
	}
	return do(func(query string, each func(*sql.Rows) error, args ...any) error {
		return f.rows(ctx, conn, query, each, args...)
	})
}

func (f *File) busyTimeout(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", patience.Milliseconds()))
	return f.failed(err)
}

func (f *File) rows(ctx context.Context, from *sql.Conn, query string, each func(*sql.Rows) error, args ...any) error {
	rows, err := from.QueryContext(ctx, query, args...)
	return f.each(rows, err, each)
}

func (f *File) each(rows *sql.Rows, err error, each func(*sql.Rows) error) error {
	if err != nil {
		return f.failed(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return f.failed(err)
		}
	}
	return f.failed(rows.Err())
}

// Load calls read, which reads all there is, and remembers that it has been read.
func (f *File) Load(read func() error) error {
	loaded, err := f.Loading()
	if err != nil {
		return err
	}
	if err := read(); err != nil {
		return err
	}
	loaded()
	return nil
}

// Loading begins what loaded ends: reading all there is.
func (f *File) Loading() (loaded func(), err error) {
	version, err := f.version()
	return func() { f.loaded = version }, err
}

// version changes when others have changed the file.
func (f *File) version() (n int64, err error) {
	err = f.conn.QueryRowContext(context.Background(), "PRAGMA data_version").Scan(&n)
	return n, f.failed(err)
}

// Changed tells whether others have changed the file since it was loaded.
func (f *File) Changed() (bool, error) {
	if err := f.untouched(); err != nil { // others change the other one
		return false, err
	}
	n, err := f.version()
	return n != f.loaded, err
}

// Begin begins a transaction, in which others only read, and tells whether they have changed the file since it was loaded.
func (f *File) Begin() (changed bool, err error) {
	if err := f.untouched(); err != nil { // what is written would be gone with the last process that has the file open
		return false, err
	}
	if f.full.Swap(false) {
		f.makeRoom()
	}
	if err := f.begin(); err != nil {
		return false, err
	}
	n, err := f.version()
	if err != nil {
		f.Rollback()
	}
	return n != f.loaded, err
}

// makeRoom gives back what the write-ahead log has on the disk: as much as four megabytes, of which the file mostly needs
// little. Where that fails, the transaction tells.
func (f *File) makeRoom() {
	_, _ = f.Text("PRAGMA wal_checkpoint(TRUNCATE)")
	f.own()
}

func (f *File) begin() error { return f.Exec("BEGIN IMMEDIATE") }

// Commit ends the transaction; after an error it is undone.
func (f *File) Commit() error {
	err := f.Exec("COMMIT")
	if err != nil {
		f.Rollback()
	}
	f.own()
	return err
}

// Rollback ends the transaction and undoes it.
func (f *File) Rollback() {
	_ = f.Exec("ROLLBACK") // fails where SQLite has done it by itself
}

// Close leaves one file without a log beside it, if nobody else has it open; the last one who has does so. Two at the same
// moment would leave it to each other.
func (f *File) Close() error {
	if err := f.untouched(); err != nil {
		return errors.Join(err, f.release())
	}
	_, err := f.Text("PRAGMA busy_timeout = 100") // others do not go so soon
	if err == nil {
		_, err = f.Text("PRAGMA journal_mode = delete")
	}
	if errors.Is(err, storage.ErrLocked) {
		err = nil // others have it open
	}
	return errors.Join(err, f.release())
}

func (f *File) release() error {
	var err error
	for _, s := range f.statements { // with one left, SQLite would keep connection and locks
		err = errors.Join(err, s.Close())
	}
	if f.conn != nil {
		err = errors.Join(err, f.conn.Close())
	}
	return errors.Join(err, f.db.Close())
}

// Results of SQLite, https://www.sqlite.org/rescode.html.
const (
	busy     = 5
	locked   = 6
	readOnly = 8
	inOut    = 10
	corrupt  = 11
	full     = 13
	cantOpen = 14
	notADB   = 26

	shortRead   = inOut | 2<<8
	cannotWrite = inOut | 3<<8
)

// failed says what SQLite's error means.
func (f *File) failed(err error) error {
	var from *sqlite.Error
	if !errors.As(err, &from) {
		return err
	}
	switch from.Code() {
	case shortRead:
		return f.wrong(storage.ErrFormat, from.Error())
	case cannotWrite:
		f.full.Store(true) // a log that may not grow can begin anew
		return fmt.Errorf("%s: %w: it, or its log, could not be written to: "+
			"a fault of the disk, a file system that has become read-only, or a limit to the size of files", f.path, err)
	}
	switch from.Code() & 0xff {
	case busy, locked:
		return f.wrong(storage.ErrLocked, from.Error())
	case readOnly:
		return f.wrong(storage.ErrReadOnly, from.Error())
	case full:
		f.full.Store(true)
		return f.wrong(storage.ErrFull, from.Error())
	case corrupt, notADB:
		return f.wrong(storage.ErrFormat, from.Error())
	case cantOpen:
		if f.is == nil {
			return f.cannot(err)
		}
	}
	return fmt.Errorf("%s: %w", f.path, err)
}

// cannot says why a file cannot be opened, which SQLite does not tell. Once it is open, nobody must close it a second time:
// the process would lose the locks that SQLite has on it.
func (f *File) cannot(err error) error {
	file, why := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600) // which SQLite could not do, either
	switch {
	case errors.Is(why, fs.ErrPermission), errors.Is(why, syscall.EROFS):
		return fmt.Errorf("%w: %w", storage.ErrReadOnly, why)
	case why != nil:
		return why
	}
	return errors.Join(fmt.Errorf("%s: %w", f.path, err), file.Close())
}

func (f *File) wrong(what error, why string) error {
	return fmt.Errorf("%s: %w: %s", f.path, what, why)
}

// Wrong is the error for a file whose tables are not what they should be.
func (f *File) Wrong(format string, args ...any) error {
	return f.wrong(storage.ErrFormat, fmt.Sprintf(format, args...))
}
