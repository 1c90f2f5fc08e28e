package nameserver

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A Resolver looks names up at a name server that it finds when it is asked, and finds again when that one is
// gone. It holds a connection only while it is used, because Python's name servers have a thread for each and not many
// of them, and needs no Close. Where it found the name server at a later one of several Locations, because those before it
// said nothing, it asks there first for the next 30 s, instead of waiting at each lookup.
//
// It is a discovery.Resolver, Finder and Watcher; its methods may be called concurrently.
type Resolver struct {
	// PollInterval is how often Watch asks a name server that cannot tell of changes by itself; 0 means 5 s.
	PollInterval time.Duration

	session *session
}

// stickTime is for how long a location is asked first that was found after a wait. After it the order counts again: who
// registers follows it, so names may be at the first location alone as soon as that answers. A variable for the tests.
var stickTime = 30 * time.Second

// NewResolver returns a Resolver at the name server that l finds.
func NewResolver(l Locator) *Resolver { return &Resolver{session: newSession(l, 0, stickTime)} }

// Resolve returns the entry with this name.
func (r *Resolver) Resolve(ctx context.Context, name string) (e discovery.Entry, err error) {
	err = r.session.use(ctx, func(c *Client) error {
		e, err = c.Lookup(ctx, name)
		return err
	})
	return e, err
}

// Find returns the entries that q chooses.
func (r *Resolver) Find(ctx context.Context, q discovery.Query) (entries []discovery.Entry, err error) {
	err = r.session.use(ctx, func(c *Client) error {
		entries, err = c.Find(ctx, q)
		return err
	})
	return entries, err
}

// Watch tells of the entries that q chooses.
func (r *Resolver) Watch(ctx context.Context, q discovery.Query) iter.Seq2[[]discovery.Entry, error] {
	return watch(ctx, q, r.session.use, r.PollInterval)
}

// roundTime is how long a registrar keeps its connection for what comes next of a round.
const roundTime = 100 * time.Millisecond

// A registrar registers names at a name server as a Resolver looks them up.
type registrar struct {
	*Resolver

	traces *traces
}

// Registrar returns a discovery.Registrar, which is a Leaser and a Resolver, too, at the name server at the first
// of locations that answers; none given means where a Locator looks. It never finds one by broadcast, where a stray
// name server could collect the names.
//
// What is unregistered goes at all name servers where it was registered: also at later locations, which stood in while
// those before them did not answer. One that says nothing for a second is asked again when something else is done with the
// registrar, and never when nothing is: there names stay, unless they were leased.
func Registrar(cfg pyro.DialConfig, locations ...string) discovery.Registrar {
	l := Locator{Dial: cfg, Locations: locations}
	return &registrar{&Resolver{session: newSession(l, roundTime, 0)}, newTraces(cfg)}
}

// Location returns the name server that was found last, or a URI without a location. Package service asks for it, to warn
// where what it announces cannot be reached from there.
func (r *registrar) Location() pyro.URI { return r.session.location() }

// use has fn use the name server, and sees to what was left at others.
func (r *registrar) use(ctx context.Context, fn func(*Client) error) error {
	return r.session.use(ctx, func(c *Client) error {
		err := fn(c)
		if err == nil {
			r.traces.tidy(ctx)
		}
		return err
	})
}

// Resolve returns the entry with this name.
func (r *registrar) Resolve(ctx context.Context, name string) (e discovery.Entry, err error) {
	err = r.use(ctx, func(c *Client) error {
		e, err = c.Lookup(ctx, name)
		return err
	})
	return e, err
}

// Register leaves an entry alone that is there already, with this URI and these tags.
func (r *registrar) Register(ctx context.Context, e discovery.Entry) error {
	e.Metadata = slices.Compact(slices.Sorted(slices.Values(e.Metadata))) // as Lookup returns them
	return r.use(ctx, func(c *Client) error {
		r.traces.write(c.URI(), e, 0) // also if it fails: who knows what was done
		if known, err := c.Lookup(ctx, e.Name); err == nil && known.Equal(e) {
			return nil
		}
		return c.Register(ctx, e.Name, e.URI, false, e.Metadata...)
	})
}

// Lease registers an entry for d, or says that the name server has no leases.
func (r *registrar) Lease(ctx context.Context, e discovery.Entry, d time.Duration) (granted time.Duration, err error) {
	err = r.use(ctx, func(c *Client) error {
		r.traces.write(c.URI(), e, 0)
		granted, err = c.Lease(ctx, e.Name, e.URI, d, false, e.Metadata...)
		if err == nil {
			r.traces.write(c.URI(), e, granted)
		}
		return err
	})
	return granted, err
}

// Unregister removes the entry unless it carries another URI by now.
func (r *registrar) Unregister(ctx context.Context, e discovery.Entry) error {
	r.traces.leave(e.Name)
	var beside sync.WaitGroup // the name server may be one that is waited for
	defer beside.Wait()
	last := r.Location().String() // where the entry is withdrawn below, as a rule
	beside.Go(func() { r.traces.sweep(ctx, last) })
	return r.session.use(ctx, func(c *Client) error {
		defer beside.Wait() // before the connection is given back, which is closed soon after
		err := unregister(ctx, c, e)
		if err != nil {
			return err
		}
		at := c.URI().String()
		r.traces.gone(at, e.Name)
		if at != last {
			r.traces.sweep(ctx, at)
		}
		return nil
	})
}
