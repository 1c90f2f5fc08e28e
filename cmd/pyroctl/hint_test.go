package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func TestHints(t *testing.T) {
	unavailable := func(text string) error { return transport.Errorf(transport.CodeUnavailable, "%s", text) }
	tests := []struct {
		name string
		line string // of the command line: its global flags
		uri  string // of the target, if there is one
		err  error
		want string
	}{
		{
			"nothing is known", "", "", unavailable("connection reset by peer"),
			"it may speak TLS, or be no Pyro daemon: try --tls, or pyroctl wire HOST:PORT",
		},
		{
			"the target is known", "", "PYRO:x@h:1", unavailable("connection reset by peer"),
			"it may speak TLS, or be no Pyro daemon: try --tls, or pyroctl wire h:1",
		},
		{
			"what is needed to connect goes along", "--tls --ns a,b --dialect pyro4 --serializer json --tls-server-name x --timeout 1s", "PYRO:x@h:1",
			unavailable("connection reset by peer"),
			"it may speak TLS, or be no Pyro daemon: try --tls, or pyroctl wire h:1 --ns a,b --tls --tls-server-name x",
		},
		{
			"a shell would take it apart", "", "PYRO:o'x@[::1]:1", unavailable("unknown object"),
			"the objects that are there: pyroctl objects '[::1]:1'",
		},
		{
			"a name is not yet looked up", "", "PYRONAME:a", unavailable("unknown object"),
			"the objects that are there: pyroctl objects HOST:PORT",
		},
		{
			"a member that is not there", "", "PYRO:o'x@h:1", &transport.Error{NoSuchMember: true},
			`what the object exposes: pyroctl describe 'PYRO:o'\''x@h:1'`,
		},
		{
			"a name server with a port", "--ns [::1]:5", "", unavailable("failed to locate the name server"),
			"start one with: pyroctl ns serve --host ::1 --port 5, or say where it is: --ns HOST:PORT",
		},
		{
			"a name server without a port", "--ns h", "", unavailable("failed to locate the name server"),
			"start one with: pyroctl ns serve, or say where it is: --ns HOST:PORT",
		},
		{
			"a name server whose host is not known", "--ns h", "",
			unavailable("failed to locate the name server: connect to x: dial tcp: lookup h on 10.0.0.1:53: no such host"),
			"the name server's host is not known here: is its name right? --ns HOST:PORT names another one",
		},
		{
			"a host that is not known", "--ns h", "PYRO:x@g:1", unavailable("connect to x: dial tcp: lookup g on 10.0.0.1:53: no such host"),
			"the host is not known here: servers announce what they were told to listen on",
		},
		{
			"a name server that does not answer", "--ns ::1 --tls", "",
			unavailable("failed to locate the name server: connect to x: no answer to the handshake: context deadline exceeded"),
			"something listens there, but it is busy or no Pyro daemon: pyroctl wire '[::1]:9090' --tls",
		},
		{
			"what is no name server", "--ns PYRO:Pyro.NameServer@h:1", "", unavailable("failed to locate the name server: connect to x: invalid data"),
			"something listens there that is no Pyro daemon: pyroctl wire h:1",
		},
		{
			"one of several is no name server", "--ns h:1,h:2", "", unavailable("failed to locate the name server: connect to x: invalid data"),
			"something listens there that is no Pyro daemon: pyroctl wire HOST:PORT --ns h:1,h:2",
		},
		{
			"a certificate is wanted", "", "PYRO:x@h:1", unavailable("connect to x: remote error: tls: certificate required"),
			"the server wants a certificate of an authority that it trusts: --tls-cert FILE, and --tls-key FILE where the key is in another one",
		},
		{"no such name", "--ns h:1", "", unavailable("unknown name: x"), "the names that are known: pyroctl ns list --ns h:1"},
		{"no key", "", "", unavailable("message hmac mismatch"), "both ends need the same key: --hmac-key-env VARIABLE"},
		{
			"the wrong key", "--hmac-key-env K", "", unavailable("message hmac mismatch"),
			"both ends need the same key: the one that was used is in the variable K",
		},
		{
			"no credential", "", "", unavailable("authentication failed"),
			"the server asks who connects: --credential-env VARIABLE names the token to say",
		},
		{
			"the wrong credential", "--credential-env C", "", unavailable("authentication failed"),
			"the server does not know the token in the variable C",
		},
		{
			"too late", "--timeout 2s", "PYRO:x@./u:/s", transport.Errorf(transport.CodeDeadlineExceeded, "x"),
			"give it more time with --timeout (now 2s), or see whether it answers at all: pyroctl ping ./u:/s",
		},
		{
			"a firewall", "--timeout 2s", "PYRO:x@h:1",
			transport.Errorf(transport.CodeDeadlineExceeded, "connect to x: context deadline exceeded (dial tcp 10.0.0.1:1: operation was canceled)"),
			"nothing came back: the machine is off or another one, a firewall drops what is sent to the port, or --timeout (now 2s) is short",
		},
		{
			"a name server behind a firewall", "--ns h:1", "",
			unavailable("failed to locate the name server: connect to x: dial tcp 10.0.0.1:1: connect: no route to host"),
			"the machine is off, or a firewall refuses what is sent to the port",
		},
		{
			"no answer about the host", "", "PYRO:x@h:1",
			transport.Errorf(transport.CodeDeadlineExceeded, "connect to x: context deadline exceeded (dial tcp: lookup h: i/o timeout)"),
			"nobody says which address the host has: is its name right?",
		},
		{
			"something else than a name server", "", "",
			unavailable("failed to locate the name server: connect to PYRO:Pyro.NameServer@localhost:9090 at 127.0.0.1:9090: invalid data"),
			"something listens there that is no Pyro daemon: pyroctl wire localhost:9090",
		},
		{
			"something else than a name server behind a name", "--no-broadcast --hmac-key-env K", "PYRONAME:x",
			unavailable("look up x: failed to locate the name server: connect to PYRO:Pyro.NameServer@h:1 at 10.0.0.1:1: invalid data"),
			"something listens there that is no Pyro daemon: pyroctl wire h:1 --hmac-key-env K",
		},
		{
			"something else among name servers", "--ns a:1,b:2,c:3", "",
			unavailable("failed to locate the name server: connect to PYRO:Pyro.NameServer@a:1 at 10.0.0.1:1: connection refused; " +
				"connect to PYRO:Pyro.NameServer@b:2 at 10.0.0.2:2: invalid data; connect to PYRO:Pyro.NameServer@c:3 at 10.0.0.3:3: x"),
			"something listens there that is no Pyro daemon: pyroctl wire b:2",
		},
		{"nothing to say", "", "", errors.New("x"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &factory{io: testStreams(), log: slog.New(slog.DiscardHandler)}
			root := newRootCmd(f)
			require.NoError(t, root.ParseFlags(strings.Fields(tt.line)))
			if tt.uri != "" {
				u, err := pyro.ParseURI(tt.uri)
				require.NoError(t, err)
				f.aimAt(tt.uri, u)
			}
			require.Equal(t, tt.want, f.hintFor(root, tt.err, transport.AsError(tt.err), exitFailed))
		})
	}
}

// What wire has found nothing with is not advised again.
func TestHintsOfWire(t *testing.T) {
	f := &factory{}
	wire := &cobra.Command{Use: "wire"}
	for text, want := range map[string]string{
		"x: invalid data":           "something listens there that is no Pyro daemon",
		"connection reset by peer":  "it may speak TLS, or be no Pyro daemon: try --tls",
		"the peer may speak no TLS": "leave --tls out",
	} {
		require.Equal(t, want, f.hintFor(wire, errors.New(text), &transport.Error{}, exitFailed))
	}
}

func TestHintForADeniedAddress(t *testing.T) {
	f := &factory{serving: &serveFlags{port: 80}}
	hint := func() string {
		return f.hintFor(&cobra.Command{Use: "serve"}, errors.New("bind: permission denied"), &transport.Error{}, exitRefused)
	}
	require.Contains(t, hint(), "ports below 1024 are for root")
	f.serving.unix = "/s"
	require.Equal(t, "this user cannot make a file in the folder of /s: --unix PATH takes another one", hint())
}

func TestHintForABusyAddress(t *testing.T) {
	f := &factory{}
	serve := &cobra.Command{Use: "serve"}
	newGroup("ns", "", serve)
	require.Empty(t, f.busyHint(serve))
	f.serving = &serveFlags{host: "::1", port: 9090}
	require.Contains(t, f.busyHint(serve), "(pyroctl ns ping --ns '[::1]:9090')")
	require.NotContains(t, f.busyHint(&cobra.Command{Use: "serve"}), "name server")
	f.serving.unix = "/s"
	require.Contains(t, f.busyHint(serve), "--unix PATH")
}

// Where an object was found by its name, hints say where.
func TestHintsKnowWhereANameLed(t *testing.T) {
	f := &factory{io: testStreams()}
	u, err := pyro.ParseURI("PYRONAME:x")
	require.NoError(t, err)
	f.aimAt("PYRONAME:x", u)
	f.foundAt("h:1")
	f.flags.timeout = time.Second
	root := newRootCmd(f)
	require.Equal(t, "PYRONAME:x h:1", f.fill(root, "{uri} {at}{flags}", "x", "x"))
}
