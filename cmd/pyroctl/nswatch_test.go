package main

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func entry(t *testing.T, name, uri string, tags ...string) discovery.Entry {
	t.Helper()
	u, err := pyro.ParseURI(uri)
	require.NoError(t, err)
	return discovery.Entry{Name: name, URI: u, Metadata: tags}
}

func TestWatchPrintsWhatChanged(t *testing.T) {
	a, b := entry(t, "a", "PYRO:x@h:1", "t"), entry(t, "b", "PYRO:x@h:2")
	moved, tagged := entry(t, "a", "PYRO:x@h:3", "t"), entry(t, "b", "PYRO:x@h:2", "u", "v")
	type entries = []discovery.Entry
	tests := []struct {
		name        string
		before, now entries
		text, json  string
	}{
		{
			name: "at first", now: entries{a, b}, text: "put  a  PYRO:x@h:1  t\nput  b  PYRO:x@h:2\n",
			json: `{"change":"put","name":"a","uri":"PYRO:x@h:1","metadata":["t"]}` + "\n" +
				`{"change":"put","name":"b","uri":"PYRO:x@h:2","metadata":[]}` + "\n",
		},
		{name: "nothing", before: entries{a, b}, now: entries{a, b}},
		{name: "one is gone", before: entries{a, b}, now: entries{b}, text: "remove  a\n", json: `{"change":"remove","name":"a"}` + "\n"},
		{
			name: "the last is gone, and one is new", before: entries{b}, now: entries{a}, text: "put  a  PYRO:x@h:1  t\nremove  b\n",
			json: `{"change":"put","name":"a","uri":"PYRO:x@h:1","metadata":["t"]}` + "\n" + `{"change":"remove","name":"b"}` + "\n",
		},
		{
			name: "others than before", before: entries{a, b}, now: entries{moved, tagged},
			text: "put  a  PYRO:x@h:3  t\nput  b  PYRO:x@h:2  u,v\n",
			json: `{"change":"put","name":"a","uri":"PYRO:x@h:3","metadata":["t"]}` + "\n" +
				`{"change":"put","name":"b","uri":"PYRO:x@h:2","metadata":["u","v"]}` + "\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for output, want := range map[string]string{outputText: tt.text, outputJSON: tt.json} {
				var out bytes.Buffer
				f := &factory{io: &streams{out: &out}}
				f.flags.output = output
				require.NoError(t, f.printChanges(tt.before, tt.now))
				require.Equal(t, want, out.String())
			}
		})
	}
}

func TestWatchTellsAtOnce(t *testing.T) {
	ns := nameserver.New(nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Logger(slog.New(slog.DiscardHandler)))
	require.NoError(t, ns.Start(t.Context()))
	defer func() { require.NoError(t, ns.Shutdown(context.Background())) }()
	lines := readyWriter{make(chan string, 1)}
	f := &factory{io: &streams{out: lines, err: &bytes.Buffer{}}}
	require.NoError(t, f.complete(newRootCmd(f).Flags()))
	f.flags.nameServers = []string{ns.URI().Location()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- nsWatch(ctx, f, discovery.Query{}) }()
	require.True(t, strings.HasPrefix(<-lines.lines, "put  Pyro.NameServer  "))
	require.NoError(t, nsRegister(ctx, silent(f), &nsRegisterOptions{name: "x", uri: "PYRO:x@h:1"}))
	require.Equal(t, "put  x  PYRO:x@h:1\n", <-lines.lines)
	require.NoError(t, nsRemove(ctx, silent(f), &nsRemoveOptions{name: "x"}))
	require.Equal(t, "remove  x\n", <-lines.lines)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// What goes wrong while it tries again is of the form of other errors.
func TestWatchSaysWhyItTriesAgain(t *testing.T) {
	for output, want := range map[string]string{
		outputText: `^pyroctl: watch: .*, trying again\n$`,
		outputJSON: `^{"error":{"code":"unavailable","class":null,"message":"watch: .*, trying again","traceback":null}}\n$`,
	} {
		t.Run(output, func(t *testing.T) {
			ns := nameserver.New(nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Logger(slog.New(slog.DiscardHandler)))
			require.NoError(t, ns.Start(t.Context()))
			lines, said := readyWriter{make(chan string, 1)}, readyWriter{make(chan string, 1)}
			f := &factory{io: &streams{out: lines, err: said}}
			require.NoError(t, f.complete(newRootCmd(f).Flags()))
			f.flags.nameServers, f.flags.output = []string{ns.URI().Location()}, output
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- nsWatch(ctx, f, discovery.Query{Prefix: "Pyro."}) }()
			<-lines.lines
			require.NoError(t, ns.Shutdown(t.Context()))
			require.Regexp(t, want, <-said.lines)
			cancel()
			for ended := false; !ended; { // more of them may come
				select {
				case <-said.lines:
				case err := <-done:
					require.ErrorIs(t, err, context.Canceled)
					ended = true
				}
			}
		})
	}
}

// What is tried again each second is told once, and that it has come to an end.
func TestWatchTellsATroubleOnce(t *testing.T) {
	start := func(address string) *nameserver.NameServer {
		ns := nameserver.New(nameserver.Listen("tcp", address), nameserver.Logger(slog.New(slog.DiscardHandler)))
		require.NoError(t, ns.Start(t.Context()))
		return ns
	}
	ns := start("127.0.0.1:0")
	at := ns.URI().Location()
	lines, said := readyWriter{make(chan string, 1)}, readyWriter{make(chan string, 100)}
	f := &factory{io: &streams{out: lines, err: said}}
	require.NoError(t, f.complete(newRootCmd(f).Flags()))
	f.flags.nameServers = []string{at}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- nsWatch(ctx, f, discovery.Query{Prefix: "Pyro."}) }()
	<-lines.lines
	require.NoError(t, ns.Shutdown(t.Context()))
	l, err := net.Listen("tcp", at)
	require.NoError(t, err)
	for range 6 { // each try fails in the same way
		c, err := l.Accept()
		require.NoError(t, err)
		require.NoError(t, c.Close())
	}
	require.NoError(t, l.Close())
	ns = start(at)
	defer func() { require.NoError(t, ns.Shutdown(context.Background())) }()
	for last := ""; last != "watch: the name server answers again\n"; {
		line := <-said.lines
		require.NotEqual(t, last, line)
		last = line
	}
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// Who watches a name server that has very many names is told what the silence is about.
func TestWatchSaysWhatItWaitsFor(t *testing.T) {
	told := make(chan struct{})
	ns := service.New(nameserver.ObjectName)
	ns.Method("ping", func() {})
	ns.Method("watch", func(ctx context.Context, _ service.Kwargs) iter.Seq[[]codec.Tuple] {
		return func(yield func([]codec.Tuple) bool) {
			select {
			case <-told:
			case <-ctx.Done():
				return
			}
			if yield([]codec.Tuple{{"put", "x", "PYRO:x@h:1", codec.Tuple{}}, {"synced"}}) {
				<-ctx.Done()
			}
		}
	}, service.KwargsStruct())
	srv := service.NewServer(service.Listen("tcp", "127.0.0.1:0"))
	require.NoError(t, srv.Add(ns))
	require.NoError(t, srv.Start())
	defer func() { require.NoError(t, srv.Shutdown(context.Background())) }()
	lines, said := readyWriter{make(chan string, 1)}, readyWriter{make(chan string, 1)}
	f := &factory{io: &streams{out: lines, err: said}}
	require.NoError(t, f.complete(newRootCmd(f).Flags()))
	f.flags.nameServers = []string{srv.URI("").Location()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- nsWatch(ctx, f, discovery.Query{}) }()
	require.Equal(t, "watch: reading the entries that are there\n", <-said.lines)
	close(told)
	require.Equal(t, "put  x  PYRO:x@h:1\n", <-lines.lines)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// silent is another command with the flags of f.
func silent(f *factory) *factory {
	other := &factory{io: testStreams(), log: f.log}
	other.flags = f.flags
	return other
}
