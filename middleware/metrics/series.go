package metrics

import (
	"maps"
	"slices"
	"strings"
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
	labels   []string // side, kind, object, method
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
	valid := func(name string) string { return strings.ToValidUTF8(name, "\uFFFD") } // Prometheus takes nothing else
	labels := []string{side(k.server), k.kind.String(), valid(k.object), valid(k.method)}
	return &series{labels: labels, inFlight: m.inFlight.WithLabelValues(labels...)}
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
	labels := append(slices.Clip(s.labels), d.String())
	made := &dialect{
		duration: m.duration.WithLabelValues(labels...),
		received: m.received.WithLabelValues(labels...),
		code: func(c transport.Code) prometheus.Counter {
			return m.calls.WithLabelValues(append(slices.Clip(labels), observe.CodeName(c))...)
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
	known atomic.Pointer[known]
	mu    sync.Mutex // held while known is replaced
}

// known is what a table knows; it does not change.
type known struct {
	series  map[key]*series
	methods map[[2]string]struct{} // with labels of their own
}

// find returns the series of k, or nil.
func (t *table) find(k key) *series {
	if n := t.known.Load(); n != nil {
		return n.series[k]
	}
	return nil
}

// add returns the series of k, which create makes, or nil if the table is full.
func (t *table) add(k key, create func() *series) *series {
	if n := t.known.Load(); n != nil && !n.hasRoom(k, t.max) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var next known
	if n := t.known.Load(); n != nil {
		next = *n
	}
	if s := next.series[k]; s != nil {
		return s
	}
	if !next.hasRoom(k, t.max) {
		return nil
	}
	next.series, next.methods = cloned(next.series), cloned(next.methods)
	if k != k.others() {
		next.methods[k.name()] = struct{}{}
	}
	s := create()
	next.series[k] = s
	t.known.Store(&next)
	return s
}

// hasRoom tells whether k may have a series.
func (n *known) hasRoom(k key, most int) bool {
	if k == k.others() {
		return true
	}
	_, ok := n.methods[k.name()]
	return ok || len(n.methods) < most
}

func (k key) name() [2]string { return [2]string{k.object, k.method} }

func cloned[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// series returns the series of k, which always has room.
func (m *metrics) series(k key) *series {
	if s := m.table.find(k); s != nil {
		return s
	}
	return m.table.add(k, func() *series { return m.newSeries(k) })
}
