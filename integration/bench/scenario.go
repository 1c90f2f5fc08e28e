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
	shared  bool // all callers on one connection, at the same time
	connect bool // each call makes a connection, and closes it
	idle    bool // connections that do nothing: what they cost in memory
}

var allScenarios = []scenario{
	{name: "one", title: "One caller", callers: 1},
	{name: "shared32", title: "32 callers on one connection", callers: 32, shared: true},
	{name: "shared256", title: "256 callers on one connection", callers: 256, shared: true},
	{name: "each32", title: "32 callers with a connection each", callers: 32},
	{name: "connect", title: "Connect, call once, close", callers: 1, connect: true},
	{name: "idle", title: "Memory of idle connections", idle: true},
}

func (s scenario) String() string { return s.name }

func selectScenarios(wanted []string) ([]scenario, error) {
	return choose("scenario", allScenarios, wanted)
}

func selectPeers(wanted []string) ([]peer, error) {
	return choose("peer", allPeers(), wanted)
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
