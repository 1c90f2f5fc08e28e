//go:build unix

package sqlite

import (
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// A limit to the size of files (ulimit -f) is told, and that the log has grown up to it is not the end.
func TestAFileThatMayNotGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "names.db")
	s := start(t, path)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	restore := func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)) }
	t.Cleanup(restore)
	limited := before
	limited.Cur = 1 << 20
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited))

	put := func(name string) error {
		return s.Put(t.Context(), storage.Record{Name: name, URI: strings.Repeat("u", 50_000)}, false)
	}
	stored, err := 0, error(nil)
	for ; err == nil && stored < 1000; stored++ {
		err = put(strconv.Itoa(stored))
	}
	require.ErrorContains(t, err, "a limit to the size of files")
	stored-- // the last one was not
	require.NoError(t, put("after the log was copied"))
	restore()
	require.NoError(t, put("without a limit"))
	n, err := s.Len(t.Context())
	require.NoError(t, err)
	require.Equal(t, stored+2, n)
}
