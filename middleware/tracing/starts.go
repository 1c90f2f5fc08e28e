package tracing

import (
	"maps"
	"sync"
	"sync/atomic"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pyrokit/pyrokit/transport"
)

// maxStarts bounds the methods whose starts are kept; those of others are made for each call.
const maxStarts = 1000

// A start is how spans of a method begin.
type start struct {
	name                  string
	client, server, fresh []trace.SpanStartOption // fresh: on a public endpoint
}

// starts keeps the start of each method. Reading takes no lock.
type starts struct {
	known atomic.Pointer[map[[2]string]*start]
	mu    sync.Mutex // held while known is replaced
}

// of returns the start of call's method.
func (s *starts) of(call *transport.Call) *start {
	key := [2]string{call.Object, call.Method}
	known := s.known.Load()
	if known != nil {
		if found := (*known)[key]; found != nil {
			return found
		}
		if len(*known) >= maxStarts {
			return newStart(call)
		}
	}
	if len(call.Object)+len(call.Method) > maxText { // what a peer makes up may be long
		return newStart(call)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[[2]string]*start{}
	if known = s.known.Load(); known != nil {
		next = maps.Clone(*known)
	}
	made := newStart(call)
	next[key] = made
	s.known.Store(&next)
	return made
}

func newStart(call *transport.Call) *start {
	name := methodOf(call)
	attrs := trace.WithAttributes(system, semconv.RPCMethod(name))
	server := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), attrs}
	return &start{
		name:   name,
		client: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), attrs},
		server: server,
		fresh:  []trace.SpanStartOption{server[0], attrs, trace.WithNewRoot()},
	}
}
