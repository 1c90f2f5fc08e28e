package program

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/nameserver"
)

var errBroken = errors.New("the network is gone")

// A brokenListener fails at once.
type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, errBroken }

func TestAProgramEndsWhenItsNameServerCannotBeReached(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.yaml")
	require.NoError(t, os.WriteFile(file, []byte("name_server: {}\n"), 0o600))
	var log bytes.Buffer
	p, err := New([]string{file}, Streams(io.Discard, &log))
	require.NoError(t, err)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.nameServer = nameserver.New(nameserver.ListenOn(brokenListener{l}), nameserver.Logger(slog.New(slog.DiscardHandler)))
	err = p.Run(t.Context())
	require.ErrorIs(t, err, errBroken)
	require.ErrorContains(t, err, "name_server: accept on 127.0.0.1:")
	require.Contains(t, log.String(), `msg=stopping why="name_server: accept on`)
}
