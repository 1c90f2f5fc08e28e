package metrics

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/middleware/internal/observe"
	"github.com/pyrokit/pyrokit/transport"
)

// other stands for the objects and methods without labels of their own.
const other = "other"

// A key is what tells the series of one method from others, but for what is known only at the end of a call.
type key struct {
	server         bool
	kind           transport.Kind
	object, method string
}

func keyOf(call *transport.Call) key {
	return key{server: observe.OnServer(call.Peer), kind: call.Kind, object: call.Object, method: call.Method}
}

// others is the key of what has no labels of its own.
func (k key) others() key {
	k.object, k.method = other, other
	return k
}

// A series holds the metrics of one key, so that a call looks labels up once.
type series struct {
	key      key
	inFlight prometheus.Gauge
	dialects [3]atomic.Pointer[dialect] // unknown, Pyro4, Pyro5
}

// A dialect holds the metrics of one key in one dialect.
type dialect struct {
	duration prometheus.Observer
	received prometheus.Counter
	code     func(transport.Code) prometheus.Counter
	codes    [transport.CodeUnauthenticated + 1]atomic.Pointer[prometheus.Counter]
}

func (m *metrics) newSeries(k key) *series {
	return &series{key: k, inFlight: m.inFlight.WithLabelValues(side(k.server), k.kind.String(), k.object, k.method)}
}

// of returns the metrics of the dialect that peer speaks.
func (s *series) of(m *metrics, peer *transport.Peer) *dialect {
	d := dialectOf(peer)
	i := 0
	switch d {
	case codec.Pyro4:
		i = 1
	case codec.Pyro5:
		i = 2
	}
	if found := s.dialects[i].Load(); found != nil {
		return found
	}
	k, name := s.key, d.String()
	side, kind := side(k.server), k.kind.String()
	made := &dialect{
		duration: m.duration.WithLabelValues(side, kind, k.object, k.method, name),
		received: m.received.WithLabelValues(side, kind, k.object, k.method, name),
		code: func(c transport.Code) prometheus.Counter {
			return m.calls.WithLabelValues(side, kind, k.object, k.method, name, observe.CodeName(c))
		},
	}
	s.dialects[i].Store(made) // whoever else made one has the same metrics
	return made
}

// calls returns the counter of calls that ended with a code.
func (d *dialect) calls(c transport.Code) prometheus.Counter {
	if int(c) >= len(d.codes) {
		c = transport.CodeUnknown
	}
	if found := d.codes[c].Load(); found != nil {
		return *found
	}
	made := d.code(c)
	d.codes[c].Store(&made)
	return made
}

// A table holds the series by key. Reading it takes no lock: it is copied to be written, which happens once for
// each key.
type table struct {
	max   int
	known atomic.Pointer[map[key]*series]

	mu      sync.Mutex // guards what follows, and writing known
	methods map[[2]string]struct{}
}

// find returns the series of k, or nil.
func (t *table) find(k key) *series {
	m := t.known.Load()
	if m == nil {
		return nil
	}
	return (*m)[k]
}

// add returns the series of k, which create makes, or nil if the table is full.
func (t *table) add(k key, create func() *series) *series {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.find(k); s != nil {
		return s
	}
	name := [2]string{k.object, k.method}
	if _, ok := t.methods[name]; !ok && (k != k.others()) {
		if len(t.methods) >= t.max {
			return nil
		}
		if t.methods == nil {
			t.methods = map[[2]string]struct{}{}
		}
		t.methods[name] = struct{}{}
	}
	next := map[key]*series{}
	if m := t.known.Load(); m != nil {
		next = maps.Clone(*m)
	}
	s := create()
	next[k] = s
	t.known.Store(&next)
	return s
}

// series returns the series of k, whether or not the table is full.
func (m *metrics) series(k key) *series {
	if s := m.table.find(k); s != nil {
		return s
	}
	return m.table.add(k, func() *series { return m.newSeries(k) })
}
