package servicetest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pyrokit/pyrokit/service"
)

// A Server is a server on a Network. It runs already. It has the methods of service.Server: Add for further
// services, URI, Shutdown for a server that goes away before the test is over.
type Server struct {
	*service.Server

	// Network is where its faults are.
	Network *Network
}

// NewServer serves svc on a network of its own, at memory:1, until the test ends. Its log is the test's
// unless an option says otherwise.
//
// When the test ends, and its proxies with it, the server gets 5 s to finish the calls that run. The test
// fails if some had to be cut off, if a connection was not closed, or if a goroutine is left that the
// server, or a method of the service, has started.
func NewServer(t testing.TB, svc *service.Service, opts ...service.ServerOption) *Server {
	t.Helper()
	return NewNetwork(t).NewServer(t, "memory:1", svc, opts...)
}

// NewServer is the function NewServer for one of several servers on a network: this one is at address,
// HOST:PORT.
func (n *Network) NewServer(t testing.TB, address string, svc *service.Service, opts ...service.ServerOption) *Server {
	t.Helper()
	l, err := n.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	log := &testLog{t: t}
	handler := slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})
	opts = append([]service.ServerOption{service.Logger(slog.New(handler))}, opts...)
	s := &Server{Server: service.NewServer(append(opts, service.ListenOn(l))...), Network: n}
	if err := s.Add(svc); err != nil {
		t.Fatal(err)
	}
	label := strconv.FormatInt(servers.Add(1), 10)
	pprof.Do(context.Background(), pprof.Labels(labelKey, label), func(context.Context) {
		err = s.Start() //nolint:contextcheck // nothing waits
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer log.end()
		s.end(t, label)
	})
	return s
}

// end ends the server and reports what it could not end.
func (s *Server) end(t testing.TB, label string) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("the server at %s: %v", s.URI("").Location(), err)
	}
	var left []string
	if !eventually(func() bool { left = goroutines(label); return len(left) == 0 }) {
		t.Errorf("goroutines that the server at %s, or its services, have left behind:\n%s",
			s.URI("").Location(), strings.Join(left, "\n"))
	}
}

// Connect returns a proxy for one of the server's objects, which is closed when the test ends. As
// service.Connect, it does not connect yet. Its dialect and serializer are those of the options; the
// server has both dialects.
func (s *Server) Connect(t testing.TB, object string, opts ...service.ProxyOption) *service.Proxy {
	t.Helper()
	opts = append([]service.ProxyOption{service.DialWith(s.Network.DialContext)}, opts...)
	p, err := service.Connect(s.URI(object).String(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close the proxy of %s: %v", p.URI(), err)
		}
	})
	return p
}

// A goroutine inherits the labels of the one that starts it: the label of a server is on all that began
// with its Start, and on nothing else in the process.
const labelKey = "servicetest"

var servers atomic.Int64

// goroutines returns the stacks of those that have the label.
func goroutines(label string) (stacks []string) {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return []string{err.Error()}
	}
	mark := fmt.Sprintf("%q:%q", labelKey, label)
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// A testLog writes to the log of a test until that is over: writing later would end the program.
type testLog struct {
	mu sync.Mutex
	t  testing.TB // nil when the test is over
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.t == nil {
		return len(b), nil
	}
	return l.t.Output().Write(b)
}

func (l *testLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t = nil
}
