//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// A goService is in Go what the test service of integration/peers is in Python: the same names do the
// same.
type goService struct {
	mu       sync.Mutex // guards what follows
	velocity float64
	received []any

	closed  atomic.Int64  // streams that ended, whichever way
	entered chan struct{} // told by hold when it runs
	release chan struct{} // closed when hold may return
}

// newService returns the service "svc".
func newService() *service.Service {
	return newGoService().service()
}

func newGoService() *goService {
	return &goService{velocity: 1.5, entered: make(chan struct{}, 1000), release: make(chan struct{})}
}

func (g *goService) service() *service.Service {
	s := service.New("svc")
	s.Method("echo", func(v any) any { return v })
	s.Method("echo_dict", func(d *codec.Dict) *codec.Dict { return d })
	s.Method("kind", func(v any) string { return fmt.Sprintf("%T", v) })
	s.Method("size", func(b []byte) int { return len(b) })
	s.Method("length", func(s string) int { return len(s) })
	s.Method("big_bytes", func(n int) []byte { return make([]byte, n) })
	s.Method("big", func(n int) string { return string(bytesOf('x', n)) })

	s.Method("add", func(a, b int) int { return a + b }, service.Params("a", service.Default("b", 2)))
	s.Method("keywords", func(kw map[string]any) map[string]any { return kw }, service.KwargsStruct())
	s.Method("variadic", func(first string, rest ...any) []any { return append([]any{first}, rest...) })
	s.Method("several", func() (int, string, bool) { return 1, "two", true })
	s.Method("nothing", func() {})
	s.Method("__len__", func() int { return 3 })

	s.Method("fail", fail)
	s.Method("stream", g.stream)
	s.Method("stream_fails", streamFails)
	s.Method("pairs", func() iter.Seq2[string, int] {
		return func(yield func(string, int) bool) { _ = yield("one", 1) && yield("two", 2) }
	})
	s.Method("streams_closed", g.closed.Load)

	s.Method("notify", g.notify, service.Oneway())
	s.Method("notify_fails", func() error { return errors.New("nobody hears this") }, service.Oneway())
	s.Method("received", g.all)

	s.Property("velocity", g.getVelocity, g.setVelocity)
	s.Property("readonly", func() string { return "cannot be set" }, nil)

	s.Method("context", callContext)
	s.Method("annotated", annotated)
	s.Method("hold", g.hold)
	return s
}

func bytesOf(b byte, n int) []byte {
	all := make([]byte, n)
	for i := range all {
		all[i] = b
	}
	return all
}

var errCause = errors.New("the cause")

// fail returns the error that kind names.
func fail(kind string) error {
	switch kind {
	case "value":
		e := transport.NewError("ValueError", "wrong", 42)
		e.Attrs = map[string]any{"detail": map[string]any{"kind": "value"}}
		return e
	case "key":
		return transport.NewError("KeyError", "missing")
	case "naming":
		return transport.NewError("NamingError", "unknown")
	case "custom":
		return transport.NewError("shop.errors.SoldOut", "tea")
	case "timeout":
		return transport.NewError("Pyro5.errors.TimeoutError", "too slow")
	case "closed":
		return transport.NewError("ConnectionClosedError", "gone")
	case "security":
		return transport.NewError("SecurityError", "forbidden")
	case "file":
		return fmt.Errorf("open shop: %w", fs.ErrNotExist)
	case "deadline":
		return context.DeadlineExceeded
	case "unimplemented":
		return transport.ErrUnimplemented
	case "wrapped":
		return fmt.Errorf("effect of %w", errCause)
	case "panic":
		panic("secret")
	default:
		return errors.New("no such kind of error: " + kind)
	}
}

func (g *goService) stream(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer g.closed.Add(1)
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func streamFails() iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		_ = yield(1, nil) && yield(2, nil) && yield(0, transport.NewError("ValueError", "no third item"))
	}
}

func (g *goService) notify(v any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.received = append(g.received, v)
}

func (g *goService) all() []any {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]any{}, g.received...)
}

func (g *goService) getVelocity() float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.velocity
}

func (g *goService) setVelocity(v float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.velocity = v
}

// callContext tells what the server knows of the call.
func callContext(ctx context.Context) map[string]any {
	call := transport.FromContext(ctx)
	annotations := map[string]string{}
	for _, a := range call.Header.Annotations {
		annotations[a.Key] = string(a.Value)
	}
	return map[string]any{
		"annotations":    annotations,
		"correlation_id": call.Header.CorrelationID.String(),
		"dialect":        call.Peer.Dialect.String(),
		"serializer":     call.Peer.Codec,
		"principal":      call.Peer.Principal,
	}
}

func annotated(ctx context.Context) string {
	transport.FromContext(ctx).Response.Set("RESP", []byte("from the method"))
	return "annotated"
}

// hold tells that it runs and returns when the test, or the call's context, lets it.
func (g *goService) hold(ctx context.Context) string {
	g.entered <- struct{}{}
	select {
	case <-g.release:
		return "released"
	case <-ctx.Done():
		return "cut off"
	}
}
