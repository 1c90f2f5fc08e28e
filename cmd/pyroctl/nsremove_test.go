package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	discoveryns "github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Many entries are removed from a terminal only when somebody said so; scripts are not asked.
func TestRemovingManyIsConfirmed(t *testing.T) {
	ns, f := startNS(t)
	names := []string{"a.one", "a.two", "b"}
	for _, tt := range []struct {
		name, answer string
		terminal     bool
		opts         nsRemoveOptions
		left         int // beside the name server's own
		asked        string
	}{
		{"yes", "y\n", true, nsRemoveOptions{filter: discoveryns.Filter{Regex: ".*"}}, 0, "remove 3 entries, from a.one to b? [y/N] "},
		{"in words", " YES \n", true, nsRemoveOptions{filter: discoveryns.Filter{Prefix: "a."}}, 1, "remove 2 entries, from a.one to a.two? [y/N] "},
		{"no", "n\n", true, nsRemoveOptions{filter: discoveryns.Filter{Regex: "b"}}, 3, "remove 1 entry, b? [y/N] "},
		{"return", "\n", true, nsRemoveOptions{filter: discoveryns.Filter{Regex: ".*"}}, 3, "remove 3 entries, from a.one to b? [y/N] "},
		{"the end", "", true, nsRemoveOptions{filter: discoveryns.Filter{Regex: ".*"}}, 3, "remove 3 entries, from a.one to b? [y/N] "},
		{"nothing is chosen", "", true, nsRemoveOptions{filter: discoveryns.Filter{Prefix: "c"}}, 3, ""},
		{"--yes", "", true, nsRemoveOptions{filter: discoveryns.Filter{Regex: ".*"}, yes: true}, 0, ""},
		{"--dry-run", "", true, nsRemoveOptions{filter: discoveryns.Filter{Regex: ".*"}, dryRun: true}, 3, ""},
		{"one name", "", true, nsRemoveOptions{name: "b"}, 2, ""},
		{"a script", "", false, nsRemoveOptions{filter: discoveryns.Filter{Regex: ".*"}}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, f.withNameServer(t.Context(), func(ctx context.Context, c *discoveryns.Client) error {
				for _, name := range names {
					require.NoError(t, c.Register(ctx, name, pyro.URI{Protocol: pyro.ProtocolPyro, Object: "o", Host: "h", Port: 1}, false))
				}
				return nil
			}))
			var asked strings.Builder
			f.io = &streams{in: strings.NewReader(tt.answer), out: io.Discard, err: &asked, asks: tt.terminal}
			err := nsRemove(t.Context(), f, &tt.opts)
			if tt.left == len(names) && tt.asked != "" {
				require.ErrorIs(t, err, errNotConfirmed)
				require.Equal(t, exitFailed, exitCode(err))
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, tt.asked, asked.String())
			n, err := ns.Count(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.left+1, n)
		})
	}
}

// A question that nobody answers ends with the program.
func TestAQuestionIsInterrupted(t *testing.T) {
	ns, f := startNS(t)
	require.NoError(t, nsRegister(t.Context(), f, &nsRegisterOptions{name: "a", uri: "PYRO:o@h:1"}))
	in, typed := io.Pipe()
	defer typed.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f.io.in, f.io.asks, f.io.err = in, true, cancelWriter(cancel)
	require.ErrorIs(t, nsRemove(ctx, f, &nsRemoveOptions{filter: discoveryns.Filter{Regex: ".*"}}), context.Canceled)
	n, err := ns.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

// cancelWriter interrupts as soon as something is asked.
type cancelWriter context.CancelFunc

func (w cancelWriter) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}
