package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyrokit/pyrokit/service"
)

// A collector asks a server for its numbers whenever Prometheus asks.
type collector struct {
	srv     *service.Server
	numbers []number
}

// A number is one of a server's.
type number struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*service.Stats) float64
}

// Collector returns a collector of srv's numbers, to be registered once, with a label of its own
// (prometheus.WrapRegistererWith) where a program has several servers:
//
//	pyro_server_connections, _streams                                     gauges
//	pyro_server_connections_accepted_total, _connections_refused_total    counters; refused: beyond MaxConnections
//	pyro_server_handshakes_failed_total, _handshake_timeouts_total        counters; timeouts are among the failed
//	pyro_server_unsent_bytes                                              a gauge: answers that peers have not read
//	pyro_server_unsent_timeouts_total                                     a counter of connections that were ended beyond MaxUnsentSize
//	pyro_server_answers_refused_total                                     a counter of answers that MaxUnsentSize left no room for
//	pyro_server_idle_timeouts_total, _write_timeouts_total                counters of connections that were ended
//	pyro_server_messages_too_large_total                                  a counter
//	pyro_server_calls_refused_total                                       a counter of calls beyond MaxCalls
//	pyro_server_sent_bytes_total                                          a counter
func Collector(srv *service.Server) prometheus.Collector {
	c := &collector{srv: srv}
	add := func(kind prometheus.ValueType, name, help string, of func(*service.Stats) float64) {
		desc := prometheus.NewDesc("pyro_server_"+name, help, nil, nil)
		c.numbers = append(c.numbers, number{desc, kind, of})
	}
	gauge := func(name, help string, of func(*service.Stats) int) {
		add(prometheus.GaugeValue, name, help, func(s *service.Stats) float64 { return float64(of(s)) })
	}
	counter := func(name, help string, of func(*service.Stats) uint64) {
		add(prometheus.CounterValue, name+"_total", help, func(s *service.Stats) float64 { return float64(of(s)) })
	}
	gauge("connections", "Connections that are open.", func(s *service.Stats) int { return s.Connections })
	gauge("streams", "Remote iterators that are open.", func(s *service.Stats) int { return s.Streams })
	add(prometheus.GaugeValue, "unsent_bytes", "Bytes of answers that peers have not read.",
		func(s *service.Stats) float64 { return float64(s.Unsent) })
	counter("connections_accepted", "Connections that came.", func(s *service.Stats) uint64 { return s.Accepted })
	counter("connections_refused", "Connections beyond the limit.", func(s *service.Stats) uint64 { return s.Refused })
	counter("handshakes_failed", "Connections that were not let in.", func(s *service.Stats) uint64 { return s.HandshakesFailed })
	counter("handshake_timeouts", "Handshakes that took too long.", func(s *service.Stats) uint64 { return s.HandshakeTimeouts })
	counter("idle_timeouts", "Connections without a request for too long.", func(s *service.Stats) uint64 { return s.IdleTimeouts })
	counter("write_timeouts", "Connections whose peer did not read.", func(s *service.Stats) uint64 { return s.WriteTimeouts })
	counter("unsent_timeouts", "Connections whose peer did not read while there was no room for answers.",
		func(s *service.Stats) uint64 { return s.UnsentTimeouts })
	counter("answers_refused", "Answers that there was no room for.", func(s *service.Stats) uint64 { return s.AnswersRefused })
	counter("messages_too_large", "Messages that were refused for their size.", func(s *service.Stats) uint64 { return s.TooLarge })
	counter("calls_refused", "Calls beyond the limit of all connections together.", func(s *service.Stats) uint64 { return s.CallsRefused })
	counter("sent_bytes", "Bytes of messages that were sent.", func(s *service.Stats) uint64 { return s.Sent })
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, n := range c.numbers {
		to <- n.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	stats := c.srv.Stats()
	for _, n := range c.numbers {
		to <- prometheus.MustNewConstMetric(n.desc, n.kind, n.of(&stats))
	}
}
