package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
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

// Nobody who interrupts a search by broadcast wants to be told to start a name server.
func TestASearchIsInterrupted(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(nobody.Addr().String())
	require.NoError(t, err)
	require.NoError(t, nobody.Close())
	t.Setenv("PYRO_NS_PORT", port)
	t.Setenv("PYRO_NS_BCPORT", port)
	t.Setenv("PYRO_BROADCAST_ADDRS", "127.0.0.1")
	ctx, cancel := context.WithCancel(t.Context())
	asked, asks := io.Pipe()
	f := &factory{io: testStreams()}
	f.io.err = asks
	require.NoError(t, f.complete(newRootCmd(f).Flags()))
	ended := make(chan error, 1)
	go func() { ended <- nsCount(ctx, f) }()
	line, err := bufio.NewReader(asked).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "asking the network")
	cancel()
	err = <-ended
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, transport.CodeCanceled, transport.AsError(err).Code)
}
