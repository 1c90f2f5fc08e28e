package nameserver_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/internal/valuetest"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// unseeking is a storage that cannot seek.
type unseeking struct{ storage.Storage }

func TestCompleteOffersFewOfManyNames(t *testing.T) {
	t.Run("seeking", func(t *testing.T) { testComplete(t, storage.NewMemory()) })
	t.Run("reading", func(t *testing.T) { testComplete(t, unseeking{storage.NewMemory()}) })
}

func testComplete(t *testing.T, s storage.Storage) {
	t.Helper()
	for i := range 2 * nameserver.Many {
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: fmt.Sprintf("cam.%d.%05d", i%2, i), URI: "PYRO:o@h:1"}, false))
	}
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "tea", URI: "PYRO:o@h:1"}, false))
	ns, address := start(t, nameserver.Storage(s))
	for _, d := range both {
		p := proxy(t, address, d)
		for prefix, want := range map[any]string{
			nil: `(["Pyro." "cam." "tea"] false)`, "t": `(["tea"] true)`, "x": `([] true)`, "cam.": `(["cam.0." "cam.1."] false)`,
		} {
			got, err := service.Call[any](t.Context(), p, "complete", prefix)
			require.NoError(t, err)
			require.Equal(t, want, valuetest.Describe(got), prefix)
		}
		err := service.Do(t.Context(), p, "complete", 5)
		require.ErrorContains(t, err, "TypeError: startswith first arg must be str or a tuple of str, not int")
	}
	require.NoError(t, s.Close())
	require.ErrorContains(t, service.Do(t.Context(), proxy(t, address, codec.Pyro5), "complete"), "NamingError: storage: storage is closed")
	stats, err := ns.Stats(t.Context())
	require.ErrorIs(t, err, storage.ErrClosed)
	require.EqualValues(t, 11, stats.Methods["complete"].Calls)
	require.EqualValues(t, 3, stats.Methods["complete"].Failed)
}
