package nameserver_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

// full is a storage without room for more than it has.
type full struct{ *storage.Memory }

func (full) Put(context.Context, storage.Record, bool) error {
	return fmt.Errorf("names.sqlite: %w", storage.ErrFull)
}

func (f full) PutVolatile(r storage.Record) error {
	return f.Apply([]storage.Record{r}, nil)
}

func TestAFullDiskIsServed(t *testing.T) {
	var log bytes.Buffer
	s := full{storage.NewMemory()}
	require.NoError(t, s.Apply([]storage.Record{{Name: "app", URI: "PYRO:o@h:1"}}, nil))
	_, address := start(t, nameserver.Storage(s), nameserver.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	require.Contains(t, log.String(), "the storage is full")
	require.Contains(t, log.String(), "names.sqlite: no room left")
	p := proxy(t, address, codec.Pyro5)
	for _, name := range []string{"app", nameserver.ObjectName} {
		require.NoError(t, service.Do(t.Context(), p, "lookup", name))
	}
	require.ErrorContains(t, service.Do(t.Context(), p, "register", "x", "PYRO:o@h:1"), "names.sqlite: no room left")
}

// untagged is a storage without metadata, as a dbm file is.
type untagged struct{ *storage.Memory }

func (untagged) TaggedAll(context.Context, []string) iter.Seq2[storage.Record, error] { return noTags }

func (untagged) TaggedAny(context.Context, []string) iter.Seq2[storage.Record, error] { return noTags }

func noTags(yield func(storage.Record, error) bool) { yield(storage.Record{}, storage.ErrNoMetadata) }

func TestASearchForTagsThatNoRecordHasIsNoFailure(t *testing.T) {
	var log bytes.Buffer
	_, address := start(t, nameserver.Storage(untagged{storage.NewMemory()}), nameserver.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	p := proxy(t, address, codec.Pyro5)
	for _, which := range []string{"meta_all", "meta_any"} {
		err := service.Do(t.Context(), p, "yplookup", service.Kwargs{which: []string{"t"}})
		require.ErrorIs(t, err, transport.ErrUnimplemented, which)
		require.ErrorContains(t, err, "NamingError: DbmStorage doesn't support metadata", which)
	}
	require.NotContains(t, log.String(), "level=ERROR")
}

// broken is a storage whose watches fail.
type broken struct{ *storage.Memory }

func (broken) Watch(context.Context, string) iter.Seq2[storage.Change, error] {
	return func(yield func(storage.Change, error) bool) {
		yield(storage.Change{}, fmt.Errorf("names.sqlite: %w", storage.ErrFormat))
	}
}

func TestAWatchThatTheStorageFailsIsLogged(t *testing.T) {
	var log bytes.Buffer
	ns, address := start(t, nameserver.Storage(broken{storage.NewMemory()}), nameserver.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	w := watch(t.Context(), t, address, codec.Pyro5, "")
	require.ErrorContains(t, <-w.ended, "storage: names.sqlite: not a file of this storage")
	ns.Close()
	require.Equal(t, 1, strings.Count(log.String(), "the storage has failed"))
	require.Contains(t, log.String(), "names.sqlite")
}
