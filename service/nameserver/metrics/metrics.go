package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pyrokit/pyrokit/service/metrics"
	"github.com/pyrokit/pyrokit/service/nameserver"
)

// readHeaderTime is how long who asks may take to ask.
const readHeaderTime = 10 * time.Second

// A collector asks a name server for its numbers whenever Prometheus asks.
type collector struct {
	ns *nameserver.NameServer

	entries, leases, watchers, unreachable, expired, cleaned, broadcasts, failed, seconds *prometheus.Desc
}

// Collector returns a collector of ns's numbers, to be registered once:
//
//	pyro_nameserver_entries, _leases, _watchers, _unreachable              gauges
//	pyro_nameserver_expired_total, _cleaned_total, _broadcasts_total       counters
//	pyro_nameserver_call_seconds{method}                                   a histogram
//	pyro_nameserver_calls_failed_total{method}                             a counter
func Collector(ns *nameserver.NameServer) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pyro_nameserver_"+name, help, labels, nil)
	}
	return &collector{
		ns:          ns,
		entries:     desc("entries", "Names that are registered, the name server's own included."),
		leases:      desc("leases", "Leases that run."),
		watchers:    desc("watchers", "Watches that are open."),
		unreachable: desc("unreachable", "Names that autoclean could not connect to when it looked last."),
		expired:     desc("expired_total", "Names removed because their lease ended."),
		cleaned:     desc("cleaned_total", "Names removed because they could not be connected to."),
		broadcasts:  desc("broadcasts_total", "Broadcasts that were answered."),
		failed:      desc("calls_failed_total", "Calls that raised, safe registrations of names that are taken aside.", "method"),
		seconds:     desc("call_seconds", "How long calls took.", "method"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	s, err := c.ns.Stats(context.Background())
	number := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	if err != nil { // of the storage, which only knows the names
		to <- prometheus.NewInvalidMetric(c.entries, err)
	} else {
		number(c.entries, prometheus.GaugeValue, float64(s.Entries))
	}
	number(c.leases, prometheus.GaugeValue, float64(s.Leases))
	number(c.watchers, prometheus.GaugeValue, float64(s.Watchers))
	number(c.unreachable, prometheus.GaugeValue, float64(s.Unreachable))
	number(c.expired, prometheus.CounterValue, float64(s.Expired))
	number(c.cleaned, prometheus.CounterValue, float64(s.Cleaned))
	number(c.broadcasts, prometheus.CounterValue, float64(s.Broadcasts))
	for name, m := range s.Methods {
		number(c.failed, prometheus.CounterValue, float64(m.Failed), name)
		buckets := map[float64]uint64{}
		below := uint64(0)
		for i, bound := range nameserver.LatencyBounds {
			below += m.Buckets[i]
			buckets[bound.Seconds()] = below
		}
		to <- prometheus.MustNewConstHistogram(c.seconds, m.Calls, m.Time.Seconds(), buckets, name)
	}
}

// Register registers what there is of ns: its own numbers, those of [Collector], and those of its server, which
// service/metrics collects, with the label server="name_server". Another server in the same registry needs the
// label server, too, with another value.
func Register(reg prometheus.Registerer, ns *nameserver.NameServer) error {
	server := prometheus.WrapRegistererWith(prometheus.Labels{"server": "name_server"}, reg)
	return errors.Join(reg.Register(Collector(ns)), server.Register(metrics.Collector(ns.Server())))
}

// Serve serves ns's numbers, and those of the process, at http://address/metrics until ctx ends, and returns where.
func Serve(ctx context.Context, address string, ns *nameserver.NameServer) (net.Addr, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := Register(registry, ns); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTime}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			_ = srv.Close()
		}
	}()
	return l.Addr(), nil
}
