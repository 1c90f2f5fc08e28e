package logging

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/middleware/internal/observe"
	"github.com/pyrokit/pyrokit/transport"
)

// Off is a level at which nothing is logged.
const Off = middleware.LevelOff

// maxName bounds the names that are logged: a peer makes them up.
const maxName = 128

// An Option sets up the middleware.
type Option func(*config)

type config struct {
	log                     *slog.Logger
	start, success, failure slog.Level
	sampler                 *sampler
	noErrorText             bool
	items                   bool
	redact                  Redactor
	methods                 []middleware.Pattern // whose arguments are logged
}

// Start is the level of the beginnings of calls; default [Off].
func Start(l slog.Level) Option { return func(c *config) { c.start = l } }

// Success is the level of the ends of calls that succeeded, and of handshakes; default slog.LevelInfo.
func Success(l slog.Level) Option { return func(c *config) { c.success = l } }

// Failure is the level of the ends of calls that failed, and of handshakes that were denied; default
// slog.LevelWarn.
func Failure(l slog.Level) Option { return func(c *config) { c.failure = l } }

// Sample logs the first successes of each second, whatever their method, and of those beyond one in thereafter;
// with 0 none. Failures are logged all. By default successes are, too. The next line of a success says how many were
// left out before it.
func Sample(first, thereafter int) Option {
	return func(c *config) { c.sampler = newSampler(first, thereafter) }
}

// NoErrorText leaves out the texts of errors, which may hold values of the program; class and code stay.
func NoErrorText() Option { return func(c *config) { c.noErrorText = true } }

// StreamItems logs each item of a remote iterator that succeeds, too, at the levels of calls. By default only those
// that fail are logged.
func StreamItems() Option { return func(c *config) { c.items = true } }

// Arguments logs what r leaves of the arguments of methods that fit one of the patterns (see
// [middleware.Pattern]), or of all if there is none. A server decodes them for that once more.
func Arguments(r Redactor, patterns ...string) Option {
	return func(c *config) { c.redact, c.methods = r, middleware.ParsePatterns(patterns...) }
}

// New returns the middleware, which logs to l, or to slog.Default() if l is nil. It belongs inside of the
// middlewares whose work is to be seen in its lines (correlation, tracing), and outside of those that refuse calls.
func New(l *slog.Logger, opts ...Option) transport.Middleware {
	if l == nil {
		l = slog.Default()
	}
	cfg := &config{log: l, start: Off, success: slog.LevelInfo, failure: slog.LevelWarn}
	for _, o := range opts {
		o(cfg)
	}
	return transport.Middleware{Name: "logging", Call: cfg.call, Handshake: cfg.handshake, Order: transport.Order{
		Inside: []transport.Want{
			{Of: "correlation", Why: "the beginning of a call would be logged without its id"},
			{Of: "span", Why: "the log's handler could not add the trace"},
		},
	}}
}

// enabled tells whether l is logged now.
func (c *config) enabled(ctx context.Context, l slog.Level) bool {
	return l != Off && c.log.Enabled(ctx, l)
}

func (c *config) call(next transport.Endpoint) transport.Endpoint {
	return func(ctx context.Context, call *transport.Call) (reply *transport.Reply, err error) {
		quiet := call.Kind == transport.StreamItem && !c.items
		if !quiet && c.enabled(ctx, c.start) {
			c.began(ctx, call)
		}
		success, failure := !quiet && c.enabled(ctx, c.success), c.enabled(ctx, c.failure)
		if !success && !failure {
			return next(ctx, call)
		}
		begun := time.Now()
		panicked := true
		defer func() {
			if panicked && failure { // whoever recovers it has value and stack
				c.log.LogAttrs(ctx, c.failure, "call panicked", c.attrs(call, time.Since(begun))...)
			}
		}()
		reply, err = next(ctx, call)
		panicked = false
		switch {
		case err != nil && failure:
			c.failed(ctx, call, time.Since(begun), err)
		case err == nil && success:
			c.succeeded(ctx, call, begun)
		}
		return reply, err
	}
}

func (c *config) began(ctx context.Context, call *transport.Call) {
	c.log.LogAttrs(ctx, c.start, "call begins", c.attrs(call, -1)...)
}

func (c *config) succeeded(ctx context.Context, call *transport.Call, begun time.Time) {
	took := time.Since(begun)
	var skipped uint64
	if c.sampler != nil {
		var taken bool
		if taken, skipped = c.sampler.take(begun.Add(took)); !taken {
			return
		}
	}
	attrs := append(c.attrs(call, took), slog.String("code", observe.OK))
	if skipped > 0 {
		attrs = append(attrs, slog.Uint64("skipped", skipped))
	}
	c.log.LogAttrs(ctx, c.success, "call", attrs...)
}

func (c *config) failed(ctx context.Context, call *transport.Call, took time.Duration, err error) {
	c.log.LogAttrs(ctx, c.failure, "call failed", append(c.attrs(call, took), c.errorAttrs(err)...)...)
}

// errorAttrs says what err is.
func (c *config) errorAttrs(err error) []slog.Attr {
	e := transport.AsError(err)
	attrs := []slog.Attr{slog.String("code", e.Code.String())}
	if e.Class != "" {
		attrs = append(attrs, slog.String("class", cut(e.Class, maxName)))
	}
	if !c.noErrorText && e.Message != "" {
		attrs = append(attrs, slog.String("error", cut(e.Message, maxText)))
	}
	return attrs
}

// whyAttrs has the reason beneath an error whose own text, which the peer sees, does not tell it: that of package auth.
func (c *config) whyAttrs(err error) []slog.Attr {
	e := transport.AsError(err)
	cause := errors.Unwrap(e)
	if c.noErrorText || cause == nil || strings.Contains(e.Message, cause.Error()) {
		return nil
	}
	return []slog.Attr{slog.String("why", cut(cause.Error(), maxText))}
}

// attrs says which call it is; took is left out if it is negative.
func (c *config) attrs(call *transport.Call, took time.Duration) []slog.Attr {
	const room = 12
	attrs := make([]slog.Attr, 0, room)
	attrs = append(attrs, slog.String("object", cut(call.Object, maxName)), slog.String("method", cut(call.Method, maxName)))
	if call.Kind != transport.Invoke {
		attrs = append(attrs, slog.String("kind", call.Kind.String()))
	}
	if call.Kind == transport.Batch {
		attrs = append(attrs, slog.Int("calls", len(call.Entries)))
	}
	if call.Oneway {
		attrs = append(attrs, slog.Bool("oneway", true))
	}
	if took >= 0 {
		attrs = append(attrs, slog.Duration("duration", took))
	}
	if call.Peer != nil {
		attrs = append(attrs, slog.String("peer", call.Peer.String()))
	}
	if id := call.Header.CorrelationID; id != uuid.Nil {
		attrs = append(attrs, slog.String("correlation_id", id.String()))
	}
	if c.redact != nil && c.logsArguments(call) {
		attrs = append(attrs, arguments(call, c.redact)...)
	}
	return attrs
}

func (c *config) logsArguments(call *transport.Call) bool {
	if call.Kind != transport.Invoke && call.Kind != transport.SetAttr {
		return false
	}
	return len(c.methods) == 0 || middleware.FitsAny(c.methods, call.Object, call.Method)
}

func (c *config) handshake(next transport.HandshakeFunc) transport.HandshakeFunc {
	return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
		welcome, err := next(ctx, h)
		level, text := c.success, "handshake"
		if err != nil {
			level, text = c.failure, "handshake denied"
		}
		if !c.enabled(ctx, level) {
			return welcome, err
		}
		attrs := []slog.Attr{slog.String("object", cut(h.Object, maxName)), slog.String("peer", h.Peer.String())}
		if err != nil {
			attrs = append(attrs, c.errorAttrs(err)...)
			attrs = append(attrs, c.whyAttrs(err)...)
		} else {
			attrs = append(attrs, slog.String("code", observe.OK))
		}
		c.log.LogAttrs(ctx, level, text, attrs...)
		return welcome, err
	}
}
