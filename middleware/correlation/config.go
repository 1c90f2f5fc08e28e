package correlation

import (
	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes.
func FromConfig(*configv1.Correlation, middleware.Env) (transport.Middleware, error) {
	return New(), nil
}
