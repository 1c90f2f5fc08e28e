package discovery

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// A KeeperConfig says how a Keeper goes about it.
type KeeperConfig struct {
	// Every is how often it sees to it that the entries are still there; 0 means 5 s.
	Every time.Duration
	// Retry is how soon it tries again after a failure; 0 means 1 s.
	Retry time.Duration
	// Timeout limits one round, and Withdraw; 0 means 10 s.
	Timeout time.Duration
	// Lease is for how long entries are registered at a time, where the registrar is a Leaser: that long after the end
	// of their process they are gone. 0 means 10 s, less than 0 no leases.
	Lease time.Duration
	// Shared says that others take the names, too, as instances of one service do. That somebody else has taken a name is
	// then logged at level info, and not as a warning.
	Shared bool
	// Logger gets what nobody else sees; nil means slog.Default.
	Logger *slog.Logger
	// Registered, if set, is called each time that all entries have become known.
	Registered func()
}

// Defaults of a KeeperConfig.
const (
	DefaultKeepEvery   = 5 * time.Second
	DefaultKeepRetry   = time.Second
	DefaultKeepTimeout = 10 * time.Second
	DefaultLease       = 10 * time.Second
)

// renewals is how often a lease is renewed in its time.
const renewals = 3

// A Keeper keeps entries registered, from Run on: it registers them as soon as the registrar can be reached, and
// anew when they are lost, because the directory restarted empty, say. A name that somebody else has taken in the
// meantime is left to him until he gives it up, if the registrar is a Resolver, which can tell.
type Keeper struct {
	registrar Registrar
	cfg       KeeperConfig

	mu     sync.Mutex // guards wanted
	wanted []Entry
	news   chan struct{} // has room for one: wanted has changed

	// What follows belongs to Run, then to Withdraw.
	there  map[string]*kept // what the registrar may know of, by name
	known  bool             // all was registered after the last round
	warned bool             // the log says that it cannot be
	pause  time.Duration    // until the next round, at most: before that no lease ends
}

// kept is an entry that the registrar may know of.
type kept struct {
	Entry
	registered bool // the registrar said so
	taken      bool // somebody else has the name
}

// NewKeeper returns a Keeper of no entries.
func NewKeeper(r Registrar, cfg KeeperConfig) *Keeper {
	cfg.Every = cmp.Or(max(0, cfg.Every), DefaultKeepEvery)
	cfg.Retry = cmp.Or(max(0, cfg.Retry), DefaultKeepRetry)
	cfg.Timeout = cmp.Or(max(0, cfg.Timeout), DefaultKeepTimeout)
	cfg.Lease = cmp.Or(cfg.Lease, DefaultLease)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Keeper{registrar: r, cfg: cfg, news: make(chan struct{}, 1), there: map[string]*kept{}}
}

// Set says which entries are to be known from now on; others that were are withdrawn. It does not wait for
// that. It may be called concurrently, and before Run.
func (k *Keeper) Set(entries []Entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wanted = slices.Clone(entries)
	select {
	case k.news <- struct{}{}:
	default:
	}
}

// Run keeps the entries registered until ctx ends. It leaves them there; see Withdraw.
func (k *Keeper) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := k.round(ctx)
		if ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(k.judge(ctx, err))
		select {
		case <-timer.C:
		case <-k.news:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// judge logs how a round has ended and returns the time to the next one.
func (k *Keeper) judge(ctx context.Context, err error) time.Duration {
	if err != nil {
		level := slog.LevelWarn
		if k.warned {
			level = slog.LevelDebug
		}
		k.cfg.Logger.Log(ctx, level, "cannot announce the services, trying again", "error", err)
		k.known, k.warned = false, true
		return k.cfg.Retry
	}
	if len(k.there) == 0 {
		k.known, k.warned = false, false
	} else if !k.known {
		k.known, k.warned = true, false
		names, locations := k.announced()
		k.cfg.Logger.Info("services are announced", "count", len(k.there), "names", names, "at", locations)
		if k.cfg.Registered != nil {
			k.cfg.Registered()
		}
	}
	wait := min(k.cfg.Every, k.pause)
	return wait - rand.N(wait/8+1) //nolint:gosec // so that not all ask at the same time
}

// mostLogged is how many names, or places, a line of the log has.
const mostLogged = 10

// announced returns some of the names that are registered, and some of the places that they lead to, in order.
func (k *Keeper) announced() (names, locations []string) {
	for name, e := range k.there {
		names = append(names, name)
		locations = append(locations, e.URI.Location())
	}
	slices.Sort(names)
	slices.Sort(locations)
	locations = slices.Compact(locations)
	return names[:min(len(names), mostLogged)], locations[:min(len(locations), mostLogged)]
}

// round sees to all entries once. What is wrong with one is no reason to leave the others.
func (k *Keeper) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	k.mu.Lock()
	wanted := k.wanted
	k.mu.Unlock()
	k.pause = k.cfg.Every
	var errs []error
	for name := range k.there {
		if !slices.ContainsFunc(wanted, func(e Entry) bool { return e.Name == name }) {
			errs = append(errs, k.unregister(ctx, name))
		}
	}
	for _, e := range wanted {
		if ctx.Err() != nil {
			errs = append(errs, ctx.Err())
			break
		}
		errs = append(errs, k.keep(ctx, e))
	}
	return errors.Join(errs...)
}

func (k *Keeper) unregister(ctx context.Context, name string) error {
	err := k.registrar.Unregister(ctx, k.there[name].Entry)
	if err == nil {
		delete(k.there, name)
	}
	return err
}

// keep sees to one entry.
func (k *Keeper) keep(ctx context.Context, e Entry) error {
	last := k.there[e.Name]
	resolver, ok := k.registrar.(Resolver)
	if last == nil || !last.registered || !ok || !last.Equal(e) {
		return k.register(ctx, e)
	}
	found, err := resolver.Resolve(ctx, e.Name)
	switch {
	case errors.Is(err, transport.ErrNotFound):
		k.cfg.Logger.Info("a name was lost, registering it again", "name", e.Name)
		return k.register(ctx, e)
	case err != nil:
		return err
	case found.URI.String() != e.URI.String():
		if !last.taken {
			level := slog.LevelWarn
			if k.cfg.Shared {
				level = slog.LevelInfo
			}
			k.cfg.Logger.Log(ctx, level, "somebody else has registered the name",
				"name", e.Name, "uri", found.URI.String(), "own", e.URI.String())
		}
		last.taken = true
		return nil
	}
	last.taken = false
	_, err = k.lease(ctx, found) // with the tags that it has by now
	return err
}

// register registers an entry for as long as the registrar allows.
func (k *Keeper) register(ctx context.Context, e Entry) error {
	entry := &kept{Entry: e}
	k.there[e.Name] = entry // also when it fails: who knows what was done
	leased, err := k.lease(ctx, e)
	if err == nil && !leased {
		err = k.registrar.Register(ctx, e)
	}
	entry.registered = err == nil
	return err
}

// lease registers an entry for a time, or renews that, and tells whether the registrar can do so.
func (k *Keeper) lease(ctx context.Context, e Entry) (leased bool, err error) {
	leaser, ok := k.registrar.(Leaser)
	if !ok || k.cfg.Lease < 0 {
		return false, nil
	}
	granted, err := leaser.Lease(ctx, e, k.cfg.Lease)
	if errors.Is(err, transport.ErrUnimplemented) {
		return false, nil
	}
	if err == nil && granted > 0 {
		k.pause = min(k.pause, max(granted/renewals, 100*time.Millisecond))
	}
	return err == nil, err
}

// Withdraw unregisters what Run, which has to be over, has registered. An error says that some of it may still be there; it is
// logged, too, unless Run has logged already that the registrar cannot be reached.
func (k *Keeper) Withdraw(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	var errs []error
	for name := range k.there {
		errs = append(errs, k.unregister(ctx, name))
		if ctx.Err() != nil {
			break
		}
	}
	err := errors.Join(errs...)
	if err != nil && k.known {
		k.cfg.Logger.Warn("cannot withdraw the services' names", "error", err)
	}
	return err
}
