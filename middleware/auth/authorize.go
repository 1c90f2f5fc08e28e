package auth

import (
	"context"
	"fmt"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// A Rule says who may call what.
type Rule struct {
	// Principals are patterns of names with * and ?; none means everybody, also who has no principal. A
	// principal that is no string is known by what fmt.Sprint makes of it.
	Principals []string
	// Calls are patterns of calls ([middleware.Pattern]); none means all calls.
	Calls []string
	// Deny forbids what the rule fits; else it is allowed.
	Deny bool
}

// Authorize returns the middleware of a server that lets through what rules allow: the first rule that fits
// decides, and what none fits is denied. It belongs inside of [Verify]. The error that a Python caller sees is
// a PermissionError; the connection stays.
//
// Attributes, entries of batches, items of iterators and the objects of the daemon and of health checks are
// calls like others: Pyro.Daemon has to be allowed where it is wanted. Only metadata passes, which the handshake
// tells anyway, and the end of an iterator.
func Authorize(rules ...Rule) transport.Middleware {
	compiled := make([]rule, len(rules))
	order := transport.Order{End: transport.ServerEnd, Gives: []string{"permission"}}
	for i, r := range rules {
		if len(r.Principals) > 0 {
			order.Needs = []transport.Want{{Of: "principal", Why: "its rules name principals", Must: true}}
		}
		compiled[i] = rule{principals: r.Principals, calls: middleware.ParsePatterns(r.Calls...), deny: r.Deny}
	}
	return transport.Middleware{
		Name:  "authorize",
		Order: order,
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				switch call.Kind {
				case transport.Metadata, transport.Ping, transport.StreamClose:
					return next(ctx, call)
				}
				if name := middleware.PrincipalName(call.Peer); !allowed(compiled, name, call) {
					return nil, denial(name, call)
				}
				return next(ctx, call)
			}
		},
	}
}

func denial(name string, call *transport.Call) error {
	if name == "" {
		name = "a client without a name"
	}
	return transport.NewError("PermissionError", fmt.Sprintf("%s may not call %s.%s", name, call.Object, call.Method))
}

type rule struct {
	principals []string
	calls      []middleware.Pattern
	deny       bool
}

// allowed reports whether all that call carries out is allowed.
func allowed(rules []rule, name string, call *transport.Call) bool {
	if call.Kind != transport.Batch {
		return allowedMethod(rules, name, call.Object, call.Method)
	}
	for i := range call.Entries {
		if !allowedMethod(rules, name, call.Object, call.Entries[i].Method) {
			return false
		}
	}
	return true
}

func allowedMethod(rules []rule, name, object, method string) bool {
	for i := range rules {
		r := &rules[i]
		if r.fitsPrincipal(name) && (len(r.calls) == 0 || middleware.FitsAny(r.calls, object, method)) {
			return !r.deny
		}
	}
	return false
}

func (r *rule) fitsPrincipal(name string) bool {
	for _, p := range r.principals {
		if name != "" && middleware.Fits(p, name) {
			return true
		}
	}
	return len(r.principals) == 0
}
