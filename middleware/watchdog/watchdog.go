package watchdog

import (
	"context"
	"log/slog"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// Label is the pprof label of the goroutines that a watched call runs in. Its value is a number of the call's own,
// behind that of the call it was made in: "12/13".
const Label = "pyro_call"

// DefaultMaxStack is how many bytes of stacks are logged unless [MaxStack] says otherwise.
const DefaultMaxStack = 16 << 10

// An Option sets up the middleware.
type Option func(*watchdog)

// Limit is how long the methods that fit pattern (see [middleware.Pattern]) may run before that is logged; 0 is
// no limit. Of several limits the first whose pattern fits counts.
func Limit(pattern string, d time.Duration) Option {
	return func(w *watchdog) {
		w.limits = append(w.limits, limit{middleware.ParsePattern(pattern), d})
	}
}

// Default is the limit of the methods that no [Limit] fits. By default they have none.
func Default(d time.Duration) Option { return func(w *watchdog) { w.rest = d } }

// Level is the level of what is logged; default slog.LevelWarn.
func Level(l slog.Level) Option { return func(w *watchdog) { w.level = l } }

// MaxStack is how many bytes of stacks are logged; default 16 KiB.
func MaxStack(bytes int) Option { return func(w *watchdog) { w.maxStack = bytes } }

// New returns the middleware, which logs to l, or to slog.Default() if l is nil. A client's batch is the method
// "<batch>"; on a server each of its entries is a call, and so is each item of a remote iterator. It belongs inside of
// the middlewares in which calls are to wait (concurrency, retry).
func New(l *slog.Logger, opts ...Option) transport.Middleware {
	if l == nil {
		l = slog.Default()
	}
	w := &watchdog{log: l, level: slog.LevelWarn, maxStack: DefaultMaxStack}
	for _, o := range opts {
		o(w)
	}
	const waiting = "time that a call waits would count as running"
	m := transport.Middleware{Name: "watchdog", Order: transport.Order{Inside: []transport.Want{
		{Of: "attempt", Why: waiting}, {Of: "turn", Why: waiting}, {Of: "place", Why: waiting},
	}}}
	if len(w.limits) == 0 && w.rest <= 0 {
		return m
	}
	w.dumps = newDumper(w.report)
	w.idle.New = func() any { return w.newWatch() }
	m.Call = w.call
	return m
}

type limit struct {
	pattern middleware.Pattern
	d       time.Duration
}

type watchdog struct {
	log      *slog.Logger
	level    slog.Level
	limits   []limit
	rest     time.Duration
	maxStack int
	idle     sync.Pool // of *watch
	dumps    *dumper
}

// A watch is a call that is watched. Its timer has not fired when it is used again.
type watch struct {
	timer *time.Timer

	number         uint64
	kind           transport.Kind
	object, method string
	peer           *transport.Peer
	correlation    uuid.UUID
	limit          time.Duration
	begun          time.Time
}

// calls numbers the calls of all watchdogs: a goroutine may be in calls of several.
var calls atomic.Uint64

func (w *watchdog) newWatch() *watch {
	one := &watch{}
	one.timer = time.AfterFunc(time.Hour, func() { w.dumps.add(one) })
	one.timer.Stop()
	return one
}

func (w *watchdog) call(next transport.Endpoint) transport.Endpoint {
	return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
		if d := w.limitOf(call); d > 0 {
			return w.guard(ctx, call, d, next)
		}
		return next(ctx, call)
	}
}

func (w *watchdog) limitOf(call *transport.Call) time.Duration {
	if call.Kind == transport.Ping {
		return 0
	}
	for i := range w.limits {
		if w.limits[i].pattern.Fits(call.Object, call.Method) {
			return w.limits[i].d
		}
	}
	return w.rest
}

// guard carries a call out that has a limit.
func (w *watchdog) guard(ctx context.Context, call *transport.Call, d time.Duration, next transport.Endpoint) (*transport.Reply, error) {
	one, _ := w.idle.Get().(*watch)
	one.number = calls.Add(1)
	one.kind, one.object, one.method = call.Kind, call.Object, call.Method
	one.peer, one.correlation = call.Peer, call.Header.CorrelationID
	one.limit, one.begun = d, time.Now()
	inside := labelled(ctx, one.number)
	pprof.SetGoroutineLabels(inside)
	one.timer.Reset(d)
	defer func() {
		if one.timer.Stop() { // else it is being reported
			one.peer = nil
			w.idle.Put(one)
		}
		pprof.SetGoroutineLabels(ctx)
	}()
	return next(inside, call)
}

// labelled returns ctx with a call's number, behind those of the calls that it is made in.
func labelled(ctx context.Context, number uint64) context.Context {
	value := strconv.FormatUint(number, 10)
	if outer, ok := pprof.Label(ctx, Label); ok {
		value = outer + "/" + value
	}
	return pprof.WithLabels(ctx, pprof.Labels(Label, value))
}

// report logs a call.
func (w *watchdog) report(one *watch, now time.Time, stack string) {
	const room = 9
	attrs := append(make([]slog.Attr, 0, room), slog.String("object", one.object), slog.String("method", one.method))
	if one.kind != transport.Invoke {
		attrs = append(attrs, slog.String("kind", one.kind.String()))
	}
	attrs = append(attrs, slog.Duration("limit", one.limit), slog.Duration("running", now.Sub(one.begun)))
	if one.peer != nil {
		attrs = append(attrs, slog.String("peer", one.peer.String()))
	}
	if one.correlation != uuid.Nil {
		attrs = append(attrs, slog.String("correlation_id", one.correlation.String()))
	}
	if stack == "" {
		stack = "it ended just now"
	} else if len(stack) > w.maxStack {
		stack = stack[:w.maxStack] + "..."
	}
	attrs = append(attrs, slog.String("stack", stack))
	w.log.LogAttrs(context.Background(), w.level, "call runs long", attrs...)
}
