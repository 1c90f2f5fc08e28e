package logging

import (
	"sync/atomic"
	"time"
)

// A sampler takes the first successes of each second, and one in so many of those beyond.
type sampler struct {
	first, thereafter uint64

	second  atomic.Int64  // which one is counted
	seen    atomic.Uint64 // in it
	skipped atomic.Uint64 // since one was taken
}

func newSampler(first, thereafter int) *sampler {
	return &sampler{first: uint64(max(first, 0)), thereafter: uint64(max(thereafter, 0))}
}

// take tells whether what ended now is taken, and how many were not since the one before. Where a second ends,
// callers at the same time may count in either.
func (s *sampler) take(now time.Time) (taken bool, skipped uint64) {
	second := now.Unix()
	if before := s.second.Load(); before != second && s.second.CompareAndSwap(before, second) {
		s.seen.Store(0)
	}
	n := s.seen.Add(1)
	if n > s.first && (s.thereafter == 0 || (n-s.first)%s.thereafter != 0) {
		s.skipped.Add(1)
		return false, 0
	}
	return true, s.skipped.Swap(0)
}
