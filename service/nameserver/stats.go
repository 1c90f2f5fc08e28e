package nameserver

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// LatencyBounds are the upper bounds of MethodStats.Buckets, except for the last bucket, which has none. They are not to be
// changed.
var LatencyBounds = latencyBounds[:]

var latencyBounds = [...]time.Duration{
	10 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 500 * time.Microsecond, time.Millisecond,
	5 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, time.Second,
}

// MethodStats are the numbers of one method.
type MethodStats struct {
	Calls   uint64
	Failed  uint64        // calls that raised an exception, except for safe registrations of names that are taken
	Time    time.Duration // of all calls together
	Buckets []uint64      // calls by the time they took, each counted once: see LatencyBounds
}

// Stats are a name server's numbers at one moment. Those that only grow count from New on.
type Stats struct {
	Entries     int    // names, the name server's own included
	Leases      int    // leases that run
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

	ping, countNames, register, lookup, list, yplookup, setMetadata, remove, lease, leases, watch, complete methodNumbers
}

func (n *numbers) methods() map[string]*methodNumbers {
	return map[string]*methodNumbers{
		"ping": &n.ping, "count": &n.countNames, "register": &n.register, "lookup": &n.lookup, "list": &n.list,
		"yplookup": &n.yplookup, "set_metadata": &n.setMetadata, "remove": &n.remove, "lease": &n.lease,
		"leases": &n.leases, "watch": &n.watch, "complete": &n.complete,
	}
}

type methodNumbers struct {
	failed  atomic.Uint64
	took    atomic.Int64                          // nanoseconds
	buckets [len(latencyBounds) + 1]atomic.Uint64 // all calls
}

// count counts a call that takes no time.
func (m *methodNumbers) count() { m.buckets[0].Add(1) }

var loaded = time.Now()

// clock tells the time since the program began. time.Now would read two clocks, which takes twice as long.
func clock() time.Duration { return time.Since(loaded) }

// done counts a call that began when the clock was at start and has ended with *err; it is deferred. A safe registration of
// a name that is taken has not failed: programs that compete for a name, and imports, ask just that.
func (m *methodNumbers) done(start time.Duration, err *error) {
	took := clock() - start
	m.took.Add(int64(took))
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
