package discovery

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/transport"
)

// A Balancer chooses where a call goes. Its methods may be called concurrently.
type Balancer interface {
	// Pick returns one of targets, of which there is at least one, for call. They are in the order of their
	// names; those that are passed over at the moment are not among them.
	Pick(call *transport.Call, targets []*Target) *Target
}

// Random takes any target, as Pyro does with PYROMETA.
func Random() Balancer { return random{} }

type random struct{}

func (random) Pick(_ *transport.Call, targets []*Target) *Target {
	return targets[rand.N(len(targets))] //nolint:gosec // any will do
}

// RoundRobin takes the targets by turns.
func RoundRobin() Balancer { return &roundRobin{} }

type roundRobin struct{ next atomic.Uint64 }

func (r *roundRobin) Pick(_ *transport.Call, targets []*Target) *Target {
	return targets[(r.next.Add(1)-1)%uint64(len(targets))]
}

// LeastBusy takes the target with the fewest calls of this process in flight; of several, any.
func LeastBusy() Balancer { return leastBusy{} }

type leastBusy struct{}

func (leastBusy) Pick(_ *transport.Call, targets []*Target) *Target {
	offset := rand.N(len(targets)) //nolint:gosec // any will do
	best := targets[offset]
	fewest := best.Busy()
	for i := range targets {
		t := targets[(offset+i)%len(targets)]
		if busy := t.Busy(); busy < fewest {
			best, fewest = t, busy
		}
	}
	return best
}

// Rendezvous takes the same target for all calls with the same key, whichever process makes them. When a target goes
// away, only its keys move to others. Targets count by their names, so instances should keep theirs.
// Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998.
func Rendezvous(key func(*transport.Call) string) Balancer { return rendezvous(key) }

type rendezvous func(*transport.Call) string

func (key rendezvous) Pick(call *transport.Call, targets []*Target) *Target {
	k := hash(hashSeed, key(call))
	var best *Target
	var highest uint64
	for _, t := range targets {
		if weight := mix(hash(k, t.Name)); best == nil || weight > highest {
			best, highest = t, weight
		}
	}
	return best
}

// FNV-1a, which is the same in every process.
const (
	hashSeed  uint64 = 14695981039346656037
	hashPrime uint64 = 1099511628211
)

func hash(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * hashPrime
	}
	return h
}

// mix spreads what the last bytes changed over all bits, as splitmix64 ends.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
