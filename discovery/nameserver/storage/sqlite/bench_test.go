package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/storagetest"
)

func BenchmarkSQLite(b *testing.B) {
	storagetest.Bench(b, func(tb testing.TB) storagetest.Kind {
		s, err := sqlite.Open(filepath.Join(tb.TempDir(), "names.db"))
		require.NoError(tb, err)
		return s
	})
}

// BenchmarkOpenMillion opens a file with 1,000,000 names.
func BenchmarkOpenMillion(b *testing.B) {
	path := filepath.Join(b.TempDir(), "names.db")
	s, err := sqlite.Open(path)
	require.NoError(b, err)
	storagetest.Fill(b, s, 1_000_000)
	require.NoError(b, s.Close())
	before := storagetest.Heap()
	for b.Loop() {
		s, err := sqlite.Open(path)
		require.NoError(b, err)
		b.ReportMetric((storagetest.Heap()-before)/1e6, "bytes/name")
		require.NoError(b, s.Close())
	}
}
