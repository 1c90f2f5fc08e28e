package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	discoveryns "github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport"
)

// startNS starts a name server, and returns a factory of commands that ask it.
func startNS(t *testing.T, opts ...nameserver.Option) (*nameserver.NameServer, *factory) {
	t.Helper()
	opts = append(opts, nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Logger(slog.New(slog.DiscardHandler)))
	ns := nameserver.New(opts...)
	require.NoError(t, ns.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, ns.Shutdown(context.Background())) })
	f := &factory{io: testStreams()}
	require.NoError(t, f.complete(newRootCmd(f).Flags()))
	f.flags.nameServers = []string{ns.URI().Location()}
	return ns, f
}

// A file may hold what nobody can call: a list says how many.
func TestListCountsWhatItLeavesOut(t *testing.T) {
	store := storage.NewMemory()
	for i, uri := range []string{"PYRO:x@h:1", "PYRO:x@:1", "nonsense"} {
		r := storage.Record{Name: fmt.Sprint("n", i), URI: uri, Tags: []string{"t"}}
		require.NoError(t, store.Put(t.Context(), r, false))
	}
	_, f := startNS(t, nameserver.Storage(store))
	for _, opts := range []*nsListOptions{
		{}, {query: discovery.Query{All: []string{"t"}}}, {query: discovery.Query{Prefix: "n"}}, {regex: "n"},
	} {
		var out, said strings.Builder
		f.io.out, f.io.err = &out, &said
		require.NoError(t, nsList(t.Context(), f, opts))
		require.Contains(t, out.String(), "n0")
		require.NotContains(t, out.String(), "n1")
		require.Equal(t, "left out, as their URIs cannot be read: 2\n", said.String())
	}
}

// Who imports what is typed, or what a pipe never gives, can be interrupted, and learns what was registered.
func TestImportIsInterrupted(t *testing.T) {
	ns, f := startNS(t)
	in, typed := io.Pipe()
	defer typed.Close()
	var said strings.Builder
	f.io.in, f.io.err = in, &said
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- nsImport(ctx, f, &nsImportOptions{file: stdinOut}) }()
	_, err := io.WriteString(typed, `{"name":"x","uri":"PYRO:x@h:1"}`+"\n")
	require.NoError(t, err, "it reads")
	require.Eventually(t, func() bool {
		n, err := ns.Count(t.Context())
		return err == nil && n == 2
	}, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Equal(t, "import -, 1 registered so far\n", said.String())
}

// An entry that cannot be registered ends an import, though more could still be typed.
func TestImportEndsWithTheFirstError(t *testing.T) {
	ns, f := startNS(t)
	in, typed := io.Pipe()
	defer typed.Close()
	f.io.in = in
	ended := make(chan error, 1)
	go func() { ended <- nsImport(t.Context(), f, &nsImportOptions{file: stdinOut}) }()
	_, err := io.WriteString(typed, `{"name":"wrong","uri":"nonsense"}`+"\n")
	require.NoError(t, err)
	require.ErrorContains(t, <-ended, "import -, 0 registered so far: line 1: wrong: ")
	n, err := ns.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// Many entries are registered at a time, and still the last one of a name counts, also where there are not connections enough.
func TestImportKeepsTheOrderOfEntriesOfAName(t *testing.T) {
	for name, opts := range map[string][]nameserver.Option{
		"many connections": nil,
		"two connections":  {nameserver.Server(service.MaxConnections(2))},
	} {
		t.Run(name, func(t *testing.T) {
			ns, f := startNS(t, opts...)
			const names, rounds = 200, 10
			var lines strings.Builder
			for round := range rounds {
				for i := range names {
					fmt.Fprintf(&lines, `{"name":"n%03d","uri":"PYRO:x@h:%d","metadata":["t"]}`+"\n", i, round+1)
				}
			}
			var out strings.Builder
			f.io.in, f.io.out = strings.NewReader(lines.String()), &out
			require.NoError(t, nsImport(t.Context(), f, &nsImportOptions{file: stdinOut}))
			require.Equal(t, fmt.Sprintf("imported %d\n", names*rounds), out.String())
			require.Eventually(t, func() bool { return ns.Server().Stats().Connections == 0 }, time.Minute, time.Millisecond)
			client, err := f.nameServer(t.Context())
			require.NoError(t, err)
			defer client.Close()
			entries, err := client.List(t.Context(), discoveryns.Filter{Prefix: "n"})
			require.NoError(t, err)
			require.Len(t, entries, names)
			for _, e := range entries {
				require.Equal(t, rounds, e.URI.Port, e.Name)
			}
			stats := ns.Server().Stats()
			require.Equal(t, opts == nil, stats.Accepted > importWorkers/2)
			require.Equal(t, opts != nil, stats.Refused > 0)
		})
	}
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
