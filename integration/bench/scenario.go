package main

import (
	"fmt"
	"slices"
)

// A scenario is one way to load a peer.
type scenario struct {
	name    string
	title   string
	callers int
	work    work
	shared  bool     // all callers on one connection, at the same time
	connect bool     // each call makes a connection, and closes it
	idle    bool     // connections that do nothing: what they cost in memory
	request request  // of a name server's clients
	names   int      // that the name server knows
	python  bool     // the client is Python's
	bases   []string // the peers that the others are compared with
}

// work is what a caller does again and again. What is counted is its calls, or the items that it gets.
type work int

const (
	workCall   work = iota // one call
	workBatch              // one message with many calls
	workOneway             // calls that nobody answers, until the server has carried them out
	workItems              // a remote iterator
)

// size returns how many calls or items are done at a time.
func (w work) size() int { return [...]int{1, 1000, 1000, 10_000}[w] }

var (
	floors = []string{"bare", "net/rpc"}
	others = []string{"pyro4", "pyro5", "grpc"}
)

var allScenarios = []scenario{
	{name: "one", title: "One caller", callers: 1, bases: []string{"bare", "net/rpc", "pyrokit", "pyro5"}},
	{name: "shared32", title: "32 callers on one connection", callers: 32, shared: true, bases: floors},
	{name: "shared256", title: "256 callers on one connection", callers: 256, shared: true, bases: floors},
	{name: "each32", title: "32 callers with a connection each", callers: 32, bases: floors},
	{name: "connect", title: "Connect, call once, close", callers: 1, connect: true, bases: floors},
	{name: "batch", title: "Batches of 1000 calls", callers: 1, work: workBatch, bases: others},
	{name: "oneway", title: "One-way calls", callers: 1, work: workOneway, bases: others},
	{name: "items", title: "Items of a remote iterator", callers: 1, work: workItems, bases: others},
	{name: "idle", title: "Memory of idle connections", idle: true, bases: floors},
}

func (s scenario) String() string { return s.name }

func selectScenarios(wanted []string) ([]scenario, error) {
	return choose("scenario", allScenarios, wanted)
}

// choose returns those of all that are wanted, or all if none is named.
func choose[T fmt.Stringer](kind string, all []T, wanted []string) ([]T, error) {
	known := names(all)
	chosen := []T{}
	for _, name := range wanted {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, fmt.Errorf("no %s %q; there are %v", kind, name, known)
		}
		chosen = append(chosen, all[i])
	}
	if len(wanted) == 0 {
		return all, nil
	}
	return chosen, nil
}

func names[T fmt.Stringer](all []T) []string {
	list := make([]string, len(all))
	for i, one := range all {
		list[i] = one.String()
	}
	return list
}
