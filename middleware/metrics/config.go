package metrics

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes, whose metrics are registered with reg. Errors are
// [middleware.FieldError]; that of buckets which are not those of the histogram that reg has already is
// [middleware.ErrRestart].
func FromConfig(m *configv1.Metrics, _ middleware.Env, reg prometheus.Registerer) (transport.Middleware, error) {
	if reg == nil {
		return transport.Middleware{}, errors.New("nothing here takes metrics")
	}
	var f middleware.Fields
	opts := []Option{Only(f.Patterns("only", m.GetOnly())...)}
	if name := m.GetNamespace(); name != "" {
		if !namespace.MatchString(name) {
			f.Wrongf("namespace", "must be letters, digits and _, and no digit in front, not %q", name)
		}
		opts = append(opts, Namespace(name))
	}
	if m.MaxMethods != nil {
		opts = append(opts, MaxMethods(f.Count("max_methods", m.GetMaxMethods())))
	}
	if bounds := m.GetBuckets(); len(bounds) > 0 {
		for i := range bounds[1:] {
			if !(bounds[i] < bounds[i+1]) {
				f.Wrongf(fmt.Sprintf("buckets[%d]", i+1), "must be more than the one before, %v", bounds[i])
			}
		}
		opts = append(opts, Buckets(bounds...))
	}
	if err := f.Err(); err != nil {
		return transport.Middleware{}, err
	}
	made, err := New(reg, opts...)
	if errors.Is(err, errBuckets) {
		f.Failed("buckets", fmt.Errorf("%w (%w)", middleware.ErrRestart, err))
		return transport.Middleware{}, f.Err()
	}
	return made, err
}
