package service

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// HealthObject is the name of the object by which a server tells how it is, in Python and Go alike:
//
//	check(service="")   its status; a LookupError if there is no such service
//	list()              the status of each service, by name
//	watch(service="")   a remote iterator of its status: now, and after each change
//
// The empty name is the server as a whole. Every server has the object unless [NoHealth] is given; handshakes and calls
// go through the server's chain, as those of any other, so who may not call it is refused; only the items of a watch do
// not. Its calls do not count in [Stats] and [MaxCalls]. As Pyro's daemons do not have it, it is not listed among the
// registered objects, nor announced.
const HealthObject = "Pyrokit.Health"

// handoverTime limits how long a Shutdown waits for those who watch to have taken note of it.
const handoverTime = 2 * time.Second

// NoHealth leaves [HealthObject] out. [Server.Health] works all the same, for this process.
func NoHealth() ServerOption {
	return serverOption(func(c *serverConfig) error { c.pb.NoHealth = true; return nil })
}

// A HealthStatus is what a server says of one of its services or, under the empty name, of itself. The names and what
// they mean are those of gRPC's health checking protocol.
type HealthStatus string

// The statuses.
const (
	Serving        HealthStatus = "SERVING"
	NotServing     HealthStatus = "NOT_SERVING"
	ServiceUnknown HealthStatus = "SERVICE_UNKNOWN" // there is no such service
)

// A Health knows whether a server can be called. A service is [Serving] if the server is: if that has started, is not
// shutting down, passes its checks ([Health.AddCheck]), and Set has not said otherwise of the service or of the server.
// The server as a whole, under the empty name, is Serving if all of its services are.
//
// Its methods may be called concurrently. It costs nothing while nobody asks.
type Health struct {
	s *Server

	mu       sync.Mutex // guards what follows; taken after Server.mu
	started  bool
	down     map[string]bool // what Set has taken out of service
	checks   []*check
	checking context.Context //nolint:containedctx // of the checks: from Start to Shutdown
	stop     context.CancelFunc
	changed  chan struct{} // closed at the next change; nil while nobody waits for it
	watchers int           // remote ones that are being told
	parted   chan struct{} // closed when there are none left

	running sync.WaitGroup // checks
}

// Health returns what the server knows of itself, the same each time.
func (s *Server) Health() *Health { return s.health }

// Set takes a service out, with [NotServing], or back in, with any other status; the empty name stands for the server with
// all of its services. Callers who heed it go elsewhere, and who calls all the same is answered. A name that no
// service has by now counts as soon as one has it.
func (h *Health) Set(service string, status HealthStatus) {
	h.mu.Lock()
	if status == NotServing {
		h.down[service] = true
	} else {
		delete(h.down, service)
	}
	h.mu.Unlock()
	h.tell()
}

// Status returns the status of a service, or with an empty name that of the server.
func (h *Health) Status(service string) HealthStatus {
	h.s.mu.RLock()
	defer h.s.mu.RUnlock()
	return h.status(service)
}

// List returns the status of every service, and under the empty name that of the server.
func (h *Health) List() map[string]HealthStatus {
	h.s.mu.RLock()
	defer h.s.mu.RUnlock()
	all := map[string]HealthStatus{"": h.status("")}
	for _, name := range h.s.order {
		all[name] = h.status(name)
	}
	return all
}

// status is Status under Server.mu.
func (h *Health) status(service string) HealthStatus {
	if service != "" && h.s.services[service] == nil {
		return ServiceUnknown
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.started || h.s.isStopping() || h.down[""] || h.down[service] {
		return NotServing
	}
	for _, c := range h.checks {
		if c.err != nil {
			return NotServing
		}
	}
	if service != "" {
		return Serving
	}
	for name := range h.down {
		if h.s.services[name] != nil {
			return NotServing
		}
	}
	return Serving
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// Watch yields the status of a service, or with an empty name that of the server, and what it becomes, until ctx
// ends or the server has shut down. Of changes that follow each other closely only the last one may be seen.
func (h *Health) Watch(ctx context.Context, service string) iter.Seq[HealthStatus] {
	return func(yield func(HealthStatus) bool) {
		var last HealthStatus
		for {
			changed, stopping := h.next(), h.s.isStopping()
			status := h.Status(service)
			if status != last && !yield(status) || stopping {
				return
			}
			last = status
			select {
			case <-changed:
			case <-h.s.stopping:
			case <-ctx.Done():
				return
			}
		}
	}
}

// next returns a channel that is closed at the next change.
func (h *Health) next() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}

// tell tells of a change.
func (h *Health) tell() {
	h.wake()
	if h.s.cfg.pb.GetAnnounceServing() {
		h.s.mu.Lock()
		defer h.s.mu.Unlock()
		h.s.tellKeepers()
	}
}

// wake has those who watch look again.
func (h *Health) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// start says that the server accepts calls, and starts the checks.
func (h *Health) start() {
	h.mu.Lock()
	h.started = true
	h.checking, h.stop = context.WithCancel(context.Background())
	for _, c := range h.checks {
		h.run(c)
	}
	h.mu.Unlock()
	h.tell()
}

// leave ends the checks of a server that is stopping, and tells who announces it.
func (h *Health) leave() {
	h.stop()
	h.tell()
}

// partFrom waits until the remote watchers have taken note that the server is stopping: who asks for what comes
// after NOT_SERVING has got that. One who does not ask is waited for until handoverTime is over.
func (h *Health) partFrom(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, handoverTime)
	defer cancel()
	h.mu.Lock()
	if h.watchers == 0 {
		h.mu.Unlock()
		return
	}
	if h.parted == nil {
		h.parted = make(chan struct{})
	}
	parted := h.parted
	h.mu.Unlock()
	select {
	case <-parted:
	case <-ctx.Done():
	}
}

// object returns the object that others ask.
func (h *Health) object() *Service {
	o := New(HealthObject)
	which := Params(Default("service", ""))
	o.Method("check", func(service string) (HealthStatus, error) {
		status := h.Status(service)
		if status == ServiceUnknown {
			return "", transport.Errorf(transport.CodeNotFound, "there is no service %q", service)
		}
		return status, nil
	}, which)
	o.Method("list", h.List)
	o.Method("watch", func(ctx context.Context, service string) iter.Seq[HealthStatus] {
		return func(yield func(HealthStatus) bool) {
			h.join()
			defer h.part()
			h.Watch(ctx, service)(yield)
		}
	}, which)
	return o
}

func (h *Health) join() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers++
}

func (h *Health) part() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers--
	if h.watchers == 0 && h.parted != nil {
		close(h.parted)
		h.parted = nil
	}
}

// isOwn tells the objects that the server has by itself.
func (s *Server) isOwn(name string) bool {
	return name == pyro.DaemonObject || name == HealthObject && !s.cfg.pb.GetNoHealth()
}
