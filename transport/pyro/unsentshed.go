package pyro

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A pressure is what there is too much of in an unsentRoom, and who holds it.
type pressure struct {
	room   int64         // the size
	excess int64         // bytes that there are too many, with those that are waited for
	urgent int64         // the same, with no more than one of those who wait may want
	flood  int64         // bytes beyond twice the room
	limit  time.Duration // that a peer may take to read writePart: the more is waited for, the less
	waited bool          // somebody waits

	holders []holder // of which none has lost yet
	large   int      // how many of them hold more than flushSize
	small   int64    // what the others hold
	much    int64    // what those hold that hold much, where it is being written
}

func (r *unsentRoom) pressure() *pressure {
	r.mu.Lock()
	wanted := r.wanted
	r.mu.Unlock()
	size, held := r.size.Load(), r.held.Load()
	share := float64(size) / (float64(size) + float64(wanted))
	return &pressure{
		room:   size,
		excess: held - size + wanted,
		urgent: held - size + min(wanted, size/2),
		flood:  held - size - size,
		limit:  max(unsentLeast, time.Duration(share*float64(unsentTime))),
		waited: wanted > 0,
	}
}

// A holder is a connection for whose peer there are bytes that it has not read.
type holder struct {
	conn  *serverConn
	bytes int64
	taken time.Duration // by the peer so far, to read what is being written; negative: nothing is
	much  bool          // it holds at least as much as the holders do on average
}

// A loss is what a connection had when it was ended because its peer does not read.
type loss struct {
	bytes  int64
	waited time.Duration
}

// logLoss says why the connection was ended, if that was for want of room. It is for the connection's own goroutine: who
// ends it must not wait for the log.
func (c *serverConn) logLoss() {
	if lost := c.shed.Load(); lost != nil {
		c.s.log.Warn("connection ended, because its peer does not read while there is no room for answers",
			"peer", c.peer.String(), "unsent", lost.bytes, "waited", lost.waited.Round(time.Millisecond))
	}
}

// shed ends connections whose peers do not read while there is no room, until what they hold is enough: the one first whose
// peer has taken longest to read, of those that hold their share or more, an equal one for each; the others only where
// all of these together hold too little to let somebody go on. It tells whether there is too little room.
func (s *Server) shed() bool {
	p := s.unsent.pressure()
	if p.excess <= 0 {
		return false
	}
	s.holders(p)
	for _, h := range p.candidates() {
		if p.eased() || !h.much && p.urgent <= p.much { // those that hold much will read it, or lose when they are late
			break
		}
		if !p.ends(&h) || !h.conn.shed.CompareAndSwap(nil, &loss{bytes: h.bytes, waited: h.taken}) {
			continue
		}
		p.left(h.bytes)
		p.count(&h, -1)
		s.counts.unsentTimeouts.Add(1)
		h.conn.abort()
	}
	return true
}

// holders finds out who holds how much.
func (s *Server) holders(p *pressure) {
	now, sum := time.Now(), int64(0)
	s.mu.Lock()
	for c := range s.conns {
		switch n := c.unsent.Load(); {
		case n <= 0:
		case c.shed.Load() != nil: // it is on its way
			p.left(n)
		default:
			p.holders = append(p.holders, holder{conn: c, bytes: n, taken: c.stuckFor(now)})
			sum += n
		}
	}
	s.mu.Unlock()
	for i := range p.holders {
		h := &p.holders[i]
		h.much = h.bytes >= sum/int64(len(p.holders))
		p.count(h, 1)
	}
}

// candidates returns the holders that may have to lose, in the order in which they do. They are few among many: only
// they are put into order.
func (p *pressure) candidates() []holder {
	all := slices.DeleteFunc(p.holders, func(h holder) bool { return !p.ends(&h) })
	slices.SortFunc(all, func(a, b holder) int {
		if a.much != b.much {
			if a.much {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.taken, a.taken)
	})
	return all
}

// ends tells whether h has taken too long.
func (p *pressure) ends(h *holder) bool { return h.taken > p.limit || h.taken >= 0 && p.floods(h) }

// floods tells whether h has no time any more: one long answer alone has, and small ones have if they would be no flood by
// themselves.
func (p *pressure) floods(h *holder) bool {
	if h.bytes > flushSize {
		return p.flood > 0 && !p.alone()
	}
	return p.small > 2*p.room
}

// alone tells whether there is one long answer at most, and all others fit into the room.
func (p *pressure) alone() bool { return p.large <= 1 && p.small <= p.room }

// eased tells whether nobody has to lose any more. One alone is in nobody's way unless somebody waits.
func (p *pressure) eased() bool { return p.excess <= 0 || p.alone() && !p.waited }

// count counts what h holds, n times.
func (p *pressure) count(h *holder, n int) {
	bytes := int64(n) * h.bytes
	if h.bytes > flushSize {
		p.large += n
	} else {
		p.small += bytes
	}
	if h.much && h.taken >= 0 {
		p.much += bytes
	}
}

// left counts off n bytes that are about to be given back.
func (p *pressure) left(n int64) {
	p.excess -= n
	p.urgent -= n
	p.flood -= n
}

// errUnread is why a connection is ended whose peer does not read.
var errUnread = errors.New("it does not read while there is no room for answers (option MaxUnsentSize)")

// abort ends the connection at once: what the system holds for it is dropped, too.
func (c *serverConn) abort() {
	c.cancel(fmt.Errorf("%w: %w", ErrCallerGone, errUnread))
	nc := c.nc
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn() // Close of TLS would wait for the peer
	}
	if l, ok := nc.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = nc.Close()
	c.hangUp()
}

// stuckFor returns how long, until now, the peer has taken to read what is being written; -1 if nothing is.
func (c *serverConn) stuckFor(now time.Time) time.Duration {
	since := c.writing.Load()
	if since == 0 {
		return -1
	}
	return max(0, now.Sub(c.since)-time.Duration(since-1))
}
