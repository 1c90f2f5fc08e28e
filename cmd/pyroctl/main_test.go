package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// leakChecked fails a run that leaves goroutines behind.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"pyroctl": main})
}

// TestScripts runs whole commands. Beside testscript's own words there are
//
//	start VAR ARG...       runs pyroctl ARG... until the script ends; at two signals at once it must then stop with exit code 0.
//	                       VAR is its URI, VAR_AT the location in it, VAR_PORT the port in that
//	exits CODE COMMAND...  runs a command that must exit with CODE
//	eventually COMMAND...  runs a command again and again until it succeeds
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:         filepath.Join("testdata", "script"),
		WorkdirRoot: t.TempDir(), // its own stays behind where not all scripts are run
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("PYRO_BROADCAST_ADDRS", "127.0.0.1") // a test asks nobody else
			if err := writeCertificate(filepath.Join(env.WorkDir, "both.pem")); err != nil {
				return err
			}
			for _, name := range []string{"PYRO_NS_HOST", "PYRO_NS_PORT", "PYRO_HOST", "PYRO_SERIALIZER", "PYRO_HMAC_KEY"} {
				env.Setenv(name, "")
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":      startServer,
			"exits":      exits,
			"eventually": eventually,
		},
	})
}

// writeCertificate makes a certificate for localhost, its own authority, with its key.
func writeCertificate(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		DNSNames:              []string{"localhost"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	return os.WriteFile(path, out, 0o600)
}

func startServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start VAR ARG...")
	}
	program, err := exec.LookPath(filepath.Join(strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator))[0], "pyroctl"))
	ts.Check(err)
	cmd := exec.Command(program, args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = []string{}
	for _, name := range []string{"PATH", "HOME", "PYRO_HMAC_KEY", "KEY", "SYSTEMROOT", "TMPDIR", "GOCOVERDIR"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	ts.Defer(func() { stopServerProcess(ts, cmd, lines, &log) })
	fields := strings.Fields(line)
	if err != nil || len(fields) != 3 || fields[0] != "READY" {
		ts.Fatalf("pyroctl %s printed %q, want READY WHAT URI", strings.Join(args[1:], " "), line)
	}
	_, location, _ := strings.Cut(fields[2], "@")
	ts.Setenv(args[0], fields[2])
	ts.Setenv(args[0]+"_AT", location)
	ts.Setenv(args[0]+"_PORT", location[strings.LastIndexByte(location, ':')+1:])
}

func stopServerProcess(ts *testscript.TestScript, cmd *exec.Cmd, out io.Reader, log fmt.Stringer) {
	if runtime.GOOS == "windows" { // has no signals
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return
	}
	_ = cmd.Process.Signal(os.Interrupt) // it may have stopped by itself
	time.Sleep(2 * time.Millisecond)     // the first one has been heard
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		ts.Logf("%s", log)
		ts.Fatalf("%s did not stop cleanly: %v", strings.Join(cmd.Args, " "), err)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually COMMAND...")
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s keeps failing: %v", strings.Join(args, " "), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
