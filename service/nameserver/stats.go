package nameserver

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// LatencyBounds are the upper bounds of MethodStats.Buckets but the last one, which has none.
var LatencyBounds = []time.Duration{
	10 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 500 * time.Microsecond, time.Millisecond,
	5 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, time.Second,
}

// MethodStats are the numbers of one method.
type MethodStats struct {
	Calls   uint64
	Failed  uint64        // those of them that raised, but for a safe registration that found the name taken
	Time    time.Duration // that all of them took together
	Buckets []uint64      // calls by the time they took, each counted once: see LatencyBounds
}

// Stats are a name server's numbers at one moment. Those that only grow count from New on.
type Stats struct {
	Entries     int    // names, the name server's own included
	Leases      int    // leases that run, those of names included that were removed, or registered for good, meanwhile
	Watchers    int    // watches that are open
	Expired     uint64 // names removed because their lease ended
	Cleaned     uint64 // names removed because what they stand for could not be connected to
	Unreachable int    // names that could not be connected to when Autoclean looked last
	Broadcasts  uint64 // requests that were answered
	Methods     map[string]MethodStats
}

// Stats returns the numbers.
func (n *NameServer) Stats(ctx context.Context) (Stats, error) {
	entries, err := n.store.Len(ctx)
	s := Stats{
		Entries: entries, Leases: n.leases.len(), Watchers: int(n.watchers.Load()),
		Expired: n.numbers.expired.Load(), Cleaned: n.numbers.cleaned.Load(),
		Unreachable: int(n.numbers.unreachable.Load()), Broadcasts: n.numbers.broadcasts.Load(),
		Methods: map[string]MethodStats{},
	}
	for name, m := range n.numbers.methods() {
		s.Methods[name] = m.stats()
	}
	return s, err
}

type numbers struct {
	expired, cleaned, broadcasts atomic.Uint64
	unreachable                  atomic.Int64

	ping, countNames, register, lookup, list, yplookup, setMetadata, remove, lease, leases, watch methodNumbers
}

func (n *numbers) methods() map[string]*methodNumbers {
	return map[string]*methodNumbers{
		"ping": &n.ping, "count": &n.countNames, "register": &n.register, "lookup": &n.lookup, "list": &n.list,
		"yplookup": &n.yplookup, "set_metadata": &n.setMetadata, "remove": &n.remove, "lease": &n.lease,
		"leases": &n.leases, "watch": &n.watch,
	}
}

type methodNumbers struct {
	failed  atomic.Uint64
	took    atomic.Int64                          // nanoseconds
	buckets [len(latencyBounds) + 1]atomic.Uint64 // all calls
}

// latencyBounds are LatencyBounds in nanoseconds, as long as they are.
var latencyBounds [10]int64

func init() { //nolint:gochecknoinits // the one table is made of the other
	for i, d := range LatencyBounds {
		latencyBounds[i] = int64(d)
	}
}

// count counts a call that takes no time.
func (m *methodNumbers) count() { m.buckets[0].Add(1) }

// done counts a call that began at start, and ends with *err. It is deferred. That a name is registered already is the answer
// that a safe registration asks for, as each of several programs that want a name, or an import, does.
func (m *methodNumbers) done(start time.Time, err *error) {
	took := int64(time.Since(start))
	m.took.Add(took)
	if *err != nil && !errors.Is(*err, transport.ErrAlreadyExists) {
		m.failed.Add(1)
	}
	for i, bound := range latencyBounds {
		if took <= bound {
			m.buckets[i].Add(1)
			return
		}
	}
	m.buckets[len(latencyBounds)].Add(1)
}

func (m *methodNumbers) stats() MethodStats {
	s := MethodStats{Failed: m.failed.Load(), Time: time.Duration(m.took.Load())}
	for i := range m.buckets {
		calls := m.buckets[i].Load()
		s.Buckets = append(s.Buckets, calls)
		s.Calls += calls
	}
	return s
}
