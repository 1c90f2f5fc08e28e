package nameserver_test

import (
	"context"
	"strconv"
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

// TestWhoReadsManyNamesTakesATurn: what is short is answered when all turns are taken by others.
func TestWhoReadsManyNamesTakesATurn(t *testing.T) {
	s := storage.NewMemory()
	records := make([]storage.Record, nameserver.Many+1)
	for i := range records {
		records[i] = storage.Record{Name: "n" + strconv.Itoa(i), URI: "PYRO:o@h:1"}
	}
	require.NoError(t, s.PutAll(t.Context(), records))
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
	defer ns.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	all, err := ns.All(ctx)
	require.NoError(t, err)
	n := 0
	for _, err := range all {
		require.NoError(t, err)
		if n++; n >= nameserver.Many {
			require.Equal(t, 1, nameserver.ListTurnsTaken())
		}
	}
	require.Len(t, records, n)
	require.Zero(t, nameserver.ListTurnsTaken(), "given back")

	release := nameserver.HoldListTurns()
	defer release()
	n = 0
	for _, err = range all {
		if err == nil {
			n++
		}
		if n == nameserver.Many-1 {
			cancel()
		}
	}
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, nameserver.Many-1, n, "the others would come in turn")
}
