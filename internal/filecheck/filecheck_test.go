package filecheck_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/filecheck"
)

func TestFilesAndSockets(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("kept"), 0o600))
	socket := filepath.Join(dir, "socket")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	require.NoError(t, err)
	defer l.Close()

	for name, check := range map[string]func(string) error{"file": filecheck.Writable, "socket": filecheck.Socket} {
		require.NoError(t, check(filepath.Join(dir, "new")), name)
		require.ErrorIs(t, check(filepath.Join(dir, "gone", "new")), fs.ErrNotExist, name)
		require.Error(t, check(dir), name)
		require.Error(t, check(filepath.Join(file, "new")), name)
	}
	require.NoError(t, filecheck.Writable(file))
	require.NoError(t, filecheck.Socket(socket))
	require.ErrorContains(t, filecheck.Socket(file), "something else than a socket")
	require.NoError(t, filecheck.Socket(""))
	require.NoError(t, filecheck.Socket("@abstract/name"))
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "kept", string(kept))
	require.NoFileExists(t, filepath.Join(dir, "new"))
}
