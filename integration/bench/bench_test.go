package main

import (
	"bytes"
	"net"
	"testing"
	"time"
)

// TestProtocols proves each peer in Go on one short turn: a benchmark of errors is quick, too.
func TestProtocols(t *testing.T) {
	for _, p := range goPeers {
		t.Run(p.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = p.protocol.serve(listener) }() // ends with the listener
			defer listener.Close()
			for _, s := range allScenarios {
				if s.idle || !p.can(s) {
					continue
				}
				m, err := load(p.protocol, s, listener.Addr().String(), 10*time.Millisecond)
				if err != nil || m.Calls == 0 || m.Median == 0 {
					t.Errorf("%s: %+v, %v", s.name, m, err)
				}
			}
		})
	}
}

func TestReport(t *testing.T) {
	r := report{Environment: environment{
		Go: "go1.26", System: "linux/amd64", CPUs: 2, GOMAXPROCS: 2, Pin: "none", Rounds: 3, Duration: "1s",
	}, Scenarios: []scenarioResult{
		{Title: "Calls", Bases: []string{"bare", "net/rpc"}, Results: []result{
			{Peer: "bare", PerSecond: 1000, Latency: time.Millisecond},
			{Peer: "net/rpc", PerSecond: 500, Latency: 2 * time.Millisecond},
		}},
		{Title: "Memory", Bases: []string{"bare", "net/rpc"}, Results: []result{
			{Peer: "bare", Connections: 10, ServerIdleKiB: 1024, ServerKiB: 2048, ClientKiB: 4096},
		}},
	}}
	const want = `go1.26 linux/amd64, 2 CPUs, GOMAXPROCS 2, pin none; medians of 3 rounds of 1s

Calls
     peer  per second  median  / bare  / net/rpc
     bare        1000     1ms    1.00       2.00
  net/rpc         500     2ms    0.50       1.00

Memory
  peer  connections  server MiB  KiB each  client MiB  / bare  / net/rpc
  bare           10         2.0     102.4         4.0    1.00          -
`
	var out bytes.Buffer
	if err := r.writeText(&out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &out, want)
	}
}

func TestChooseRefusesUnknownNames(t *testing.T) {
	if _, err := choose("peer", allPeers(), []string{"carrier pigeon"}); err == nil {
		t.Error("no error")
	}
	chosen, err := selectScenarios([]string{"connect", "one"})
	if err != nil || len(chosen) != 2 || chosen[0].name != "connect" {
		t.Errorf("%v, %v", chosen, err)
	}
}
