package nameserver

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/transport"
)

// What a lease may last.
const (
	minLease = time.Second
	maxLease = time.Hour
	// leaseRetry is when a lease is looked at again that ran out and whose name could not be removed.
	leaseRetry = time.Second
	// leaseLate is how late the end of a lease may be seen. Later than that, the process was stopped or had no processor,
	// and renewals that came in time may still wait to be read.
	leaseLate = minLease / 2
)

// leases are the promises that run. One timer runs, too, for the one that ends next. A lease whose name was removed,
// or registered for good, stays until it ends, and ends without a consequence.
type leases struct {
	expire func(ended []*lease)   // removeMany at most; called by one goroutine at a time
	late   func(by time.Duration) // told when all leases run anew

	names [64]sync.Mutex // held while a name is leased, so that the lease noted last is that of the record

	mu     sync.Mutex // guards what follows; nothing is asked of the storage under it
	byName map[string]*lease
	queue  leaseQueue
	timer  *time.Timer
	closed bool

	ended    []*lease // that are to be handed out
	expiring bool     // somebody does
}

// A lease is one promise for one name; a renewal is another one. All but at and place stay as they are.
type lease struct {
	name, uri string
	lasts     time.Duration
	ends      time.Time
	place     int // in the queue; -1: it has ended
}

// of tells whether r is what the lease is about.
func (l *lease) of(r storage.Record) bool {
	return r.Name == l.name && r.URI == l.uri && r.Lease == l.lasts
}

var leaseSeed = maphash.MakeSeed()

// turn is held while a name is leased.
func (s *leases) turn(name string) *sync.Mutex {
	return &s.names[maphash.String(leaseSeed, name)%uint64(len(s.names))]
}

// set notes a lease for a record and returns it, and the one that it replaces, which may be nil.
func (s *leases) set(r storage.Record) (now, before *lease) {
	now = &lease{name: r.Name, uri: r.URI, lasts: r.Lease, ends: time.Now().Add(r.Lease)}
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.byName[r.Name]
	s.replace(before, now)
	return now, before
}

// undo puts before in the place of now, if that is still there.
func (s *leases) undo(now, before *lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[now.name] == now {
		s.replace(now, before)
	}
}

// replace puts now in the place of before, under mu; either may be nil.
func (s *leases) replace(before, now *lease) {
	if s.byName == nil {
		s.byName = map[string]*lease{}
	}
	if before != nil {
		delete(s.byName, before.name)
		if before.place >= 0 {
			heap.Remove(&s.queue, before.place)
		}
	}
	if now != nil {
		s.byName[now.name] = now
		heap.Push(&s.queue, now)
	}
	s.arm()
}

// arm sets the timer to the lease that ends next, under mu.
func (s *leases) arm() {
	if s.closed || len(s.queue) == 0 {
		if s.timer != nil {
			s.timer.Stop()
		}
		return
	}
	wait := time.Until(s.queue[0].ends)
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.tick)
		return
	}
	s.timer.Reset(wait)
}

// tick hands out the leases that have ended. They stay known until forget.
func (s *leases) tick() {
	s.mu.Lock()
	now := time.Now()
	if by := s.lateBy(now); by > leaseLate {
		s.anew(now)
		s.mu.Unlock()
		s.late(by)
		return
	}
	for !s.closed && len(s.queue) > 0 && !s.queue[0].ends.After(now) {
		s.ended = append(s.ended, heap.Pop(&s.queue).(*lease)) //nolint:forcetypeassert // nothing else is in it
	}
	s.arm()
	s.mu.Unlock()
	s.handOut()
}

// handOut hands out what has ended, and what ends meanwhile, unless somebody does so already.
func (s *leases) handOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expiring {
		return
	}
	s.expiring = true
	for len(s.ended) > 0 {
		some := s.ended[:min(len(s.ended), removeMany)]
		s.ended = s.ended[len(some):]
		s.mu.Unlock()
		s.expire(some)
		s.mu.Lock()
	}
	s.ended, s.expiring = nil, false
}

// lateBy returns how long ago the first lease ended, under mu.
func (s *leases) lateBy(now time.Time) time.Duration {
	if s.closed || len(s.queue) == 0 {
		return 0
	}
	return now.Sub(s.queue[0].ends)
}

// anew gives every lease its full time, under mu.
func (s *leases) anew(now time.Time) {
	for _, l := range s.queue {
		l.ends = now.Add(l.lasts)
	}
	heap.Init(&s.queue)
	s.arm()
}

// isCurrent tells whether l has not been renewed or replaced.
func (s *leases) isCurrent(l *lease) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[l.name] == l
}

// forget drops leases that have ended; later looks at them again.
func (s *leases) forget(ended []*lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range ended {
		if s.byName[l.name] == l {
			delete(s.byName, l.name)
		}
	}
}

func (s *leases) later(ended []*lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range ended {
		if s.byName[l.name] == l {
			l.ends = time.Now().Add(leaseRetry)
			heap.Push(&s.queue, l)
		}
	}
	s.arm()
}

func (s *leases) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byName)
}

func (s *leases) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.arm()
}

// A leaseQueue is a heap: the lease that ends next is the first one.
type leaseQueue []*lease

func (q leaseQueue) Len() int           { return len(q) }
func (q leaseQueue) Less(i, j int) bool { return q[i].ends.Before(q[j].ends) }
func (q leaseQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements heap.Interface.
func (q *leaseQueue) Push(x any) {
	l := x.(*lease) //nolint:forcetypeassert // nothing else is pushed
	l.place = len(*q)
	*q = append(*q, l)
}

// Pop implements heap.Interface.
func (q *leaseQueue) Pop() any {
	last := len(*q) - 1
	l := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	l.place = -1
	return l
}

// granted is how long a lease lasts that is asked for so many seconds.
func granted(seconds any) (time.Duration, error) {
	s, err := secondsOf("seconds", seconds)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(s) || s <= 0 {
		return 0, transport.NewError("ValueError", fmt.Sprintf("a lease cannot last %v seconds", s))
	}
	s = min(max(s, minLease.Seconds()), maxLease.Seconds())
	return time.Duration(s * float64(time.Second)), nil
}

// lease registers a name for so many seconds, at least 1 and at most 3600, and returns how many it is for. Calling it
// again renews it. With safe set it leaves names alone that others have.
func (n *NameServer) lease(ctx context.Context, name, uri, seconds, metadata, safe any) (lasts float64, err error) {
	defer n.numbers.lease.done(time.Now(), &err)
	r, err := recordOf(name, uri, metadata)
	if err != nil {
		return 0, err
	}
	if r.Lease, err = granted(seconds); err != nil {
		return 0, err
	}
	if r.Name == ObjectName { // at its end nobody would find the name server
		return 0, namingError("the name " + r.Name + " cannot be leased")
	}
	turn := n.leases.turn(r.Name)
	turn.Lock()
	defer turn.Unlock()
	onlyNew := isTrue(safe)
	if onlyNew {
		known, err := n.store.Get(ctx, r.Name)
		onlyNew = err != nil || known.Lease == 0 || known.URI != r.URI
	}
	// The lease is noted first: if the one before ends at this moment, either that is known not to count any more, or
	// Put brings back what it has removed. A caller who is gone does not keep it from telling whether the name is there: one
	// whose lease nobody knows would stay.
	now, before := n.leases.set(r)
	if err := n.store.Put(context.WithoutCancel(ctx), r, onlyNew); err != nil {
		n.leases.undo(now, before)
		return 0, n.failed(ctx, err, r.Name)
	}
	if before == nil {
		n.logRegistered(ctx, "leased", r, slog.Duration("for", r.Lease))
	}
	return r.Lease.Seconds(), nil
}

// leased returns the names that are leased, each with the seconds that it was leased for.
func (n *NameServer) leased(ctx context.Context, prefix any) (result *codec.Dict, err error) {
	defer n.numbers.leases.done(time.Now(), &err)
	var f filter
	if f.prefix, err = prefixOf(prefix); err != nil {
		return nil, err
	}
	n.logged(ctx, slog.LevelDebug, "leases", f.attrs()...)
	records, err := n.find(ctx, f)
	if err != nil {
		return nil, err
	}
	var failed error
	result = codec.DictOf(func(yield func(string, any) bool) {
		for r, err := range records {
			if failed = err; err != nil || r.Lease > 0 && !yield(r.Name, r.Lease.Seconds()) {
				return
			}
		}
	})
	return result, n.failed(ctx, failed, "")
}

// expire removes names whose leases have ended.
func (n *NameServer) expire(ended []*lease) {
	byName := make(map[string]*lease, len(ended))
	names := make([]string, 0, len(ended))
	for _, l := range ended {
		byName[l.name] = l
		names = append(names, l.name)
	}
	uris := map[string]string{} // of those that go
	removed, err := n.store.Remove(n.closing, names, func(r storage.Record) bool {
		l := byName[r.Name]
		goes := l.of(r) && n.isMine(r) && n.leases.isCurrent(l)
		if goes {
			uris[r.Name] = r.URI
		}
		return goes
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		n.log.Error("names whose lease has ended cannot be removed", "names", someNames(names), "error", err)
		n.leases.later(ended)
		return
	}
	n.leases.forget(ended)
	n.numbers.expired.Add(uint64(removed)) //nolint:gosec // not negative
	for _, name := range slices.Sorted(maps.Keys(uris)) {
		n.log.Warn("the lease has ended, removed", "name", name, "uri", uris[name])
	}
}

// adoptEvery is how often a name server looks whether others that had its storage open are gone, and what they changed is known.
const adoptEvery = time.Second

// loadLeases gives a full lease to every name that had one when the storage was left. Those of a name server that has the
// storage open are left to that one, which alone knows how they are renewed, until it is gone.
func (n *NameServer) loadLeases() {
	shared, is := n.store.(storage.Sharer)
	if !is {
		n.loadAllLeases()
		return
	}
	// Beside those who ask: to take over many takes long, and changes no answer.
	n.adopting.Go(func() {
		failing, behind := n.adopt(shared, false), false
		tick := time.NewTicker(adoptEvery)
		defer tick.Stop()
		for {
			select {
			case <-n.closing.Done():
				return
			case <-tick.C:
				failing = n.adopt(shared, failing)
				behind = n.follow(behind)
			}
		}
	})
}

func (n *NameServer) loadAllLeases() {
	for r, err := range n.store.Prefix(n.closing, "") {
		if err != nil {
			n.log.Error("leases cannot be read", "error", err)
			return
		}
		if r.Lease > 0 {
			n.leases.set(r)
		}
	}
}

// adopt gives a full lease to the names whose leases were left by a name server that is gone. It tells whether it has failed,
// and is told whether it did before: one line of the log is enough.
func (n *NameServer) adopt(shared storage.Sharer, failing bool) (failed bool) {
	adopted, err := shared.Adopt(n.closing)
	names := make([]string, 0, len(adopted))
	for _, r := range adopted {
		n.adoptOne(r)
		names = append(names, r.Name)
	}
	if len(names) > 0 {
		n.log.Info("took over leases of a name server that is gone", "names", someNames(names), "count", len(names))
	}
	if err != nil && !failing && n.closing.Err() == nil {
		n.log.Error("leases of a name server that is gone cannot be taken over", "error", err)
	}
	return err != nil
}

// follow logs when the storage begins to miss what others change in its file, and when it does no more. It is told whether it
// did before.
func (n *NameServer) follow(before bool) (now bool) {
	f, is := n.store.(storage.Follower)
	if !is {
		return false
	}
	err := f.Behind()
	switch now = err != nil; {
	case now && !before:
		n.log.Error("what others change in the storage cannot be read, trying again", "error", err)
	case before && !now:
		n.log.Info("what others change in the storage can be read again")
	}
	return now
}

// adoptOne notes a lease, unless it has been renewed or replaced meanwhile.
func (n *NameServer) adoptOne(r storage.Record) {
	turn := n.leases.turn(r.Name)
	turn.Lock()
	defer turn.Unlock()
	if now, err := n.store.Get(n.closing, r.Name); err == nil && now.Equal(r) {
		n.leases.set(r)
	}
}

// isMine tells whether it is this name server that ends the lease of a record.
func (n *NameServer) isMine(r storage.Record) bool {
	shared, is := n.store.(storage.Sharer)
	return !is || r.Holder == shared.Holder()
}
