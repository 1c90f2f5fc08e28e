package nameserver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage/sqlite"
)

func TestOwnStorages(t *testing.T) {
	type wrapper struct{ *storage.Memory }
	require.True(t, isOwn(storage.NewMemory()))
	require.True(t, isOwn(new(sqlite.Storage)))
	require.False(t, isOwn(&wrapper{storage.NewMemory()}))
	require.False(t, isOwn(wrapper{storage.NewMemory()}))
}
