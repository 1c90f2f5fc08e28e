package program

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
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
	options, err := exportOptions(m, env)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(context.Background(), options...)
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
		sdktrace.WithBatcher(&logged{exporter, env.Log}),
		sdktrace.WithResource(about),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))),
	), nil
}

func exportOptions(m *configv1.TraceExport, env config.Env) ([]otlptracehttp.Option, error) {
	endpoint := m.GetEndpoint()
	if endpoint == "" {
		endpoint = defaultCollector
	}
	u, err := url.Parse(endpoint)
	if err == nil && u.User != nil {
		err = errors.New("want no user and password in it: a header of headers can hold them")
	}
	if err != nil {
		return nil, &config.FieldError{Path: env.Path + ".endpoint", Err: err}
	}
	if m.GetTls() != nil && u.Scheme != "https" {
		return nil, &config.FieldError{Path: env.Path + ".tls", Err: errors.New("endpoint is no https:// URL")}
	}
	headers := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(m.GetHeaders())) {
		value, err := env.Secret(m.GetHeaders()[name])
		if err != nil {
			return nil, &config.FieldError{Path: env.Path + ".headers", Err: err}
		}
		headers[name] = value
	}
	client := &http.Client{Timeout: exportTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}
	if m.GetTls() != nil {
		env.Path += ".tls"
		files, err := config.ClientTLS(m.GetTls(), env)
		if err != nil {
			return nil, err
		}
		client.Transport = &http.Transport{DialTLSContext: files.Dialer(nil)}
	}
	return []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(endpoint), otlptracehttp.WithHeaders(headers), otlptracehttp.WithHTTPClient(client),
	}, nil
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

	log *slog.Logger
}

// ExportSpans implements sdktrace.SpanExporter.
func (l *logged) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.log.Warn("traces could not be sent", "spans", len(spans), "error", err)
	}
	return nil
}
