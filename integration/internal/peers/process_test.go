//go:build integration && unix

package peers_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
)

func TestRunDecodesWhatPythonPrints(t *testing.T) {
	var got []string
	require.NoError(t, peers.Run(t.Context(), &got, "import sys, json; print(json.dumps(sys.argv[1:]))", "a", "b c"))
	require.Equal(t, []string{"a", "b c"}, got)

	err := peers.Run(t.Context(), &got, "raise ValueError('in Python')")
	require.ErrorContains(t, err, "ValueError: in Python")
	require.ErrorContains(t, peers.Run(t.Context(), &got, "print('no json')"), "no json")
}

func TestEnvironmentIsFreeOfPyro(t *testing.T) {
	t.Setenv("PYRO_HMAC_KEY", "stops every Pyro5 process")
	var got string
	require.NoError(t, peers.Run(t.Context(), &got, "import Pyro5.api, json; print(json.dumps(Pyro5.__version__))"))
	require.Equal(t, "5.16", got)
}

func TestStartSaysWhyItFailed(t *testing.T) {
	_, err := peers.Start(peers.Program{Script: "service5.py", Args: []string{"--hmac", "key"}})
	require.ErrorContains(t, err, "Pyro5 has no HMAC")
	_, err = peers.Start(peers.Program{Script: "pyro5-nonsense"})
	require.ErrorContains(t, err, "no such program")
}

func TestMissingPeerIsOneUsefulSentence(t *testing.T) {
	t.Setenv(peers.EnvVenv, t.TempDir())
	_, err := peers.Start(peers.Program{Script: "service5.py"})
	require.ErrorContains(t, err, "run make peers, or set PYROKIT_PEERS")
}

func TestStopEndsTheProcess(t *testing.T) {
	process, err := peers.Start(peers.Program{Script: "pyro5-ns", Args: []string{"-p", "0", "-x"}})
	require.NoError(t, err)
	process.Stop()
	process.Stop()
	require.ErrorIs(t, syscall.Kill(process.Pid(), 0), syscall.ESRCH)
}

// TestPeersEndWithTheTestProgram runs this test program again and kills it before it can clean up.
func TestPeersEndWithTheTestProgram(t *testing.T) {
	if os.Getenv("PEERS_TEST_CHILD") != "" {
		process := peers.Service(t, peers.Pyro4)
		_, err := os.Stdout.WriteString("pid " + strconv.Itoa(process.Pid()) + "\n")
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "PEERS_TEST_CHILD=1")
	out, err := cmd.Output()
	require.Error(t, err, "it kills itself")
	_, line, _ := strings.Cut(string(out), "pid ")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return gone(pid) }, waitFor, tick)
}

// gone tells whether a process has ended, be it that nobody has waited for it.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}
