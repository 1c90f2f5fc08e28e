package cache

import (
	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes, which reads and writes answers as env says. Errors are
// [middleware.FieldError].
func FromConfig(m *configv1.Cache, env middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	if len(m.GetRules()) == 0 {
		f.Wrongf("rules", "must have one at least")
	}
	opts := []Option{Values(env.Values)}
	for i, r := range m.GetRules() {
		at := f.At("rules", i)
		opts = append(opts, Pure(at.Duration("age", r.GetAge()), at.SomePatterns("calls", r.GetCalls())...))
	}
	switch size := m.GetMaxSize(); {
	case size < 0:
		f.Wrongf("max_size", "must be 0 or more, not %d", size)
	case size > 0:
		opts = append(opts, Size(int(size)))
	}
	if n := f.Count("max_entries", m.GetMaxEntries()); n > 0 {
		opts = append(opts, Entries(n))
	}
	return New(opts...), f.Err()
}
