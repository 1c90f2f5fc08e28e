package pyro

import (
	"bytes"
	"context"
	"math"
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

// Who wants no limit writes the greatest number there is.
func TestTheGreatestLimit(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 1<<16)
	got, err := inflate(deflate(data), math.MaxInt64, nil)
	require.NoError(t, err)
	require.Equal(t, data, got)

	r := newInflateRoom(math.MaxInt64)
	require.NoError(t, r.take(t.Context(), 1<<40))
	r.resize(10)
	r.resize(math.MaxInt64)
	require.NoError(t, r.take(t.Context(), 1<<40))
}

func TestARoomThatIsTooSmallByNowTakesOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newInflateRoom(100)
		require.NoError(t, r.take(t.Context(), 90))
		r.resize(10)
		got := make(chan error, 2)
		for range 2 {
			go func() { got <- r.take(t.Context(), 90) }()
		}
		synctest.Wait()
		require.Empty(t, got)
		r.give(90)
		synctest.Wait()
		require.Len(t, got, 1)
		require.NoError(t, <-got)
		r.give(90)
		require.NoError(t, <-got)
	})
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
