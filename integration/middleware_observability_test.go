//go:build integration

package integration

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/integration/internal/peers"
	"github.com/pyrokit/pyrokit/middleware/correlation"
	"github.com/pyrokit/pyrokit/middleware/logging"
	"github.com/pyrokit/pyrokit/middleware/metrics"
	"github.com/pyrokit/pyrokit/middleware/tracing"
	"github.com/pyrokit/pyrokit/middleware/watchdog"
	"github.com/pyrokit/pyrokit/service"
)

// counted are the calls that a registry has counted, as "kind object.method code".
func counted(t *testing.T, reg *prometheus.Registry, dialect string) map[string]int {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	calls := map[string]int{}
	for _, f := range families {
		if f.GetName() != "pyro_calls_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["dialect"] == dialect {
				calls[labels["kind"]+" "+labels["object"]+"."+labels["method"]+" "+labels["code"]] = int(m.GetCounter().GetValue())
			}
		}
	}
	return calls
}

func TestMetricsOfPythonsCalls(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg)
	require.NoError(t, err)
	srv := serve(t, newService(), service.Use(m))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		for range 3 {
			require.Equal(t, "1", repr(t, c.Call("svc", "echo", "(1,)")))
		}
		raised(t, c.Call("svc", "fail", "('value',)"))
		require.Len(t, iterate(c, "stream", "(3,)", -1).Items, 3)
		require.True(t, c.Do(peers.Request{Op: "get", Proxy: "svc", Attr: "velocity"}).OK)
		require.Len(t, c.Do(peers.Request{Op: "batch", Proxy: "svc", Calls: []peers.Request{
			{Method: "echo", Args: "(1,)"}, {Method: "echo", Args: "(2,)"},
		}}).Items, 2)
		calls := counted(t, reg, wire(d).String())
		require.Equal(t, 5, calls["invoke svc.echo ok"])
		require.Equal(t, 1, calls["invoke svc.fail invalid_argument"])
		require.Equal(t, 1, calls["invoke svc.stream ok"])
		require.Equal(t, 4, calls["streamitem svc.stream ok"])
		require.Equal(t, 1, calls["getattr svc.velocity ok"])
	})
}

func TestMetricsOfCallsToPython(t *testing.T) {
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		reg := prometheus.NewRegistry()
		m, err := metrics.New(reg)
		require.NoError(t, err)
		p := proxy(t, peers.Service(t, d).URIs["svc"], service.Use(m), service.NoMetadata())
		require.NoError(t, service.Do(t.Context(), p, "echo", 1))
		require.Error(t, service.Do(t.Context(), p, "fail", "value"))
		require.Error(t, service.Do(t.Context(), p, "not_there"))
		require.Equal(t, map[string]int{
			"invoke svc.echo ok": 1, "invoke svc.fail invalid_argument": 1, "invoke other.other not_found": 1,
		}, counted(t, reg, wire(d).String()))
	})
}

// A Python caller tells its span in an annotation, in either dialect.
func TestATraceFromPython(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	srv := serve(t, newService(), service.Use(tracing.New(provider)))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		recorder.Reset()
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		a := c.Do(peers.Request{Op: "call", Proxy: "svc", Method: "echo", Args: "(1,)", Annotations: map[string]string{
			tracing.Key: hex.EncodeToString([]byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
		}})
		require.Equal(t, "1", repr(t, a))
		require.Equal(t, "1", repr(t, c.Call("svc", "echo", "(1,)")))
		spans := recorder.Ended()
		require.Len(t, spans, 2)
		require.Equal(t, "svc/echo", spans[0].Name())
		require.Equal(t, "0af7651916cd43dd8448eb211c80319c", spans[0].SpanContext().TraceID().String())
		require.Equal(t, "b7ad6b7169203331", spans[0].Parent().SpanID().String())
		require.False(t, spans[1].Parent().IsValid())
	})
}

// A Go proxy calls Python, which calls Go: Python passes the annotation on.
func TestATraceThroughPython(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	use := service.Use(tracing.New(provider))
	srv := serve(t, newService(), use)
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		p := proxy(t, peers.Service(t, d).URIs["svc"], use)
		got, err := service.Call[map[string]any](t.Context(), p, "context")
		require.NoError(t, err)
		annotation, err := hex.DecodeString(got["annotations"].(map[string]any)[tracing.Key].(string))
		require.NoError(t, err)
		require.Len(t, annotation, 55)

		recorder.Reset()
		_, err = service.Call[map[string]any](t.Context(), p, "call_back", remote(d, srv.URI("svc").String()), "context")
		require.NoError(t, err)
		spans := recorder.Ended()
		require.Len(t, spans, 2)
		server, client := spans[0], spans[1]
		require.Equal(t, trace.SpanKindServer, server.SpanKind())
		require.Equal(t, "svc/call_back", client.Name())
		require.Equal(t, client.SpanContext().TraceID(), server.SpanContext().TraceID())
		require.Equal(t, client.SpanContext().SpanID(), server.Parent().SpanID())
	})
}

// lines keeps what is logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// take returns what was logged since the last time.
func (l *lines) take(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for line := range strings.Lines(l.buf.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		all = append(all, fields)
	}
	l.buf.Reset()
	return all
}

func TestLogOfPythonsCalls(t *testing.T) {
	var log lines
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	srv := serve(t, newService(), service.Use(correlation.New(), logging.New(logger, logging.Arguments(logging.HideKeys(), "svc.keywords"))))
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		a := c.Do(peers.Request{Op: "call", Proxy: "svc", Method: "echo", Args: "('sesame',)", CorrelationID: correlationID})
		require.True(t, a.OK)
		raised(t, c.Call("svc", "fail", "('value',)"))
		a = c.Do(peers.Request{Op: "call", Proxy: "svc", Method: "keywords", Kwargs: "{'user': 'ann', 'password': 'sesame'}"})
		require.True(t, a.OK)
		all := log.take(t)
		require.Len(t, all, 4)
		require.Equal(t, "handshake", all[0]["msg"])
		require.Equal(t, "echo", all[1]["method"])
		require.Equal(t, correlationID, all[1]["correlation_id"])
		require.Contains(t, all[1]["peer"], wire(d).String())
		require.NotContains(t, all[1], "args")
		require.Equal(t, "WARN", all[2]["level"])
		require.Equal(t, "builtins.ValueError", all[2]["class"])
		require.Equal(t, "{'password': '[hidden]', 'user': 'ann'}", all[3]["kwargs"])
	})
}

func TestWatchdogOfPythonsCalls(t *testing.T) {
	var log lines
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	g := newGoService()
	srv := serve(t, g.service(), service.Use(watchdog.New(logger, watchdog.Limit("svc.hold", 100*time.Millisecond))))
	var callers sync.WaitGroup
	eachDialect(t, func(t *testing.T, d peers.Dialect) {
		c := peers.NewClient(t, d)
		c.Connect("svc", srv.URI("svc").String())
		require.Equal(t, "1", repr(t, c.Call("svc", "echo", "(1,)")))
		var once []map[string]any
		answered := make(chan peers.Answer, 1)
		callers.Go(func() { answered <- c.Call("svc", "hold", "()") })
		require.Eventually(t, func() bool {
			once = append(once, log.take(t)...)
			return len(once) > 0
		}, soon, tick)
		g.release <- struct{}{}
		require.True(t, (<-answered).OK)
		require.Len(t, append(once, log.take(t)...), 1)
		require.Equal(t, "hold", once[0]["method"])
		require.Contains(t, once[0]["stack"], "goService).hold")
		require.Contains(t, once[0]["peer"], codec.Dialect(d).String())
	})
	callers.Wait()
}
