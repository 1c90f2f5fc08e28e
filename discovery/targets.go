package discovery

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// A Target is where a call can go.
type Target struct {
	Entry
	*health
}

// health is what is known of the object at a URI. Targets.mu guards what is not atomic.
type health struct {
	busy     atomic.Int64
	failed   atomic.Bool // failures is not 0
	failures int         // in a row
	until    time.Time   // it is passed over until then; zero: it is not
	probing  bool
}

// Busy returns the number of calls that are under way there; see [Target.Begin].
func (h *health) Busy() int64 { return h.busy.Load() }

// Begin counts a call that goes there, until the function that it returns is called.
func (h *health) Begin() (end func()) {
	h.busy.Add(1)
	return func() { h.busy.Add(-1) }
}

// A TargetsConfig says how targets are chosen, and for how long dead ones are passed over.
type TargetsConfig struct {
	// Balancer chooses; nil means Random.
	Balancer Balancer
	// Probe finds out whether somebody answers at a target again, for which it may take its time. It runs
	// beside the calls, when one is made after the target's time has come. Without it calls find out.
	Probe func(context.Context, Entry) error
	// Eject is how long a target is passed over after its first failure; 0 means 1 s. The time doubles with
	// each further one.
	Eject time.Duration
	// MaxEject is the longest time that a target is passed over; 0 means 1 minute.
	MaxEject time.Duration
}

// Defaults of a TargetsConfig.
const (
	DefaultEject    = time.Second
	DefaultMaxEject = time.Minute
)

// Targets are the places that a call can go to, of which some may be dead. Its methods may be called
// concurrently.
type Targets struct {
	cfg    TargetsConfig
	life   context.Context //nolint:containedctx // ends with Close
	end    context.CancelFunc
	probes sync.WaitGroup

	well atomic.Pointer[[]*Target] // all of them; nil if some are passed over

	mu     sync.Mutex // guards what follows
	all    []*Target  // replaced, never changed
	health map[string]*health
	closed bool
}

// NewTargets returns Targets without any. Close ends what runs for them.
func NewTargets(cfg TargetsConfig) *Targets {
	if cfg.Balancer == nil {
		cfg.Balancer = Random()
	}
	if cfg.Eject <= 0 {
		cfg.Eject = DefaultEject
	}
	if cfg.MaxEject <= 0 {
		cfg.MaxEject = DefaultMaxEject
	}
	t := &Targets{cfg: cfg, health: map[string]*health{}}
	t.life, t.end = context.WithCancel(context.Background())
	return t
}

// Set replaces the targets. What is known of a URI that stays, stays known.
func (t *Targets) Set(entries []Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := make(map[string]*health, len(entries))
	t.all = make([]*Target, 0, len(entries))
	for _, e := range entries {
		at := e.URI.String()
		if kept[at] == nil {
			kept[at] = t.health[at]
		}
		if kept[at] == nil {
			kept[at] = &health{}
		}
		t.all = append(t.all, &Target{Entry: e, health: kept[at]})
	}
	t.health = kept
	t.look()
}

// look finds out whether some are passed over, under mu.
func (t *Targets) look() {
	for _, h := range t.health {
		if !h.until.IsZero() {
			t.well.Store(nil)
			return
		}
	}
	all := t.all
	t.well.Store(&all)
}

// Len returns the number of targets, dead ones included.
func (t *Targets) Len() int {
	if all := t.well.Load(); all != nil {
		return len(*all)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// Pick returns the target for a call, none of tried, which it was sent to in vain. Those that are passed over
// are returned only when there are no others: better a target that may be dead than none. It is nil if there is
// none left.
func (t *Targets) Pick(call *transport.Call, tried ...*Target) *Target {
	candidates := t.candidates(tried)
	if len(candidates) == 0 {
		return nil
	}
	return t.cfg.Balancer.Pick(call, candidates)
}

func (t *Targets) candidates(tried []*Target) []*Target {
	if all := t.well.Load(); all != nil && len(tried) == 0 {
		return *all
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var good, bad []*Target
	for _, target := range t.all {
		switch {
		case slices.ContainsFunc(tried, func(o *Target) bool { return o.health == target.health }):
		case target.until.IsZero():
			good = append(good, target)
		case t.due(target):
			good = append(good, target)
		default:
			bad = append(bad, target)
		}
	}
	if len(good) > 0 {
		return good
	}
	return bad
}

// due tells whether a call is to find out about a target that was passed over until now, under mu. Where there
// is a probe, that finds out instead.
func (t *Targets) due(target *Target) bool {
	if target.probing || time.Now().Before(target.until) {
		return false
	}
	if t.cfg.Probe == nil {
		return true
	}
	t.probe(target)
	return false
}

// probe finds out in the background, under mu.
func (t *Targets) probe(target *Target) {
	if t.closed || target.probing {
		return
	}
	target.probing = true
	t.probes.Go(func() {
		err := t.cfg.Probe(t.life, target.Entry)
		t.mu.Lock()
		defer t.mu.Unlock()
		target.probing = false
		if err == nil {
			t.restore(target)
		} else {
			t.eject(target)
		}
	})
}

// Failed says that nobody could be reached at a target: it is passed over for a time.
func (t *Targets) Failed(target *Target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if target.probing || time.Now().Before(target.until) { // that is known already
		return
	}
	t.eject(target)
}

// Suspect says that a target may be dead: a connection was lost there, or it took too long to answer. It is passed over
// until a probe has found out; without a probe it stays.
func (t *Targets) Suspect(target *Target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cfg.Probe == nil || !target.until.IsZero() {
		return
	}
	target.until = time.Now()
	t.look()
	t.probe(target)
}

// Reached says that somebody answered at a target.
func (t *Targets) Reached(target *Target) {
	if !target.failed.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !target.probing {
		t.restore(target)
	}
}

// restore ends the time that a target is passed over, under mu.
func (t *Targets) restore(target *Target) {
	target.failures, target.until = 0, time.Time{}
	target.failed.Store(false)
	t.look()
}

// eject passes a target over for a time, under mu.

func (t *Targets) eject(target *Target) {
	wait := t.cfg.MaxEject
	if target.failures < 30 {
		wait = min(wait, t.cfg.Eject<<target.failures)
	}
	target.failures++
	target.failed.Store(true)
	target.until = time.Now().Add(wait)
	t.look()
}

// Close ends the probes that run and waits for them. Targets can be picked all the same.
func (t *Targets) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.end()
	t.probes.Wait()
}
