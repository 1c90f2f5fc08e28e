package ratelimit

import (
	"fmt"
	"math"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes. Errors are [middleware.FieldError].
func FromConfig(m *configv1.RateLimit, _ middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	if len(m.GetRules()) == 0 {
		f.Wrongf("rules", "must have one at least")
	}
	opts := []Option{Wait(f.Duration("wait", m.GetWait()))}
	if n := f.Count("max_buckets", m.GetMaxBuckets()); n > 0 {
		opts = append(opts, Buckets(n))
	}
	for i, r := range m.GetRules() {
		opts = append(opts, Limit(ruleOf(r, f.At("rules", i))))
	}
	return New(opts...), f.Err()
}

func ruleOf(r *configv1.RateLimitRule, f *middleware.Fields) Rule {
	if !(r.GetRate() >= 0) || math.IsInf(r.GetRate(), 1) {
		f.Wrongf("rate", "must be a number of 0 or more, not %v", r.GetRate())
	}
	rule := Rule{
		Calls: r.GetCalls(), Principals: r.GetPrincipals(),
		Rate: r.GetRate(), Burst: f.Count("burst", r.GetBurst()),
	}
	for i, p := range r.GetPer() {
		switch p {
		case configv1.RateLimitRule_PER_PRINCIPAL:
			rule.Per |= Principal
		case configv1.RateLimitRule_PER_OBJECT:
			rule.Per |= Object
		case configv1.RateLimitRule_PER_METHOD:
			rule.Per |= Method
		default:
			f.Wrongf(fmt.Sprintf("per[%d]", i), "must be PER_PRINCIPAL, PER_OBJECT or PER_METHOD, not %s", p)
		}
	}
	return rule
}
