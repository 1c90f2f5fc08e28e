package discovery

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/transport"
)

// A CacheConfig says how long answers are believed.
type CacheConfig struct {
	// TTL is how long an answer is used before the directory is asked again; 0 means 10 s.
	TTL time.Duration
	// Stale is how much longer an answer is used while the directory cannot be asked; 0 means 5 minutes,
	// less than 0 not at all.
	Stale time.Duration
	// Negative is how long it is believed that a name is unknown; 0 means not at all.
	Negative time.Duration
	// Names is how many names are remembered; 0 means 10000. One more, and some are forgotten.
	Names int
}

// Defaults of a CacheConfig.
const (
	DefaultTTL   = 10 * time.Second
	DefaultStale = 5 * time.Minute

	defaultNames = 10000
	staleRetry   = time.Second // an old answer is used that long before the directory is asked again
)

// A Cache is a Resolver that remembers the answers of another one. Those who ask for the same name at the same
// time share one lookup, which ends with the last of them. While the directory cannot be asked, old answers
// are used. Its methods may be called concurrently.
type Cache struct {
	source Resolver
	cfg    CacheConfig

	mu      sync.Mutex // guards what follows
	answers map[string]answer
	lookups map[string]*lookup
}

// An answer is what the directory said of a name.
type answer struct {
	entry Entry
	err   error     // that there is no such name
	until time.Time // it is used without asking
	stale time.Time // it is used if asking fails
}

// A lookup is under way for some who wait for it.
type lookup struct {
	done    chan struct{} // closed when entry and err are set
	entry   Entry
	err     error
	waiting int // guarded by Cache.mu
	cancel  context.CancelFunc
}

// NewCache returns an empty cache of what source answers.
func NewCache(source Resolver, cfg CacheConfig) *Cache {
	if cfg.TTL <= 0 {
		cfg.TTL = DefaultTTL
	}
	if cfg.Stale == 0 {
		cfg.Stale = DefaultStale
	}
	if cfg.Names <= 0 {
		cfg.Names = defaultNames
	}
	return &Cache{source: source, cfg: cfg, answers: map[string]answer{}, lookups: map[string]*lookup{}}
}

// Resolve returns the entry with this name, from memory if the answer is young enough.
func (c *Cache) Resolve(ctx context.Context, name string) (Entry, error) {
	c.mu.Lock()
	if a, known := c.answers[name]; known && time.Now().Before(a.until) {
		c.mu.Unlock()
		return a.entry, a.err
	}
	l := c.lookups[name]
	if l == nil {
		l = c.begin(ctx, name)
	}
	l.waiting++
	c.mu.Unlock()
	select {
	case <-l.done:
		return l.entry, l.err
	case <-ctx.Done():
		c.leave(name, l)
		return Entry{}, transport.AsError(ctx.Err())
	}
}

// begin starts a lookup that lives as long as somebody waits for it, under mu.
func (c *Cache) begin(ctx context.Context, name string) *lookup {
	l := &lookup{done: make(chan struct{})}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.lookups[name] = l
	go func() {
		defer l.cancel()
		entry, err := c.source.Resolve(ctx, name)
		c.finish(name, l, entry, err)
	}()
	return l
}

// leave takes one who waited away.
func (c *Cache) leave(name string, l *lookup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.waiting--; l.waiting > 0 {
		return
	}
	l.cancel()
	if c.lookups[name] == l { // who comes now starts anew
		delete(c.lookups, name)
	}
}

// finish remembers what the directory said, and tells those who wait.
func (c *Cache) finish(name string, l *lookup, entry Entry, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(l.done)
	l.entry, l.err = entry, err
	if c.lookups[name] != l { // forgotten, or nobody waits: it may be out of date
		return
	}
	delete(c.lookups, name)
	now := time.Now()
	switch {
	case err == nil:
		until := now.Add(c.cfg.TTL)
		c.remember(name, answer{entry: entry, until: until, stale: until.Add(max(0, c.cfg.Stale))})
	case errors.Is(err, transport.ErrNotFound):
		delete(c.answers, name)
		if c.cfg.Negative > 0 {
			c.remember(name, answer{err: err, until: now.Add(c.cfg.Negative)})
		}
	case outOfReach(err):
		if old, known := c.answers[name]; known && old.err == nil && now.Before(old.stale) {
			l.entry, l.err = old.entry, nil
			old.until = now.Add(staleRetry)
			c.answers[name] = old
		}
	}
}

// outOfReach tells the errors of a directory that could not be asked from what it says.
func outOfReach(err error) bool {
	return errors.Is(err, transport.ErrUnavailable) || errors.Is(err, transport.ErrTimeout) || errors.Is(err, transport.ErrExhausted)
}

// remember keeps an answer, under mu.
func (c *Cache) remember(name string, a answer) {
	if _, known := c.answers[name]; !known && len(c.answers) >= c.cfg.Names {
		c.makeRoom()
	}
	c.answers[name] = a
}

// makeRoom forgets what is too old to be used, else a quarter of all names, whichever they are.
func (c *Cache) makeRoom() {
	now := time.Now()
	for name, a := range c.answers {
		if now.After(a.until) && now.After(a.stale) {
			delete(c.answers, name)
		}
	}
	for name := range c.answers {
		if len(c.answers) <= c.cfg.Names*3/4 {
			return
		}
		delete(c.answers, name)
	}
}

// Forget drops what is known of a name if that is still e: who found out that nobody answers at e's URI says so,
// and the directory is asked anew. It tells whether there was something to drop.
func (c *Cache) Forget(e Entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, known := c.answers[e.Name]
	if !known || a.err != nil || a.entry.URI.String() != e.URI.String() {
		return false
	}
	if a.until.After(time.Now()) {
		a.until = time.Time{} // but it is still better than nothing
		c.answers[e.Name] = a
	}
	return true
}
