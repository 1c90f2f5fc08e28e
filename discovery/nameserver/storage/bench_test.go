package storage_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/storagetest"
)

func BenchmarkMemory(b *testing.B) {
	storagetest.Bench(b, func(testing.TB) storagetest.Kind { return storage.NewMemory() })
}

// BenchmarkMemoryMillion tells what a name takes, as the server of 1,000,000 has it: bytes/name.
func BenchmarkMemoryMillion(b *testing.B) {
	for b.Loop() {
		s := storage.NewMemory()
		before := storagetest.Heap()
		storagetest.Fill(b, s, 1_000_000)
		b.ReportMetric((storagetest.Heap()-before)/1e6, "bytes/name")
		require.NoError(b, s.Close())
	}
}
