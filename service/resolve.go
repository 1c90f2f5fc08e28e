package service

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/discovery/nameserver"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A resolveFunc finds where an object is.
type resolveFunc func(context.Context) (pyro.URI, error)

// resolve returns the function that finds the object's location before each connection.
func (cfg *proxyConfig) resolve(u pyro.URI) (resolveFunc, error) {
	if cfg.unasked != "" {
		return nil, transport.Errorf(transport.CodeFailedPrecondition,
			"the proxy of %s wants the serializer %s: name it with p.With(service.Serializer(...)) to use it", u, cfg.unasked)
	}
	if u.Protocol == pyro.ProtocolPyro {
		return func(context.Context) (pyro.URI, error) { return u, nil }, nil
	}
	directory := cfg.directory(u)
	finder, finds := directory.(discovery.Finder)
	if u.Protocol == pyro.ProtocolPyroMeta && !finds {
		return nil, transport.Errorf(transport.CodeUnimplemented, "connect to %s: the resolver knows no metadata", u)
	}
	limit := cfg.lookupLimit()
	once := func(ctx context.Context) (pyro.URI, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		var (
			e   discovery.Entry
			err error
		)
		if u.Protocol == pyro.ProtocolPyroMeta {
			e, err = findAny(ctx, finder, u.Tags)
		} else {
			e, err = directory.Resolve(ctx, u.Object)
		}
		if err != nil && discovery.OutOfReach(err) {
			err = transport.AsError(err).During("resolve", u.String(), "")
		}
		return e.URI, err
	}
	return patiently(once, duration(cfg.pb.GetLookupDelay())), nil
}

// lookupLimit limits one lookup.
func (cfg *proxyConfig) lookupLimit() time.Duration {
	if limit := duration(cfg.pb.GetConnectTimeout()); limit > 0 {
		return limit
	}
	return pyro.DefaultTimeout
}

// destination returns where the calls of a proxy for u go, on connections that connections makes: to what bound
// says, where it does. With an error, it is one that fails to connect with it.
func (cfg *proxyConfig) destination(
	u pyro.URI, bound *atomic.Pointer[pyro.URI], connections func(resolveFunc) *pool,
) (destination, error) {
	if cfg.balancer != nil {
		b, err := newBalanced(u, cfg, func(at pyro.URI) *pool {
			return connections(func(context.Context) (pyro.URI, error) { return at, nil })
		})
		if err == nil {
			return b, nil
		}
		return connections(func(context.Context) (pyro.URI, error) { return pyro.URI{}, err }), err
	}
	resolve, err := cfg.resolve(u)
	if err != nil {
		return connections(func(context.Context) (pyro.URI, error) { return pyro.URI{}, err }), err
	}
	var found atomic.Pointer[pyro.URI]
	p := connections(func(ctx context.Context) (pyro.URI, error) {
		if b := bound.Load(); b != nil {
			return *b, nil
		}
		at, err := resolve(ctx)
		found.Store(&at)
		return at, err
	})
	if cache, ok := cfg.resolver.(interface{ Forget(uri pyro.URI) bool }); ok {
		p.outdated = func(err error) bool {
			e, at := transport.AsError(err), found.Load()
			elsewhere := discovery.OutOfReach(e) || e.Code == transport.CodeNotFound // another daemon has its place
			return e.NotSent && elsewhere && at != nil && cache.Forget(*at)
		}
	}
	return p, nil
}

// directory returns where the name in u is looked up: the resolver that was given, or the name server that u or
// the options name, or the default one.
func (cfg *proxyConfig) directory(u pyro.URI) discovery.Resolver {
	if cfg.resolver != nil {
		return cfg.resolver
	}
	l := nameserver.Locator{Dial: pyro.DialConfig{
		HMACKey:  cfg.hmacKey,
		Timeout:  duration(cfg.pb.GetConnectTimeout()),
		PreferIP: cfg.preferIP(),
		Dial:     cfg.lookupDialer(),
	}}
	l.Locations = cfg.pb.GetNameServers()
	if location := u.Location(); location != "" {
		l.Locations = []string{location}
	}
	if b := cfg.pb.GetBroadcastLookup(); b != nil {
		l.Broadcast, l.BroadcastPort, l.BroadcastAddresses = true, int(b.GetPort()), b.GetAddresses()
	}
	return nameserver.NewResolver(l)
}

// findAny returns one of the entries that have all tags, as Pyro does: at random.
func findAny(ctx context.Context, f discovery.Finder, tags []string) (discovery.Entry, error) {
	entries, err := f.Find(ctx, discovery.Query{All: tags})
	if err != nil {
		return discovery.Entry{}, err
	}
	if len(entries) == 0 {
		return discovery.Entry{}, noneTagged(tags)
	}
	return entries[rand.N(len(entries))], nil //nolint:gosec // any will do
}

// noneTagged is Pyro's error.
func noneTagged(tags []string) error {
	return transport.NewError("NamingError",
		"no registrations available with desired metadata properties {'"+strings.Join(tags, "', '")+"'}")
}

// minLookupPause is the least time between two lookups of LookupDelay.
const minLookupPause = 200 * time.Millisecond

// patiently asks again for up to delay while the answer is that there is nothing, or none comes.
func patiently(once resolveFunc, delay time.Duration) resolveFunc {
	if delay <= 0 {
		return once
	}
	return func(ctx context.Context) (pyro.URI, error) {
		end := time.Now().Add(delay)
		for {
			u, err := once(ctx)
			absent := errors.Is(err, transport.ErrNotFound) || err != nil && discovery.OutOfReach(err)
			if !absent || !time.Now().Before(end) || sleep(ctx, min(max(minLookupPause, delay/5), time.Until(end))) != nil {
				return u, err
			}
		}
	}
}
