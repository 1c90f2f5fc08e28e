package timeout

import (
	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes. Errors are [middleware.FieldError].
func FromConfig(m *configv1.Timeout, _ middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	limit := f.Duration("default", m.GetDefault())
	var opts []Option
	for i, r := range m.GetRules() {
		at := f.At("rules", i)
		if r.GetLimit() == nil {
			at.Wrongf("limit", "must be set: 0s is no limit")
		}
		opts = append(opts, For(at.Duration("limit", r.GetLimit()), at.SomePatterns("calls", r.GetCalls())...))
	}
	return New(limit, opts...), f.Err()
}
