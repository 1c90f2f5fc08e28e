package config

import (
	"errors"
	"net/url"
	"strings"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

const (
	defaultCollector = "http://localhost:4318"
	// tracesPath is where a collector takes traces. Source: the specification of OTLP/HTTP.
	tracesPath = "/v1/traces"
)

// TracesURL returns the URL that traces are sent to, as m, which stands at path, says. The error is a [FieldError].
func TracesURL(m *configv1.TraceExport, path string) (*url.URL, error) {
	endpoint := m.GetEndpoint()
	if endpoint == "" {
		endpoint = defaultCollector
	}
	u, err := url.Parse(endpoint)
	if wrong, ok := errors.AsType[*url.Error](err); ok {
		err = wrong.Err // without the URL, which may hold a password
	}
	if err == nil && u.User != nil {
		err = errors.New("want no user and password in it: one of headers can hold them")
	}
	if err != nil {
		return nil, &FieldError{Path: path + ".endpoint", Err: err}
	}
	if m.GetTls() != nil && u.Scheme != "https" {
		return nil, &FieldError{Path: path + ".tls", Err: errors.New("endpoint is no https:// URL")}
	}
	if !strings.HasSuffix(u.Path, tracesPath) {
		u = u.JoinPath(tracesPath)
	}
	return u, nil
}
