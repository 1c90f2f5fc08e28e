package service

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// HealthCheck has a proxy with [Balance] watch the [HealthObject] of each server that it may call, over one more
// connection to each: an instance that says [NotServing] of the service, because it is shutting down or a check of its
// own fails, gets no new calls until it says otherwise, unless none of them is serving. A server that shuts down waits
// for that, so that no call is lost on its way there. One that has no such object, as Python's, counts as serving.
func HealthCheck() ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.heedsHealth = true; return nil })
}

// Waits before a server is asked anew that cannot be watched.
const (
	firstHealthWait = time.Second
	maxHealthWait   = 10 * time.Second
)

// serving tells whether the object at an entry wants calls, as the server there says; see discovery.TargetsConfig. Of a
// server that cannot be reached, what it said last counts: calls find out.
func (b *balanced) serving(ctx context.Context, e discovery.Entry) iter.Seq[bool] {
	return func(yield func(bool) bool) {
		at := e.URI
		at.Object = HealthObject
		connections := b.pool(at)
		defer func() { _ = connections.close() }() // it has nothing to say
		more, wait := true, firstHealthWait
		for ctx.Err() == nil {
			err := watchHealth(ctx, connections.clients[0], e.URI.Object, func(s HealthStatus) bool {
				wait = firstHealthWait
				more = yield(s != NotServing && s != ServiceUnknown)
				return more
			})
			if more && err != nil && ctx.Err() == nil && !discovery.OutOfReach(err) { // it answers, but not that
				more = yield(true)
			}
			if !more {
				return
			}
			_ = sleep(ctx, wait-rand.N(wait/2)) //nolint:gosec // so that not all ask at the same time
			wait = min(2*wait, maxHealthWait)
		}
	}
}

// watchHealth calls each with the status of a service, now and after each change, until that returns false, which is no
// error, or the server ends it.
func watchHealth(ctx context.Context, c *pyro.Client, service string, each func(HealthStatus) bool) error {
	call := &transport.Call{Object: HealthObject, Method: "watch"}
	call.Args.Positional = []any{service}
	reply, err := c.Call(ctx, call)
	if err != nil {
		return err
	}
	id := reply.StreamID
	reply.Release()
	if id == "" {
		return transport.Errorf(transport.CodeUnimplemented, "the object %s is of somebody else", HealthObject)
	}
	for {
		item, err := c.Call(ctx, &transport.Call{Object: HealthObject, Kind: transport.StreamItem, Method: "watch", StreamID: id})
		if err == nil && item.Done {
			item.Release()
			return nil
		}
		var status HealthStatus
		if err == nil {
			err = item.Value.Decode(&status)
			item.Release()
		}
		if err == nil && each(status) {
			continue
		}
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = c.CloseStream(end, id) // what went wrong before says more
		return err
	}
}
