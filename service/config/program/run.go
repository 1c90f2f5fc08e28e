package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pyrokit/pyrokit/internal/sdnotify"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/service/config"
	"github.com/pyrokit/pyrokit/service/nameserver"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const (
	// flushTime is how long the end waits for traces to be sent.
	flushTime = 5 * time.Second
	// adminTime is how long it waits for answers of the admin listener that are under way.
	adminTime = 2 * time.Second
	// defaultDrain is how long a name server waits for calls that run.
	defaultDrain = 10 * time.Second
)

// Run starts what the configuration describes, and serves until ctx ends, or until a caller of an echo service with
// allow_shutdown ends it: the admin listener, which says that it is not ready yet, the name server, the server. It stops
// them the other way round, each after what it was doing, and closes the rest. What could not be started is a
// [config.Errors] that names the place in the file; nothing is left running then. Run may be called once.
//
// The log has a line when all has started, one when it begins to stop, with the cause of ctx ([context.Cause]), and
// one when it has stopped, with how long that took and, in the error, how many calls were cut off. As a unit of systemd's
// Type=notify, which has the variable NOTIFY_SOCKET, the program tells systemd when it is ready and when it stops.
func (p *Program) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := p.begin(stop); err != nil {
		return err
	}
	run := &run{p: p}
	err := run.serve(ctx)
	return errors.Join(err, p.Close()) //nolint:contextcheck // ctx has ended by now
}

var errRunTwice = errors.New("the program was run before")

func (p *Program) begin(stop context.CancelCauseFunc) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		return errRunTwice
	}
	p.stop = stop
	return nil
}

// A run is what is running.
type run struct {
	p      *Program
	stops  []func() error // what ends it, in the order in which it was started
	failed error          // why the name server cannot be reached any more
}

func (r *run) serve(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return errors.Join(r.p.locate(err), r.stop())
	}
	r.p.log.Info("running", "files", r.p.names)
	r.p.opts.ready(r.p.addresses())
	r.p.tellSystemd(sdnotify.Ready)
	r.p.log.Info("stopping", "why", r.wait(ctx))
	r.p.tellSystemd(sdnotify.Stopping)
	began := time.Now()
	err := errors.Join(r.failed, r.stop())
	took := time.Since(began).Round(time.Millisecond)
	if err != nil {
		r.p.log.Error("stopped", "took", took, "error", err)
		return err
	}
	r.p.log.Info("stopped", "took", took)
	return nil
}

func (r *run) start(ctx context.Context) error {
	for _, start := range []func(context.Context) error{r.startAdmin, r.startNameServer, r.startServer, r.startReloads} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) stop() error {
	close(r.p.stopping)
	var errs []error
	for _, stop := range slices.Backward(r.stops) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}

var errServerEnded = errors.New("the server has ended by itself")

// wait waits until the program is to stop, and says why.
func (r *run) wait(ctx context.Context) error {
	var ended <-chan struct{}
	var failed <-chan error
	if r.p.server != nil {
		ended = r.p.server.Stopping()
	}
	if r.p.nameServer != nil {
		failed = r.p.nameServer.Server().Failed()
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-ended:
		return errServerEnded
	case err := <-failed:
		r.failed = stopError("name_server", err)
		return r.failed
	}
}

func (p *Program) tellSystemd(state string) {
	if err := sdnotify.Notify(state); err != nil {
		p.log.Warn("systemd does not know", "error", err)
	}
}

// locate says where in the files an error of what was started comes from.
func (p *Program) locate(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.file.Locate(err)
}

func (r *run) startNameServer(ctx context.Context) error {
	ns := r.p.nameServer
	if ns == nil {
		return nil
	}
	m := r.p.running.GetNameServer()
	if err := ns.Start(ctx); err != nil {
		return listenError(err, "name_server.server", m.GetServer())
	}
	drain := defaultDrain
	if d := m.GetServer().GetDrainTimeout(); d != nil {
		drain = d.AsDuration()
	}
	r.stops = append(r.stops, func() error {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		return stopError("name_server", ns.Shutdown(end))
	})
	return nil
}

func (r *run) startServer(ctx context.Context) error {
	srv := r.p.server
	if srv == nil {
		return nil
	}
	if err := srv.Start(); err != nil { //nolint:contextcheck // what it starts outlives ctx: it has to drain
		return listenError(err, "server", r.p.running.GetServer())
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- srv.Wait(serving) }()
	r.stops = append(r.stops, func() error {
		stop()
		return stopError("server", <-ended)
	})
	return nil
}

// stopError says what of the program did not end as it should have.
func stopError(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// listenError says which listener of the server at path an error is about.
func listenError(err error, path string, m *configv1.Server) error {
	failed, ok := errors.AsType[*service.ListenError](err)
	if !ok {
		return &config.FieldError{Path: path, Err: err}
	}
	for i, l := range m.GetListeners() {
		if l.GetAddress() == failed.Address || l.GetNetwork() == "unix" && pyro.SocketName(l.GetAddress()) == failed.Address {
			return &config.FieldError{Path: path + ".listeners[" + strconv.Itoa(i) + "].address", Err: err}
		}
	}
	return &config.FieldError{Path: path + ".listeners", Err: err}
}

// addresses are where all is answered.
func (p *Program) addresses() (all []Address) {
	for _, uri := range p.nameServerURIs() {
		all = append(all, Address{"ns", uri.String()})
	}
	for _, uri := range p.serverURIs() {
		all = append(all, Address{"server", uri})
	}
	if p.admin != nil {
		all = append(all, Address{"admin", p.admin.URL()})
	}
	return all
}

// nameServerURIs are those of the name server on each listener, the first one as it is registered: behind NAT.
func (p *Program) nameServerURIs() []pyro.URI {
	if p.nameServer == nil {
		return nil
	}
	uris := p.nameServer.Server().URIs(nameserver.ObjectName)
	uris[0] = p.nameServer.URI()
	return uris
}

// serverURIs are those of the configured services on each listener, or of the daemon where there are none.
func (p *Program) serverURIs() (uris []string) {
	if p.server == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	names := []string{pyro.DaemonObject}
	if services := p.running.GetServices(); len(services) > 0 {
		names = nil
		for _, s := range services {
			names = append(names, s.GetName())
		}
	}
	for _, name := range names {
		for _, uri := range p.server.URIs(name) {
			uris = append(uris, uri.String())
		}
	}
	return uris
}
