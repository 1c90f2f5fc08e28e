package nameserver

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// What follows closely on what a watcher was told is gathered; what comes after a while is told at once.
func TestChangesAreGatheredWhileAWatcherRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		n.watchers.Store(3)
		put := func(name string) {
			require.NoError(t, n.store.Put(t.Context(), storage.Record{Name: name, URI: "u"}, false))
		}
		ctx, cancel := context.WithCancel(t.Context())
		portions := n.changes(ctx, "", maxPortion)
		told := func() (names []any) {
			for _, c := range (<-portions).changes {
				names = append(names, c.(codec.Tuple)[1])
			}
			return names
		}
		require.Len(t, (<-portions).changes, 1, "synced")
		put("a")
		put("b")
		put("a") // the same
		require.Equal(t, []any{"a", "b"}, told())
		synctest.Wait()
		pause(ctx, n.watchRest())
		synctest.Wait() // it waits for changes
		put("c")
		synctest.Wait() // and has one
		put("d")
		require.Equal(t, []any{"c"}, told())
		require.Equal(t, []any{"d"}, told())
		cancel()
		for range portions { // until it is closed
		}
		n.Close()
	})
}
