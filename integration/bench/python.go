package main

import (
	"context"
	"fmt"
	"strconv"
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
	program := peers.Program{Script: "service" + p.digit + ".py"}
	if s.idle { // its pool of threads would refuse most of them
		program.Args = []string{"--config", "SERVERTYPE=multiplex"}
	}
	process, err := peers.Start(program)
	if err != nil {
		return nil, err
	}
	return pythonServer{process}, nil
}

type pythonServer struct{ *peers.Process }

func (s pythonServer) Address() string { return s.URIs["svc"] }

func (p pythonPeer) measure(s scenario, uri string, opts options) (measurement, error) {
	mode := "call"
	if s.connect {
		mode = "connect"
	}
	ctx, cancel := context.WithTimeout(context.Background(), opts.duration+time.Minute)
	defer cancel()
	var m measurement
	err := peers.Run(ctx, &m, "import bench; bench.main()",
		p.dialect, mode, uri, strconv.Itoa(s.callers), fmt.Sprint(opts.duration.Seconds()))
	return m, err
}

func (p pythonPeer) startIdle(uri string, count int) (process, error) {
	return peers.Start(peers.Program{
		Script:      "bench.py",
		Args:        []string{p.dialect, "idle", uri, strconv.Itoa(count)},
		ReadyWithin: 2 * time.Minute,
	})
}
