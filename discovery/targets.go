package discovery

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
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
	leaving  atomic.Bool // it says itself that it is not to be called
	failures int         // in a row
	until    time.Time   // it is passed over until then; zero: it is not
	probing  bool

	idle   chan struct{}      // has room for one: a target that is leaving has no calls left
	forget context.CancelFunc // ends what asks it how it is
}

func newHealth() *health {
	return &health{idle: make(chan struct{}, 1), forget: func() {}}
}

// Busy returns the number of calls that are under way there, of those that [Targets.Take] was asked for.
func (t *Target) Busy() int64 { return t.busy.Load() }

// begin counts a call that goes there, until end is called.
func (h *health) begin() (end func()) {
	h.busy.Add(1)
	return func() {
		if h.busy.Add(-1) == 0 && h.leaving.Load() {
			select {
			case h.idle <- struct{}{}:
			default:
			}
		}
	}
}

// handoverTime limits how long a target that is leaving is kept waiting for its last calls.
const handoverTime = 2 * time.Second

// settle waits until no calls are under way, for handoverTime at most.
func (h *health) settle(ctx context.Context) {
	timer := time.NewTimer(handoverTime)
	defer timer.Stop()
	for h.busy.Load() > 0 {
		select {
		case <-h.idle:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// A TargetsConfig says how targets are chosen, and for how long dead ones are passed over.
type TargetsConfig struct {
	// Balancer chooses; nil means Random.
	Balancer Balancer
	// Probe finds out whether somebody answers at a target again, for which it may take its time. It runs
	// beside the calls, when one is made after the target's time has come. Without it calls find out.
	Probe func(context.Context, Entry) error
	// Serving tells whether a target wants calls, as the target itself says: one that does not is passed over. It
	// yields each change, from the time that the target is set until ctx ends, which is when the target goes. Until it
	// yields something, the target counts as serving. After false it is asked for more only when the calls that are
	// under way there are done, or after 2 s: who says so to a target tells it that it can go. Nil asks nobody.
	Serving func(ctx context.Context, e Entry) iter.Seq[bool]
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
	asking sync.WaitGroup // probes, and who follows what targets say

	well atomic.Pointer[[]*Target] // all targets, to be read without mu; nil if some of them are passed over

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

// Set replaces the targets. What is known of a URI that stays, stays known. Entries whose URI has itself to be resolved
// (PYRONAME, PYROMETA) are left out: nobody can be called there.
func (t *Targets) Set(entries []Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := make(map[string]*health, len(entries))
	t.all = make([]*Target, 0, len(entries))
	for _, e := range entries {
		if e.URI.Protocol == pyro.ProtocolPyroName || e.URI.Protocol == pyro.ProtocolPyroMeta {
			continue
		}
		at := e.URI.String()
		if kept[at] == nil {
			kept[at] = t.health[at]
		}
		if kept[at] == nil {
			kept[at] = newHealth()
			t.follow(kept[at], e)
		}
		t.all = append(t.all, &Target{Entry: e, health: kept[at]})
	}
	for at, h := range t.health {
		if kept[at] == nil {
			h.forget()
		}
	}
	t.health = kept
	t.refresh()
}

// follow follows what a target says of itself, under mu.
func (t *Targets) follow(h *health, e Entry) {
	if t.cfg.Serving == nil || t.closed {
		return
	}
	ctx, cancel := context.WithCancel(t.life)
	h.forget = cancel
	t.asking.Go(func() {
		for serving := range t.cfg.Serving(ctx, e) {
			t.mu.Lock()
			h.leaving.Store(!serving)
			t.refresh()
			t.mu.Unlock()
			if !serving {
				h.settle(ctx)
			}
		}
	})
}

// refresh sets well, under mu.
func (t *Targets) refresh() {
	for _, h := range t.health {
		if !h.until.IsZero() || h.leaving.Load() {
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

// Take returns the target for a call, none of tried, which it was sent to in vain, and counts the call as under way there
// until end is called. Both are nil if there is none left. Targets that are passed over, or that say, as Serving tells, that
// they want no calls, are returned only when there are no others: better a target that may be dead than none.
func (t *Targets) Take(call *transport.Call, tried ...*Target) (target *Target, end func()) {
	candidates := t.candidates(tried)
	if len(candidates) == 0 {
		return nil, nil
	}
	target = t.cfg.Balancer.Pick(call, candidates)
	end = target.begin()
	if !target.leaving.Load() {
		return target, end
	}
	// There are no others, or it has said so since it was chosen.
	if candidates = t.choose(tried); slices.Contains(candidates, target) {
		return target, end
	}
	end()
	if len(candidates) == 0 {
		return nil, nil
	}
	target = t.cfg.Balancer.Pick(call, candidates)
	return target, target.begin()
}

// candidates returns what the balancer chooses from.
func (t *Targets) candidates(tried []*Target) []*Target {
	if all := t.well.Load(); all != nil && len(tried) == 0 {
		return *all
	}
	return t.choose(tried)
}

// choose returns the targets, except for tried, that calls may go to; where there are none, those that they had better not go
// to.
func (t *Targets) choose(tried []*Target) []*Target {
	t.mu.Lock()
	defer t.mu.Unlock()
	var good, bad []*Target
	for _, target := range t.all {
		switch {
		case slices.ContainsFunc(tried, func(o *Target) bool { return o.health == target.health }):
		case target.leaving.Load():
			bad = append(bad, target)
		case target.until.IsZero() || t.due(target):
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
	t.asking.Go(func() {
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
	t.refresh()
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
	t.refresh()
}

// eject passes a target over for a time, under mu.
func (t *Targets) eject(target *Target) {
	wait := t.cfg.MaxEject
	if t.cfg.Eject < wait>>target.failures {
		wait = t.cfg.Eject << target.failures
	}
	target.failures++
	target.failed.Store(true)
	target.until = time.Now().Add(wait)
	t.refresh()
}

// Close ends the probes that run, and all that asks targets, and waits for them. Targets can be picked all the same.
func (t *Targets) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.end()
	t.asking.Wait()
}
