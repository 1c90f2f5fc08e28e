package program

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/dbm"
	"github.com/pyrokit/pyrokit/internal/filecheck"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
)

// CheckFiles is [config.File.CheckFiles] and, besides, looks at the files that Run writes, or makes: the log, the name
// server's storage, unix sockets. Nothing is made or changed. What [New] would not find either, an address that is taken, it
// does not find.
func CheckFiles(f *config.File) error {
	c := f.Config()
	errs := []error{f.CheckFiles()}
	note := func(path string, err error) {
		if err != nil {
			errs = append(errs, &config.FieldError{Path: path, Err: err})
		}
	}
	switch name := c.GetLog().GetOutput(); name {
	case "", "stderr", "stdout":
	default:
		note("log.output", filecheck.Writable(name))
	}
	switch kind := c.GetNameServer().GetStorage().GetKind().(type) {
	case *configv1.NameStorage_Sql:
		note("name_server.storage.sql", checkSQL(kind.Sql))
	case *configv1.NameStorage_Dbm:
		note("name_server.storage.dbm", checkDBM(kind.Dbm))
	}
	for path, m := range map[string]*configv1.Server{"server": c.GetServer(), "name_server.server": c.GetNameServer().GetServer()} {
		for i, l := range m.GetListeners() {
			if l.GetNetwork() == "unix" {
				note(fmt.Sprintf("%s.listeners[%d].address", path, i), filecheck.Socket(l.GetAddress()))
			}
		}
	}
	return f.Locate(errors.Join(errs...))
}

// sqliteMagic begins a file of SQLite. Source: sqlite.org/fileformat2.html.
const sqliteMagic = "SQLite format 3\x00"

// checkSQL says why names cannot be kept in an SQLite file. An empty one is as good as none.
func checkSQL(path string) error {
	if err := filecheck.Writable(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil // it is made
	}
	file, err := os.Open(path) //nolint:gosec // what the configuration names
	if err != nil {
		return err
	}
	defer file.Close()
	magic := make([]byte, len(sqliteMagic))
	if _, err := io.ReadFull(file, magic); err != nil || string(magic) != sqliteMagic {
		return fmt.Errorf("%s: %w: not a database of SQLite", path, storage.ErrFormat)
	}
	return nil
}

// checkDBM says why names cannot be kept in a dbm file.
func checkDBM(path string) error {
	kind, err := dbm.Which(path)
	switch {
	case err != nil:
		return err
	case kind == dbm.GNU || kind == dbm.NDBM:
		return &dbm.ForeignError{Path: path, Kind: kind}
	case kind == dbm.SQLite3:
		return filecheck.Writable(path)
	default:
		return filecheck.Writable(path + ".dat")
	}
}
