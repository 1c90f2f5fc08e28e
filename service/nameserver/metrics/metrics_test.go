package metrics_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service"
	servermetrics "github.com/pyrokit/pyrokit/service/metrics"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/service/nameserver/metrics"
	"github.com/pyrokit/pyrokit/transport"
)

// start starts a name server whom nobody may call who does not say sesame.
func start(t *testing.T, opts ...nameserver.Option) *nameserver.NameServer {
	t.Helper()
	judge := service.ValidateHandshake(func(_ context.Context, h *transport.Handshake) (any, error) {
		var said string
		if err := h.Value.Decode(&said); err != nil || said != "sesame" {
			return nil, errors.New("want sesame")
		}
		return nil, nil //nolint:nilnil // the usual answer
	})
	ns := nameserver.New(append(opts, nameserver.Listen("tcp", "127.0.0.1:0"), nameserver.Server(judge),
		nameserver.Logger(slog.New(slog.DiscardHandler)))...)
	require.NoError(t, ns.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, ns.Shutdown(context.WithoutCancel(t.Context()))) })
	return ns
}

// lookUp looks the name server's own name up, and hangs up.
func lookUp(t *testing.T, ns *nameserver.NameServer, opts ...service.ProxyOption) error {
	t.Helper()
	p, err := service.Connect(ns.URI().String(), opts...)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	return service.Do(t.Context(), p, "lookup", nameserver.ObjectName)
}

// page is what Prometheus reads.
func page(registry *prometheus.Registry) string {
	answer := httptest.NewRecorder()
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	return answer.Body.String()
}

func TestTheServerOfANameServerIsAmongItsNumbers(t *testing.T) {
	ns := start(t)
	other := service.NewServer()
	registry := prometheus.NewRegistry()
	require.NoError(t, metrics.Register(registry, ns))
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"server": "server"}, registry)
	require.NoError(t, labelled.Register(servermetrics.Collector(other)))
	require.NoError(t, lookUp(t, ns, service.Handshake("sesame")))
	require.Error(t, lookUp(t, ns))
	require.Eventually(t, func() bool { return ns.Server().Stats().Connections == 0 }, 20*time.Second, time.Millisecond)

	want := `
# HELP pyro_server_connections Connections that are open.
# TYPE pyro_server_connections gauge
pyro_server_connections{server="name_server"} 0
pyro_server_connections{server="server"} 0
# HELP pyro_server_connections_accepted_total Connections that came.
# TYPE pyro_server_connections_accepted_total counter
pyro_server_connections_accepted_total{server="name_server"} 2
pyro_server_connections_accepted_total{server="server"} 0
# HELP pyro_server_connections_refused_total `
	require.Contains(t, page(registry), want)
	want = `
# TYPE pyro_server_handshakes_failed_total counter
pyro_server_handshakes_failed_total{server="name_server"} 1
pyro_server_handshakes_failed_total{server="server"} 0
`
	require.Contains(t, page(registry), want)

	families, err := registry.Gather()
	require.NoError(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

// A brokenStorage cannot count.
type brokenStorage struct{ storage.Storage }

func (brokenStorage) Len(context.Context) (int, error) { return 0, errors.New("the disk is gone") }

func TestAStorageThatFailsHidesNothingElse(t *testing.T) {
	ns := start(t, nameserver.Storage(brokenStorage{storage.NewMemory()}))
	registry := prometheus.NewRegistry()
	require.NoError(t, metrics.Register(registry, ns))
	_, err := registry.Gather()
	require.ErrorContains(t, err, "the disk is gone")
	text := page(registry)
	require.NotContains(t, text, "pyro_nameserver_entries")
	require.Contains(t, text, "\npyro_nameserver_leases 0\n")
	require.Contains(t, text, "\npyro_server_connections{")
}

// TestServe: the dashboard finds programs by when they were started.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	at, err := metrics.Serve(ctx, "127.0.0.1:0", start(t))
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.String()+"/metrics", http.NoBody)
	require.NoError(t, err)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	for _, want := range []string{
		"\npyro_nameserver_entries 1\n", "\npyro_server_connections{server=\"name_server\"} 0\n", "\ngo_goroutines ",
		"\nprocess_start_time_seconds ",
	} {
		require.Contains(t, string(text), want)
	}
}
