package breaker

import (
	"cmp"
	"log/slog"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes. Who uses it in several places has them share the breakers,
// which so survive that the chain around them is made anew. Each change of a breaker is logged, at level warn when
// it opens. Errors are [middleware.FieldError].
func FromConfig(m *configv1.CircuitBreaker, env middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	opts := []Option{
		Shared(),
		failuresOf(m, &f),
		Delay(cmp.Or(f.Duration("delay", m.GetDelay()), DefaultDelay)),
		Probes(cmp.Or(f.Count("probes", m.GetProbes()), DefaultProbes)),
		Calls(f.Patterns("calls", m.GetCalls())...),
		Breakers(cmp.Or(f.Count("max_breakers", m.GetMaxBreakers()), DefaultBreakers)),
		OnChange(logChange(env.Logger())),
	}
	if codes := f.Codes("codes", m.GetCodes()); len(codes) > 0 {
		opts = append(opts, Codes(codes...))
	}
	if m.GetPerMethod() {
		opts = append(opts, PerMethod())
	}
	return New(opts...), f.Err()
}

// failuresOf says when a breaker opens.
func failuresOf(m *configv1.CircuitBreaker, f *middleware.Fields) Option {
	failures, of := f.Count("failures", m.GetFailures()), f.Count("of_calls", m.GetOfCalls())
	period := f.Duration("period", m.GetPeriod())
	switch {
	case of > 0 && period > 0:
		f.Wrongf("period", "does not go together with of_calls: set one of them")
	case of > 0 && failures > of:
		f.Wrongf("failures", "must not be more than of_calls, %d", of)
	}
	failures = cmp.Or(failures, DefaultFailures)
	switch {
	case of > 0:
		return FailuresOf(failures, of)
	case period > 0:
		return FailuresWithin(failures, period)
	default:
		return Failures(failures)
	}
}

func logChange(log *slog.Logger) func(target string, from, to State) {
	return func(target string, from, to State) {
		if to == Open {
			log.Warn("circuit breaker opened", "target", target, "from", string(from))
			return
		}
		log.Info("circuit breaker changed", "target", target, "from", string(from), "to", string(to))
	}
}
