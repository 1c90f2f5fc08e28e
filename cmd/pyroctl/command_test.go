package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func testStreams() *streams {
	return &streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
}

func TestExpandArgs(t *testing.T) {
	tests := []struct{ in, want string }{
		{"call u m -o json", "call u m -o json"},
		{"call u m -5 -.5 -x", "call u m \x00-5 \x00-.5 -x"},
		{"call u m -inf -infj -info", "call u m \x00-inf \x00-infj -info"},
		{"call u m --kw a=1", "call u m --kw a=1"},
		{"call u m --kw a=1 b=2 c=3", "call u m --kw a=1 --kw b=2 --kw c=3"},
		{"call u m --kw a=1 x b=2", "call u m --kw a=1 x b=2"},
		{"call u m --kw a=1 -o json b=2", "call u m --kw a=1 -o json b=2"},
		{"call u m b=2", "call u m b=2"},
		{"call u m -- -5 --kw", "call u m -- -5 --kw"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			require.Equal(t, strings.Fields(tt.want), expandArgs(strings.Fields(tt.in)))
		})
	}
}

// runFlags parses a command line with a command whose work is left out.
func runFlags(t *testing.T, newCmd func(*factory) *cobra.Command, line string) error {
	t.Helper()
	f := &factory{}
	f.io = testStreams()
	cmd := newCmd(f)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(expandArgs(strings.Fields(line)))
	return cmd.ExecuteContext(t.Context())
}

func TestCallFlags(t *testing.T) {
	tests := []struct {
		line    string
		want    callOptions
		wantErr string
	}{
		{line: "U m", want: callOptions{uri: "U", method: "m", args: []string{}, repeat: 1}},
		{line: "U m 1 a", want: callOptions{uri: "U", method: "m", args: []string{"1", "a"}, repeat: 1}},
		{line: "U m -1", want: callOptions{uri: "U", method: "m", args: []string{"\x00-1"}, repeat: 1}},
		{
			line: "U m x --kw a=1 b=2 --oneway --repeat 3 --typed --string",
			want: callOptions{
				uri: "U", method: "m", args: []string{"x"}, keywords: []string{"a=1", "b=2"},
				oneway: true, repeat: 3, typed: true, strings: true,
			},
		},
		{line: "U", wantErr: "requires at least 2 arg"},
		{line: "U m --repeat 0", wantErr: "want at least 1"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			var got *callOptions
			err := runFlags(t, func(f *factory) *cobra.Command {
				return newCallCmd(f, func(_ context.Context, _ *factory, o *callOptions) error { got = o; return nil })
			}, tt.line)
			if tt.wantErr != "" {
				require.ErrorContains(t, err, tt.wantErr)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, *got)
		})
	}
}

func TestNSListFlags(t *testing.T) {
	tests := []struct {
		line string
		want nsListOptions
	}{
		{"", nsListOptions{}},
		{"--prefix a", nsListOptions{query: discovery.Query{Prefix: "a"}}},
		{"--regex a.* --meta-all x,y --meta-any z", nsListOptions{
			query: discovery.Query{All: []string{"x", "y"}, Any: []string{"z"}}, regex: "a.*",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			var got *nsListOptions
			err := runFlags(t, func(f *factory) *cobra.Command {
				return newNSListCmd(f, func(_ context.Context, _ *factory, o *nsListOptions) error { got = o; return nil })
			}, tt.line)
			require.NoError(t, err)
			require.Equal(t, tt.want, *got)
		})
	}
}

func TestServeFlags(t *testing.T) {
	t.Setenv("PYRO_HOST", "0.0.0.0")
	t.Setenv("PYRO_NS_HOST", "127.0.0.1")
	t.Setenv("PYRO_NS_PORT", "4711")
	tests := []struct {
		line string
		want serveFlags
	}{
		{"", serveFlags{host: "127.0.0.1", port: 4711}},
		{"--host h --port 1 --nathost n --natport 2", serveFlags{host: "h", port: 1, natHost: "n", natPort: 2}},
		{"--unix /s --serializers json", serveFlags{host: "127.0.0.1", port: 4711, unix: "/s", serializers: []string{"json"}}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			var got *nsServeOptions
			err := runFlags(t, func(f *factory) *cobra.Command {
				return newNSServeCmd(f, func(_ context.Context, _ *factory, o *nsServeOptions) error { got = o; return nil })
			}, tt.line)
			require.NoError(t, err)
			require.Equal(t, tt.want, got.serveFlags)
		})
	}
}

func TestGlobalsFromEnvironment(t *testing.T) {
	t.Setenv("PYRO_SERIALIZER", "json")
	t.Setenv("PYRO_COMMTIMEOUT", "2.5")
	t.Setenv("PYRO_HMAC_KEY", "sesame")
	t.Setenv("PYRO_COMPRESSION", "on")
	t.Setenv("PYRO_MAX_MESSAGE_SIZE", "1000")
	t.Setenv("PYRO_PREFER_IP_VERSION", "6")
	t.Setenv("PYRO_METADATA", "off")
	t.Setenv("PYRO_MAX_RETRIES", "3")
	t.Setenv("PYRO_NS_LOOKUP_DELAY", "0.5")
	t.Setenv("PYRO_SERPENT_BYTES_REPR", "1")
	t.Setenv("PYRO_SSL", "1")
	parse := func(line string) globals {
		f := &factory{}
		f.io = testStreams()
		cmd := newRootCmd(f)
		require.NoError(t, cmd.ParseFlags(strings.Fields(line)))
		require.NoError(t, f.complete(cmd.Flags()))
		return f.flags
	}
	g := parse("")
	require.Equal(t, "json", g.serializer)
	require.Equal(t, 2500*time.Millisecond, g.timeout)
	require.Equal(t, "PYRO_HMAC_KEY", g.hmacKeyEnv)
	require.True(t, g.compress)
	require.Equal(t, int64(1000), g.maxMessageSize)
	require.Equal(t, 6, g.preferIP)
	require.True(t, g.unchecked)
	require.Equal(t, 3, g.retries)
	require.Equal(t, 500*time.Millisecond, g.lookupDelay)
	require.True(t, g.bytesRepr)
	require.True(t, g.tls.enabled())
	require.NotNil(t, g.tls.env)
	require.Nil(t, parse("--tls-ca x").tls.env, "flags win")
	g = parse("--serializer marshal --timeout 1s --dialect pyro5") // flags win
	require.Equal(t, "marshal", g.serializer)
	require.Equal(t, time.Second, g.timeout)
	require.Empty(t, g.hmacKeyEnv)
}

func TestExitCode(t *testing.T) {
	remote := func(class, message string) error {
		e := *transport.NewError(class, message)
		e.Remote = true
		e.Code = codeOfRemote(class, message)
		return &e
	}
	_, uriErr := pyro.ParseURI("x")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"a method raised", remote("ValueError", "x"), exitFailed},
		{"a method raised PermissionError", remote("PermissionError", "x"), exitFailed},
		{"unknown name", remote("Pyro5.errors.NamingError", "unknown name: x"), exitNotFound},
		{"unknown object", remote("Pyro4.errors.DaemonError", "unknown object"), exitNotFound},
		{"name is taken", remote("Pyro4.errors.NamingError", "name already registered: x"), exitFailed},
		{"not exposed", remote("AttributeError", "attempt to access unexposed attribute 'x'"), exitRefused},
		{"no connection", transport.Errorf(transport.CodeUnavailable, "x"), exitUnreachable},
		{"wrapped", fmt.Errorf("look up: %w", transport.Errorf(transport.CodeUnavailable, "x")), exitUnreachable},
		{"timeout", context.DeadlineExceeded, exitUnreachable},
		{"handshake refused", transport.Errorf(transport.CodePermissionDenied, "x"), exitRefused},
		{"unknown authority", transport.Wrap(transport.CodeUnavailable, x509.UnknownAuthorityError{}), exitRefused},
		{
			"refused by the name server",
			transport.Errorf(transport.CodeUnavailable, "x: %w", errors.Join(transport.Errorf(transport.CodeUnauthenticated, "y"))),
			exitRefused,
		},
		{"wrong flag", usagef("x"), exitUsage},
		{"bad URI", uriErr, exitUsage},
		{"interrupted", &interruptedError{context.Canceled}, exitInterrupted},
		{"another program's port", &service.ListenError{Network: "tcp", Address: "h:1", Err: syscall.EADDRINUSE}, exitUnreachable},
		{
			"a port of root, in a configuration",
			&configError{fmt.Errorf("x: %w", &service.ListenError{Network: "tcp", Address: "h:1", Err: syscall.EACCES})},
			exitUnreachable,
		},
		{"metrics", fmt.Errorf("x: %w", &net.OpError{Op: "listen", Net: "tcp", Err: syscall.EACCES}), exitUnreachable},
		{"a socket's folder", &service.ListenError{Network: "unix", Address: "/nowhere/s", Err: fs.ErrNotExist}, exitUsage},
		{"a wrong configuration", &configError{errors.New("x")}, exitUsage},
		{"a file that must not be read", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, exitUsage},
		{"a full disk", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, exitFailed},
		{"anything else", io.ErrShortWrite, exitFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, exitCode(tt.err)) })
	}
}

func TestExitCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	help := newRootCmd(&factory{io: &streams{}}).Long
	for _, e := range exitCodes {
		require.Contains(t, string(page), fmt.Sprintf("| %d | %s |\n", e.code, e.meaning))
		require.Contains(t, help+"\n", fmt.Sprintf("%d %s\n", e.code, e.meaning))
	}
}

// codeOfRemote gives an exception the code that the library gives it when it comes off the wire.
func codeOfRemote(class, message string) transport.Code {
	switch {
	case strings.HasPrefix(message, "name already"):
		return transport.CodeAlreadyExists
	case strings.HasPrefix(message, "unknown "):
		return transport.CodeNotFound
	case class == "PermissionError":
		return transport.CodePermissionDenied
	default:
		return transport.CodeInvalidArgument
	}
}

// A readyWriter tells when the first line was written.
type readyWriter struct {
	lines chan string
}

func (w readyWriter) Write(b []byte) (int, error) {
	w.lines <- string(b)
	return len(b), nil
}

func TestNATAddressIsAnnounced(t *testing.T) {
	ready := readyWriter{make(chan string, 1)}
	f := &factory{io: &streams{out: ready, err: io.Discard}}
	require.NoError(t, f.complete(newRootCmd(f).Flags()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	opts := &nsServeOptions{serveFlags: serveFlags{host: "localhost", natHost: "names.example.org", natPort: 4711}}
	go func() { done <- nsServe(ctx, f, opts) }()
	require.Equal(t, "READY ns PYRO:Pyro.NameServer@names.example.org:4711\n", <-ready.lines)
	cancel()
	require.NoError(t, <-done)
}

func TestPercentile(t *testing.T) {
	times := make([]time.Duration, 100)
	for i := range times {
		times[i] = time.Duration(i + 1)
	}
	require.Equal(t, time.Duration(50), percentile(times, 50))
	require.Equal(t, time.Duration(99), percentile(times, 99))
	require.Equal(t, time.Duration(1), percentile(times[:1], 99))
}
