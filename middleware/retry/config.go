package retry

import (
	"cmp"
	"math"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes. Errors are [middleware.FieldError].
func FromConfig(m *configv1.Retry, _ middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	first := cmp.Or(f.Duration("backoff", m.GetBackoff()), DefaultBackoff)
	most := cmp.Or(f.Duration("max_backoff", m.GetMaxBackoff()), max(DefaultMaxBackoff, first))
	if most < first {
		f.Wrongf("max_backoff", "must not be less than backoff, %s", first)
	}
	opts := []Option{
		Attempts(cmp.Or(f.Count("attempts", m.GetAttempts()), DefaultAttempts)),
		Backoff(first, most),
		Safe(f.Patterns("safe_methods", m.GetSafeMethods())...),
	}
	for i, p := range m.GetPolicies() {
		at := f.At("policies", i)
		opts = append(opts, For(policyOf(p, at), at.SomePatterns("calls", p.GetCalls())...))
	}
	if b := m.GetBudget(); b != nil {
		at := f.In("budget")
		if !(b.GetShare() >= 0) || math.IsInf(b.GetShare(), 1) {
			at.Wrongf("share", "must be a number of 0 or more, not %v", b.GetShare())
		}
		opts = append(opts, Budget(b.GetShare(), at.Count("spare", b.GetSpare())))
	}
	return New(opts...), f.Err()
}

func policyOf(p *configv1.RetryPolicy, f *middleware.Fields) Policy {
	policy := Policy{
		Attempts: f.Count("attempts", p.GetAttempts()),
		Backoff:  f.Duration("backoff", p.GetBackoff()), MaxBackoff: f.Duration("max_backoff", p.GetMaxBackoff()),
		Codes: f.Codes("codes", p.GetCodes()),
		Hedge: f.Duration("hedge", p.GetHedge()),
	}
	if policy.MaxBackoff > 0 && policy.MaxBackoff < policy.Backoff {
		f.Wrongf("max_backoff", "must not be less than backoff, %s", policy.Backoff)
	}
	return policy
}
