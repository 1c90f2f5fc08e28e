package main

import "net"

// A peer is one way to call another process.
type peer interface {
	String() string

	// can tells whether the peer knows how to do a scenario at all.
	can(s scenario) bool

	// startServer starts a server process for a scenario.
	startServer(s scenario) (server, error)

	// measure has a client process call the server for the duration.
	measure(s scenario, address string, opts options) (measurement, error)

	// startIdle starts a client process that keeps connections open, each of which has made a call.
	startIdle(address string, count int) (process, error)
}

// A process can be asked for its memory, and ended.
type process interface {
	Pid() int
	Stop()
}

type server interface {
	process
	Address() string
}

// A protocol is a peer in Go: the program runs it in processes of its own.
//
// To compare another one, implement this and list it in goPeers.
type protocol interface {
	// serve answers calls until the listener is closed.
	serve(listener net.Listener) error

	// dial connects to host:port, at the latest when the first call is made.
	dial(address string) (connection, error)
}

// A connection makes calls, of several goroutines at a time where its peer is listed as shared.
type connection interface {
	// echo calls echo(message) and fails if anything else comes back.
	echo() error
	Close() error
}

// A worker is a connection that can do other work than calls.
type worker interface {
	// work does n calls, or gets n items, and fails if anything is missing.
	work(w work, n int) error
}

// message is what every peer echoes.
const message = "hello world"

// goPeers are the peers in Go by the names that tables show.
var goPeers = []goPeer{
	{name: "bare", protocol: bare{}},
	{name: "pyrokit", protocol: pyrokit{}, shared: true, works: []work{workBatch, workOneway, workItems}},
	{name: "pyrokit-tls", protocol: pyrokitTLS{}, shared: true, works: []work{workBatch, workOneway, workItems}},
	{name: "net/rpc", protocol: netRPC{}, shared: true},
	{name: "grpc", protocol: grpcPeer{}, shared: true, works: []work{workItems}},
}

// allPeers are those in Go, Python's, and a client of one with a server of the other.
func allPeers() []peer {
	all := []peer{}
	for _, p := range goPeers {
		all = append(all, p)
	}
	own := goPeers[1]
	return append(all, pyro4, pyro5,
		mixed{name: "pyrokit-pyro4", client: own, server: pyro4}, mixed{name: "pyrokit-pyro5", client: own, server: pyro5},
		mixed{name: "pyro4-pyrokit", client: pyro4, server: own}, mixed{name: "pyro5-pyrokit", client: pyro5, server: own})
}
