package timeout

import (
	"context"
	"time"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// An Option sets up the middleware.
type Option func(*config)

type config struct {
	limit time.Duration
	rules []rule
}

type rule struct {
	limit time.Duration
	calls middleware.Pattern
}

// For is the longest time for calls that one of the patterns fits ([middleware.Pattern]); 0 or less leaves them
// without a limit. The first For that fits counts, before the time that New was given. A batch of a client may
// take as long as all of its entries; it has no limit if one of them has none.
func For(d time.Duration, patterns ...string) Option {
	return func(c *config) {
		for _, p := range patterns {
			c.rules = append(c.rules, rule{limit: d, calls: middleware.ParsePattern(p)})
		}
	}
}

// New returns a middleware that ends calls after d, or at the deadline that the context has already,
// whichever is first. A d of 0 or less limits only what an option is for.
func New(d time.Duration, opts ...Option) transport.Middleware {
	cfg := &config{limit: d}
	for _, o := range opts {
		o(cfg)
	}
	m := transport.Middleware{Name: "timeout"}
	if d <= 0 && len(cfg.rules) == 0 {
		return m
	}
	m.Call = func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			limit := cfg.limitOf(call)
			if limit <= 0 || endsWithin(ctx, limit) {
				return next(ctx, call)
			}
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return next(ctx, call)
		}
	}
	return m
}

// endsWithin spares a timer where the caller's own deadline is the earlier one.
func endsWithin(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= d
}

func (c *config) limitOf(call *transport.Call) time.Duration {
	if call.Kind != transport.Batch {
		return c.limitOfMethod(call.Object, call.Method)
	}
	sum := time.Duration(0)
	for i := range call.Entries {
		limit := c.limitOfMethod(call.Object, call.Entries[i].Method)
		if limit <= 0 {
			return 0
		}
		sum += limit
		if sum < 0 { // longer than a Duration holds
			return 0
		}
	}
	return sum
}

func (c *config) limitOfMethod(object, method string) time.Duration {
	for i := range c.rules {
		if c.rules[i].calls.Fits(object, method) {
			return c.rules[i].limit
		}
	}
	return c.limit
}
