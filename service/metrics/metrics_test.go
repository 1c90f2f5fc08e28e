package metrics_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// values returns a registry's metrics by name.
func values(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		found[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return found
}

func TestNumbersOfAServer(t *testing.T) {
	srv := service.NewServer(service.Listen("tcp", "localhost:0"), service.MaxConnections(1))
	require.NoError(t, srv.Add(service.New("o").Method("big", func() []byte { return make([]byte, 3000) })))
	require.NoError(t, srv.Start())
	t.Cleanup(func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) })
	reg := prometheus.NewRegistry()
	reg.MustRegister(metrics.Collector(srv))

	uri := srv.URI("o").String()
	p, err := service.Connect(uri)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	require.NoError(t, service.Do(t.Context(), p, "big"))
	another, err := service.Connect(uri)
	require.NoError(t, err)
	require.Error(t, service.Do(t.Context(), another, "big"))
	require.NoError(t, another.Close())

	require.Eventually(t, func() bool { return values(t, reg)["pyro_server_connections"] == 1 }, 20*time.Second, time.Millisecond)
	got := values(t, reg)
	require.Len(t, got, 14)
	require.InDelta(t, 2, got["pyro_server_connections_accepted_total"], 0)
	require.InDelta(t, 1, got["pyro_server_connections_refused_total"], 0)
	require.Greater(t, got["pyro_server_sent_bytes_total"], 3000.0)
	require.Zero(t, got["pyro_server_calls_refused_total"])
}

func TestPrometheusLikesTheNames(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(metrics.Collector(service.NewServer()))
	families, err := reg.Gather()
	require.NoError(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}
