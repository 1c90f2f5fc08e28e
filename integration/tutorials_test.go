//go:build integration

package integration

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	nsservice "github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A tongue is what an example program is written in. The Python ones speak Pyro5; for Pyro4 they are ported as
// examples/README.md says.
type tongue string

const (
	inGo    tongue = "Go"
	inPyro4 tongue = "Pyro4"
	inPyro5 tongue = "Pyro5"
)

var toPyro4 = strings.NewReplacer("Pyro5.api", "Pyro4", "Pyro5.errors", "Pyro4.errors", "locate_ns", "locateNS")

// eachPair runs a test for each pair of server and client that understand each other and of which one at least is
// Go, with a name server that programs find by their environment.
func eachPair(t *testing.T, test func(t *testing.T, x *examplePrograms, server, client tongue)) {
	t.Helper()
	bin := t.TempDir()
	for _, pair := range [][2]tongue{{inGo, inGo}, {inGo, inPyro4}, {inGo, inPyro5}, {inPyro4, inGo}, {inPyro5, inGo}} {
		t.Run(string(pair[0]+" serves "+pair[1]), func(t *testing.T) {
			test(t, newExamplePrograms(t, bin), pair[0], pair[1])
		})
	}
}

// examplePrograms runs the programs of examples/ as a user does.
type examplePrograms struct {
	t   *testing.T
	bin string   // folder of what is built
	ns  pyro.URI // of a name server of the test's own
}

func newExamplePrograms(t *testing.T, bin string) *examplePrograms {
	t.Helper()
	names := nsservice.New()
	srv := serve(t, names.Service())
	uri := srv.URI(nameserver.ObjectName)
	require.NoError(t, names.RegisterSelf(uri))
	return &examplePrograms{t: t, bin: bin, ns: uri}
}

// command returns the command of a program such as "warehouse/phase2/server", which in Python is
// examples/warehouse/phase2_server.py. It ends with the test.
func (x *examplePrograms) command(in tongue, program string, args ...string) *exec.Cmd {
	x.t.Helper()
	host, port, err := net.SplitHostPort(x.ns.Location())
	require.NoError(x.t, err)
	var cmd *exec.Cmd
	if in == inGo {
		cmd = exec.CommandContext(x.t.Context(), x.build(program), args...)
	} else {
		python, err := peers.Python()
		require.NoError(x.t, err)
		cmd = exec.CommandContext(x.t.Context(), python, append([]string{x.script(in, program)}, args...)...)
	}
	cmd.Env = append(os.Environ(), "PYRO_NS_HOST="+host, "PYRO_NS_PORT="+port, "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

func (x *examplePrograms) build(program string) string {
	x.t.Helper()
	path := filepath.Join(x.bin, strings.ReplaceAll(program, "/", "-"))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	out, err := exec.CommandContext(x.t.Context(), "go", "build", "-o", path, "../examples/"+program).CombinedOutput()
	require.NoError(x.t, err, string(out))
	return path
}

// script returns the program's script, in the folder with what it imports.
func (x *examplePrograms) script(in tongue, program string) string {
	x.t.Helper()
	folder, name, _ := strings.Cut(program, "/")
	name = strings.ReplaceAll(name, "/", "_") + ".py"
	if in == inPyro5 {
		return filepath.Join("..", "examples", folder, name)
	}
	ported := x.t.TempDir()
	scripts, err := filepath.Glob(filepath.Join("..", "examples", folder, "*.py"))
	require.NoError(x.t, err)
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		require.NoError(x.t, err)
		require.NoError(x.t, os.WriteFile(filepath.Join(ported, filepath.Base(script)), []byte(toPyro4.Replace(string(text))), 0o600))
	}
	return filepath.Join(ported, name)
}

// start runs a program until the test ends.
func (x *examplePrograms) start(in tongue, program string, args ...string) *running {
	x.t.Helper()
	r := &running{cmd: x.command(in, program, args...)}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	var err error
	r.stdin, err = r.cmd.StdinPipe()
	require.NoError(x.t, err)
	require.NoError(x.t, r.cmd.Start())
	x.t.Cleanup(func() { // by then its context has ended
		_ = r.cmd.Wait()
		if x.t.Failed() {
			x.t.Logf("%s %s:\n%s", in, program, r.out.String())
		}
	})
	return r
}

// run runs a program to its end, with stdin, and returns what it printed.
func (x *examplePrograms) run(in tongue, stdin, program string, args ...string) string {
	x.t.Helper()
	cmd := x.command(in, program, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	require.NoError(x.t, err, string(out))
	return string(out)
}

// awaitNames waits until the servers have made themselves known.
func (x *examplePrograms) awaitNames(names ...string) {
	x.t.Helper()
	ns := nameserver.New(x.ns, pyro.DialConfig{})
	defer ns.Close()
	for _, name := range names {
		require.Eventually(x.t, func() bool {
			_, err := ns.Lookup(x.t.Context(), name)
			return err == nil
		}, soon, tick, name)
	}
}

// running is a program that runs.
type running struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   output
}

// awaits waits for a line of output and returns what the parentheses match.
func (r *running) awaits(t *testing.T, pattern string) string {
	t.Helper()
	expr := regexp.MustCompile(pattern)
	var match []string
	require.Eventually(t, func() bool {
		match = expr.FindStringSubmatch(r.out.String())
		return match != nil
	}, soon, tick, pattern)
	return match[len(match)-1]
}

// output is a buffer that a process writes to while tests read it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// programReady is the line by which the example servers say where they are.
const programReady = `(?m)^Ready. Object uri = (PYRO:.*)$`

func TestExampleGreeting(t *testing.T) {
	want := "Hello, Irmen. Here is your fortune message:\n" +
		"Behold the warranty -- the bold print giveth and the fine print taketh away.\n"
	eachPair(t, func(t *testing.T, x *examplePrograms, server, client tongue) {
		x.start(server, "greeting/server")
		x.awaitNames("example.greeting")
		require.Equal(t, want, x.run(client, "", "greeting/client"))
	})
}

const (
	visitorsInput  = "lamp\npiano\n\nbike\n"
	visitorsOutput = `This is Janet.
The warehouse contains: chair, bike, flashlight, laptop, couch
Type a thing you want to store (or empty): The warehouse contains: chair, bike, flashlight, laptop, couch, lamp
Type something you want to take (or empty): Sorry, there is no piano
Thank you, come again!
This is Henry.
The warehouse contains: chair, bike, flashlight, laptop, couch, lamp
Type a thing you want to store (or empty): The warehouse contains: chair, bike, flashlight, laptop, couch, lamp
Type something you want to take (or empty): Thank you, come again!
`
)

func TestExampleWarehouse(t *testing.T) {
	phase1 := newExamplePrograms(t, t.TempDir())
	require.Equal(t,
		phase1.run(inGo, visitorsInput, "warehouse/phase1"), phase1.run(inPyro5, visitorsInput, "warehouse/phase1"))
	eachPair(t, func(t *testing.T, x *examplePrograms, server, client tongue) {
		uri := x.start(server, "warehouse/phase2/server").awaits(t, programReady)
		require.Equal(t, visitorsOutput, x.run(client, visitorsInput, "warehouse/phase2/visit", uri))
		x.start(server, "warehouse/phase3/server")
		x.awaitNames("example.warehouse")
		require.Equal(t, visitorsOutput, x.run(client, visitorsInput, "warehouse/phase3/visit"))
	})
}

func TestExampleStockQuotes(t *testing.T) {
	shown := regexp.MustCompile(`(?m)^(NASDAQ\.(AAPL|MSFT)|NYSE\.IBM): \d+\.\d\d$`)
	shows := func(t *testing.T, out string) {
		t.Helper()
		require.Contains(t, out, "Shown quotes: IBM, AAPL, MSFT\n")
		require.Len(t, shown.FindAllString(out, -1), 4, out)
		require.Equal(t, 2, strings.Count(out, "NYSE.IBM: "), out)
	}
	phase1 := newExamplePrograms(t, t.TempDir())
	shows(t, phase1.run(inGo, "", "stockquotes/phase1", "-count", "2"))
	shows(t, phase1.run(inPyro5, "", "stockquotes/phase1", "-count", "2"))
	eachPair(t, func(t *testing.T, x *examplePrograms, server, client tongue) {
		names := []string{"example.stockmarket.nasdaq", "example.stockmarket.nyse"}
		found := "Found " + names[0] + "\nFound " + names[1] + "\n"
		x.start(server, "stockquotes/phase2/market")
		x.awaitNames(names...)
		out := x.run(client, "", "stockquotes/phase2/viewer", "-count", "2")
		require.Contains(t, out, found)
		shows(t, out)

		x = newExamplePrograms(t, x.bin) // with another name server
		at := []string{"-ns", x.ns.Location()}
		x.start(server, "stockquotes/phase3/market", append(at, "-listen", "localhost:0")...)
		x.awaitNames(names...)
		out = x.run(client, "", "stockquotes/phase3/viewer", append(at, "-count", "2")...)
		require.Contains(t, out, found)
		shows(t, out)
	})
}

func TestExampleBanks(t *testing.T) {
	const want = `Irmen does business with the Lenient bank.
  refused: account exists
  not found: unknown account
  balance: -99.25
Irmen does business with the Strict bank.
  refused: account exists
  refused: insufficient balance
  not found: unknown account
  balance: 300.75
`
	eachPair(t, func(t *testing.T, x *examplePrograms, server, client tongue) {
		x.start(server, "banks/server")
		x.awaitNames("example.banks.lenient", "example.banks.strict")
		require.Equal(t, want, x.run(client, "", "banks/client"))
	})
}

// Everybody who understands the server sits in one room; the first guest sees all others come, speak and go.
func TestExampleChatbox(t *testing.T) {
	bin := t.TempDir()
	rooms := map[tongue][]tongue{
		inGo: {inGo, inPyro4, inPyro5}, inPyro4: {inGo, inPyro4}, inPyro5: {inGo, inPyro5},
	}
	for server, guests := range rooms {
		t.Run(string(server), func(t *testing.T) {
			x := newExamplePrograms(t, bin)
			x.start(server, "chatbox/server")
			x.awaitNames("example.chatbox")
			there := map[tongue]*running{}
			for _, in := range guests {
				there[in] = x.start(in, "chatbox/client", string(in))
				there[in].awaits(t, `(?m)^In the room: .*`+string(in)+`$`)
			}
			for _, speaker := range guests {
				_, err := io.WriteString(there[speaker].stdin, "good morning\n")
				require.NoError(t, err)
				for _, hearer := range guests {
					if hearer != speaker {
						there[hearer].awaits(t, `(?m)^\[`+string(speaker)+`\] good morning$`)
					}
				}
			}
			first, last := guests[0], guests[len(guests)-1]
			_, err := io.WriteString(there[last].stdin, "/quit\n")
			require.NoError(t, err)
			there[first].awaits(t, `(?m)^\[SERVER\] `+string(last)+` left$`)
			require.NotContains(t, there[first].out.String(), "["+string(first)+"]", "nobody hears himself")
		})
	}
}

// The client's language and the worker's differ where they can.
func TestExampleDistributedComputing(t *testing.T) {
	eachPair(t, func(t *testing.T, x *examplePrograms, server, client tongue) {
		x.start(server, "distributed/dispatcher")
		x.awaitNames("example.distributed.dispatcher")
		x.start(server, "distributed/worker")
		out := x.run(client, "", "distributed/client")
		require.Regexp(t, `(?m)^2000000014 --> \[2,? 1000000007\] by (Go|Python) worker \d+$`, out)
		require.Equal(t, 20, strings.Count(out, " --> "), out)
	})
}

func TestExampleFileTransfer(t *testing.T) {
	folder := t.TempDir()
	content := bytes.Repeat([]byte("all sorts of bytes\x00\xff\n"), 10000)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), content, 0o600))
	want := fmt.Sprintf("iterator:    %d bytes, %x\nannotations: %[1]d bytes, %[2]x\n", len(content), sha256.Sum256(content))
	eachPair(t, func(t *testing.T, x *examplePrograms, server, client tongue) {
		uri := x.start(server, "filetransfer/server", folder).awaits(t, programReady)
		require.Equal(t, want, x.run(client, "", "filetransfer/client", uri, "file"))
	})
}

// A server from a file lets in the Python clients that its file says, and tells the others no.
func TestExampleConfigured(t *testing.T) {
	t.Setenv("EXAMPLE_TOKEN", "sesame")
	t.Setenv("EXAMPLE_LISTEN", "localhost:0")
	t.Setenv("EXAMPLE_ADMIN", "localhost:0")
	x := newExamplePrograms(t, t.TempDir())
	server := x.start(inGo, "configured/server", "-config", "../examples/configured/server.yaml")
	uri := "PYRO:example.prices@" + server.awaits(t, `(?m)^READY server \S+@(\S+)$`)
	for _, in := range []tongue{inPyro4, inPyro5} {
		require.Equal(t, "tea: 3.50\nmilk: 1.20\n", x.run(in, "", "configured/client", uri, "tea", "milk"))
		stranger := x.command(in, "configured/client", uri, "tea")
		stranger.Env = append(stranger.Env, "EXAMPLE_TOKEN=wrong")
		out, err := stranger.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), "authentication failed")
	}
}
