//go:build linux || darwin || freebsd

package filecheck_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/filecheck"
)

// Root may write wherever it wants: then there is nothing to be refused.
func TestAFolderThatMustNotBeWrittenTo(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o400))
	require.NoError(t, os.Chmod(dir, 0o500))
	for _, err := range []error{filecheck.Writable(filepath.Join(dir, "new")), filecheck.Writable(file), filecheck.Socket(filepath.Join(dir, "s"))} {
		if os.Geteuid() == 0 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, fs.ErrPermission)
		}
	}
}
