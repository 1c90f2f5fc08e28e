package pyro

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// DefaultMaxUnsentSize is how many bytes of answers a server holds for peers that have not read them, unless
// said otherwise.
const DefaultMaxUnsentSize = 256 << 20

const (
	// unsentAlways is the size up to which an answer never waits for room.
	unsentAlways = 1 << 20
	// unsentPatience is how long a larger one does.
	unsentPatience = 30 * time.Second
	// unsentTime is how long a peer may take at most to read writePart while there is no room.
	unsentTime = 2 * time.Second
	// unsentUnit is what is counted in, so that gathering small answers does not mean counting each.
	unsentUnit = 16 << 10
	// unsentLeast is how long a peer may take in any case.
	unsentLeast = time.Second
	// unsentTick is how often is looked who has taken longer.
	unsentTick = 100 * time.Millisecond
	// floodParts is how often is looked at once, at least, while as much as there is room for comes beyond twice the room.
	floodParts = 8
)

// unsentRoom bounds the answers that a server holds, on all connections together, because their peers have not read
// them. An answer that a connection takes at once does not come here, unless it is large: then it is counted before it
// is encoded, as what it is likely to be long, and waits until there is room. What is not taken at once counts with the
// memory that it is in.
//
// Answers that were not counted before can go beyond the size: small ones, and those that are longer than they look. Those
// who do not read lose then, see [Server.shed], and from twice the size on they have no time for it. So no more is
// held than twice the size, an eighth of it (a MiB at least) and the answers that are being encoded, or one long answer
// and small ones that fit into the size. Who has lost gives back what it holds as soon as its goroutines run.
type unsentRoom struct {
	size, held atomic.Int64
	waiting    atomic.Int32 // who waits for room
	shed       func() bool  // has those lose who do not read, and tells whether to look again

	shedding sync.Mutex   // held while shed runs, which takes Server.mu and serverConn.mu: who has one of these must not add
	flood    atomic.Int64 // bytes that came beyond twice the size since shed ran last

	mu     sync.Mutex    // guards what follows
	freed  chan struct{} // closed when there is more room
	wanted int64         // by those who wait
	timer  *time.Timer
	runs   bool // the timer is set, or its tick runs
}

func newUnsentRoom(size int64, shed func() bool) *unsentRoom {
	r := &unsentRoom{shed: shed, freed: make(chan struct{})}
	r.size.Store(size)
	return r
}

// take counts n bytes once there is room for them. For no answer that need be more than half of the room, so that one
// which is larger than all of it gets its turn. Who waits too long has an error.
func (r *unsentRoom) take(ctx context.Context, n int64) error {
	if r.try(n) {
		return nil
	}
	r.waiting.Add(1)
	defer r.waiting.Add(-1)
	wanted := min(n, r.size.Load()/2)
	r.want(wanted)
	defer r.want(-wanted)
	patience := time.NewTimer(unsentPatience)
	defer patience.Stop()
	for {
		r.mu.Lock()
		freed := r.freed
		r.mu.Unlock()
		if r.try(n) {
			return nil
		}
		select {
		case <-freed:
		case <-patience.C:
			return errNoRoom
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// errNoRoom is for an answer that others leave no room for.
var errNoRoom = transport.Errorf(transport.CodeResourceExhausted,
	"the server has no room for the answer: too many others are not read (option MaxUnsentSize)")

// try counts n bytes if there is room.
func (r *unsentRoom) try(n int64) bool {
	size := r.size.Load()
	for {
		held := r.held.Load()
		if held > size-min(n, size/2) {
			return false
		}
		if r.held.CompareAndSwap(held, held+n) {
			return true
		}
	}
}

// want says that somebody waits for n bytes, or with a negative n no more.
func (r *unsentRoom) want(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted += n
	r.watch()
}

// watch looks from now on, under mu, who does not read.
func (r *unsentRoom) watch() {
	if r.runs || r.wanted == 0 && r.held.Load() <= r.size.Load() {
		return
	}
	r.runs = true
	if r.timer == nil {
		r.timer = time.AfterFunc(unsentTick, r.tick)
	} else {
		r.timer.Reset(unsentTick)
	}
}

// tick runs once at a time.
func (r *unsentRoom) tick() {
	r.shedding.Lock()
	again := r.shedNow()
	r.shedding.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.runs = again; again {
		r.timer.Reset(unsentTick)
		return
	}
	r.watch() // somebody may have come since
}

// shedNow is shed, under shedding.
func (r *unsentRoom) shedNow() bool {
	r.flood.Store(0)
	return r.shed()
}

// add counts n bytes that are there. Those who do not read lose by it at once if that is far too much.
func (r *unsentRoom) add(n int64) {
	held, size := r.held.Add(n), r.size.Load()
	if held <= size {
		return
	}
	r.mu.Lock()
	r.watch()
	r.mu.Unlock()
	if held-size > size && r.flood.Add(n) >= r.floodPart() {
		r.stem()
	}
}

// floodPart is how much may come beyond twice the size before shed runs.
func (r *unsentRoom) floodPart() int64 { return max(r.size.Load()/floodParts, unsentAlways) }

// stem runs shed for a flood, unless somebody else has while this one waited for it.
func (r *unsentRoom) stem() {
	r.shedding.Lock()
	defer r.shedding.Unlock()
	if r.flood.Load() >= r.floodPart() {
		r.shedNow()
	}
}

// give returns n bytes.
func (r *unsentRoom) give(n int64) {
	r.held.Add(-n)
	if r.waiting.Load() > 0 {
		r.wake()
	}
}

// wake has those who wait look again.
func (r *unsentRoom) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.freed)
	r.freed = make(chan struct{})
}

// resize changes the size. If more is held by now, that is for the next tick: who sets limits may hold locks.
func (r *unsentRoom) resize(size int64) {
	r.size.Store(size)
	r.wake()
	r.want(0)
}

// hold counts n bytes for the connection, or with a negative n no more.
func (c *serverConn) hold(n int64) {
	c.unsent.Add(n)
	if n > 0 {
		c.s.unsent.add(n)
	} else {
		c.s.unsent.give(-n)
	}
}

// Reserve implements transport.Room.
func (w *worker) Reserve(ctx context.Context, n int64) (err error) {
	if w.reserved == 0 { // who has room waits for no more: others may, too
		w.reserved, err = w.roomFor(ctx, n)
	}
	return err
}

// expect takes room for an answer with v, unless its method has. It waits while the call still runs, so that others of the
// connection go on.
func (w *worker) expect(ctx context.Context, v codec.Value) error {
	w.expected = weigh(v)
	return w.Reserve(ctx, w.expected)
}

// grow takes memory for the answer that is expected, if that is much: to grow to it step by step would make several times
// as much garbage.
func (w *worker) grow() {
	n := w.expected
	w.counted, w.reserved, w.expected = w.counted+w.reserved, 0, 0
	if n <= unsentAlways {
		return
	}
	if w.out == nil {
		w.out = new([]byte)
	}
	most := min(w.o.maxSize, w.s.unsent.size.Load())
	*w.out = slices.Grow(*w.out, int(min(n, most))+frameBuffer) // with header and annotations
}

// roomFor takes room for an answer that is likely to have n bytes, if that is much, and returns how much it has taken: all
// that there is at most, because n may be far too much.
func (c *serverConn) roomFor(ctx context.Context, n int64) (int64, error) {
	if n <= unsentAlways {
		return 0, nil
	}
	if c.o.compress {
		n *= 2 // both are there
	}
	n = min(n, c.s.unsent.size.Load())
	if err := c.s.unsent.take(ctx, n); err != nil {
		if errors.Is(err, errNoRoom) {
			c.s.counts.answersRefused.Add(1)
			c.s.log.Warn("an answer was refused, because there is no room for it", "peer", c.peer.String())
		}
		return 0, err
	}
	c.unsent.Add(n)
	return n, nil
}

// count counts out as what it holds, where counted is what was counted for it so far, and returns what is now.
func (c *serverConn) count(out buffer, counted int64) int64 {
	n := int64(cap(*out))
	if n <= maxPooled*streamBuffer { // one of the pool may be larger than need be
		n = int64(len(*out)+unsentUnit-1) / unsentUnit * unsentUnit
	}
	if n != counted {
		c.hold(n - counted)
	}
	return n
}

// An unwritten is what is being written of a buffer.
type unwritten struct {
	conn    *serverConn
	out     buffer
	rest    []byte        // of out
	counted int64         // for out
	limit   time.Duration // for the peer to read each writePart
}

// done gives the buffer and its room back.
func (u *unwritten) done() {
	if u.counted > 0 {
		u.conn.hold(-u.counted)
	}
	streamPool.put(u.out)
}

func (u *unwritten) count() { u.counted = u.conn.count(u.out, u.counted) }

// write writes what the connection takes at once, and then the rest. It runs under wmu.
func (u *unwritten) write() error {
	c := u.conn
	n, err := c.writer.tryWrite(u.rest)
	c.s.counts.sent.Add(uint64(n)) //nolint:gosec // it is not negative
	if u.rest = u.rest[n:]; err != nil || len(u.rest) == 0 {
		return err
	}
	u.count()
	defer c.writing.Store(0)
	for len(u.rest) > 0 {
		u.shrink()
		if err := u.writePart(); err != nil {
			return err
		}
	}
	return c.nc.SetWriteDeadline(time.Time{})
}

// writePart writes as much as the peer has to read in time.
func (u *unwritten) writePart() error {
	c, part := u.conn, u.rest[:min(len(u.rest), writePart)]
	now := time.Now()
	c.writing.Store(int64(now.Sub(c.since)) + 1)
	_ = c.nc.SetWriteDeadline(now.Add(u.limit))
	if _, err := c.nc.Write(part); err != nil {
		c.s.counts.wrote(err)
		return err
	}
	c.s.counts.sent.Add(uint64(len(part)))
	u.rest = u.rest[len(part):]
	return nil
}

// shrink moves what is left of a large buffer to a smaller one when half of it is not needed any more.
func (u *unwritten) shrink() {
	if cap(*u.out) <= writePart || len(u.rest) > cap(*u.out)/2 {
		return
	}
	smaller := slices.Clone(u.rest)
	u.out, u.rest = &smaller, smaller
	u.count()
}
