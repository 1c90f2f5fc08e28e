package nameserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/transport"
)

// What a lease may last.
const (
	minLease = time.Second
	maxLease = time.Hour
)

// granted is how long a lease lasts that is asked for so many seconds.
func granted(seconds any) (time.Duration, error) {
	s, err := numberOf("seconds", seconds)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(s) || s <= 0 {
		return 0, transport.NewError("ValueError", fmt.Sprintf("a lease cannot last %v seconds", s))
	}
	s = min(max(s, minLease.Seconds()), maxLease.Seconds())
	return time.Duration(s * float64(time.Second)), nil
}

// lease registers a name for so many seconds, at least 1 and at most 3600, and returns how many it is for. Calling it
// again renews it. With safe set it leaves names alone that others have.
func (n *NameServer) lease(ctx context.Context, name, uri, seconds, metadata, safe any) (lasts float64, err error) {
	defer n.numbers.lease.done(clock(), &err)
	r, err := recordOf(name, uri, metadata)
	if err != nil {
		return 0, err
	}
	if r.Lease, err = granted(seconds); err != nil {
		return 0, err
	}
	if r.Name == ObjectName { // at its end nobody would find the name server
		return 0, namingError("the name " + r.Name + " cannot be leased")
	}
	defer n.leases.lock(r.Name)()
	onlyNew := isTrue(safe)
	if onlyNew {
		known, err := n.store.Get(ctx, r.Name)
		onlyNew = err != nil || known.Lease == 0 || known.URI != r.URI
	}
	// The lease is noted before the record is stored: if the lease before it ends at this moment, expire either finds that it is
	// not the current one, or has removed a name that Put brings back. Put goes on when the caller is gone: a name that was
	// stored without its lease being known would stay for ever.
	now, before := n.leases.set(r)
	if err := n.store.Put(context.WithoutCancel(ctx), r, onlyNew); err != nil {
		n.leases.undo(now, before)
		return 0, n.failed(ctx, err, r.Name)
	}
	if before == nil {
		n.logRegistered(ctx, "leased", r, slog.Duration("for", r.Lease))
	}
	return r.Lease.Seconds(), nil
}

// leased returns the names that are leased, each with the seconds that it was leased for.
func (n *NameServer) leased(ctx context.Context, prefix any) (result *codec.Dict, err error) {
	defer n.numbers.leases.done(clock(), &err)
	var f filter
	if f.prefix, err = prefixOf(prefix); err != nil {
		return nil, err
	}
	n.logged(ctx, slog.LevelDebug, "leases", f.attrs()...)
	records, err := n.find(ctx, f)
	if err != nil {
		return nil, err
	}
	var failed error
	result = codec.DictOf(func(yield func(string, any) bool) {
		for r, err := range records {
			if failed = err; err != nil || r.Lease > 0 && !yield(r.Name, r.Lease.Seconds()) {
				return
			}
		}
	})
	return result, n.failed(ctx, failed, "")
}

// release ends the leases of names that were removed, or registered for good.
func (n *NameServer) release(names ...string) {
	for _, l := range n.leases.noted(names) {
		n.releaseOne(l)
	}
}

func (n *NameServer) releaseOne(l *lease) {
	defer n.leases.lock(l.name)()
	r, err := n.store.Get(n.closing, l.name)
	if errors.Is(err, storage.ErrNotFound) || err == nil && r.Lease == 0 { // it was not leased again meanwhile
		n.leases.undo(l, nil)
	}
}

// expire removes names whose leases have ended.
func (n *NameServer) expire(ended []*lease) {
	byName := make(map[string]*lease, len(ended))
	names := make([]string, 0, len(ended))
	for _, l := range ended {
		byName[l.name] = l
		names = append(names, l.name)
	}
	uris := map[string]string{} // of those that go
	removed, err := n.store.Remove(n.closing, names, func(r storage.Record) bool {
		l := byName[r.Name]
		goes := l.of(r) && n.isMine(r) && n.leases.isCurrent(l)
		if goes {
			uris[r.Name] = r.URI
		}
		return goes
	})
	if errors.Is(err, context.Canceled) { // the name server has ended, and what becomes of the names is not known
		return
	}
	n.expireFails(err, names)
	if err != nil {
		n.leases.later(ended)
		return
	}
	n.leases.forget(ended)
	n.numbers.expired.Add(uint64(removed)) //nolint:gosec // not negative
	for _, name := range slices.Sorted(maps.Keys(uris)) {
		n.log.Warn("the lease has ended, removed", "name", name, "uri", uris[name])
	}
}

// expireFails logs when names whose leases have ended cannot be removed any more, which is tried again each second, and when they
// can again.
func (n *NameServer) expireFails(err error, names []string) {
	switch {
	case err != nil && !n.unexpired:
		n.log.Error("names whose lease has ended cannot be removed, trying again", "names", someNames(names), "error", err)
	case err == nil && n.unexpired:
		n.log.Info("names whose lease has ended are removed again")
	}
	n.unexpired = err != nil
}
