package logging

import (
	"log/slog"

	"github.com/pyrokit/pyrokit/middleware"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
)

// FromConfig returns the middleware that m describes, which logs to env's logger. Errors are
// [middleware.FieldError].
func FromConfig(m *configv1.Logging, env middleware.Env) (transport.Middleware, error) {
	var f middleware.Fields
	opts := []Option{
		Start(f.Level("start", m.GetStart(), Off)),
		Success(f.Level("success", m.GetSuccess(), slog.LevelInfo)),
		Failure(f.Level("failure", m.GetFailure(), slog.LevelWarn)),
	}
	if s := m.GetSampling(); s != nil {
		at := f.In("sampling")
		opts = append(opts, Sample(at.Count("first", s.GetFirst()), at.Count("thereafter", s.GetThereafter())))
	}
	if m.GetNoErrorText() {
		opts = append(opts, NoErrorText())
	}
	if m.GetStreamItems() {
		opts = append(opts, StreamItems())
	}
	if a := m.GetArguments(); a != nil {
		at := f.In("arguments")
		hide := HideKeys
		if a.GetPositional() {
			hide = HideKeysShowPositional
		}
		opts = append(opts, Arguments(hide(at.Patterns("hidden_keys", a.GetHiddenKeys())...), at.Patterns("methods", a.GetMethods())...))
	}
	return New(env.Log, opts...), f.Err()
}
