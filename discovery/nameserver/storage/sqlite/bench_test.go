package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
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

// BenchmarkOthersChangeMillion measures how long it takes until a removal by another process is known among 1,000,000
// names, and the longest that a lookup and a write took meanwhile.
func BenchmarkOthersChangeMillion(b *testing.B) {
	path := filepath.Join(b.TempDir(), "names.db")
	s, err := sqlite.Open(path)
	require.NoError(b, err)
	storagetest.Fill(b, s, 1_000_000)
	other, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	require.NoError(b, err)
	b.ResetTimer()
	var known, lookup, write time.Duration
	for i := range b.N {
		gone, there := storagetest.Sample(500_000+i), storagetest.Sample(7)
		_, err := other.Exec("DELETE FROM pyro_names WHERE name = ?", gone.Name)
		require.NoError(b, err)
		begin := time.Now()
		for n := 0; ; n++ {
			at := time.Now()
			_, err := s.Get(b.Context(), gone.Name)
			lookup = max(lookup, time.Since(at))
			if errors.Is(err, storage.ErrNotFound) {
				break
			}
			there.URI = strconv.Itoa(n % 2)
			at = time.Now()
			require.NoError(b, s.Put(b.Context(), there, false))
			write = max(write, time.Since(at))
		}
		known = max(known, time.Since(begin))
	}
	b.ReportMetric(known.Seconds(), "s/known")
	b.ReportMetric(lookup.Seconds()*1e3, "ms/lookup")
	b.ReportMetric(write.Seconds()*1e3, "ms/write")
	require.NoError(b, other.Close())
	require.NoError(b, s.Close())
}
