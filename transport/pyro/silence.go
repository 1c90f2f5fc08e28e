package pyro

import (
	"fmt"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// How long nothing may come from a peer while calls are given up. One that can answer while a call runs is
// asked; one that cannot may be at work, as Python's servers are.
const (
	silenceAsked   = 2 * time.Second
	silenceUnasked = 15 * time.Second
)

// A silence is what tells a peer that is slow from one that is gone without a word: a cable that was pulled, a
// machine that lost its power. The system notices that after many minutes. Conn.mu guards it.
type silence struct {
	since time.Time // when the first call was given up; zero while nobody is suspected
	reads uint32    // how often something had come by then
	sent  uint32    // how many calls had been sent by then
}

// gaveUp is told of a call that was given up, and ends the connection if nothing has come since one that was
// given up before this one was sent. If write is true, the caller has to write what is queued. It runs under mu.
func (c *Conn) gaveUp(p *pending) (write bool) {
	reads := c.reader.reads.Load()
	s := &c.silence
	switch {
	case reads != p.reads:
		s.since = time.Time{}
	case s.since.IsZero() || s.reads != reads:
		*s = silence{since: time.Now(), reads: reads, sent: c.sent}
		return c.queueProbe()
	case p.order > s.sent && time.Since(s.since) >= c.maxSilence():
		c.failLocked(transport.Wrap(transport.CodeUnavailable,
			fmt.Errorf("nothing has come from the peer for %s, while calls were given up", time.Since(s.since).Round(time.Millisecond))))
	}
	return false
}

func (c *Conn) maxSilence() time.Duration {
	if c.kit&featureOrder != 0 {
		return silenceAsked
	}
	return silenceUnasked
}

// queueProbe queues a message that another end of this toolkit answers at once. Its answer is a late reply
// like others. It runs under mu.
func (c *Conn) queueProbe() (write bool) {
	if c.kit&featureOrder == 0 || c.err != nil || c.calls.count >= maxInFlight {
		return false
	}
	seq := c.number()
	w := beginFrame(c.out, &c.o)
	w.endAnnotations()
	w.buf = append(w.buf, "ping"...)
	out, err := w.finish(frameFields{typ: msgPing, seq: seq, serializer: c.ser.id})
	if err != nil { // then nobody is asked
		return false
	}
	c.out = out
	c.calls.put(&pending{seq: seq})
	c.calls.abandon(seq)
	c.abandoned++
	write = !c.writing
	c.writing = true
	return write
}
