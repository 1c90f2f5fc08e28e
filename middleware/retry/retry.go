// Package retry repeats calls that failed in a way that makes repeating safe.
//
// It knows errors and time, not connections, dialects or codecs: that a request surely never left
// this process, it learns from transport.Error. It belongs into the chain of a client; a server that
// used it would run methods twice.
package retry

import (
	"context"
	"errors"
	"math/rand/v2"
	"path"
	"slices"
	"time"

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

type config struct {
	attempts     int
	backoff, max time.Duration
	safe         []string
}

// Attempts is how often a call is tried in all, the first time included; default 3.
func Attempts(n int) Option { return func(c *config) { c.attempts = n } }

// Backoff is the time before the second attempt, which doubles up to limit from there; each wait is
// between half of that and all of it. Defaults 50 ms and 2 s.
func Backoff(first, limit time.Duration) Option {
	return func(c *config) { c.backoff, c.max = first, limit }
}

// Safe declares methods that may run twice. A pattern is OBJECT.METHOD, with the wildcards of path.Match
// in either part; a pattern without a dot is a METHOD of any object. The object is named as in the
// proxy's URI. Reading an attribute is declared by its name in the same way. A batch is safe when all of
// its calls are: it is sent again as a whole. MAX_RETRIES of Pyro is Safe("*"), less batches, which it
// leaves alone.
func Safe(patterns ...string) Option {
	return func(c *config) { c.safe = append(c.safe, patterns...) }
}

// New returns the middleware. Without Safe it repeats only what surely never left; with it also calls
// of safe methods whose connection was lost or that timed out while the context has time left. A one-way
// call is never repeated, the fetching of a stream item only if it surely never left.
func New(opts ...Option) transport.Middleware {
	cfg := &config{attempts: DefaultAttempts, backoff: DefaultBackoff, max: DefaultMaxBackoff}
	for _, o := range opts {
		o(cfg)
	}
	return transport.Middleware{
		Name: "retry",
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				return cfg.do(ctx, call, next)
			}
		},
	}
}

func (c *config) do(ctx context.Context, call *transport.Call, next transport.Endpoint) (*transport.Reply, error) {
	wait := c.backoff
	for attempt := 1; ; attempt++ {
		reply, err := next(ctx, call)
		if err == nil || attempt >= c.attempts || !c.repeatable(call, err) {
			return reply, err
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2+1)) //nolint:gosec // jitter
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err // what went wrong says more than that time ran out
		}
		wait = min(2*wait, c.max)
	}
}

// repeatable tells whether call may be tried again after err.
func (c *config) repeatable(call *transport.Call, err error) bool {
	var e *transport.Error
	if !errors.As(err, &e) || e.Remote {
		return false
	}
	lost := errors.Is(err, transport.ErrUnavailable)
	if lost && e.NotSent && !call.Oneway {
		return true
	}
	if call.Oneway || call.Kind == transport.StreamItem || !c.declaredSafe(call) {
		return false
	}
	return lost || errors.Is(err, transport.ErrTimeout)
}

func (c *config) declaredSafe(call *transport.Call) bool {
	for method := range call.Methods() {
		safe := func(pattern string) bool { return matches(pattern, call.Object, method) }
		if !slices.ContainsFunc(c.safe, safe) {
			return false
		}
	}
	return len(c.safe) > 0
}

// matches splits the pattern at its last dot: names of objects hold dots, those of methods do not.
func matches(pattern, object, method string) bool {
	objects, methods := "*", pattern
	for i := len(pattern) - 1; i >= 0; i-- {
		if pattern[i] == '.' {
			objects, methods = pattern[:i], pattern[i+1:]
			break
		}
	}
	return fits(objects, object) && fits(methods, method)
}

// fits is path.Match, but a lone star fits a name with slashes, too.
func fits(pattern, name string) bool {
	if pattern == "*" {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
