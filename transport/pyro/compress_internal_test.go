package pyro

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
)

// Each length, about those at which inflate goes another way.
func TestInflateGivesWhatWasDeflated(t *testing.T) {
	for _, data := range [][]byte{
		{},
		{1},
		incompressible(10), incompressible(100_000), bytes.Repeat(incompressible(50), 3), bytes.Repeat(incompressible(50), 30),
		bytes.Repeat([]byte("x"), 200), make([]byte, 3<<20),
	} {
		out, err := inflate(deflate(data), int64(len(data)), nil)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, out), "%d bytes", len(data))
		if len(data) == 0 {
			continue
		}
		_, err = inflate(deflate(data), int64(len(data))-1, nil)
		var limit *codec.LimitError
		require.ErrorAs(t, err, &limit, "%d bytes", len(data))
	}
}

func TestRoomToInflate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newInflateRoom(10)
		require.NoError(t, r.take(t.Context(), 35))
		require.NoError(t, r.take(t.Context(), 5), "to the last byte")

		var limit *codec.LimitError
		require.ErrorAs(t, r.take(t.Context(), 1), &limit, "nobody waits forever")

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, r.take(gone, 1), context.Canceled)

		got := make(chan error, 2)
		for range 2 {
			go func() { got <- r.take(t.Context(), 20) }()
		}
		synctest.Wait()
		require.Empty(t, got)
		r.give(5)
		synctest.Wait()
		require.Empty(t, got, "not enough yet")
		r.give(35)
		require.NoError(t, <-got)
		require.NoError(t, <-got)
	})
}
