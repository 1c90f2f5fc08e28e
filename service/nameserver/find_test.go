package nameserver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// TestOnlyACostlyRegexTakesATurn: what is cheap is answered when all turns are taken by others.
func TestOnlyACostlyRegexTakesATurn(t *testing.T) {
	s := storage.NewMemory()
	name := strings.Repeat("a", 16) + "!"
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: name, URI: "PYRO:o@h:1"}, false))
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
	defer ns.Close()
	turns := func(expr string) int {
		records, err := ns.Matching(t.Context(), expr)
		require.NoError(t, err)
		for r, err := range records {
			require.NoError(t, err)
			require.Equal(t, name, r.Name)
			return nameserver.TurnsTaken()
		}
		require.Fail(t, "not found", expr)
		return 0
	}
	const cheap, costly = `(?!b).*!`, `(?=a)(?:(a+)+$|a)`
	require.Equal(t, 0, turns(cheap))
	require.Equal(t, 1, turns(costly))
	require.Zero(t, nameserver.TurnsTaken(), "given back")
	release := nameserver.HoldTurns()
	defer release()
	turns(cheap)
}
