package pyro

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCallTableFindsWhatWasPut(t *testing.T) {
	var table callTable
	_, known := table.get(7)
	require.False(t, known, "the zero table is empty")
	calls := map[uint16]*pending{}
	seq := uint16(65000) // wraps around on the way
	for range 5000 {
		seq = nextFree(&table, seq)
		calls[seq] = &pending{seq: seq}
		table.put(calls[seq])
	}
	require.Equal(t, len(calls), table.count)
	for seq, want := range calls {
		got, known := table.get(seq)
		require.True(t, known)
		require.Same(t, want, got)
		require.True(t, table.taken(seq))
	}
	table.abandon(seq)
	got, known := table.get(seq)
	require.True(t, known, "its number stays taken")
	require.Nil(t, got)
	require.Len(t, table.drain(), len(calls)-1)
	require.Zero(t, table.count)
}

func TestCallTableTellsNumbersOfOnePlaceApart(t *testing.T) {
	var table callTable
	require.False(t, table.taken(1))
	table.put(&pending{seq: 1})
	_, known := table.get(1 + firstSlots)
	require.False(t, known)
	require.True(t, table.taken(1+firstSlots), "its place is")
	table.remove(1)
	require.False(t, table.taken(1+firstSlots))
	_, known = table.get(1)
	require.False(t, known)
}

func TestCallTableTakesAsManyAsMayBeInFlight(t *testing.T) {
	var table callTable
	var seq uint16
	for range maxInFlight {
		seq = nextFree(&table, seq)
		table.put(&pending{seq: seq})
	}
	require.Equal(t, maxInFlight, table.count)
	require.LessOrEqual(t, len(table.slots), allSlots)
}

func nextFree(table *callTable, last uint16) uint16 {
	for {
		last++
		if !table.taken(last) {
			return last
		}
	}
}
