package concurrency

import (
	"cmp"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// Defaults of an adaptive limit in a configuration.
const (
	DefaultLeast = 1
	DefaultMost  = 200
)

// FromConfig returns the middleware that m describes. Errors are [middleware.FieldError].
func FromConfig(m *configv1.ConcurrencyLimit, _ middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	limit := cmp.Or(f.Count("limit", m.GetLimit()), DefaultLimit)
	opts := []Option{
		Limit(limit),
		Queue(f.Count("queue", m.GetQueue()), f.Duration("queue_time", m.GetQueueTime())),
		Calls(f.Patterns("calls", m.GetCalls())...),
	}
	if a := m.GetAdaptive(); a != nil {
		at := f.In("adaptive")
		least := cmp.Or(at.Count("min", a.GetMin()), DefaultLeast)
		most := cmp.Or(at.Count("max", a.GetMax()), max(DefaultMost, least))
		if most < least {
			at.Wrongf("max", "must not be less than min, %d", least)
		}
		opts = append(opts, Adaptive(least, limit, most))
	}
	return New(opts...), f.Err()
}
