package nameserver_test

import (
	"context"
	"iter"
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

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ns.Matching(ctx, strings.Repeat("[^a]", 10_000))
	require.ErrorIs(t, err, context.Canceled, "it is much work to read, too")
}

// withMany is a name server with one name more than are read without a turn, and some others.
func withMany(t *testing.T, others ...string) *nameserver.NameServer {
	t.Helper()
	s := storage.NewMemory()
	var records []storage.Record
	for i := range nameserver.Many + 1 {
		records = append(records, storage.Record{Name: "n" + strconv.Itoa(i), URI: "PYRO:o@h:1"})
	}
	for _, name := range others {
		records = append(records, storage.Record{Name: name, URI: "PYRO:o@h:1"})
	}
	require.NoError(t, s.PutAll(t.Context(), records))
	ns := nameserver.New(nameserver.Storage(s), nameserver.Logger(quiet()))
	t.Cleanup(ns.Close)
	return ns
}

// TestWhoReadsManyNamesTakesATurn: what is short is answered when all turns are taken by others.
func TestWhoReadsManyNamesTakesATurn(t *testing.T) {
	ns := withMany(t)
	type query func(context.Context) (iter.Seq2[storage.Record, error], error)
	tests := map[string]query{
		"all":      ns.All,
		"by regex": func(ctx context.Context) (iter.Seq2[storage.Record, error], error) { return ns.Matching(ctx, "n.*") },
	}
	for name, find := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			records, err := find(ctx)
			require.NoError(t, err)
			n := 0
			for _, err := range records {
				require.NoError(t, err)
				n++
				require.Equal(t, n >= nameserver.Many, nameserver.TurnsTaken() == 1, n)
			}
			require.Equal(t, nameserver.Many+1, n)
			require.Zero(t, nameserver.TurnsTaken(), "given back")

			release := nameserver.HoldTurns()
			defer release()
			n = 0
			for _, err = range records {
				if err == nil {
					n++
				}
				if n == nameserver.Many-1 {
					cancel()
				}
			}
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, nameserver.Many-1, n, "the others would come in turn")
		})
	}
}

// TestOneTurnIsEnough: who reads many names needs no other turn when the expression proves to be costly.
func TestOneTurnIsEnough(t *testing.T) {
	ns := withMany(t, strings.Repeat("z", 16)+"!")
	records, err := ns.Matching(t.Context(), `(?=z)(?:(z+)+$|z)|n`)
	require.NoError(t, err)
	n := 0
	for _, err := range records {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, nameserver.Many+2, n)
	require.Zero(t, nameserver.TurnsTaken())
}
