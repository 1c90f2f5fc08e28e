package ratelimit

import (
	"container/list"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// buckets are at most max buckets, and one for each rule that newcomers share while there is no room.
type buckets struct {
	max int

	mu    sync.Mutex
	byKey map[key]*list.Element
	used  *list.List // of *bucket, the one used last in front
}

type bucket struct {
	*rate.Limiter

	key key
}

func newBuckets(n int) *buckets {
	return &buckets{max: n, byKey: map[key]*list.Element{}, used: list.New()}
}

// get returns the bucket of k, which belongs to r.
func (b *buckets) get(k key, r *rule, now time.Time) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byKey[k]; e != nil {
		return b.touch(e)
	}
	if !k.shared && b.used.Len() >= b.max && !b.makeRoom(now) {
		k = key{rule: k.rule, shared: true}
		if e := b.byKey[k]; e != nil {
			return b.touch(e)
		}
	}
	k.who, k.object, k.method = strings.Clone(k.who), strings.Clone(k.object), strings.Clone(k.method)
	made := &bucket{Limiter: rate.NewLimiter(r.rate, r.Burst), key: k}
	b.byKey[k] = b.used.PushFront(made)
	return made.Limiter
}

func (b *buckets) touch(e *list.Element) *rate.Limiter {
	b.used.MoveToFront(e)
	found, _ := e.Value.(*bucket)
	return found.Limiter
}

// makeRoom drops the bucket that was not used for longest, if it is as good as new.
func (b *buckets) makeRoom(now time.Time) bool {
	last := b.used.Back()
	if last == nil {
		return false
	}
	oldest, _ := last.Value.(*bucket)
	if oldest.TokensAt(now) < float64(oldest.Burst()) {
		return false
	}
	b.used.Remove(last)
	delete(b.byKey, oldest.key)
	return true
}
