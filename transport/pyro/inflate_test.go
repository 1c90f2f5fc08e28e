package pyro_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A request that inflates to too much is refused, and its connection goes on.
func TestWhatInflatesToTooMuchIsAnswered(t *testing.T) {
	called := make(chan int, 3)
	svc := service.New("svc").
		Method("length", func(s string) int { return len(s) }).
		Method("note", func(s string) { called <- len(s) }, service.Oneway()).
		Method("fill", func(n int) string { return strings.Repeat("0", n) })
	address := startServing(t, svc, service.MaxInflatedSize(100_000), service.Compression())
	for _, dialect := range []codec.Dialect{codec.Pyro4, codec.Pyro5} {
		p := proxyFor(t, "PYRO:svc@"+address, service.Compression(), service.Dialect(dialect), service.MaxInflatedSize(50_000))
		var e *transport.Error
		require.ErrorAs(t, service.Do(t.Context(), p, "length", strings.Repeat("0", 200_000)), &e)
		require.Equal(t, "builtins.MemoryError", e.Class)
		require.ErrorIs(t, e, transport.ErrExhausted)
		require.Contains(t, e.Message, "MaxInflatedSize")
		require.NoError(t, service.Do(t.Context(), p, "note", strings.Repeat("0", 200_000)), "nobody is told")
		require.NoError(t, service.Do(t.Context(), p, "note", strings.Repeat("0", 300)))
		require.Equal(t, 300, <-called)
		n, err := service.Call[int](t.Context(), p, "length", strings.Repeat("0", 90_000))
		require.NoError(t, err)
		require.Equal(t, 90_000, n)

		require.ErrorIs(t, service.Do(t.Context(), p, "fill", 60_000), transport.ErrExhausted, "the other way round")
		_, err = service.Call[string](t.Context(), p, "fill", 40_000)
		require.NoError(t, err)
	}
}

// Many times more than there is room for at a time, whatever becomes of the calls.
func TestRoomToInflateIsGivenBack(t *testing.T) {
	noted := make(chan int, 1)
	svc := service.New("svc").
		Method("length", func(s string) int { return len(s) }).
		Method("panic", func(string) { panic("on purpose") }).
		Method("note", func(s string) { noted <- len(s) }, service.Oneway())
	const size = 3 << 20
	address := startServing(t, svc, service.MaxInflatedSize(size+100))
	long := strings.Repeat("0", size)
	p := proxyFor(t, "PYRO:svc@"+address, service.Compression())
	for range 6 {
		n, err := service.Call[int](t.Context(), p, "length", long)
		require.NoError(t, err)
		require.Equal(t, size, n)
		require.ErrorContains(t, service.Do(t.Context(), p, "panic", long), "internal error")
		require.ErrorContains(t, service.Do(t.Context(), p, "missing", long), "missing")
		require.NoError(t, service.Do(t.Context(), p, "note", long))
		require.Equal(t, size, <-noted)
		b := p.Batch()
		service.Queue[int](b, "length", long)
		require.NoError(t, b.Do(t.Context()))
	}
}
