package service

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Balance makes one proxy of several objects that do the same: each call goes to the one that b chooses,
// discovery.Random() and its like. It is for PYROMETA uris, which stand for all entries with their tags, and for
// PYRONAME uris, which stand for the instances of a service ([AnnounceInstance]).
//
// The proxy follows the directory: objects that come are used, those that go finish what they have. One that cannot
// be reached is passed over, for a second at first and a minute at last, until it can be reached again; a
// call that surely was not sent goes to the next one. What may have been carried out is an error, as always: with
// [MaxRetries] or middleware/retry it is sent again, then to another object.
//
// Each object has connections of its own, as many as [Pool] says. Nothing keeps two calls on the same object, so it
// is for objects without sessions; the items of a remote iterator come from where it was made.
func Balance(b discovery.Balancer) ProxyOption {
	return proxyOption(func(c *proxyConfig) error { c.balancer = b; return given("Balance", b != nil) })
}

// balanced are the objects that a proxy with Balance calls.
type balanced struct {
	uri     pyro.URI // what the proxy was made for
	query   discovery.Query
	watcher discovery.Watcher
	finder  discovery.Finder     // nil if there is none
	pool    func(pyro.URI) *pool // makes connections
	limit   time.Duration        // for the first answer of the directory
	delay   time.Duration        // that names which are not there yet are waited for
	targets *discovery.Targets

	life    context.Context //nolint:containedctx // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex // guards what follows
	started  bool
	backends map[string]*backend // by URI
	streams  map[string]*backend // by the id of the remote iterator
	told     []discovery.Entry   // by the watch, last
	seen     bool                // the directory has answered
	failed   error               // why the directory could not be asked last
	changed  chan struct{}       // closed, and replaced, when seen or failed change
}

// A backend is one of the objects. balanced.mu guards its fields.
type backend struct {
	*pool
	uses int  // calls under way, and open remote iterators
	gone bool // it is closed after its last use
}

// newBalanced returns what a proxy of u calls.
func newBalanced(u pyro.URI, cfg *proxyConfig, pool func(pyro.URI) *pool) (*balanced, error) {
	b := &balanced{
		uri: u, pool: pool, limit: cfg.lookupLimit(), delay: duration(cfg.pb.GetLookupDelay()),
		backends: map[string]*backend{}, streams: map[string]*backend{}, changed: make(chan struct{}),
	}
	switch u.Protocol {
	case pyro.ProtocolPyroMeta:
		b.query = discovery.Query{All: u.Tags}
	case pyro.ProtocolPyroName:
		b.query = discovery.InstancesOf(u.Object)
	default:
		return nil, transport.Errorf(transport.CodeInvalidArgument, "connect to %s: Balance wants a PYROMETA or PYRONAME uri", u)
	}
	directory := cfg.directory(u)
	b.finder, _ = directory.(discovery.Finder)
	b.watcher, _ = directory.(discovery.Watcher)
	switch {
	case b.watcher != nil:
	case b.finder != nil:
		b.watcher = discovery.Poll(b.finder, 0)
	default:
		return nil, transport.Errorf(transport.CodeUnimplemented, "connect to %s: the resolver finds nothing by metadata", u)
	}
	b.life, b.end = context.WithCancel(context.Background())
	targets := discovery.TargetsConfig{Balancer: cfg.balancer, Probe: b.probe}
	if cfg.heedsHealth {
		targets.Serving = b.serving
	}
	b.targets = discovery.NewTargets(targets)
	return b, nil
}

// start follows the directory from the first call on.
func (b *balanced) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life.Err() != nil {
		return pyro.ErrClosed
	}
	if b.started {
		return nil
	}
	b.started = true
	b.running.Go(func() {
		for entries, err := range b.watcher.Watch(b.life, b.query) {
			b.learn(entries, err)
		}
	})
	return nil
}

// learn takes what the watch of the directory says.
func (b *balanced) learn(entries []discovery.Entry, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.told = entries
	}
	b.take(entries, err)
}

// add takes what a search has found beside what the watch has told. What that has told stays until it says that it is
// gone: of what comes back before the watch has seen that, it says nothing. What only searches before have found goes: the
// watch may never hear of it.
func (b *balanced) add(found []discovery.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(found)
	names := make(map[string]bool, len(found))
	for _, e := range found {
		names[e.Name] = true
	}
	for _, e := range b.told {
		if !names[e.Name] {
			all = append(all, e)
		}
	}
	discovery.SortEntries(all)
	b.take(all, nil)
}

// take takes what is known from now on, under mu.
func (b *balanced) take(entries []discovery.Entry, err error) {
	b.failed = err
	if err == nil {
		b.seen = true
		b.targets.Set(entries)
		b.retire(entries)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// retire lets go of what is not among entries any more, under mu.
func (b *balanced) retire(entries []discovery.Entry) {
	there := make(map[string]bool, len(entries))
	for _, e := range entries {
		there[e.URI.String()] = true
	}
	for at, be := range b.backends {
		be.gone = !there[at]
		if be.gone && be.uses == 0 {
			delete(b.backends, at)
			_ = be.close()
		}
	}
}

// use returns the backend at uri, which is to be given back.
func (b *balanced) use(uri pyro.URI) *backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := uri.String()
	be := b.backends[at]
	if be == nil {
		be = &backend{pool: b.pool(uri), gone: b.life.Err() != nil}
		b.backends[at] = be
	}
	be.uses++
	return be
}

func (b *balanced) giveBack(be *backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	be.uses--
	if !be.gone || be.uses > 0 {
		return
	}
	for at, other := range b.backends {
		if other == be {
			delete(b.backends, at)
		}
	}
	_ = be.close()
}

// ready waits until there is something to call.
func (b *balanced) ready(ctx context.Context) error {
	if b.targets.Len() > 0 {
		return nil
	}
	if err := b.start(); err != nil { //nolint:contextcheck // what it starts outlives the call
		return err
	}
	begun := time.Now()
	for {
		b.mu.Lock()
		seen, failed, changed := b.seen, b.failed, b.changed
		b.mu.Unlock()
		left := time.Until(begun.Add(b.delay))
		switch {
		case b.targets.Len() > 0:
			return nil
		case left <= 0 && failed != nil:
			return failed
		case left <= 0 && seen:
			return noneTagged(b.query.All)
		case left <= 0:
			left = time.Until(begun.Add(b.delay + b.limit))
		}
		timer := time.NewTimer(max(0, left))
		select {
		case <-changed:
		case <-timer.C:
			if time.Since(begun) >= b.delay+b.limit {
				return transport.Errorf(transport.CodeUnavailable, "the directory does not answer")
			}
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-b.life.Done():
			timer.Stop()
			return pyro.ErrClosed
		}
		timer.Stop()
	}
}

// send sends a call to one of the objects, and on to others as long as it surely was not sent.
func (b *balanced) send(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	if call.StreamID != "" {
		return b.sendOfStream(ctx, call)
	}
	var reply *transport.Reply
	err := b.each(ctx, call, func(be *backend, to *pyro.Client) (err error) {
		reply, err = to.Call(ctx, call)
		if err == nil && reply.StreamID != "" {
			b.keepStream(reply.StreamID, be)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// each does something at one of the objects, then at others as long as it surely was not done.
func (b *balanced) each(ctx context.Context, call *transport.Call, do func(*backend, *pyro.Client) error) error {
	if err := b.ready(ctx); err != nil {
		return unsent(err).During("resolve", b.uri.String(), "")
	}
	var (
		tried  []*discovery.Target
		slow   *discovery.Target // the first that has not connected in its time
		failed error
	)
	for searched := false; ; {
		target, end := b.targets.Take(call, tried...)
		switch {
		case target != nil:
		case !searched && b.search(ctx):
			searched = true
			continue
		case failed == nil:
			return unsent(noneTagged(b.query.All)).During("resolve", b.uri.String(), "")
		case slow != nil: // nobody else can be reached
			tried = slices.DeleteFunc(tried, func(t *discovery.Target) bool { return t == slow })
			slow = nil
			continue
		default:
			return failed
		}
		others := len(tried)+1 < b.targets.Len()
		if failed = b.at(ctx, target, end, others, do); failed == nil || !b.another(ctx, target, failed) {
			return failed
		}
		if others && slow == nil && errors.Is(failed, context.DeadlineExceeded) {
			slow = target
		}
		tried = append(tried, target)
	}
}

// unsent marks an error that came before the call.
func unsent(err error) *transport.Error {
	e := *transport.AsError(err)
	e.NotSent = true
	return &e
}

// at does something at one of the objects. Where there are others, a connection to it has to be there soon.
func (b *balanced) at(
	ctx context.Context, target *discovery.Target, end func(), others bool, do func(*backend, *pyro.Client) error,
) error {
	defer end()
	be := b.use(target.URI)
	defer b.giveBack(be)
	to := be.client("")
	var err error
	if others && !to.Connected() {
		err = connectSoon(ctx, to)
	}
	if err == nil {
		err = do(be, to)
	}
	if err == nil {
		b.targets.Reached(target)
	}
	return err
}

// soon is how long a call waits for a connection before it goes to another object.
const soon = time.Second

// connectSoon makes a connection, unless it takes too long: who accepts connections may say nothing all the same.
func connectSoon(ctx context.Context, to *pyro.Client) error {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	_, _, _, err := to.Connect(ctx) //nolint:dogsled // that it works is all that counts
	return err
}

// another takes note of what an error says of a target, and tells whether another one is to be tried.
func (b *balanced) another(ctx context.Context, target *discovery.Target, err error) bool {
	e := transport.AsError(err)
	switch {
	case e.Remote, e.NoSuchMember:
		b.targets.Reached(target)
	case !e.NotSent && e.Code == transport.CodeUnavailable, // the connection was lost
		e.NotSent && errors.Is(ctx.Err(), context.DeadlineExceeded): // connecting took all the time
		b.targets.Suspect(target)
	case e.NotSent && ctx.Err() == nil && (discovery.OutOfReach(e) || e.Code == transport.CodeNotFound):
		b.targets.Failed(target)
		return b.life.Err() == nil
	}
	return false
}

// search asks the directory anew, which may know more than it has told, and says whether it answered.
func (b *balanced) search(ctx context.Context) bool {
	if b.finder == nil || ctx.Err() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	entries, err := b.finder.Find(ctx, b.query)
	if err != nil {
		return false
	}
	b.add(entries) //nolint:contextcheck // what it starts outlives the call
	return true
}

// probe finds out whether somebody answers at an entry.
func (b *balanced) probe(ctx context.Context, e discovery.Entry) error {
	be := b.use(e.URI)
	defer b.giveBack(be)
	_, _, _, err := be.connect(ctx) //nolint:dogsled // that it works is all that counts
	return err
}

// keepStream remembers where a remote iterator was made.
func (b *balanced) keepStream(id string, be *backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	be.uses++
	b.streams[id] = be
}

// sendOfStream sends what concerns a remote iterator to where it was made.
func (b *balanced) sendOfStream(ctx context.Context, call *transport.Call) (*transport.Reply, error) {
	b.mu.Lock()
	be := b.streams[call.StreamID]
	b.mu.Unlock()
	if be == nil {
		if call.Kind == transport.StreamClose {
			return &transport.Reply{}, nil
		}
		return nil, transport.Errorf(transport.CodeFailedPrecondition, "the remote iterator of %s has ended", call.Method)
	}
	reply, err := be.client(call.StreamID).Call(ctx, call)
	over := call.Kind == transport.StreamClose || err == nil && reply.Done || err != nil && transport.AsError(err).Remote
	if over {
		b.mu.Lock()
		_, open := b.streams[call.StreamID]
		delete(b.streams, call.StreamID)
		b.mu.Unlock()
		if open {
			b.giveBack(be)
		}
	}
	return reply, err
}

func (b *balanced) connect(ctx context.Context) (welcome *transport.Welcome, peer *transport.Peer, uri pyro.URI, err error) {
	err = b.each(ctx, &transport.Call{Kind: transport.Ping}, func(_ *backend, to *pyro.Client) (err error) {
		welcome, peer, uri, err = to.Connect(ctx)
		return err
	})
	return welcome, peer, uri, err
}

func (b *balanced) reconnect(ctx context.Context) error {
	_, _, _, err := b.connect(ctx) //nolint:dogsled // that it works is all that counts
	return err
}

func (b *balanced) metadata() *transport.ObjectMetadata {
	for _, p := range b.all() {
		if m := p.metadata(); m != nil {
			return m
		}
	}
	return nil
}

// all returns the pools there are.
func (b *balanced) all() []*pool {
	b.mu.Lock()
	defer b.mu.Unlock()
	pools := make([]*pool, 0, len(b.backends))
	for _, be := range b.backends {
		pools = append(pools, be.pool)
	}
	return pools
}

func (b *balanced) release() error {
	var errs []error
	for _, p := range b.all() {
		errs = append(errs, p.release())
	}
	return errors.Join(errs...)
}

func (b *balanced) close() error {
	b.end()
	b.running.Wait()
	b.targets.Close()
	var errs []error
	for _, p := range b.all() {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// errBound is for what makes no sense with several objects.
func (b *balanced) errBound() error {
	return transport.Errorf(transport.CodeFailedPrecondition, "there is no one object that the proxy could be bound to")
}
