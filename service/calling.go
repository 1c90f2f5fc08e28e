package service

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A TimeLimit is a limit for calls, as an option of one call or of all that a proxy makes; see [Timeout].
type TimeLimit time.Duration

// Timeout limits a call to d, beside its context: as a CallOption this call, as a ProxyOption each call of
// the proxy that has no Timeout of its own (Pyro's COMMTIMEOUT and _pyroTimeout, which count for each message
// on the wire). By default only the context limits a call.
//
// A call that was given up, because its time ran out or its context ended, leaves the connection standing. A server of
// this toolkit is told to end it: the method's context ends at the same time, and the method had better return that
// context's error, because a result that is there just as the time runs out still counts. Python's goes on with it all
// the same, and as it answers the calls of a connection one after the other, the next one waits until it is through: a
// call that was given up after 1 s of 10 costs its successor the other 9. [ReconnectAfterTimeout] does not wait, at the
// price of the session.
//
// A peer from which nothing has come for 15 seconds, while one call was given up and then another that was sent after it,
// counts as gone: the connection ends, and the next call makes a new one. A server of this toolkit is asked whether it
// is there, and has 2 seconds.
func Timeout(d time.Duration) TimeLimit { return TimeLimit(d) }

// ReconnectAfterTimeout has the next call after one that was given up, because its time ran out or its context ended,
// connect anew where it would have to wait, as Pyro does it: see [Timeout]. Calls that wait on the old connection already
// go on; it ends after the last of them. In Pyro a connection is a session, so what the server keeps for it (an
// instance of its own, what it tracks) is lost with it; that is why it is off by default. It changes nothing towards
// servers of this toolkit, which can be told to end a call.
func ReconnectAfterTimeout() ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.pb.ReconnectAfterTimeout = true; return nil })
}

func (t TimeLimit) applyToCall(c *transport.Call) { c.Timeout = time.Duration(t) }

func (t TimeLimit) applyToProxy(c *proxyConfig) error {
	c.pb.Timeout = durationpb.New(time.Duration(t))
	return positive("Timeout", time.Duration(t))
}

// WithSerializer sends this call in another serializer than the proxy's; the reply comes in the same one.
func WithSerializer(name string) CallOption {
	return callOption(func(c *transport.Call) { c.Serializer = name })
}

// ResponseAnnotations stores the annotations of the reply in *dst, also of a reply that is an exception
// (Pyro's current_context.response_annotations). They are there when the call returns; without a reply,
// *dst stays as it was.
func ResponseAnnotations(dst *transport.Annotations) CallOption {
	return callOption(func(c *transport.Call) {
		c.OnReply = func(h transport.Header) { *dst = h.Annotations }
	})
}

// MaxRetries has method calls sent again, at once and up to n times, whose connection was lost or whose time
// ran out, as MAX_RETRIES does: on connections that are there, not where connecting failed, and no attributes,
// batches, one-way calls and items of iterators. The call may have been carried out all the same, so it is
// for methods that may run twice; package middleware/retry knows which ones those are, and waits between
// attempts. With that one in the chain MaxRetries does nothing: attempts of both would multiply. [Timeout] limits each
// attempt. The default is 0.
func MaxRetries(n int) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		if n < 0 {
			return fmt.Errorf("MaxRetries(%d): must not be negative", n)
		}
		c.pb.MaxRetries = int32(min(n, math.MaxInt32))
		return nil
	})
}

// ConnectAttempts is how often a proxy tries to connect, where nobody listens or the server is full, before
// the call that needs the connection fails; default 1. It waits 100 ms before the second attempt, twice as
// long before each further one and 2 s at most, each time a random part of up to half less, and no longer
// than the call's context allows. [Proxy.Reconnect] tries on its own.
func ConnectAttempts(n int) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		if n < 1 {
			return fmt.Errorf("ConnectAttempts(%d): must be positive", n)
		}
		c.pb.ConnectAttempts = int32(min(n, math.MaxInt32))
		return nil
	})
}

// PreferIP has addresses of IP version 4 or 6 tried, or listened on, first where a name stands for both; the
// default 0 leaves the choice to the system (PREFER_IP_VERSION). The other version is used all the same, where
// the preferred one does not answer.
func PreferIP(version int) Option {
	set := func(field *configv1.IpVersion) error {
		if version != 0 && version != 4 && version != 6 {
			return fmt.Errorf("PreferIP(%d): want 4, 6 or 0", version)
		}
		*field = configv1.IpVersion(version)
		return nil
	}
	return bothOption{
		func(c *serverConfig) error { return set(&c.pb.PreferIp) },
		func(c *proxyConfig) error { return set(&c.pb.PreferIp) },
	}
}

// LookupDelay has a name that is not known yet, or a name server that is not there yet, asked for again for
// up to d, each time after a fifth of d and 200 ms at least (NS_LOOKUP_DELAY). The time counts against
// [ConnectTimeout] no more than other waiting does: what limits it is d and the call's context. The default
// 0 asks once.
func LookupDelay(d time.Duration) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		c.pb.LookupDelay = durationpb.New(d)
		if d < 0 {
			return fmt.Errorf("LookupDelay(%s): must not be negative", d)
		}
		return nil
	})
}

// BroadcastLookup asks the network for a name server, where none was named and the default one is not there:
// at UDP port, 0 for 9091 (NS_BCPORT), of addresses, default all (BROADCAST_ADDRS). Whoever answers decides
// where the proxy connects to, so by default nobody is asked.
func BroadcastLookup(port int, addresses ...string) ProxyOption {
	return proxyOption(func(c *proxyConfig) error {
		if port < 0 || port > 65535 {
			return fmt.Errorf("BroadcastLookup(%d): no port", port)
		}
		c.pb.BroadcastLookup = &configv1.BroadcastLookup{Port: int32(port), Addresses: addresses}
		return nil
	})
}

// broadcastConfig is what the environment says of broadcasts.
type broadcastConfig struct {
	port      int
	addresses []string
}

// fill fills in what m leaves open.
func (b broadcastConfig) fill(m *configv1.BroadcastLookup) {
	if m == nil {
		return
	}
	m.Port = cmp.Or(m.GetPort(), int32(b.port)) //nolint:gosec // a port
	if len(m.GetAddresses()) == 0 {
		m.Addresses = b.addresses
	}
}

// Bind connects, if there is no connection, and binds a PYRONAME or PYROMETA proxy to the object that it was
// resolved to: from then on it connects there, wherever the name moves, and its URI says so (Pyro's
// _pyroBind). A proxy that is not bound resolves its name before each connection.
func (p *Proxy) Bind(ctx context.Context) error {
	if b, ok := p.to.(*balanced); ok {
		return p.during("bind", b.errBound())
	}
	_, _, uri, err := p.to.connect(ctx)
	if err != nil {
		return p.during("bind", err)
	}
	if p.uri.Protocol != pyro.ProtocolPyro {
		p.bound.CompareAndSwap(nil, &uri)
	}
	return nil
}

// Release ends the proxy's connections, and with them its sessions. Calls in flight fail; the next call
// connects again.
func (p *Proxy) Release() error { return p.to.release() }

// Reconnect ends the proxy's connections and tries to make another one until that works or ctx ends, with
// the waits of [ConnectAttempts] (Pyro's _pyroReconnect). It gives up at once on what time does not heal, such
// as a server that refuses the proxy.
func (p *Proxy) Reconnect(ctx context.Context) error {
	if err := p.Release(); err != nil {
		return err
	}
	return p.during("reconnect", p.to.reconnect(ctx))
}

// during completes an error that says not yet what was being done.
func (p *Proxy) during(op string, err error) error {
	if err == nil {
		return nil
	}
	return transport.AsError(err).During(op, p.URI().String(), "")
}

// annotator returns the middleware that adds annotations to all that a proxy says; those of the call itself
// count more.
func annotator(annotations func() transport.Annotations) transport.Middleware {
	add := func(h *transport.Header) {
		for _, a := range annotations() {
			if _, there := h.Annotations.Get(a.Key); !there {
				h.Annotations.Set(a.Key, a.Value)
			}
		}
	}
	return transport.Middleware{
		Name: "annotations",
		Handshake: func(next transport.HandshakeFunc) transport.HandshakeFunc {
			return func(ctx context.Context, h *transport.Handshake) (*transport.Welcome, error) {
				add(&h.Header)
				return next(ctx, h)
			}
		},
		Call: func(next transport.Endpoint) transport.Endpoint {
			return func(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
				add(&call.Header)
				return next(ctx, call)
			}
		},
	}
}

// send is the innermost part of the chain.
func (p *Proxy) send(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	for left := p.retries; ; left-- {
		reply, err := p.sendOnce(ctx, call)
		if err == nil || left <= 0 || ctx.Err() != nil || !worthRetrying(call, err) {
			return reply, err
		}
	}
}

func (p *Proxy) sendOnce(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	if call.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, call.Timeout)
		defer cancel() // the reply is complete by then: items of a stream are calls of their own
	}
	return p.to.send(ctx, call)
}

// repeats tells the middleware that repeats calls by its place in a chain.
func repeats(m transport.Middleware) bool { return slices.Contains(m.Order.Gives, "attempt") }

// worthRetrying tells what MAX_RETRIES has sent again: what Pyro raises a ConnectionClosedError or
// TimeoutError for in a call.
func worthRetrying(call *transport.Call, err error) bool {
	if call.Kind != transport.Invoke || call.Oneway {
		return false
	}
	e := transport.AsError(err)
	if e.Remote || e.Op != call.Describe() { // connecting has failed
		return false
	}
	return e.Code == transport.CodeUnavailable || e.Code == transport.CodeDeadlineExceeded
}
