package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/pyrokit/pyrokit/transport"
)

// An Option sets up the middleware.
type Option func(*config)

type config struct {
	expose bool
	log    *slog.Logger
}

// ExposeText lets callers see what the panic said, and its stack as the remote traceback. The default
// is to tell them nothing, because panics may hold secrets.
func ExposeText() Option { return func(c *config) { c.expose = true } }

// Logger gets each panic with its stack; the default is to leave that to the server, which logs it
// itself.
func Logger(l *slog.Logger) Option { return func(c *config) { c.log = l } }

// New returns the middleware. It belongs at the outside of a chain.
func New(opts ...Option) transport.Middleware {
	var cfg config
	for _, o := range opts {
		o(&cfg)
	}
	return transport.Middleware{
		Name:  "recovery",
		Order: transport.Order{Outermost: true, Once: "recovery"},
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (reply *transport.Reply, err error) {
				defer func() {
					if r := recover(); r != nil {
						reply, err = nil, transport.NewPanicError(r, debug.Stack())
					}
					err = cfg.seen(ctx, call, err)
				}()
				return next(ctx, call)
			}
		},
		Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
			return func(ctx context.Context, h *transport.Handshake) (w *transport.Welcome, err error) {
				defer func() {
					if r := recover(); r != nil {
						w, err = nil, cfg.seen(ctx, &transport.Call{Object: h.Object, Method: "handshake"},
							transport.NewPanicError(r, debug.Stack()))
					}
				}()
				return next(ctx, h)
			}
		},
	}
}

// seen logs a panic and makes it what the caller is to see.
func (c *config) seen(ctx context.Context, call *transport.Call, err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*transport.Error](err)
	if !ok || e.Panic == nil {
		return err
	}
	shown := *e
	if c.log != nil {
		c.log.ErrorContext(ctx, "call panicked", "object", call.Object, "method", call.Method,
			"panic", e.Panic.Value, "stack", string(e.Panic.Stack))
		shown.Panic = nil // logged
	}
	if c.expose {
		shown.Message = fmt.Sprintf("panic: %v", e.Panic.Value)
		shown.Traceback = append([]string{"Traceback (Go stack of the panic):\n"}, stackLines(e.Panic.Stack)...)
		shown.Traceback = append(shown.Traceback, "RuntimeError: "+shown.Message+"\n")
	}
	return &shown
}

func stackLines(stack []byte) []string {
	var lines []string
	for line := range strings.Lines(string(stack)) {
		lines = append(lines, "  "+strings.TrimSuffix(line, "\n")+"\n")
	}
	return lines
}
