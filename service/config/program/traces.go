package program

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
)

const (
	defaultServiceName = "pyrokit"
	// exportTimeout limits one attempt to send traces.
	exportTimeout = 10 * time.Second
)

// newTraces returns what sends spans to the collector that m names. It does not connect yet.
func newTraces(m *configv1.TraceExport, env config.Env) (*sdktrace.TracerProvider, error) {
	client, err := exportClient(m, env)
	if err != nil {
		return nil, err
	}
	options, err := exportOptions(m, env)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(context.Background(), append(options, otlptracehttp.WithHTTPClient(client))...)
	if err != nil {
		return nil, &config.FieldError{Path: env.Path, Err: err}
	}
	about, err := resource.Merge(resource.Default(), resource.NewSchemaless(attributes(m)...))
	if err != nil {
		return nil, &config.FieldError{Path: env.Path + ".resource", Err: err}
	}
	ratio := 1.0
	if m.Ratio != nil {
		ratio = m.GetRatio()
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&logged{exporter, env.Log, client}),
		sdktrace.WithResource(about),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))),
	), nil
}

func exportOptions(m *configv1.TraceExport, env config.Env) ([]otlptracehttp.Option, error) {
	u, err := config.TracesURL(m, env.Path)
	if err != nil {
		return nil, err
	}
	headers := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(m.GetHeaders())) {
		value, err := env.Secret(m.GetHeaders()[name])
		if err != nil {
			return nil, &config.FieldError{Path: env.Path + ".headers[" + strconv.Quote(name) + "]", Err: err}
		}
		headers[name] = value
	}
	return []otlptracehttp.Option{otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithHeaders(headers)}, nil
}

// exportClient is what sends traces.
func exportClient(m *configv1.TraceExport, env config.Env) (*http.Client, error) {
	client := &http.Client{Timeout: exportTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	if m.GetTls() == nil {
		return client, nil
	}
	env.Path += ".tls"
	files, err := config.ClientTLS(m.GetTls(), env)
	if err != nil {
		return nil, err
	}
	client.Transport = &http.Transport{DialTLSContext: files.Dialer(nil)}
	return client, nil
}

// attributes are what is said of the program.
func attributes(m *configv1.TraceExport) []attribute.KeyValue {
	name := m.GetServiceName()
	if name == "" {
		name = defaultServiceName
	}
	all := []attribute.KeyValue{attribute.String("service.name", name)}
	for key, value := range m.GetResource() {
		all = append(all, attribute.String(key, value))
	}
	return all
}

// logged says in the program's log what could not be sent, instead of wherever the process has such errors go.
type logged struct {
	sdktrace.SpanExporter

	log    *slog.Logger
	client *http.Client
}

// Shutdown implements sdktrace.SpanExporter.
func (l *logged) Shutdown(ctx context.Context) error {
	defer l.client.CloseIdleConnections()
	return l.SpanExporter.Shutdown(ctx)
}

// ExportSpans implements sdktrace.SpanExporter.
func (l *logged) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.log.Warn("traces could not be sent", "spans", len(spans), "error", err)
	}
	return nil
}
