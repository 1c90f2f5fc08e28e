// Package timeout gives each call a deadline.
//
// On a client a call that takes longer ends with an error that matches transport.ErrTimeout; the
// connection stays. On a server the context of the method ends then; a method that returns its
// context's error is seen as a TimeoutError in Python. Items of a remote iterator are calls of their
// own, each with its own deadline.
package timeout

import (
	"context"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// New returns a middleware that ends calls after d, or at the deadline that the context has already,
// whichever is first. d must be positive; otherwise the middleware does nothing.
func New(d time.Duration) transport.Middleware {
	m := transport.Middleware{Name: "timeout"}
	if d <= 0 {
		return m
	}
	m.Call = func(next transport.Endpoint) transport.Endpoint {
		return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
			ctx, cancel := context.WithTimeout(ctx, d)
			defer cancel()
			return next(ctx, call)
		}
	}
	return m
}
