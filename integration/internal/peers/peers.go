package peers

// Dialect is a version of Pyro.
type Dialect int

// The living dialects.
const (
	Pyro4 Dialect = 4
	Pyro5 Dialect = 5
)

// Dialects are both, for tests that run against each.
var Dialects = []Dialect{Pyro4, Pyro5} //nolint:gochecknoglobals // a constant, were Go to have such

func (d Dialect) String() string {
	return "Pyro" + d.digit()
}

func (d Dialect) digit() string {
	return string(rune('0' + int(d)))
}

// TB is what this package needs of a testing.TB.
type TB interface {
	Helper()
	Cleanup(f func())
	Failed() bool
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// StartFor starts a program for a test: it ends with the test, and its stderr is shown when the test
// failed. A program that does not start, or a missing peer, ends the test.
func StartFor(tb TB, program Program) *Process {
	tb.Helper()
	process, err := Start(program)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() {
		process.Stop()
		if text := process.Stderr(); tb.Failed() && text != "" {
			tb.Logf("stderr of %s:\n%s", program.Script, text)
		}
	})
	return process
}

// Service starts the test service of a dialect. Its arguments are those of integration/peers'
// service4.py and service5.py: "--config", "COMPRESSION=True".
func Service(tb TB, dialect Dialect, args ...string) *Process {
	tb.Helper()
	return StartFor(tb, Program{Script: "service" + dialect.digit() + ".py", Args: args})
}

// NewClient starts a Python client of a dialect, with arguments of client4.py and client5.py.
func NewClient(tb TB, dialect Dialect, args ...string) *Client {
	tb.Helper()
	script := "client" + dialect.digit() + ".py"
	return &Client{Process: StartFor(tb, Program{Script: script, Args: args}), tb: tb}
}

// NameServer starts Pyro's own name server on a free port of 127.0.0.1, without broadcast. Later
// arguments win over these.
func NameServer(tb TB, dialect Dialect, args ...string) *Process {
	tb.Helper()
	args = append([]string{"-n", "127.0.0.1", "-p", "0", "-x"}, args...)
	return StartFor(tb, Program{Script: "pyro" + dialect.digit() + "-ns", Args: args})
}

// EchoServer starts Pyro's own echo server on a free port of 127.0.0.1.
func EchoServer(tb TB, dialect Dialect, args ...string) *Process {
	tb.Helper()
	script := "pyro4-test-echoserver"
	if dialect == Pyro5 {
		script = "pyro5-echoserver"
	}
	return StartFor(tb, Program{Script: script, Args: append([]string{"-H", "127.0.0.1"}, args...)})
}
