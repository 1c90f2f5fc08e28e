package peers

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// readyWithin is how long a program may take to be ready, unless it asks for more; Python's imports are slow on a busy machine.
const readyWithin = 30 * time.Second

// unreadLines is how much a program may print that nobody asks for before it has to wait.
const unreadLines = 1000

// Program is a Python program to start.
type Program struct {
	// Script is a file in integration/peers, such as "service4.py", or the name of one of Pyro's
	// own programs, such as "pyro5-ns".
	Script string
	Args   []string
	// Env is added to the environment, from which PYRO_ variables are taken: "PYRO_LOGWIRE=1".
	Env []string
	// ReadyWithin is how long it may take to be ready; default 30s.
	ReadyWithin time.Duration
}

// Process is a running Python program.
type Process struct {
	// URIs of what it serves: the test service's objects by their names ("svc", "dispatcher",
	// "session", "single", "percall"); of Pyro's own programs the one at "uri".
	URIs map[string]string

	name   string
	cmd    *exec.Cmd
	stdin  io.WriteCloser // its end tells the program to end
	lines  chan string    // stdout; closed at its end
	stderr *transcript
	stop   sync.Once
}

// Start starts a program and returns when it said that it is ready.
func Start(program Program) (*Process, error) {
	cmd, err := command(program)
	if err != nil {
		return nil, err
	}
	p := &Process{name: program.Script, cmd: cmd, lines: make(chan string, unreadLines), stderr: &transcript{}}
	cmd.Stderr = p.stderr
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	go p.read(stdout)
	if err := p.waitReady(cmp.Or(program.ReadyWithin, readyWithin)); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func command(program Program) (*exec.Cmd, error) {
	python, err := Python()
	if err != nil {
		return nil, err
	}
	dir, err := scripts()
	if err != nil {
		return nil, err
	}
	args := append([]string{program.Script}, program.Args...)
	if !strings.HasSuffix(program.Script, ".py") {
		args = append([]string{"tool.py"}, args...)
	}
	args[0] = filepath.Join(dir, args[0])
	cmd := exec.Command(python, args...) // Stop ends it, and its children with it
	cmd.Env = environment(program.Env...)
	ownGroup(cmd)
	return cmd, nil
}

// Stop kills the program with everything it started, and waits until it is gone. It may be called
// more than once.
func (p *Process) Stop() {
	p.stop.Do(func() {
		killGroup(p.cmd)
		for range p.lines { // stdout must be read to its end before Wait
			continue
		}
		_ = p.cmd.Wait() // it was killed: an exit status says nothing
	})
}

// Stderr returns what the program has written to stderr so far.
func (p *Process) Stderr() string {
	return p.stderr.String()
}

// Pid returns the process id.
func (p *Process) Pid() int {
	return p.cmd.Process.Pid
}

// read passes stdout on, line by line.
func (p *Process) read(stdout io.Reader) {
	defer close(p.lines)
	reader := bufio.NewReader(stdout)
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			p.lines <- strings.TrimSuffix(line, "\n")
		}
		if err != nil {
			return
		}
	}
}

// line returns the next line of stdout.
func (p *Process) line(timeout <-chan time.Time) (string, error) {
	select {
	case line, ok := <-p.lines:
		if !ok {
			return "", p.failure("ended")
		}
		return line, nil
	case <-timeout:
		return "", p.failure("printed nothing in time")
	}
}

func (p *Process) waitReady(within time.Duration) error {
	timeout := time.After(within)
	for {
		line, err := p.line(timeout)
		if err != nil {
			return err
		}
		if uris, ok := ready(line); ok {
			p.URIs = uris
			return nil
		}
	}
}

// ready understands the line by which a program says that it serves: JSON from the scripts here,
// prose from Pyro's own.
func ready(line string) (uris map[string]string, ok bool) {
	var message struct {
		Ready map[string]string `json:"ready"`
	}
	if json.Unmarshal([]byte(line), &message) == nil && message.Ready != nil {
		return message.Ready, true
	}
	for _, lead := range []string{"URI = ", "echo uri: ", "server uri: ", "Pyro HTTP gateway running on "} {
		if uri, found := strings.CutPrefix(line, lead); found {
			return map[string]string{"uri": uri}, true
		}
	}
	return nil, false
}

func (p *Process) failure(what string) error {
	text := strings.TrimSpace(p.Stderr())
	if text == "" {
		return errors.New(p.name + " " + what)
	}
	return fmt.Errorf("%s %s; its stderr:\n%s", p.name, what, text)
}

// transcript is a buffer that a process writes to while others read it.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p) //nolint:wrapcheck // a bytes.Buffer does not fail
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
