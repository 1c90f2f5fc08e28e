package service

import (
	"context"
	"errors"
	"hash/maphash"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A destination is where the calls of a proxy go.
type destination interface {
	send(ctx context.Context, call *transport.Call) (*transport.Reply, error)
	// connect makes sure that there is a connection and returns what it said.
	connect(ctx context.Context) (*transport.Welcome, *transport.Peer, pyro.URI, error)
	// reconnect tries to make a new one until that works.
	reconnect(ctx context.Context) error
	// metadata returns what a connection last said of the object, or nil.
	metadata() *transport.ObjectMetadata
	// release ends the connections; the next call connects again.
	release() error
	// close ends them for good.
	close() error
}

// A pool are the connections to one object.
type pool struct {
	clients []*pyro.Client
	next    atomic.Uint32 // whose turn it is
	// outdated is told of an error, and tells whether the object is to be looked for elsewhere; nil: never.
	outdated func(error) bool
}

// newPool returns a pool of n connections.
func newPool(n int, connect func() *pyro.Client) *pool {
	p := &pool{}
	for range max(1, n) {
		p.clients = append(p.clients, connect())
	}
	return p
}

// client returns the connection for a call: for all items of a remote iterator the same one, because those
// that come ahead come there.
func (p *pool) client(streamID string) *pyro.Client {
	switch {
	case len(p.clients) == 1:
		return p.clients[0]
	case streamID != "":
		return p.clients[maphash.String(streamSeed, streamID)%uint64(len(p.clients))]
	default:
		return p.clients[p.next.Add(1)%uint32(len(p.clients))] //nolint:gosec // at most 65536
	}
}

var streamSeed = maphash.MakeSeed()

func (p *pool) send(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	reply, err := p.client(call.StreamID).Call(ctx, call)
	if err != nil && p.outdated != nil && p.outdated(err) && ctx.Err() == nil {
		return p.client(call.StreamID).Call(ctx, call)
	}
	return reply, err
}

func (p *pool) connect(ctx context.Context) (*transport.Welcome, *transport.Peer, pyro.URI, error) {
	return p.clients[0].Connect(ctx)
}

func (p *pool) reconnect(ctx context.Context) error { return p.clients[0].Reconnect(ctx) }

func (p *pool) metadata() *transport.ObjectMetadata {
	for _, c := range p.clients {
		if m := c.Metadata(); m != nil {
			return m
		}
	}
	return nil
}

func (p *pool) release() error {
	var errs []error
	for _, c := range p.clients {
		errs = append(errs, c.Release())
	}
	return errors.Join(errs...)
}

func (p *pool) close() error {
	var errs []error
	for _, c := range p.clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
