//go:build integration

package integration

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
)

// A command is pyroctl, with flags that stand after the first word of each line.
type command struct {
	t     *testing.T
	path  string
	flags []string
}

func buildCommand(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pyroctl")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../cmd/pyroctl").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// run runs a command line that must end with an exit code.
func (c *command) run(exit int, stdin string, args ...string) (stdout, stderr string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), c.path, slices.Concat(args[:1], c.flags, args[1:])...)
	var out, log bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &log
	got := 0
	if err := cmd.Run(); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		require.True(c.t, ok, err)
		got = ended.ExitCode()
	}
	require.Equal(c.t, exit, got, "%v: %s%s", args, out.String(), log.String())
	return out.String(), log.String()
}

// prints runs a command line that must print so.
func (c *command) prints(want string, args ...string) {
	c.t.Helper()
	out, _ := c.run(0, "", args...)
	require.Equal(c.t, want, out, "%v", args)
}

// TestCommandsOfNameServers: pyroctl ns says the same, whoever's name server it asks.
func TestCommandsOfNameServers(t *testing.T) {
	path := buildCommand(t)
	eachNameServer(t, func(t *testing.T, location string) {
		c := &command{t, path, []string{"--ns", location}}
		c.prints("PYRO:Pyro.NameServer@"+location+" answers\n", "ns", "ping")
		c.prints("registered a.tea\n", "ns", "register", "a.tea", "PYRO:tea@host:1", "--meta", "hot,drink,hot")
		c.prints(`{"name":"a.bread","uri":"PYRO:bread@./u:/s","metadata":[]}`+"\n", "ns", "register", "a.bread", "PYRO:bread@./u:/s", "-o", "json")
		_, said := c.run(1, "", "ns", "register", "a.tea", "PYRO:x@host:2", "--safe")
		require.Contains(t, said, "NamingError: name already registered: a.tea\nwithout --safe it is replaced\n")
		c.prints(`{"count":3}`+"\n", "ns", "count", "-o", "json")
		c.prints("PYRO:tea@host:1\n", "ns", "lookup", "a.tea")
		c.prints("- name: a.tea\n  uri: PYRO:tea@host:1\n  metadata:\n    - drink\n    - hot\n", "ns", "list", "--regex", `.*t..$`, "-o", "yaml")
		c.prints("NAME   URI              METADATA\na.tea  PYRO:tea@host:1  drink,hot\n", "ns", "list", "--prefix", "a.", "--meta-all", "hot")
		_, said = c.run(1, "", "ns", "list", "--regex", "(")
		require.Contains(t, said, "missing ), unterminated subpattern at position 0\nwant a regular expression of Python's re")
		_, said = c.run(3, "", "ns", "lookup", "a.coffee", "-o", "json")
		require.Contains(t, said, `{"error":{"code":"not_found","class":"Pyro`)
		_, said = c.run(3, "", "ns", "set-meta", "a.coffee", "x")
		require.Contains(t, said, "the names that are known: pyroctl ns list --ns "+location+"\n")
		c.prints("metadata of a.tea: none\n", "ns", "set-meta", "a.tea")

		const lines = `{"name":"a.bread","uri":"PYRO:bread@./u:/s","metadata":[]}` + "\n" + `{"name":"a.tea","uri":"PYRO:tea@host:1","metadata":[]}` + "\n"
		c.prints(lines, "ns", "export")
		c.prints("a.bread\na.tea\n:4\n", "__complete", "ns", "remove", "a.")
		c.prints("removed 2\n", "ns", "remove", "--prefix", "a.")
		const leased = `{"name":"leased","uri":"PYRO:l@host:1","metadata":[],"lease":3600}` + "\n"
		out, said := c.run(0, lines+leased, "ns", "import", "-")
		if strings.HasSuffix(t.Name(), "/Go") {
			require.Empty(t, said)
			require.Equal(t, "imported 3\n", out)
			c.prints(lines+leased, "ns", "export")
		} else {
			require.Equal(t, "imported 2\n", out)
			require.Equal(t, "the name server has no leases: 1 entries with one are left out, their owners register them again\n", said)
			c.prints(lines, "ns", "export")
		}
		c.prints("removed 1\n", "ns", "remove", "a.tea")
		_, said = c.run(3, "", "ns", "remove", "a.tea")
		require.Contains(t, said, "remove a.tea: unknown name: a.tea\n")
		_, said = c.run(5, "", "ns", "remove", "Pyro.NameServer")
		require.Contains(t, said, "the name server's own name stays\n")
	})
}

// TestWatchOutlivesAPythonNameServer: what came and went while it was away is told afterwards.
func TestWatchOutlivesAPythonNameServer(t *testing.T) {
	path := buildCommand(t)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		before := peers.NameServer(t, d)
		_, location, _ := strings.Cut(before.URIs["uri"], "@")
		_, port := split(t, location)
		c := &command{t, path, []string{"--ns", location}}
		c.prints("registered gone\n", "ns", "register", "gone", "PYRO:x@host:1")
		watch := exec.CommandContext(t.Context(), path, "ns", "watch", "-o", "json", "--ns", location)
		out, err := watch.StdoutPipe()
		require.NoError(t, err)
		said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		require.NoError(t, err)
		defer said.Close()
		watch.Stderr = said
		require.NoError(t, watch.Start())
		lines := bufio.NewScanner(out)
		next := func() string {
			if !lines.Scan() {
				text, _ := os.ReadFile(said.Name())
				require.Fail(t, "the watch has ended", "%s", text)
			}
			return lines.Text()
		}
		require.Contains(t, next(), `{"change":"put","name":"Pyro.NameServer",`)
		require.JSONEq(t, `{"change":"put","name":"gone","uri":"PYRO:x@host:1","metadata":[]}`, next())
		before.Stop()
		peers.NameServer(t, d, "-p", strconv.Itoa(port))
		require.JSONEq(t, `{"change":"remove","name":"gone"}`, next())
		c.prints("registered new\n", "ns", "register", "new", "PYRO:x@host:2")
		require.JSONEq(t, `{"change":"put","name":"new","uri":"PYRO:x@host:2","metadata":[]}`, next())
		require.NoError(t, watch.Process.Kill())
		require.Error(t, watch.Wait())
	})
}
