package metrics

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/internal/observe"
	"github.com/pyrokit/pyrokit/transport"
)

// DefaultMaxMethods is how many methods get labels of their own unless [MaxMethods] says otherwise.
const DefaultMaxMethods = 1000

// DefaultBuckets are the upper bounds of the histogram's buckets in seconds unless [Buckets] says otherwise: from
// a call in memory to a slow report.
var DefaultBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// namespace is what [Namespace] may be.
var namespace = regexp.MustCompile("^[a-zA-Z_][a-zA-Z0-9_]*$")

// An Option sets up the middleware.
type Option func(*config)

type config struct {
	namespace string
	buckets   []float64
	max       int
	only      []middleware.Pattern
}

// Namespace is what the names of the metrics begin with; default "pyro".
func Namespace(name string) Option { return func(c *config) { c.namespace = name } }

// Buckets are the upper bounds of the histogram's buckets in seconds, rising; default [DefaultBuckets].
func Buckets(bounds ...float64) Option { return func(c *config) { c.buckets = bounds } }

// MaxMethods is how many methods of objects get labels of their own; further ones are counted together as object
// "other", method "other". Default 1000.
func MaxMethods(n int) Option { return func(c *config) { c.max = n } }

// Only has just the methods that fit a pattern (see [middleware.Pattern]) get labels of their own, as "shop.*",
// which keeps out objects that come and go. All others are counted together as "other".
func Only(patterns ...string) Option {
	return func(c *config) { c.only = append(c.only, middleware.ParsePatterns(patterns...)...) }
}

// New registers the metrics with reg and returns the middleware, which belongs at the outside of a chain. One
// middleware may serve any number of servers and proxies; several with the same reg and options share the
// metrics, but not [MaxMethods].
func New(reg prometheus.Registerer, opts ...Option) (transport.Middleware, error) {
	cfg := config{namespace: "pyro", buckets: DefaultBuckets, max: DefaultMaxMethods}
	for _, o := range opts {
		o(&cfg)
	}
	m := &metrics{cfg: cfg}
	m.table.max = cfg.max
	m.describe()
	if err := m.register(reg); err != nil {
		return transport.Middleware{}, err
	}
	return transport.Middleware{
		Name: "metrics", Call: m.call, Handshake: m.handshake,
		Order: transport.Order{Once: "metrics"}, // two would count everything twice
	}, nil
}

type metrics struct {
	cfg   config
	table table

	calls, received, handshakes *prometheus.CounterVec
	duration                    *histogram
	inFlight, connections       *prometheus.GaugeVec
}

func (m *metrics) describe() {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: m.cfg.namespace, Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: m.cfg.namespace, Name: name, Help: help}, labels)
	}
	m.calls = counter("calls_total", "Calls that ended.", "side", "kind", "object", "method", "dialect", "code")
	m.duration = &histogram{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: m.cfg.namespace, Name: "call_duration_seconds", Help: "How long calls took.", Buckets: m.cfg.buckets,
	}, []string{"side", "kind", "object", "method", "dialect"}), m.cfg.buckets}
	m.inFlight = gauge("calls_in_flight", "Calls that run.", "side", "kind", "object", "method")
	m.received = counter("received_bytes_total", "Bytes of arguments (server) and of results (client), encoded.",
		"side", "kind", "object", "method", "dialect")
	m.handshakes = counter("handshakes_total", "Handshakes that came to an end.", "side", "dialect", "code")
	m.connections = gauge("connections", "Connections that a server has let in.", "dialect")
}

// A histogram knows its buckets, by which Prometheus does not tell collectors apart.
type histogram struct {
	*prometheus.HistogramVec

	buckets []float64
}

// errBuckets is about two histograms with one name.
var errBuckets = errors.New("the metrics are registered already, with other buckets")

// register registers the metrics; those that are there already it shares.
func (m *metrics) register(reg prometheus.Registerer) error {
	err := errors.Join(
		registerOne(reg, &m.calls), registerOne(reg, &m.duration), registerOne(reg, &m.inFlight),
		registerOne(reg, &m.received), registerOne(reg, &m.handshakes), registerOne(reg, &m.connections))
	if err == nil && !slices.Equal(m.duration.buckets, m.cfg.buckets) {
		return errBuckets
	}
	return err
}

func registerOne[C prometheus.Collector](reg prometheus.Registerer, c *C) error {
	err := reg.Register(*c)
	there, ok := errors.AsType[prometheus.AlreadyRegisteredError](err)
	if !ok {
		return err
	}
	same, ok := there.ExistingCollector.(C)
	if !ok {
		return err
	}
	*c = same
	return nil
}

func (m *metrics) call(next transport.Endpoint) transport.Endpoint {
	return func(ctx context.Context, call *transport.Call) (reply *transport.Reply, err error) {
		key := keyOf(call)
		known := m.table.find(key)
		running := known
		if running == nil {
			running = m.series(key.others())
		}
		running.inFlight.Inc()
		received := call.Args.Size()
		begun := time.Now()
		panicked := true
		defer func() {
			took := time.Since(begun)
			running.inFlight.Dec()
			code := observe.Code(err)
			if panicked {
				code = transport.CodeInternal
			}
			if known == nil {
				known = m.admit(ctx, call, key, err, panicked)
			}
			d := known.of(m, call.Peer)
			d.duration.Observe(took.Seconds())
			d.calls(code).Inc()
			if !key.server && err == nil {
				received = resultSize(reply)
			}
			if received > 0 {
				d.received.Add(float64(received))
			}
		}()
		reply, err = next(ctx, call)
		panicked = false
		return reply, err
	}
}

// admit returns where a call is counted whose method has no labels yet: it gets them if it turned out to be one
// that is there.
func (m *metrics) admit(ctx context.Context, call *transport.Call, key key, err error, panicked bool) *series {
	if panicked || !observe.Recognized(ctx, call, err) || !m.wanted(call) {
		return m.series(key.others())
	}
	if s := m.table.add(key, func() *series { return m.newSeries(key) }); s != nil {
		return s
	}
	return m.series(key.others())
}

func (m *metrics) wanted(call *transport.Call) bool {
	return len(m.cfg.only) == 0 || middleware.FitsAny(m.cfg.only, call.Object, call.Method)
}

// resultSize is the size of the result that a client got; 0 if it is not known.
func resultSize(r *transport.Reply) int {
	if r == nil {
		return 0
	}
	raw, _ := r.Value.Raw()
	return len(raw)
}

func (m *metrics) handshake(next transport.HandshakeFunc) transport.HandshakeFunc {
	return func(ctx context.Context, h *transport.Handshake) (w *transport.Welcome, err error) {
		code := transport.CodeInternal // of a panic
		defer func() {
			m.handshakes.WithLabelValues(side(observe.OnServer(h.Peer)), dialectOf(h.Peer).String(), observe.CodeName(code)).Inc()
		}()
		w, err = next(ctx, h)
		code = observe.Code(err)
		if err == nil && observe.OnServer(h.Peer) {
			open := m.connections.WithLabelValues(dialectOf(h.Peer).String())
			open.Inc()
			h.Peer.Session.Track(&connection{open})
		}
		return w, err
	}
}

// A connection is closed with its session.
type connection struct{ open prometheus.Gauge }

// Close counts the connection off.
func (c *connection) Close() error {
	c.open.Dec()
	return nil
}

func dialectOf(peer *transport.Peer) codec.Dialect {
	if peer == nil {
		return 0
	}
	return peer.Dialect
}

func side(server bool) string {
	if server {
		return "server"
	}
	return "client"
}
