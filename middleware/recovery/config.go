package recovery

import (
	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes. A server logs panics itself; on a proxy env's logger gets
// them.
func FromConfig(m *configv1.Recovery, env middleware.Env) (transport.Middleware, error) {
	var opts []Option
	if m.GetExposeText() {
		opts = append(opts, ExposeText())
	}
	if env.End == transport.ClientEnd {
		opts = append(opts, Logger(env.Logger()))
	}
	return New(opts...), nil
}
