package concurrency

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// Defaults.
const (
	DefaultLimit     = 100
	DefaultQueueTime = time.Second
)

// An Option sets up the middleware.
type Option func(*config)

type config struct {
	limiter   Limiter
	calls     []middleware.Pattern
	queue     int64
	queueTime time.Duration
}

// Limit lets n calls run at the same time, at least 1; default 100.
func Limit(n int) Option { return func(c *config) { c.limiter = newFixed(n) } }

// Adaptive lets between least and most calls run at the same time, initial ones to begin with: as many as do
// not make each other slower. It takes at least 50 calls, and a second, to adapt.
func Adaptive(least, initial, most int) Option {
	return func(c *config) { c.limiter = newAdaptive(least, initial, most) }
}

// LimitWith uses a limiter of one's own.
func LimitWith(l Limiter) Option { return func(c *config) { c.limiter = l } }

// Queue is how many calls may wait for a place, and for how long each; default none. A time of 0 or less means
// 1 s. No call waits beyond its own deadline.
func Queue(n int, d time.Duration) Option {
	return func(c *config) {
		c.queue, c.queueTime = int64(n), d
		if d <= 0 {
			c.queueTime = DefaultQueueTime
		}
	}
}

// Calls limits only what one of the patterns fits ([middleware.Pattern]); default all calls. A batch of a client
// takes one place, if a pattern fits all of its entries.
func Calls(patterns ...string) Option {
	return func(c *config) { c.calls = append(c.calls, middleware.ParsePatterns(patterns...)...) }
}

// A Limiter gives out places. Its methods are called concurrently.
type Limiter interface {
	// Try returns a place if there is one now, else nil.
	Try() Place
	// Wait returns a place as soon as there is one, or the error of ctx.
	Wait(ctx context.Context) (Place, error)
}

// A Place is given back once, when the call is over. took says that the time since it was given out is how
// long a call takes: not so for calls that failed early.
type Place interface{ Done(took bool) }

// New returns the middleware. Who uses it in several places has them share the limit.
func New(opts ...Option) transport.Middleware {
	cfg := &config{}
	for _, o := range opts {
		o(cfg)
	}
	if cfg.limiter == nil {
		cfg.limiter = newFixed(DefaultLimit)
	}
	g := &gate{config: cfg}
	return transport.Middleware{
		Name: "concurrency",
		Order: transport.Order{
			Gives:  []string{"place"},
			Inside: []transport.Want{{Of: "turn", Why: "calls would hold a place while they wait for their turn"}},
		},
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				if !g.concerns(call) {
					return next(ctx, call)
				}
				return g.pass(ctx, call, next)
			}
		},
	}
}

type gate struct {
	*config

	waiting atomic.Int64
}

func (g *gate) concerns(call *transport.Call) bool {
	switch call.Kind {
	case transport.Ping, transport.Metadata, transport.StreamClose:
		return false
	}
	fits := func(p middleware.Pattern) bool { return p.FitsCall(call) }
	return len(g.calls) == 0 || slices.ContainsFunc(g.calls, fits)
}

func (g *gate) pass(ctx context.Context, call *transport.Call, next transport.Endpoint) (reply *transport.Reply, err error) {
	place, err := g.enter(ctx)
	if err != nil {
		return nil, err
	}
	took := false
	defer func() { place.Done(took) }() // also of a method that panics
	reply, err = next(ctx, call)
	took = err == nil || errors.Is(err, transport.ErrTimeout)
	return reply, err
}

func (g *gate) enter(ctx context.Context) (Place, error) {
	if g.waiting.Load() == 0 || g.queue == 0 { // who waits goes first
		if p := g.limiter.Try(); p != nil {
			return p, nil
		}
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.queue {
		return nil, middleware.Refusal(transport.CodeResourceExhausted, 0, "too many calls at once")
	}
	patience, cancel := context.WithTimeout(ctx, g.queueTime)
	defer cancel()
	p, err := g.limiter.Wait(patience)
	switch {
	case err == nil:
		return p, nil
	case ctx.Err() != nil:
		e := transport.AsError(context.Cause(ctx))
		e.NotSent = true
		return nil, e
	default:
		return nil, middleware.Refusal(transport.CodeResourceExhausted, 0, "too many calls at once: none ended in "+g.queueTime.String())
	}
}
