package echo

import (
	"context"
	"iter"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// Name is the name of Pyro's test echo server.
const Name = "test.echoserver"

// slowness is how long the slow methods take.
const slowness = 5 * time.Second

// A Config sets the service up.
type Config struct {
	// Shutdown is what callers end the server with; nil raises a PermissionError at who calls shutdown.
	Shutdown func()
	// Log gets each message while the attribute verbose is set, at level warn; nil means slog.Default.
	Log *slog.Logger
}

// New returns the service (Pyro5.utils.echoserver, Pyro4.test.echoserver), under the name of Pyro's.
func New(cfg Config) *service.Service {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	e := &echo{log: cfg.Log}
	s := service.New(Name)
	s.Method("echo", e.echo, service.Params("message"))
	s.Method("error", fail)
	s.Method("error_with_text", func() error { return transport.NewError("ValueError", "the message of the error") })
	s.Method("oneway_echo", e.echo, service.Oneway(), service.Params("message"))
	s.Method("oneway_slow", slow, service.Oneway())
	s.Method("slow", slow)
	s.Method("generator", func() iter.Seq[string] { return slices.Values([]string{"one", "two", "three"}) })
	s.Method("nan", math.NaN)
	s.Method("inf", func() float64 { return math.Inf(1) })
	s.Method("__dunder__", func() string { return "should be allowed (dunder)" })
	s.Method("shutdown", func() error {
		if cfg.Shutdown == nil {
			return transport.NewError("PermissionError", "this echo server is not ended by its callers")
		}
		cfg.Shutdown()
		return nil
	})
	s.Property("verbose", e.verbose.Load, e.verbose.Store)
	return s
}

type echo struct {
	log     *slog.Logger
	verbose atomic.Bool
}

// echo returns the message as it came: nothing is decoded, so nothing can change.
func (e *echo) echo(ctx context.Context, message codec.Value) codec.Value {
	if e.verbose.Load() {
		peer := transport.FromContext(ctx).Peer
		v, err := message.Any()
		e.log.Warn("echo", "from", peer.String(), "serializer", peer.Codec, "message", v, "error", err)
	}
	return message
}

// fail raises the error in the words that the caller's Pyro has for it.
func fail(ctx context.Context) error {
	text := "this is the generated error from echoserver echo() method"
	if transport.FromContext(ctx).Peer.Dialect == codec.Pyro4 {
		text = "expected error from echoserver error() method"
	}
	return transport.NewError("ValueError", text)
}

func slow(ctx context.Context) (string, error) {
	select {
	case <-time.After(slowness):
		return "Finally, an answer!", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
