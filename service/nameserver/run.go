package nameserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pyrokit/pyrokit/internal/loopback"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// drainTime is how long Run waits at its end for calls that run.
const drainTime = 10 * time.Second

// Start serves the name server in the background, until Shutdown: its object, leases, answers to broadcasts, autoclean.
// When it has returned nil, the name server is registered under its own name and URI tells where it is. Whether a listener
// fails later, Server().Failed tells.
func (n *NameServer) Start(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.errs != nil {
		return n.errs
	}
	if n.started {
		return errors.New("the name server was started before")
	}
	if err := n.srv.Replace(n.object()); err != nil { // a Start that could not listen has left one
		return err
	}
	if err := n.srv.Start(); err != nil { //nolint:contextcheck // what it starts outlives ctx
		return err
	}
	n.started = true
	n.loadOnce.Do(n.loadLeases)
	if err := n.startRest(ctx); err != nil {
		n.end()
		return errors.Join(err, n.srv.Shutdown(ctx))
	}
	return nil
}

// startRest starts what is beside the server, under mu.
func (n *NameServer) startRest(ctx context.Context) error {
	at := n.srv.InternalURI(ObjectName)
	n.uri = n.srv.URI(ObjectName)
	if n.cfg.natHost != "" {
		n.uri = at
		n.uri.Host = n.cfg.natHost
		if n.cfg.natPort != 0 {
			n.uri.Port = n.cfg.natPort
		}
	}
	if err := n.RegisterSelf(n.uri); err != nil {
		return fmt.Errorf("register the name server itself: %w", err)
	}
	n.judgeAddress(ctx, at)
	if n.cfg.broadcast != nil {
		if err := n.startResponder(ctx, *n.cfg.broadcast, at); err != nil {
			return err
		}
	}
	if n.cfg.autoclean > 0 {
		n.tasks.Go(func() { n.cleaner.run(n.closing, n.cfg.autoclean) })
	}
	return nil
}

// judgeAddress notes whether others can reach the name server, and warns where they were meant to and cannot. What NAT
// says others see, in the place of internal, is for them to resolve.
func (n *NameServer) judgeAddress(ctx context.Context, internal pyro.URI) {
	literally := loopback.Means(n.uri)
	byName := !literally && n.uri.Host == internal.Host && loopback.Resolves(ctx, n.uri.Host)
	n.forOthers.Store(!literally && !byName)
	host, _, err := net.SplitHostPort(n.cfg.address)
	onAll := err == nil && (host == "" || net.ParseIP(host).IsUnspecified())
	if byName || onAll && literally {
		n.log.Warn("only this machine can reach the name server at the address that it is known by (options Listen, NAT)",
			"listening", n.cfg.address, "location", n.uri.Location())
	}
}

// startResponder starts the answers to broadcasts, where they make sense.
func (n *NameServer) startResponder(ctx context.Context, address string, at pyro.URI) error {
	if host, _, err := net.SplitHostPort(n.cfg.address); err == nil && at.Socket == "" { // what it is bound to
		if at.Host = host; host == "" {
			at.Host = "0.0.0.0"
		}
	}
	if why := whyNoBroadcast(ctx, at); why != "" {
		n.log.Info("broadcasts are not answered", "why", why)
		return nil
	}
	r, err := respond(ctx, address, at, &n.numbers.broadcasts)
	if err != nil {
		return err
	}
	n.responder = r
	n.log.Info("broadcasts are answered", "location", r.conn.LocalAddr().String())
	n.tasks.Go(func() { r.run(n.closing, n.log) })
	return nil
}

// SetLimits gives the server that Start has made other limits; see [service.Server.SetLimits].
func (n *NameServer) SetLimits(l *configv1.Limits) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.started {
		return errors.New("the name server was not started")
	}
	return n.srv.SetLimits(l)
}

// Server returns the server that Start and Run use, for its numbers: [service.Server.Stats], or a collector of
// service/metrics. It has none where another server answers for Service.
func (n *NameServer) Server() *service.Server { return n.srv }

// URI returns where clients find the name server: behind NAT where they see it. It is complete once Start has returned.
func (n *NameServer) URI() pyro.URI {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.uri
}

// InternalURI returns where the name server listens.
func (n *NameServer) InternalURI() pyro.URI {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.started {
		return pyro.URI{}
	}
	return n.srv.InternalURI(ObjectName)
}

// BroadcastAddr returns where broadcasts are answered, nil if nowhere.
func (n *NameServer) BroadcastAddr() net.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.responder == nil {
		return nil
	}
	return n.responder.conn.LocalAddr()
}

// Count returns the number of names, the name server's own included.
func (n *NameServer) Count(ctx context.Context) (int, error) { return n.store.Len(ctx) }

// Shutdown ends watches, stops accepting, lets the calls that run finish and closes. When ctx ends first, what still
// runs is cut off, and the error says how many calls that were.
func (n *NameServer) Shutdown(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.end()
	return n.srv.Shutdown(ctx)
}

// end ends all but the server, under mu.
func (n *NameServer) end() {
	n.Close()
	if n.responder != nil {
		_ = n.responder.conn.Close()
	}
	n.tasks.Wait()
}

// Run starts the name server and serves until ctx ends; then it shuts down as Shutdown does, within 10 seconds. When a listener
// fails for good, it ends with that error.
func (n *NameServer) Run(ctx context.Context) error {
	if err := n.Start(ctx); err != nil {
		return err
	}
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-n.srv.Failed():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return errors.Join(failed, n.Shutdown(end))
}
