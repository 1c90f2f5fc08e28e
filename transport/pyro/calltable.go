package pyro

// A callTable finds calls by their sequence numbers. Numbers follow each other, so that a call's place
// is its number modulo the table's size, which is a power of two; a number whose place is taken is not
// given out. The zero table is empty.
type callTable struct {
	slots []slot
	count int // calls in the table, abandoned ones included
}

type slot struct {
	p    *pending // nil if the call was abandoned
	seq  uint16
	used bool
}

const (
	firstSlots = 16
	allSlots   = 1 << 16 // a place for each number
)

func (t *callTable) slot(seq uint16) *slot { return &t.slots[int(seq)&(len(t.slots)-1)] }

// taken tells whether seq must not be given out. It makes room so that half of all places are free.
func (t *callTable) taken(seq uint16) bool {
	if 2*t.count >= len(t.slots) && len(t.slots) < allSlots {
		t.grow()
	}
	return t.slot(seq).used
}

func (t *callTable) grow() {
	old := t.slots
	t.slots = make([]slot, max(firstSlots, 2*len(old)))
	for _, s := range old { // numbers that had places of their own have them in a larger table, too
		if s.used {
			*t.slot(s.seq) = s
		}
	}
}

// put files p under a number that is not taken.
func (t *callTable) put(p *pending) {
	*t.slot(p.seq) = slot{p: p, seq: p.seq, used: true}
	t.count++
}

// get returns the call with number seq, nil if it was abandoned, and whether there is one.
func (t *callTable) get(seq uint16) (p *pending, known bool) {
	if t.count == 0 {
		return nil, false
	}
	s := t.slot(seq)
	if !s.used || s.seq != seq {
		return nil, false
	}
	return s.p, true
}

func (t *callTable) remove(seq uint16) {
	*t.slot(seq) = slot{}
	t.count--
}

// abandon forgets who made a call, whose number stays taken.
func (t *callTable) abandon(seq uint16) { t.slot(seq).p = nil }

// after returns the calls that were not abandoned and whose place in the order of all is behind number.
func (t *callTable) after(number uint64) []*pending {
	var calls []*pending
	for _, s := range t.slots {
		if s.p != nil && s.p.number > number {
			calls = append(calls, s.p)
		}
	}
	return calls
}

// drain empties the table and returns the calls that were not abandoned.
func (t *callTable) drain() []*pending {
	var calls []*pending
	for _, s := range t.slots {
		if s.p != nil {
			calls = append(calls, s.p)
		}
	}
	*t = callTable{}
	return calls
}
