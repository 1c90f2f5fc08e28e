package storagetest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// Sample returns the record that benchmarks store as number i: a name and a URI as they are in real life, and two
// tags, of which all have one, and one in a thousand the other.
func Sample(i int) storage.Record {
	return storage.Record{
		Name: fmt.Sprintf("warehouse.%03d.worker%07d", i%1000, i),
		URI:  fmt.Sprintf("PYRO:obj_%032x@host%03d.example.org:%d", i, i%1000, 40000+i%1000),
		Tags: []string{"class:warehouse.Worker", fmt.Sprintf("rack:%03d", i%1000)},
	}
}

// Fill stores the first n samples.
func Fill(tb testing.TB, s storage.Batch, n int) {
	tb.Helper()
	const many = 10_000
	for from := 0; from < n; from += many {
		records := make([]storage.Record, 0, many)
		for i := from; i < min(n, from+many); i++ {
			records = append(records, Sample(i))
		}
		require.NoError(tb, s.PutAll(context.Background(), records))
	}
}

// Heap returns how many bytes are in use.
func Heap() float64 {
	runtime.GC()
	runtime.GC() // what unique strings and finalizers held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// A Kind is what Bench can measure.
type Kind interface {
	storage.Storage
	storage.Batch
}

// Bench measures storages that open returns: empty ones, each by itself.
func Bench(b *testing.B, open func(testing.TB) Kind) {
	b.Helper()
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("Put/%d", writers), func(b *testing.B) { benchPut(b, open(b), writers) })
	}
	s := open(b)
	Fill(b, s, 100_000)
	ctx := b.Context()
	b.Run("Get/100000", func(b *testing.B) {
		name := Sample(77_777).Name
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Get(ctx, name); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Prefix/10000", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range s.Prefix(ctx, "warehouse.0") {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			require.Equal(b, 10_000, n)
		}
	})
	b.Run("TaggedAll/100of100000", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range s.TaggedAll(ctx, []string{"class:warehouse.Worker", "rack:042"}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			require.Equal(b, 100, n)
		}
	})
	require.NoError(b, s.Close())
}

// benchPut has writers that each wait for their write before the next one.
func benchPut(b *testing.B, s storage.Storage, writers int) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				if err := s.Put(b.Context(), Sample(i), false); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.NoError(b, s.Close())
}
