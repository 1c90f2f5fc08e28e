package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/pyrokit/pyrokit/integration/internal/peers"
)

// nameScenarios are what a name server is asked for. A turn has its callers send the same kind of request, each
// over a connection of its own, as bytes that were made before: what the servers do is measured, not the clients.
var nameScenarios = []scenario{
	{name: "lookup1", title: "Lookups, one client, 10,000 names", callers: 1, request: lookup, names: 10_000, bases: nameBases},
	{name: "lookup16", title: "Lookups, 16 clients, 10,000 names", callers: 16, request: lookup, names: 10_000, bases: nameBases},
	{name: "lookup32", title: "Lookups, 32 clients, 10,000 names", callers: 32, request: lookup, names: 10_000, bases: nameBases},
	{name: "python", title: "Lookups from Python", callers: 1, request: lookup, names: 10_000, python: true, bases: nameBases},
	{name: "register16", title: "New names, 16 clients", callers: 16, request: register, names: 10_000, bases: nameBases},
	{name: "list", title: "Lists of 10,000 of 100,000 by prefix", callers: 1, request: list, names: 100_000, bases: nameBases},
	{name: "metadata", title: "Queries for 10 of 100,000 by metadata", callers: 1, request: tagged, names: 100_000, bases: nameBases},
	{name: "regex", title: "Queries for 100 of 10,000 by regex", callers: 1, request: matching, names: 10_000, bases: nameBases},
	{name: "million", title: "1,000,000 names: memory, and start until the first answer", idle: true, names: 1_000_000},
}

var nameBases = []string{"bare", "pyro4", "pyro5"}

// request is what clients ask a name server for.
type request int

const (
	lookup request = iota + 1
	register
	list
	tagged
	matching
)

// namePeer is a name server. Its client is always the same, and speaks the peer's dialect.
type namePeer struct {
	name    string
	dialect string // package of the Python server, or of the Python client where the server is ours
	storage string // memory or sql
	own     bool
	asked   []request
}

var allRequests = []request{lookup, register, list, tagged, matching}

func namePeers() []peer {
	return []peer{
		namePeer{name: "bare", dialect: "Pyro5", own: true, storage: "bare", asked: []request{lookup}},
		namePeer{name: "pyrokit", dialect: "Pyro5", own: true, storage: "memory", asked: allRequests},
		namePeer{name: "pyrokit-sql", dialect: "Pyro5", own: true, storage: "sql", asked: allRequests},
		namePeer{name: "pyrokit-for-pyro4", dialect: "Pyro4", own: true, storage: "memory", asked: allRequests},
		namePeer{name: "pyro4", dialect: "Pyro4", storage: "memory", asked: allRequests},
		namePeer{name: "pyro5", dialect: "Pyro5", storage: "memory", asked: allRequests},
		namePeer{name: "pyro4-sql", dialect: "Pyro4", storage: "sql", asked: []request{lookup, register}},
		namePeer{name: "pyro5-sql", dialect: "Pyro5", storage: "sql", asked: []request{lookup, register}},
	}
}

func (p namePeer) String() string { return p.name }

func (p namePeer) can(s scenario) bool {
	if s.idle {
		return p.own && p.storage != "bare" && p.dialect == "Pyro5"
	}
	if s.python && p.storage == "bare" {
		return false
	}
	return slices.Contains(p.asked, s.request)
}

// startServer starts the name server with the scenario's names in it. A file is made in a folder that ends
// with the server.
func (p namePeer) startServer(s scenario) (server, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "names.sql")
	started, err := p.start(file, strconv.Itoa(s.names))
	if err != nil {
		return nil, err
	}
	return nameServerProcess{server: started, dir: dir}, nil
}

func (p namePeer) start(file, count string) (server, error) {
	if p.own {
		return startChild(serverRole, namesRole, p.storage, file, count)
	}
	process, err := peers.Start(peers.Program{
		Script: "bench_names.py", Args: []string{p.dialect, "serve", p.storage, file, count}, ReadyWithin: 5 * time.Minute,
	})
	if err != nil {
		return nil, err
	}
	return pythonServer{process}, nil
}

type nameServerProcess struct {
	server

	dir string
}

func (s nameServerProcess) Stop() {
	s.server.Stop()
	_ = os.RemoveAll(s.dir)
}

func (p namePeer) measure(s scenario, address string, opts options) (m measurement, err error) {
	if s.python {
		ctx, cancel := context.WithTimeout(context.Background(), opts.duration+time.Minute)
		defer cancel()
		err = peers.Run(ctx, &m, "import bench_names; bench_names.main()",
			p.dialect, "lookup", address, strconv.Itoa(s.names), fmt.Sprint(opts.duration.Seconds()))
		return m, err
	}
	return askChild(clientRole, namesRole, s.name, p.dialect, address, opts.duration.String())
}

func (namePeer) startIdle(string, int) (process, error) { return nil, errOther }

// measureMillion starts each server twice: the first start fills the storage, the second is measured.
func measureMillion(peers []peer, s scenario, _ options) ([]result, error) {
	results := []result{}
	for _, p := range peers {
		progressf("%s: %d names: %s", s.name, s.names, p)
		one, err := measureNames(p.(namePeer), s) //nolint:forcetypeassert // no others have such a scenario
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		results = append(results, one)
	}
	return results, nil
}

func measureNames(p namePeer, s scenario) (result, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "names.sql")
	filled, err := p.start(file, strconv.Itoa(s.names))
	if err != nil {
		return result{}, err
	}
	r := result{Peer: p.name, Names: s.names, ServerKiB: residentKiB(filled.Pid())}
	filled.Stop()
	if p.storage == "memory" {
		return r, nil
	}
	begin := time.Now()
	again, err := p.start(file, "0")
	if err != nil {
		return result{}, err
	}
	defer again.Stop()
	c, err := dialNames(p.dialect, again.Address())
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	if err := c.ask(c.requestFor(lookup, s.names, 0, 7)); err != nil {
		return result{}, err
	}
	r.StartSeconds = time.Since(begin).Seconds()
	r.ServerKiB = residentKiB(again.Pid())
	return r, nil
}
