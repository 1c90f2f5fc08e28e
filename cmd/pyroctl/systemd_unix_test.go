//go:build unix

package main

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSystemdIsTold(t *testing.T) {
	serve := map[string]func(context.Context, *factory) error{
		"ns": func(ctx context.Context, f *factory) error {
			return nsServe(ctx, f, &nsServeOptions{serveFlags: serveFlags{host: "localhost"}, storage: "memory"})
		},
		"echo": func(ctx context.Context, f *factory) error {
			return echoServe(ctx, f, &echoServeOptions{serveFlags: serveFlags{host: "localhost"}, noNS: true})
		},
	}
	for name, serve := range serve {
		t.Run(name, func(t *testing.T) {
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
			f := &factory{io: testStreams()}
			require.NoError(t, f.complete(newRootCmd(f).Flags()))
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- serve(ctx, f) }()
			require.Equal(t, "READY=1", said())
			cancel()
			require.NoError(t, <-ended)
			require.Equal(t, "STOPPING=1", said())
		})
	}
}
