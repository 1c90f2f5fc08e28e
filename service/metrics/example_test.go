package metrics_test

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/metrics"
)

func ExampleCollector() {
	srv := service.NewServer()
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.Collector(srv))
	families, err := registry.Gather()
	fmt.Println(families[0].GetName(), families[0].GetMetric()[0].GetCounter().GetValue(), err)
	// Output: pyro_server_answers_refused_total 0 <nil>
}
