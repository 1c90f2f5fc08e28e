package main

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/nameserver"
)

// Who imports what is typed, or what a pipe never gives, can be interrupted.
func TestImportIsInterrupted(t *testing.T) {
	ns := nameserver.New(nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, ns.Start(t.Context()))
	defer func() { require.NoError(t, ns.Shutdown(context.Background())) }()
	in, typed := io.Pipe()
	defer typed.Close()
	f := &factory{io: testStreams()}
	f.io.in = in
	require.NoError(t, f.complete(newRootCmd(f).Flags()))
	f.flags.nameServers = []string{ns.URI().Location()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- nsImport(ctx, f, &nsImportOptions{file: stdinOut}) }()
	_, err := io.WriteString(typed, `{"name":"x","uri":"PYRO:x@h:1"}`+"\n")
	require.NoError(t, err, "it reads")
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
