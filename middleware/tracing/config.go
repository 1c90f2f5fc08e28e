package tracing

import (
	"errors"

	"go.opentelemetry.io/otel/trace"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes, whose spans go to provider.
func FromConfig(m *configv1.Tracing, _ middleware.Env, provider trace.TracerProvider) (transport.Middleware, error) {
	if provider == nil {
		return transport.Middleware{}, errors.New("nothing here takes spans")
	}
	var opts []Option
	if m.GetPublicEndpoint() {
		opts = append(opts, PublicEndpoint())
	}
	if m.GetNoBatchEntries() {
		opts = append(opts, NoBatchEntries())
	}
	if m.GetStreamItems() {
		opts = append(opts, StreamItems())
	}
	if m.GetNoErrorText() {
		opts = append(opts, NoErrorText())
	}
	return New(provider, opts...), nil
}
