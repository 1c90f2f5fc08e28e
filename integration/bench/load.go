package main

import (
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	warmup = 100 * time.Millisecond
	// sampleEvery keeps the clock out of what is measured: one call of so many is timed.
	sampleEvery = 8
	// maxConnects bounds the connections of a turn: each leaves a port that is not free for a minute.
	maxConnects = 5000
)

// A measurement is what a client counted in one turn.
type measurement struct {
	Calls   int           `json:"calls"`
	Seconds float64       `json:"seconds"`
	Median  time.Duration `json:"median_ns"`
}

func (m measurement) perSecond() float64 { return float64(m.Calls) / m.Seconds }

// load calls with all of the scenario's callers until the duration has passed.
func load(p protocol, s scenario, address string, duration time.Duration) (measurement, error) {
	if s.connect {
		return loadConnects(p, address, duration)
	}
	connections, err := connectCallers(p, s, address)
	if err != nil {
		return measurement{}, err
	}
	do, err := doing(s.work, connections)
	if err != nil {
		return measurement{}, err
	}
	if _, err := callAll(do, s.work.size(), warmup); err != nil {
		return measurement{}, err
	}
	return callAll(do, s.work.size(), duration)
}

// doing returns for each connection the function that does the work once.
func doing(w work, connections []connection) ([]func() error, error) {
	do := make([]func() error, len(connections))
	for i, c := range connections {
		n := w.size()
		switch c := c.(type) {
		case worker:
			do[i] = func() error { return c.work(w, n) }
		default:
			if w != workCall {
				return nil, errors.New("the peer knows nothing but calls")
			}
		}
		if w == workCall {
			do[i] = c.echo
		}
	}
	return do, nil
}

// connectCallers returns a connection for each caller, be it the same one.
func connectCallers(p protocol, s scenario, address string) ([]connection, error) {
	connections := make([]connection, s.callers)
	for i := range connections {
		if s.shared && i > 0 {
			connections[i] = connections[0]
			continue
		}
		c, err := connect(p, address)
		if err != nil {
			return nil, err
		}
		connections[i] = c
	}
	return connections, nil
}

// connect makes a connection and its first call.
func connect(p protocol, address string) (connection, error) {
	c, err := p.dial(address)
	if err != nil {
		return nil, err
	}
	return c, c.echo()
}

// callAll has a goroutine for each function, which does so many calls at a time, until the duration has
// passed.
func callAll(do []func() error, size int, duration time.Duration) (measurement, error) {
	callers := make([]caller, len(do))
	begin := time.Now()
	var all sync.WaitGroup
	for i, f := range do {
		callers[i].untimed = sampleEvery - 1
		if size > 1 {
			callers[i].untimed = 0
		}
		all.Go(func() { callers[i].run(f, begin.Add(duration)) })
	}
	all.Wait()
	took := time.Since(begin)

	m := measurement{Seconds: took.Seconds()}
	samples := []time.Duration{}
	for _, c := range callers {
		if c.err != nil {
			return measurement{}, c.err
		}
		m.Calls += c.done * size
		samples = append(samples, c.samples...)
	}
	m.Median = median(samples)
	return m, nil
}

type caller struct {
	untimed int // for each timed one
	done    int
	samples []time.Duration
	err     error
}

func (c *caller) run(do func() error, end time.Time) {
	for {
		begin := time.Now()
		if !begin.Before(end) {
			return
		}
		if c.err = do(); c.err != nil {
			return
		}
		c.samples = append(c.samples, time.Since(begin))
		for range c.untimed {
			if c.err = do(); c.err != nil {
				return
			}
		}
		c.done += 1 + c.untimed
	}
}

func loadConnects(p protocol, address string, duration time.Duration) (measurement, error) {
	samples := []time.Duration{}
	begin := time.Now()
	for time.Since(begin) < duration && len(samples) < maxConnects {
		start := time.Now()
		c, err := connect(p, address)
		if err != nil {
			return measurement{}, err
		}
		if err := c.Close(); err != nil {
			return measurement{}, err
		}
		samples = append(samples, time.Since(start))
	}
	return measurement{Calls: len(samples), Seconds: time.Since(begin).Seconds(), Median: median(samples)}, nil
}

// median returns the middle value; of an even number the upper of the two.
func median[T float64 | time.Duration](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
