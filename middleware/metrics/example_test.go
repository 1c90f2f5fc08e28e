package metrics_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pyrokit/pyrokit/internal/pairtest"
	"github.com/pyrokit/pyrokit/middleware/metrics"
	"github.com/pyrokit/pyrokit/service"
)

func Example() {
	registry := prometheus.NewRegistry()
	counting, err := metrics.New(registry)
	if err != nil {
		fmt.Println(err)
		return
	}
	greeter := service.New("greeter").Method("greet", func(name string) string { return "Hello, " + name })
	pair, err := pairtest.Serve(greeter, service.Use(counting))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := pair.Connect()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = service.Call[string](context.Background(), p, "greet", "Irmen")
	_ = pair.Close()

	// What Prometheus reads.
	page := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "pyro_calls_total") {
			fmt.Print(line)
		}
	}
	// Output: pyro_calls_total{code="ok",dialect="pyro5",kind="invoke",method="greet",object="greeter",side="server"} 1
}
