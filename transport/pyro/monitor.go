package pyro

import (
	"sync"
	"time"
)

// A monitor looks at the connections of a server that carry calls out, once in a tick for as long as there are any. One timer
// for all is what many busy connections can afford.
type monitor struct {
	conns []*serverConn // the tick's own, which runs once at a time

	mu    sync.Mutex    // guards what follows; taken after serverConn.mu
	added []*serverConn // since the last tick
	timer *time.Timer
	runs  bool // the timer is set, or its tick runs
}

// add has c looked at until its watch says that it need not be.
func (m *monitor) add(c *serverConn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.added = append(m.added, c)
	if m.runs {
		return
	}
	m.runs = true
	if m.timer == nil {
		m.timer = time.AfterFunc(patience, m.tick)
	} else {
		m.timer.Reset(patience)
	}
}

// tick runs once at a time.
func (m *monitor) tick() {
	busy := m.conns[:0]
	for _, c := range m.conns {
		if c.watch() {
			busy = append(busy, c)
		}
	}
	clear(m.conns[len(busy):])

	m.mu.Lock()
	defer m.mu.Unlock()
	busy = append(busy, m.added...)
	m.conns = busy
	clear(m.added)
	m.added = m.added[:0]
	if m.runs = len(m.conns) > 0; m.runs {
		m.timer.Reset(patience)
	}
}
