package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
)

// pythonPeer is Python to Python, with the dialect's defaults.
type pythonPeer struct {
	name    string
	digit   string
	dialect string // its package
}

var (
	pyro4 = pythonPeer{name: "pyro4", digit: "4", dialect: "Pyro4"}
	pyro5 = pythonPeer{name: "pyro5", digit: "5", dialect: "Pyro5"}
)

func (p pythonPeer) String() string { return p.name }

// can: a proxy of Python makes one call at a time.
func (p pythonPeer) can(s scenario) bool { return !s.shared }

func (p pythonPeer) startServer(s scenario) (server, error) {
	program := peers.Program{Script: "bench.py", Args: []string{p.dialect, "serve"}}
	if s.idle { // its pool of threads would refuse most of them
		program.Env = []string{"PYRO_SERVERTYPE=multiplex"}
	}
	process, err := peers.Start(program)
	if err != nil {
		return nil, err
	}
	return pythonServer{process}, nil
}

type pythonServer struct{ *peers.Process }

func (s pythonServer) Address() string { return s.URIs[objectName] }

// modes are what bench.py calls each work.
var modes = map[work]string{workCall: "call", workBatch: "batch", workOneway: "oneway", workItems: "items"}

func (p pythonPeer) measure(s scenario, address string, opts options) (measurement, error) {
	mode := modes[s.work]
	if s.connect {
		mode = "connect"
	}
	if !strings.HasPrefix(address, "PYRO:") { // a server in Go says HOST:PORT
		address = "PYRO:" + objectName + "@" + address
	}
	ctx, cancel := context.WithTimeout(context.Background(), opts.duration+time.Minute)
	defer cancel()
	var m measurement
	err := peers.Run(ctx, &m, "import bench; bench.main()",
		p.dialect, mode, address, strconv.Itoa(s.callers), fmt.Sprint(opts.duration.Seconds()), strconv.Itoa(s.work.size()))
	return m, err
}

func (p pythonPeer) startIdle(uri string, count int) (process, error) {
	return peers.Start(peers.Program{
		Script:      "bench.py",
		Args:        []string{p.dialect, "idle", uri, strconv.Itoa(count)},
		ReadyWithin: 2 * time.Minute,
	})
}
