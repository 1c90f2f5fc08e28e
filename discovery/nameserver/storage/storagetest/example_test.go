package storagetest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/storagetest"
)

// A counted is a storage of one's own: it counts what is written.
type counted struct {
	storage.Storage

	writes atomic.Int64
}

func (c *counted) Put(ctx context.Context, r storage.Record, onlyNew bool) error {
	c.writes.Add(1)
	return c.Storage.Put(ctx, r, onlyNew)
}

// A storage of one's own keeps the promises of all.
func TestCounted(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Storage { return &counted{Storage: storage.NewMemory()} })

	c := &counted{Storage: storage.NewMemory()}
	require.NoError(t, c.Put(t.Context(), storagetest.Sample(1), true))
	require.EqualValues(t, 1, c.writes.Load())
	require.NoError(t, c.Close())
}

func ExampleSample() {
	r := storagetest.Sample(7)
	fmt.Println(r.Name, r.Tags)
	// Output: warehouse.007.worker0000007 [class:warehouse.Worker rack:007]
}
