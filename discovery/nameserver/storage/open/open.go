package open

import (
	"fmt"
	"strings"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/dbm"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
)

// A TypeError is the error for a text that names no kind of storage. Its text is Pyro's.
type TypeError struct{ Type string }

func (e *TypeError) Error() string { return fmt.Sprintf("invalid storage type '%s'", e.Type) }

// Storage opens the storage that a text names, as Pyro's name servers have it after -s: memory (or nothing), sql:FILE
// for package sqlite, dbm:FILE for package dbm. Another text is a *TypeError.
func Storage(spec string) (storage.Storage, error) {
	kind, file, _ := strings.Cut(spec, ":")
	switch {
	case spec == "" || spec == "memory":
		return storage.NewMemory(), nil
	case kind == "sql" && file != "":
		return opened(sqlite.Open(file))
	case kind == "dbm" && file != "":
		return opened(dbm.Open(file))
	}
	return nil, &TypeError{Type: spec}
}

// opened returns an interface that is nil after an error.
func opened[S storage.Storage](s S, err error) (storage.Storage, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
