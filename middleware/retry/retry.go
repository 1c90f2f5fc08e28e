package retry

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// Defaults.
const (
	DefaultAttempts   = 3
	DefaultBackoff    = 50 * time.Millisecond
	DefaultMaxBackoff = 2 * time.Second
)

// An Option sets up the middleware.
type Option func(*config)

// A Policy says how calls are repeated that may run twice.
type Policy struct {
	// Attempts in all, the first one included; 0 means that of [Attempts], 1 never repeats.
	Attempts int
	// Backoff is the time before the second attempt, which doubles up to MaxBackoff from there; 0 means that
	// of the option [Backoff].
	Backoff, MaxBackoff time.Duration
	// Codes are those of the errors to repeat after, whichever side made them: so an exception that the method
	// raised may count, and the refusal of a rate limit (resource_exhausted). None: a lost connection
	// (unavailable) and a timeout (deadline_exceeded) that this side noticed.
	Codes []transport.Code
	// Hedge sends a call a second time when no answer is there after that long; the first success counts, and
	// the other one is cancelled. 0 does not. It helps where two calls do not wait for each other: between
	// several connections (service.Pool) or objects (service.Balance), or with a pyrokit server. Each
	// call of the policy then costs a goroutine. Items of iterators are not hedged.
	Hedge time.Duration
}

type config struct {
	Policy

	safe     []middleware.Pattern
	policies []rule
	budget   *budget
}

// A rule is a policy for what its patterns fit.
type rule struct {
	Policy

	calls []middleware.Pattern
}

// Attempts is how often a call is tried in all, the first time included; default 3.
func Attempts(n int) Option { return func(c *config) { c.Attempts = n } }

// Backoff is the time before the second attempt, which doubles up to limit from there; each wait is
// between half of that and all of it. Defaults 50 ms and 2 s.
func Backoff(first, limit time.Duration) Option {
	return func(c *config) { c.Backoff, c.MaxBackoff = first, limit }
}

// Safe declares calls that may run twice, by their patterns ([middleware.Pattern]). A batch is safe when all of
// its calls are: it is sent again as a whole. MAX_RETRIES of Pyro is Safe("*"), less batches, which it
// leaves alone.
func Safe(patterns ...string) Option {
	return func(c *config) { c.safe = append(c.safe, middleware.ParsePatterns(patterns...)...) }
}

// For declares calls that may run twice, and how they are repeated. The first policy counts whose patterns fit
// a call, each entry of a batch; those declared by [Safe] come last.
func For(p Policy, patterns ...string) Option {
	return func(c *config) {
		c.policies = append(c.policies, rule{Policy: p, calls: middleware.ParsePatterns(patterns...)})
	}
}

// Budget keeps repeated and hedged calls from making an overload worse: each call adds share, such as 0.1, to a
// fund of at most spare, at least 1, and each repetition takes 1 from it. Where there is less, the call's own
// error is returned. The fund is full in the beginning. Default: no such limit.
func Budget(share float64, spare int) Option {
	return func(c *config) { c.budget = newBudget(share, spare) }
}

// New returns the middleware. Without Safe and For it repeats only what surely never left; with them also
// calls whose connection was lost or that timed out while the context has time left. A one-way
// call is never repeated, the fetching of a stream item only if it surely never left.
func New(opts ...Option) transport.Middleware {
	cfg := &config{Policy: Policy{Attempts: DefaultAttempts, Backoff: DefaultBackoff, MaxBackoff: DefaultMaxBackoff}}
	for _, o := range opts {
		o(cfg)
	}
	if len(cfg.safe) > 0 {
		cfg.policies = append(cfg.policies, rule{calls: cfg.safe})
	}
	for i := range cfg.policies {
		cfg.policies[i].complete(cfg.Policy)
	}
	return transport.Middleware{
		Name:  "retry",
		Order: transport.Order{End: transport.ClientEnd, Gives: []string{"attempt"}, Once: "retry"},
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				if call.Oneway {
					return next(ctx, call)
				}
				return cfg.do(ctx, call, next)
			}
		},
	}
}

// complete fills in what p leaves to the defaults.
func (p *Policy) complete(defaults Policy) {
	if p.Attempts == 0 {
		p.Attempts = defaults.Attempts
	}
	if p.Backoff == 0 {
		p.Backoff = defaults.Backoff
	}
	if p.MaxBackoff == 0 {
		p.MaxBackoff = max(defaults.MaxBackoff, p.Backoff)
	}
}

func (c *config) do(ctx context.Context, call *transport.Call, next transport.Endpoint) (*transport.Reply, error) {
	policy, declared := c.policyFor(call)
	c.budget.earn()
	wait := policy.Backoff
	for attempt := 1; ; attempt++ {
		reply, err := c.attempt(ctx, call, next, policy)
		if err == nil || attempt >= policy.Attempts || !policy.repeatable(err, declared) {
			return reply, err
		}
		pause := wait/2 + rand.N(wait/2+1) //nolint:gosec // jitter
		if after, ok := middleware.RetryAfter(err); ok {
			if after > policy.MaxBackoff {
				return nil, err
			}
			pause = max(pause, after)
		}
		if !c.budget.spend() || !sleep(ctx, pause) {
			return nil, err // what went wrong says more than that time ran out
		}
		wait = min(2*wait, policy.MaxBackoff)
	}
}

func (c *config) attempt(ctx context.Context, call *transport.Call, next transport.Endpoint, p *Policy) (*transport.Reply, error) {
	if p.Hedge > 0 {
		return c.hedge(ctx, call, next, p.Hedge)
	}
	return next(ctx, call)
}

// policyFor returns how call is repeated, and whether it is declared that it may run twice.
func (c *config) policyFor(call *transport.Call) (p *Policy, declared bool) {
	if call.Kind == transport.StreamItem {
		return &c.Policy, false
	}
	for i := range c.policies {
		if c.policies[i].fits(call) {
			return &c.policies[i].Policy, true
		}
	}
	return &c.Policy, false
}

func (r *rule) fits(call *transport.Call) bool {
	if call.Kind != transport.Batch {
		return middleware.FitsAny(r.calls, call.Object, call.Method)
	}
	for i := range call.Entries {
		if !middleware.FitsAny(r.calls, call.Object, call.Entries[i].Method) {
			return false
		}
	}
	return true
}

// repeatable tells whether a call may be tried again after err.
func (p *Policy) repeatable(err error, declared bool) bool {
	var e *transport.Error
	if !errors.As(err, &e) {
		return false
	}
	if !e.Remote && e.NotSent && e.Code == transport.CodeUnavailable {
		return true
	}
	switch {
	case !declared:
		return false
	case len(p.Codes) > 0:
		return slices.Contains(p.Codes, middleware.CodeOf(e))
	default:
		return !e.Remote && (e.Code == transport.CodeUnavailable || e.Code == transport.CodeDeadlineExceeded)
	}
}

// sleep waits for d, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
