package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

// measureAll takes the scenarios one after the other, in each of them the peers in turns.
func measureAll(peers []peer, scenarios []scenario, opts options) (*report, error) {
	r := &report{Environment: describe(opts)}
	for _, s := range scenarios {
		measure := measureRounds
		switch {
		case s.idle && s.names > 0:
			measure = measureMillion
		case s.idle:
			measure = measureIdle
		}
		results, err := measure(able(peers, s), s, opts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		r.Scenarios = append(r.Scenarios, scenarioResult{Name: s.name, Title: s.title, Bases: s.bases, Results: results})
	}
	return r, nil
}

func able(peers []peer, s scenario) []peer {
	list := []peer{}
	for _, p := range peers {
		if p.can(s) {
			list = append(list, p)
		}
	}
	return list
}

func measureRounds(peers []peer, s scenario, opts options) ([]result, error) {
	servers := make([]server, len(peers))
	for i, p := range peers {
		started, err := p.startServer(s)
		if err != nil {
			return nil, fmt.Errorf("server %s: %w", p, err)
		}
		defer started.Stop()
		servers[i] = started
	}
	rates, medians := make([][]float64, len(peers)), make([][]time.Duration, len(peers))
	for round := range opts.rounds {
		for i, p := range peers {
			progressf("%s: round %d of %d: %s", s.name, round+1, opts.rounds, p)
			m, err := p.measure(s, servers[i].Address(), opts)
			if err != nil {
				return nil, fmt.Errorf("client %s: %w", p, err)
			}
			rates[i] = append(rates[i], m.perSecond())
			medians[i] = append(medians[i], m.Median)
		}
	}
	results := make([]result, len(peers))
	for i, p := range peers {
		results[i] = result{
			Peer:      p.String(),
			PerSecond: median(rates[i]),
			Latency:   median(medians[i]),
			Rounds:    rates[i],
		}
	}
	return results, nil
}

// measureIdle has each peer once: memory does not depend on what else the machine does.
func measureIdle(peers []peer, s scenario, opts options) ([]result, error) {
	results := []result{}
	for _, p := range peers {
		progressf("%s: %d connections: %s", s.name, opts.idle, p)
		one, err := measureIdlePeer(p, s, opts.idle)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		results = append(results, one)
	}
	return results, nil
}

func measureIdlePeer(p peer, s scenario, count int) (result, error) {
	served, err := p.startServer(s)
	if err != nil {
		return result{}, err
	}
	defer served.Stop()
	before := residentKiB(served.Pid())
	client, err := p.startIdle(served.Address(), count)
	if err != nil {
		return result{}, err
	}
	defer client.Stop()
	return result{
		Peer:          p.String(),
		Connections:   count,
		ServerIdleKiB: before,
		ServerKiB:     residentKiB(served.Pid()),
		ClientKiB:     residentKiB(client.Pid()),
	}, nil
}

// residentKiB returns how much memory a process occupies, 0 where the system has no /proc.
func residentKiB(pid int) int {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.Atoi(string(fields[0]))
	return kib
}

func describe(opts options) environment {
	return environment{
		Go:         runtime.Version(),
		System:     runtime.GOOS + "/" + runtime.GOARCH,
		CPUs:       runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Pin:        opts.pin,
		Rounds:     opts.rounds,
		Duration:   opts.duration.String(),
	}
}

func progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
