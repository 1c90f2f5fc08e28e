//go:build unix

package sdnotify_test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/internal/sdnotify"
)

func TestNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	t.Setenv("NOTIFY_SOCKET", socket)
	require.ErrorContains(t, sdnotify.Notify(sdnotify.Ready), "tell systemd READY=1: ")

	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	require.NoError(t, err)
	defer systemd.Close()
	for _, state := range []string{"READY=1", "STOPPING=1"} {
		require.NoError(t, sdnotify.Notify(state))
		var said [100]byte
		n, err := systemd.Read(said[:])
		require.NoError(t, err)
		require.Equal(t, state, string(said[:n]))
	}

	t.Setenv("NOTIFY_SOCKET", "")
	require.NoError(t, sdnotify.Notify(sdnotify.Ready), "nobody wants to know")
}
