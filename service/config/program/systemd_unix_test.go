//go:build unix

package program_test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSystemdIsTold(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	require.NoError(t, err)
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	said := func() string {
		var buf [100]byte
		n, err := systemd.Read(buf[:])
		require.NoError(t, err)
		return string(buf[:n])
	}
	r := run(t, "name_server: {server: {listeners: [{address: 'localhost:0'}]}}\n")
	require.Equal(t, "READY=1", said())
	require.NoError(t, r.end())
	require.Equal(t, "STOPPING=1", said())
	require.NotContains(t, r.log.String(), "systemd")
}

func TestSystemdThatIsGoneKeepsNobodyFromServing(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	r := run(t, "services: [{name: e, echo: {}}]\n")
	v, err := r.call("e", "echo", 3)
	require.NoError(t, err)
	require.Equal(t, int64(3), v)
	require.NoError(t, r.end())
	require.Contains(t, r.log.String(), `level=WARN msg="systemd does not know" error="tell systemd READY=1: `)
}
