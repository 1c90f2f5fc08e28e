package nameserver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
)

// A storage that has another one in it may have a Get of its own, which keeps what it wants.
func TestImmediateStorages(t *testing.T) {
	type wrapper struct{ *storage.Memory }
	type hidden struct{ storage.Storage }
	require.True(t, isImmediate(storage.NewMemory()))
	require.True(t, isImmediate(new(sqlite.Storage)))
	require.False(t, isImmediate(&wrapper{storage.NewMemory()}))
	require.False(t, isImmediate(wrapper{storage.NewMemory()}))
	require.False(t, isImmediate(hidden{storage.NewMemory()}))
}
