package open_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/open"
)

func TestStorage(t *testing.T) {
	for _, kind := range []string{"", "memory"} {
		s, err := open.Storage(kind)
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	for _, kind := range []string{"sql", "dbm"} {
		spec := kind + ":" + filepath.Join(t.TempDir(), "a:b")
		for round := range 2 {
			s, err := open.Storage(spec)
			require.NoError(t, err)
			require.NoError(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "1"}, round == 0))
			require.NoError(t, s.Close())
		}
	}
	for _, spec := range []string{"x", "sql", "sql:", "dbm:", "Memory", "memory:", "sqlite:x"} {
		s, err := open.Storage(spec)
		var invalid *open.TypeError
		require.ErrorAs(t, err, &invalid)
		require.EqualError(t, err, "invalid storage type '"+spec+"'")
		require.Nil(t, s)
	}
	s, err := open.Storage("sql:" + t.TempDir())
	require.Error(t, err)
	require.Nil(t, s)
}
