package program

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service/config"
)

const (
	defaultCollector   = "http://localhost:4318"
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

// tracesPath is where a collector takes traces. Source: the specification of OTLP/HTTP.
const tracesPath = "/v1/traces"

func endpointOf(m *configv1.TraceExport) string {
	if m.GetEndpoint() == "" {
		return defaultCollector
	}
	return m.GetEndpoint()
}

func exportOptions(m *configv1.TraceExport, env config.Env) ([]otlptracehttp.Option, error) {
	u, err := url.Parse(endpointOf(m))
	if wrong, ok := errors.AsType[*url.Error](err); ok {
		err = wrong.Err // without the URL, which may hold a password
	}
	if err == nil && u.User != nil {
		err = errors.New("want no user and password in it: one of headers can hold them")
	}
	if err != nil {
		return nil, &config.FieldError{Path: env.Path + ".endpoint", Err: err}
	}
	if !strings.HasSuffix(u.Path, tracesPath) {
		u = u.JoinPath(tracesPath)
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
	if !strings.HasPrefix(endpointOf(m), "https://") {
		return nil, &config.FieldError{Path: env.Path, Err: errors.New("endpoint is no https:// URL")}
	}
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
