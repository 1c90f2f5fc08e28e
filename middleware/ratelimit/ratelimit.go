package ratelimit

import (
	"context"
	"math"
	"net"
	"time"

	"golang.org/x/time/rate"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// DefaultBuckets is how many buckets there are at most unless [Buckets] says otherwise.
const DefaultBuckets = 10_000

// Per says who shares a bucket of a rule: the sum of what is told apart.
type Per uint8

// What can be told apart.
const (
	// Principal gives each principal buckets of its own; peers without one are told apart by their host.
	Principal Per = 1 << iota
	// Object gives each object buckets of its own.
	Object
	// Method gives each method, by name, buckets of its own.
	Method
)

// A Rule is a limit on some calls.
type Rule struct {
	// Calls is the pattern of the calls that the rule is for ([middleware.Pattern]); empty means all.
	Calls string
	// Principals is the pattern of the principals that it is for, with * and ?; empty means all peers, also
	// those without a principal.
	Principals string
	// Rate is how many calls a second go through in the long run; 0 or less lets Burst calls through, ever.
	Rate float64
	// Burst is how many calls may come at once; 0 means Rate rounded up, at least 1.
	Burst int
	// Per says which calls share a bucket; 0 has all calls that the rule fits share one.
	Per Per
}

// An Option sets up the middleware.
type Option func(*limiter)

// Limit adds rules. A call has to pass all those that fit it.
func Limit(rules ...Rule) Option {
	return func(l *limiter) {
		for _, r := range rules {
			l.rules = append(l.rules, newRule(r))
		}
	}
}

// Buckets is how many buckets there are at most; default 10,000, some 300 bytes each. Where there are as many,
// the one unused for longest makes room if it has filled up again, so that nothing is forgotten; otherwise
// newcomers share one bucket for each rule.
func Buckets(n int) Option { return func(l *limiter) { l.buckets.max = max(n, 0) } }

// Wait has a call that comes too early wait for its turn, if that is no longer than d away and within the
// caller's deadline. Default 0: it is refused at once.
func Wait(d time.Duration) Option { return func(l *limiter) { l.wait = d } }

// New returns the middleware. Who uses it in several places has them share the buckets.
func New(opts ...Option) transport.Middleware {
	l := &limiter{buckets: newBuckets(DefaultBuckets)}
	for _, o := range opts {
		o(l)
	}
	m := transport.Middleware{Name: "ratelimit", Order: l.order()}
	if len(l.rules) == 0 {
		return m
	}
	m.Call = func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			if err := l.admit(ctx, call); err != nil {
				return nil, err
			}
			return next(ctx, call)
		}
	}
	return m
}

func (l *limiter) order() (o transport.Order) {
	for i := range l.rules {
		switch r := &l.rules[i]; {
		case r.Principals != "":
			o.Needs = []transport.Want{{Of: "principal", Why: "a rule for principals would fit nobody", Must: true}}
		case r.Per&Principal != 0 && o.Needs == nil:
			o.Needs = []transport.Want{{Of: "principal", Why: "peers are told apart by their host"}}
		}
	}
	if l.wait > 0 {
		o.Gives = []string{"turn"}
	}
	return o
}

type rule struct {
	Rule

	pattern middleware.Pattern
	rate    rate.Limit
}

func newRule(r Rule) rule {
	if r.Calls == "" {
		r.Calls = "*"
	}
	if r.Burst <= 0 {
		r.Burst = int(min(max(math.Ceil(r.Rate), 1), math.MaxInt32))
	}
	return rule{Rule: r, pattern: middleware.ParsePattern(r.Calls), rate: rate.Limit(max(r.Rate, 0))}
}

type limiter struct {
	rules   []rule
	buckets *buckets
	wait    time.Duration
}

// admit takes the tokens that call needs, or none.
func (l *limiter) admit(ctx context.Context, call *transport.Call) error {
	switch call.Kind {
	case transport.Ping, transport.Metadata, transport.StreamClose:
		return nil
	}
	now := time.Now()
	if l.allow(call, now) {
		return nil
	}
	var (
		room    [4]*rate.Reservation // most chains have fewer rules
		taken   = room[:0]
		longest time.Duration
	)
	for i := range l.rules {
		var ok bool
		if taken, ok = l.take(taken, i, call, now, &longest); !ok {
			giveBack(taken, now)
			return refusal(call, 0) // no time is enough
		}
	}
	if longest == 0 {
		return nil
	}
	if err := l.await(ctx, call, longest); err != nil {
		giveBack(taken, now)
		return err
	}
	return nil
}

// allow is the short way for the most common case, a call that one rule is for and that has not to wait.
func (l *limiter) allow(call *transport.Call, now time.Time) bool {
	if len(l.rules) > 1 || call.Kind == transport.Batch {
		return false
	}
	r := &l.rules[0]
	if !r.forPeer(call.Peer) || !r.pattern.Fits(call.Object, call.Method) {
		return true
	}
	return l.buckets.get(r.key(0, call, call.Method), r, now).AllowN(now, 1)
}

// take adds what call reserves of rule i to taken, and tells how long it has to wait for that. It is not ok if
// it would wait for ever.
func (l *limiter) take(
	taken []*rate.Reservation, i int, call *transport.Call, now time.Time, longest *time.Duration,
) ([]*rate.Reservation, bool) {
	r := &l.rules[i]
	if !r.forPeer(call.Peer) {
		return taken, true
	}
	for method := range call.Methods() {
		if !r.pattern.Fits(call.Object, method) {
			continue
		}
		reserved := l.buckets.get(r.key(i, call, method), r, now).ReserveN(now, 1)
		if !reserved.OK() {
			return taken, false
		}
		*longest = max(*longest, reserved.DelayFrom(now))
		if *longest == rate.InfDuration {
			return append(taken, reserved), false
		}
		taken = append(taken, reserved)
	}
	return taken, true
}

// await waits for the call's turn, or refuses it.
func (l *limiter) await(ctx context.Context, call *transport.Call, wait time.Duration) error {
	deadline, limited := ctx.Deadline()
	if wait > l.wait || (limited && time.Until(deadline) < wait) {
		return refusal(call, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return transport.AsError(context.Cause(ctx))
	}
}

func refusal(call *transport.Call, wait time.Duration) error {
	return middleware.Refusal(transport.CodeResourceExhausted, wait, "rate limit of "+call.Object+"."+call.Method+" exceeded")
}

func giveBack(taken []*rate.Reservation, now time.Time) {
	for _, r := range taken {
		r.CancelAt(now)
	}
}

func (r *rule) forPeer(peer *transport.Peer) bool {
	if r.Principals == "" {
		return true
	}
	name := middleware.PrincipalName(peer)
	return name != "" && middleware.Fits(r.Principals, name)
}

// A key names a bucket.
type key struct {
	rule                int
	who, object, method string
	anonymous           bool // who is a host
	shared              bool // of all for whom there was no room
}

func (r *rule) key(i int, call *transport.Call, method string) key {
	k := key{rule: i}
	if r.Per&Principal != 0 {
		k.who = middleware.PrincipalName(call.Peer)
		if k.who == "" {
			k.who, k.anonymous = hostOf(call.Peer), true
		}
	}
	if r.Per&Object != 0 {
		k.object = call.Object
	}
	if r.Per&Method != 0 {
		k.method = method
	}
	return k
}

// hostOf returns the peer's address without its port.
func hostOf(peer *transport.Peer) string {
	if peer == nil || peer.Addr == nil {
		return ""
	}
	address := peer.Addr.String()
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
