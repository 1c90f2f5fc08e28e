package nameserver

import (
	"container/heap"
	"hash/maphash"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

const (
	// leaseRetry is when a lease is looked at again that ran out and whose name could not be removed.
	leaseRetry = time.Second
	// leaseLate is how late the end of a lease may be noticed. Later than that, the process was stopped or had no processor,
	// and renewals that came in time may still wait to be read.
	leaseLate = minLease / 2
)

// leases is the table of the leases that run, with one timer for the lease that ends next. Where another name server that has the
// storage open, too, removes a name, or registers it for good, the lease stays until its end, which has no consequence then.
type leases struct {
	expire func(ended []*lease)   // removes the names of leases that have ended, removeMany at most; one goroutine at a time calls it
	late   func(by time.Duration) // is told when all leases run anew

	names [64]sync.Mutex // see lock

	mu     sync.Mutex // guards what follows; nothing is asked of the storage under it
	byName map[string]*lease
	queue  leaseQueue
	timer  *time.Timer
	closed bool

	ended    []*lease // that wait for expire
	expiring bool     // a goroutine calls expire
}

// A lease is one lease of one name; a renewal is another one. Only ends and place change, under leases.mu.
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

// lock locks a name, which it may share with others, and returns what unlocks it. It is held while the name is leased, so that
// the lease in the table is that of the record in the storage.
func (s *leases) lock(name string) (unlock func()) {
	mu := &s.names[maphash.String(leaseSeed, name)%uint64(len(s.names))]
	mu.Lock()
	return mu.Unlock
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

// tick runs when the first lease ends. Leases that have ended stay in byName until forget or later is called for them.
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
	s.expireAll()
}

// expireAll calls expire for the leases that have ended, and for those that end meanwhile, unless another goroutine does so.
func (s *leases) expireAll() {
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

// forget drops leases that have ended.
func (s *leases) forget(ended []*lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range ended {
		if s.byName[l.name] == l {
			delete(s.byName, l.name)
		}
	}
}

// later looks at leases that have ended once more, after leaseRetry.
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

// noted returns the leases of names.
func (s *leases) noted(names []string) []*lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byName) == 0 {
		return nil
	}
	var found []*lease
	for _, name := range names {
		if l := s.byName[name]; l != nil {
			found = append(found, l)
		}
	}
	return found
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
