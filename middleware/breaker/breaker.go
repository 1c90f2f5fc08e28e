package breaker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// Defaults.
const (
	DefaultFailures = 5
	DefaultDelay    = 10 * time.Second
	DefaultProbes   = 1
	DefaultBreakers = 1000
)

// A State is what a breaker does with calls.
type State string

// The states.
const (
	Closed   State = "closed"    // all go through
	Open     State = "open"      // all are refused
	HalfOpen State = "half-open" // a few go through to probe
)

// An Option sets up the middleware.
type Option func(*config)

type config struct {
	failures, of uint
	period       time.Duration
	delay        time.Duration
	probes       uint
	codes        []transport.Code
	perMethod    bool
	shared       bool
	calls        []middleware.Pattern
	most         int
	notify       func(target string, from, to State)
}

// Failures opens a breaker when n calls in a row have failed; default 5.
func Failures(n int) Option {
	return func(c *config) { c.failures, c.of, c.period = positive(n), 0, 0 }
}

// FailuresOf opens a breaker when n of the last of calls have failed.
func FailuresOf(n, of int) Option {
	return func(c *config) { c.failures, c.of, c.period = min(positive(n), positive(of)), positive(of), 0 }
}

// FailuresWithin opens a breaker when n calls have failed within the last d.
func FailuresWithin(n int, d time.Duration) Option {
	return func(c *config) { c.failures, c.of, c.period = positive(n), 0, d }
}

// Delay is how long a breaker stays open before it lets calls through to probe, plus or minus a random tenth;
// default 10 s.
func Delay(d time.Duration) Option { return func(c *config) { c.delay = d } }

// Probes is how many calls have to succeed, one after another or at the same time, for a half-open breaker to
// close; default 1.
func Probes(n int) Option { return func(c *config) { c.probes = positive(n) } }

// Codes are those of the errors that count as failures, whichever side made them; default unavailable and
// deadline_exceeded.
func Codes(codes ...transport.Code) Option { return func(c *config) { c.codes = codes } }

// PerMethod gives each method of an object a breaker of its own; default one for each object.
func PerMethod() Option { return func(c *config) { c.perMethod = true } }

// Shared has all proxies that use the middleware share its breakers; by default each proxy has its own.
func Shared() Option { return func(c *config) { c.shared = true } }

// Calls has only what one of the patterns fits ([middleware.Pattern]) pass through a breaker; default all
// calls. A batch is fitted by all of its entries.
func Calls(patterns ...string) Option {
	return func(c *config) { c.calls = append(c.calls, middleware.ParsePatterns(patterns...)...) }
}

// Breakers is how many breakers a proxy has at most; default 1000. Further objects or methods share one.
func Breakers(n int) Option { return func(c *config) { c.most = n } }

// OnChange has fn called when a breaker changes its state, from the goroutine of the call that made it.
// target is the object or OBJECT.METHOD, or "other" for those that share a breaker. fn must not make calls
// through the breaker.
func OnChange(fn func(target string, from, to State)) Option {
	return func(c *config) { c.notify = fn }
}

func positive(n int) uint { return uint(max(n, 1)) }

// New returns the middleware.
func New(opts ...Option) transport.Middleware {
	cfg := &config{
		failures: DefaultFailures, delay: DefaultDelay, probes: DefaultProbes, most: DefaultBreakers,
		codes: []transport.Code{transport.CodeUnavailable, transport.CodeDeadlineExceeded},
	}
	for _, o := range opts {
		o(cfg)
	}
	shared := cfg.newPanel()
	return transport.Middleware{
		Name:  "breaker",
		Order: transport.Order{End: transport.ClientEnd},
		Call: func(next transport.Endpoint) transport.Endpoint {
			p := shared
			if !cfg.shared {
				p = cfg.newPanel()
			}
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				if !cfg.concerns(call) {
					return next(ctx, call)
				}
				return p.of(call).call(ctx, call, next)
			}
		},
	}
}

func (c *config) concerns(call *transport.Call) bool {
	switch call.Kind {
	case transport.Invoke, transport.GetAttr, transport.SetAttr, transport.Batch:
	default:
		return false
	}
	fits := func(p middleware.Pattern) bool { return p.FitsCall(call) }
	return len(c.calls) == 0 || slices.ContainsFunc(c.calls, fits)
}

// failed tells whether err counts as a failure.
func (c *config) failed(err error) bool {
	return err != nil && slices.Contains(c.codes, middleware.CodeOf(err))
}

// A target is what a breaker is for.
type target struct{ object, method string }

func (t target) String() string {
	switch {
	case t == target{}:
		return "other"
	case t.method == "":
		return t.object
	default:
		return t.object + "." + t.method
	}
}

// A panel has the breakers of one proxy, or of several that share them.
type panel struct {
	*config

	mu       sync.RWMutex
	breakers map[target]*breaker
}

func (c *config) newPanel() *panel { return &panel{config: c, breakers: map[target]*breaker{}} }

func (p *panel) of(call *transport.Call) *breaker {
	t := target{object: call.Object}
	if p.perMethod && call.Kind != transport.Batch {
		t.method = call.Method
	}
	p.mu.RLock()
	b := p.breakers[t]
	p.mu.RUnlock()
	if b != nil {
		return b
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.breakers[t] == nil && len(p.breakers) >= p.most {
		t = target{}
	}
	if p.breakers[t] == nil {
		p.breakers[t] = p.newBreaker(t)
	}
	return p.breakers[t]
}

type breaker struct {
	circuitbreaker.CircuitBreaker[any]

	cfg    *config
	target target
}

func (c *config) newBreaker(t target) *breaker {
	builder := circuitbreaker.NewBuilder[any]().WithDelay(c.delay).WithJitterFactor(0.1).WithSuccessThreshold(c.probes)
	switch {
	case c.period > 0:
		builder = builder.WithFailureThresholdPeriod(c.failures, c.period)
	case c.of > 0:
		builder = builder.WithFailureThresholdRatio(c.failures, c.of)
	default:
		builder = builder.WithFailureThreshold(c.failures)
	}
	if c.notify != nil {
		builder = builder.OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			c.notify(t.String(), State(e.OldState.String()), State(e.NewState.String()))
		})
	}
	return &breaker{CircuitBreaker: builder.Build(), cfg: c, target: t}
}

func (b *breaker) call(ctx context.Context, call *transport.Call, next transport.Endpoint) (*transport.Reply, error) {
	if !b.TryAcquirePermit() {
		return nil, b.refusal()
	}
	ended := false
	defer func() {
		if !ended { // a panic: the permit of a probe must not get lost
			b.RecordFailure()
		}
	}()
	reply, err := next(ctx, call)
	ended = true
	switch {
	case b.cfg.failed(err):
		b.RecordFailure()
	case !errors.Is(err, transport.ErrCanceled) && !errors.Is(err, context.Canceled):
		b.RecordSuccess()
	case b.IsHalfOpen(): // its permit has to be given back, and nothing is known to be better
		b.RecordFailure()
	}
	return reply, err
}

func (b *breaker) refusal() error {
	text := fmt.Sprintf("circuit breaker of %s is open", b.target)
	if b.IsHalfOpen() {
		text = fmt.Sprintf("circuit breaker of %s is probing", b.target)
	}
	return middleware.Refusal(transport.CodeUnavailable, b.RemainingDelay(), text)
}
