package storage

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASlowWatcherStaysSmall(t *testing.T) {
	m := NewMemory()
	w := &watcher{news: map[string]news{}, ready: make(chan struct{}, 1)}
	_, err := m.watch(w)
	require.NoError(t, err)
	for i := range 10_000 {
		name := strconv.Itoa(i)
		require.NoError(t, m.Apply([]Record{{Name: "stays"}, {Name: name}}, nil))
		require.NoError(t, m.Apply([]Record{{Name: name, URI: "other"}}, []string{name}))
		require.Less(t, len(w.pending), 100)
	}
	require.Len(t, w.news, 1)
	name, more := w.next()
	require.True(t, more)
	require.Equal(t, "stays", name)
	_, more = w.next()
	require.False(t, more)
}
