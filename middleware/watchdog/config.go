package watchdog

import (
	"cmp"
	"log/slog"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes, which logs to env's logger. Errors are
// [middleware.FieldError].
func FromConfig(m *configv1.Watchdog, env middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	level := f.Level("level", m.GetLevel(), slog.LevelWarn)
	if level == middleware.LevelOff {
		f.Wrongf("level", "must not be LOG_LEVEL_OFF: leave the watchdog out of the chain instead")
	}
	opts := []Option{
		Default(f.Duration("default", m.GetDefault())),
		Level(level),
		MaxStack(cmp.Or(f.Count("max_stack", m.GetMaxStack()), DefaultMaxStack)),
	}
	for i, l := range m.GetLimits() {
		at := f.At("limits", i)
		if l.GetMethod() == "" {
			at.Wrongf("method", "must not be empty: * fits all")
		}
		if l.GetLimit() == nil {
			at.Wrongf("limit", "must be set: 0s is no limit")
		}
		opts = append(opts, Limit(l.GetMethod(), at.Duration("limit", l.GetLimit())))
	}
	return New(env.Log, opts...), f.Err()
}
