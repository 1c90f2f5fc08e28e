package config

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/pyrokit/pyrokit/transport"
)

// A Dynamic is a chain that can be replaced while it is used. Calls and handshakes that have begun go on in the chain
// that they began in.
type Dynamic struct {
	mu      sync.Mutex // held while current is replaced
	current atomic.Pointer[BuiltChain]
}

// NewDynamic returns a Dynamic that begins with c.
func NewDynamic(c *BuiltChain) *Dynamic {
	d := &Dynamic{}
	d.current.Store(c)
	return d
}

// Chain returns the chain that new calls go through.
func (d *Dynamic) Chain() *BuiltChain { return d.current.Load() }

// Replace has new calls and handshakes go through next. A middleware whose name, message and secrets are those of one
// in the chain before remains that one, wherever it stands, and so keeps what it knows: buckets, answers, breakers.
// Connections that are open stay so, with the principals that they have.
func (d *Dynamic) Replace(next *BuiltChain) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current.Store(next.keeping(d.current.Load()))
}

// keeping returns c with the middlewares of before where they are the same.
func (c *BuiltChain) keeping(before *BuiltChain) *BuiltChain {
	kept := &BuiltChain{entries: make([]entry, len(c.entries)), warnings: c.warnings}
	used := make([]bool, len(before.entries))
	for i := range c.entries {
		kept.entries[i] = c.entries[i]
		for j := range before.entries {
			if !used[j] && before.entries[j].same(&c.entries[i]) {
				kept.entries[i], used[j] = before.entries[j], true
				break
			}
		}
	}
	return kept
}

// Middleware returns the chain, whichever it is at the time, as one middleware.
func (d *Dynamic) Middleware() transport.Middleware {
	return transport.Middleware{Name: "chain", Call: d.call, Handshake: d.handshake}
}

func (d *Dynamic) call(next transport.Endpoint) transport.Endpoint {
	s := &slot{chain: d, next: next}
	return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
		now := d.current.Load()
		if made := s.made.Load(); made != nil && made.chain == now {
			return made.endpoint(ctx, call)
		}
		return s.remake()(ctx, call)
	}
}

// A slot is one place that the chain is used in.
type slot struct {
	chain *Dynamic
	next  transport.Endpoint

	mu   sync.Mutex // held while made is replaced
	made atomic.Pointer[made]
}

// A made is what a chain is in a slot.
type made struct {
	chain    *BuiltChain
	endpoint transport.Endpoint
}

// remake puts the chain that counts now into the slot.
func (s *slot) remake() transport.Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.chain.current.Load()
	if there := s.made.Load(); there != nil && there.chain == now {
		return there.endpoint
	}
	endpoint := now.Middleware().Call(s.next)
	s.made.Store(&made{chain: now, endpoint: endpoint})
	return endpoint
}

func (d *Dynamic) handshake(next transport.HandshakeFunc) transport.HandshakeFunc {
	return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
		return d.current.Load().Middleware().Handshake(next)(ctx, h)
	}
}
