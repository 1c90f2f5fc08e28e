// Package examples runs the example programs against each other, as their READMEs tell to.
package examples

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/service"
	nsservice "github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

var bin string // folder of the binaries

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	var err error
	if bin, err = os.MkdirTemp("", "examples"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(bin)
	mains, err := filepath.Glob("*/*/main.go")
	if err != nil {
		panic(err)
	}
	deeper, err := filepath.Glob("*/*/*/main.go")
	if err != nil {
		panic(err)
	}
	for _, main := range append(mains, deeper...) {
		folder := filepath.ToSlash(filepath.Dir(main))
		build := exec.Command("go", "build", "-o", path(folder), "./"+folder)
		build.Stdout, build.Stderr = os.Stdout, os.Stderr
		if err := build.Run(); err != nil {
			panic(err)
		}
	}
	return m.Run()
}

// path returns the binary of the program in a folder, such as "greeting/server".
func path(folder string) string {
	name := strings.ReplaceAll(folder, "/", "-")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(bin, name)
}

// start runs a server until the test ends and returns what it prints.
func start(t *testing.T, name string, args ...string) io.Reader {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path(name), args...)
	cmd.Cancel = func() error {
		if runtime.GOOS == "windows" {
			return cmd.Process.Kill()
		}
		return cmd.Process.Signal(os.Interrupt)
	}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var log bytes.Buffer
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { // by then the context has ended, and with it the server
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
		require.True(t, runtime.GOOS == "windows" || cmd.ProcessState.ExitCode() == 0, cmd.ProcessState)
	})
	return out
}

// serve starts a server and returns the URI at the end of the first line it prints.
func serve(t *testing.T, name string, args ...string) string {
	t.Helper()
	line, err := bufio.NewReader(start(t, name, args...)).ReadString('\n')
	require.NoError(t, err) // what it logged is shown at the end
	fields := strings.Fields(line)
	return fields[len(fields)-1]
}

func client(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path(name), args...).CombinedOutput()
	return strings.ReplaceAll(string(out), "\r\n", "\n"), err
}

// startNameServer returns the location of a name server of the test's own.
func startNameServer(t *testing.T) string {
	t.Helper()
	ns := nsservice.New()
	srv := service.NewServer()
	require.NoError(t, srv.Add(ns.Service()))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { _ = srv.Shutdown(t.Context()) }) // cuts off who is still connected
	require.NoError(t, ns.RegisterSelf(srv.URI(nameserver.ObjectName)))
	return srv.URI("").Location()
}

// awaitName waits until a server has registered itself.
func awaitName(t *testing.T, location, name string) {
	t.Helper()
	ns, err := nameserver.Locate(t.Context(), pyro.DialConfig{}, location)
	require.NoError(t, err)
	defer ns.Close()
	require.Eventually(t, func() bool {
		_, err := ns.Lookup(t.Context(), name)
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
}

func TestGreeting(t *testing.T) {
	ns := startNameServer(t)
	uri := serve(t, "greeting/server", "-ns", ns)
	want := "Hello, Irmen. Here is your fortune message:\n" +
		"Behold the warranty -- the bold print giveth and the fine print taketh away.\n"
	out, err := client(t, "greeting/client", "-uri", uri)
	require.NoError(t, err, out)
	require.Equal(t, want, out)
	awaitName(t, ns, "example.greeting")
	out, err = client(t, "greeting/client", "-uri", "PYRONAME:example.greeting@"+ns)
	require.NoError(t, err, out)
	require.Equal(t, want, out)
}

func TestStockQuotes(t *testing.T) {
	out, err := client(t, "stockquotes/phase1", "-count", "2")
	require.NoError(t, err, out)
	showsTwoOfEach(t, out)
	for _, phase := range []string{"phase2", "phase3"} {
		t.Run(phase, func(t *testing.T) {
			ns := startNameServer(t)
			host, port, err := net.SplitHostPort(ns)
			require.NoError(t, err)
			var listen, at []string
			if phase == "phase2" {
				t.Setenv("PYRO_NS_HOST", host)
				t.Setenv("PYRO_NS_PORT", port)
			} else {
				listen, at = []string{"-listen", "localhost:0"}, []string{"-ns", ns}
			}
			start(t, "stockquotes/"+phase+"/market", append(listen, at...)...)
			awaitName(t, ns, "example.stockmarket.nasdaq")
			awaitName(t, ns, "example.stockmarket.nyse")
			out, err := client(t, "stockquotes/"+phase+"/viewer", append(at, "-count", "2")...)
			require.NoError(t, err, out)
			require.Contains(t, out, "Found example.stockmarket.nasdaq\nFound example.stockmarket.nyse\n")
			showsTwoOfEach(t, out)
		})
	}
}

func showsTwoOfEach(t *testing.T, out string) {
	t.Helper()
	require.Contains(t, out, "Shown quotes: IBM, AAPL, MSFT\n")
	require.Len(t, regexp.MustCompile(`(?m)^NASDAQ\.(AAPL|MSFT): \d+\.\d\d$`).FindAllString(out, -1), 2, out)
	require.Len(t, regexp.MustCompile(`(?m)^NYSE\.IBM: \d+\.\d\d$`).FindAllString(out, -1), 2, out)
}

func TestWarehouse(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), path("warehouse/phase2/visit"), serve(t, "warehouse/phase2/server"))
	cmd.Stdin = strings.NewReader("lamp\npiano\n")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "laptop, couch, lamp")
	require.Contains(t, string(out), "Sorry, there is no piano")
}

func TestSecured(t *testing.T) {
	t.Setenv("EXAMPLE_TOKEN", "sesame")
	uri := serve(t, "secured/server")
	out, err := client(t, "secured/client", "-uri", uri)
	require.NoError(t, err, out)
	require.Contains(t, out, "the server knows me as alice")
	t.Setenv("EXAMPLE_TOKEN", "wrong")
	out, err = client(t, "secured/client", "-uri", uri)
	require.Error(t, err)
	require.Contains(t, out, "authentication failed")
}

func TestConfigured(t *testing.T) {
	t.Setenv("EXAMPLE_TOKEN", "sesame")
	t.Setenv("EXAMPLE_LISTEN", "localhost:0")
	t.Setenv("EXAMPLE_ADMIN", "localhost:0")
	ready := bufio.NewReader(start(t, "configured/server", "-config", "configured/server.yaml"))
	daemon, admin := readyAt(t, ready, "server"), readyAt(t, ready, "admin")
	_, location, _ := strings.Cut(daemon, "@")
	t.Setenv("EXAMPLE_URI", "PYRO:example.prices@"+location)

	out, err := client(t, "configured/client", "-config", "configured/client.yaml", "tea", "milk")
	require.NoError(t, err, out)
	require.Equal(t, "tea: 3.50\nmilk: 1.20\n", out)
	require.Contains(t, get(t, admin+"/metrics"), `method="get",object="example.prices"`)
	require.NotContains(t, get(t, admin+"/configz"), "sesame")

	t.Setenv("EXAMPLE_TOKEN", "wrong")
	out, err = client(t, "configured/client", "-config", "configured/client.yaml", "tea")
	require.Error(t, err)
	require.Contains(t, out, "authentication failed")
}

// readyAt returns where a program says that it answers.
func readyAt(t *testing.T, lines *bufio.Reader, what string) string {
	t.Helper()
	line, err := lines.ReadString('\n')
	require.NoError(t, err) // what it logged is shown at the end
	uri, found := strings.CutPrefix(strings.TrimSpace(line), "READY "+what+" ")
	require.True(t, found, line)
	return uri
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode, url)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(text)
}
