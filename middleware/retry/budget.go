package retry

import "sync"

// A budget is what repetitions are paid from; nil pays all of them.
type budget struct {
	share, most float64

	mu   sync.Mutex
	fund float64
}

func newBudget(share float64, spare int) *budget {
	most := float64(max(spare, 1))
	return &budget{share: max(share, 0), most: most, fund: most}
}

// earn is told of each call.
func (b *budget) earn() {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.fund = min(b.fund+b.share, b.most)
	b.mu.Unlock()
}

// spend pays for a repetition, if there is enough.
func (b *budget) spend() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fund < 1 {
		return false
	}
	b.fund--
	return true
}
