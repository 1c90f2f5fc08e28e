package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The roles in which the program starts itself: server PEER; client PEER SCENARIO ADDRESS DURATION;
// client PEER idle ADDRESS COUNT.
const (
	serverRole = "server"
	clientRole = "client"
)

// goPeer runs a protocol in processes of its own.
type goPeer struct {
	name     string
	protocol protocol
	shared   bool   // its connections take calls of several goroutines at a time
	works    []work // what it can do beside calls
}

func (p goPeer) String() string { return p.name }

func (p goPeer) can(s scenario) bool {
	return (p.shared || !s.shared) && (s.work == workCall || slices.Contains(p.works, s.work))
}

func (p goPeer) startServer(scenario) (server, error) {
	return startChild(serverRole, p.name)
}

func (p goPeer) measure(s scenario, address string, opts options) (measurement, error) {
	return askChild(clientRole, p.name, s.name, address, opts.duration.String())
}

// askChild starts a client, and returns what it has measured.
func askChild(args ...string) (m measurement, err error) {
	child, err := startChild(args...)
	if err != nil {
		return measurement{}, err
	}
	defer child.Stop()
	if err := json.Unmarshal([]byte(child.said), &m); err != nil {
		return measurement{}, fmt.Errorf("%s printed %q: %w", strings.Join(args, " "), child.said, err)
	}
	return m, nil
}

func (p goPeer) startIdle(address string, count int) (process, error) {
	return startChild(clientRole, p.name, "idle", address, strconv.Itoa(count))
}

// child is this program in another role. It prints one line when it has something to say, and ends
// with its stdin.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	said  string
}

func startChild(args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		c.Stop()
		return nil, fmt.Errorf("%s ended early: %w", strings.Join(args, " "), err)
	}
	c.said = strings.TrimSpace(line)
	return c, nil
}

func (c *child) Address() string { return c.said }

func (c *child) Pid() int { return c.cmd.Process.Pid }

func (c *child) Stop() {
	_ = c.stdin.Close()
	_ = c.cmd.Wait() // it complained on stderr itself
}

func serverMain(args []string) error {
	if args[0] == namesRole {
		return namesServerMain(args[1:])
	}
	p, err := findGoPeer(args[0])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- p.protocol.serve(listener) }()
	fmt.Println(listener.Addr())
	return untilStdinEnds(failed)
}

func clientMain(args []string) error {
	if args[0] == namesRole {
		return namesClientMain(args[1:])
	}
	p, err := findGoPeer(args[0])
	if err != nil {
		return err
	}
	name, address, bound := args[1], args[2], args[3]
	if name == "idle" {
		return idleMain(p, address, bound)
	}
	scenarios, err := selectScenarios([]string{name})
	if err != nil {
		return err
	}
	duration, err := time.ParseDuration(bound)
	if err != nil {
		return err
	}
	m, err := load(p.protocol, scenarios[0], address, duration)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

func idleMain(p goPeer, address, bound string) error {
	count, err := strconv.Atoi(bound)
	if err != nil {
		return err
	}
	connections := make([]connection, count)
	for i := range connections {
		if connections[i], err = connect(p.protocol, address); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	fmt.Println("connected")
	err = untilStdinEnds(nil)
	for _, c := range connections {
		_ = c.Close() // only now, so that none is collected before
	}
	return err
}

func findGoPeer(name string) (goPeer, error) {
	for _, p := range goPeers {
		if p.name == name {
			return p, nil
		}
	}
	return goPeer{}, errors.New("no peer in Go: " + name)
}

// untilStdinEnds returns when whoever started this process wants it to end, or has ended itself.
func untilStdinEnds(failed <-chan error) error {
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case err := <-failed:
		return err
	}
}
