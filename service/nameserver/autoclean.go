package nameserver

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const (
	minAutoclean   = 3 * time.Second
	unreachableFor = 20 * time.Second // after which a name is removed
	connectTimeout = 5 * time.Second
	maxConnecting  = 64 // connections that are tried at the same time
)

// A cleaner removes the names of what cannot be connected to any more.
type cleaner struct {
	n              *NameServer
	unreachableFor time.Duration
	dial           func(ctx context.Context, network, address string) (net.Conn, error)
	failing        map[string]failing // by name
}

// failing says since when a record cannot be connected to.
type failing struct {
	record storage.Record
	since  time.Time
}

func newCleaner(n *NameServer) cleaner {
	d := net.Dialer{Timeout: connectTimeout}
	return cleaner{n: n, unreachableFor: unreachableFor, dial: d.DialContext, failing: map[string]failing{}}
}

// run cleans every interval until ctx ends.
func (c *cleaner) run(ctx context.Context, interval time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval):
		}
		if err := c.clean(ctx); err != nil && ctx.Err() == nil {
			c.n.log.Error("autoclean failed", "error", err)
		}
	}
}

// A target is what is connected to.
type target struct{ network, address string }

// targetOf returns where a record's object is, if that is a place.
func targetOf(r storage.Record) (target, bool) {
	u, err := pyro.ParseURI(r.URI)
	if err != nil || u.Protocol != pyro.ProtocolPyro || r.Name == ObjectName || r.Name == pyro.DaemonObject {
		return target{}, false
	}
	network, address := u.Address()
	return target{network, address}, true
}

// clean looks at every registration once.
func (c *cleaner) clean(ctx context.Context) error {
	targets := map[target]bool{} // whether it can be connected to
	for r, err := range c.n.store.Prefix(ctx, "") {
		if err != nil {
			return err
		}
		if t, ok := targetOf(r); ok {
			targets[t] = true
		}
	}
	c.connect(ctx, targets)
	if err := ctx.Err(); err != nil {
		return err
	}
	was := c.failing
	c.failing = map[string]failing{}
	var gone []string
	for r, err := range c.n.store.Prefix(ctx, "") {
		if err != nil {
			return err
		}
		t, ok := targetOf(r)
		reachable, tried := targets[t]
		if !ok || !tried || reachable {
			continue
		}
		f, known := was[r.Name]
		if !known || !f.record.Equal(r) {
			f = failing{r, time.Now()}
		}
		c.failing[r.Name] = f
		if time.Since(f.since) >= c.unreachableFor {
			gone = append(gone, r.Name)
		}
	}
	return c.remove(ctx, gone)
}

// connect tries all targets, several at a time, and notes those that cannot be connected to.
func (c *cleaner) connect(ctx context.Context, targets map[target]bool) {
	var mu sync.Mutex // guards targets
	var wg sync.WaitGroup
	todo := make(chan target)
	for range min(maxConnecting, len(targets)) {
		wg.Go(func() {
			for t := range todo {
				if !c.reachable(ctx, t) {
					mu.Lock()
					targets[t] = false
					mu.Unlock()
				}
			}
		})
	}
	for _, t := range slices.Collect(maps.Keys(targets)) { // the map changes meanwhile
		if ctx.Err() != nil {
			break
		}
		todo <- t
	}
	close(todo)
	wg.Wait()
}

// reachable tells whether t can be connected to, and in doubt that it can.
func (c *cleaner) reachable(ctx context.Context, t target) bool {
	conn, err := c.dial(ctx, t.network, t.address)
	if err == nil {
		_ = conn.Close()
		return true
	}
	return isOwnTrouble(err) || ctx.Err() != nil
}

// isOwnTrouble tells the errors of a connection that do not say that the other end is gone: this machine has run out of files,
// memory or ports, has lost its network, or does not let the name server connect; no DNS server answers; or so many wait at a
// unix socket already that there is no room. While they last, names of objects that are well would be removed.
func isOwnTrouble(err error) bool {
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return !unknown.IsNotFound
	}
	return slices.ContainsFunc([]error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.ENETDOWN, syscall.ENETUNREACH,
		syscall.EACCES, syscall.EPERM, syscall.EAGAIN,
	}, func(own error) bool { return errors.Is(err, own) })
}

// remove removes names whose records are still those that cannot be connected to.
func (c *cleaner) remove(ctx context.Context, gone []string) error {
	defer func() { c.n.numbers.unreachable.Store(int64(len(c.failing))) }()
	if len(gone) == 0 {
		return nil
	}
	stale := map[string]bool{}
	removed, err := c.n.store.Remove(ctx, gone, func(r storage.Record) bool {
		stale[r.Name] = c.failing[r.Name].record.Equal(r)
		return stale[r.Name]
	})
	if err != nil {
		return err
	}
	c.n.release(gone...)
	for _, name := range gone {
		if stale[name] {
			c.n.log.Warn("autoclean: cannot be connected to, removed", "name", name, "uri", c.failing[name].record.URI)
		}
		delete(c.failing, name)
	}
	c.n.numbers.cleaned.Add(uint64(removed)) //nolint:gosec // not negative
	return nil
}
