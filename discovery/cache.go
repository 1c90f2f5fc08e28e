package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A CacheConfig says how long answers are believed.
type CacheConfig struct {
	// TTL is how long an answer is used before the directory is asked again; 0 means 10 s.
	TTL time.Duration
	// Stale is how much longer an answer is used while the directory cannot be asked, or says nothing for a second; 0
	// means 5 minutes, less than 0 not at all.
	Stale time.Duration
	// Negative is how long it is believed that a name is unknown; 0 means not at all.
	Negative time.Duration
	// Answers is how many are remembered; 0 means 10000. One more, and some are forgotten.
	Answers int
}

// Defaults of a CacheConfig.
const (
	DefaultTTL   = 10 * time.Second
	DefaultStale = 5 * time.Minute

	defaultAnswers = 10000
	staleRetry     = time.Second      // for so long an old answer is used before the directory is asked again
	patience       = time.Second      // for so long those wait for the directory for whom there is an old answer
	lookupTime     = 10 * time.Second // for so long a lookup goes on that all have left with an old answer
)

// A Cache is a Resolver, and a Finder, that remembers the answers of another one. Those who ask for the same at
// the same time share one lookup, which ends with the last of them. While the directory cannot be asked, or says nothing
// for a second, old answers are used; the lookup then goes on for 10 s at most, unless Close ends it. Its methods may be
// called concurrently.
type Cache struct {
	source  Resolver
	cfg     CacheConfig
	life    context.Context //nolint:containedctx // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup // lookups

	mu      sync.Mutex // guards what follows
	answers map[string]answer
	lookups map[string]*lookup
}

// An answer is what the directory said.
type answer struct {
	entries []Entry
	err     error     // that there is no such name
	until   time.Time // it is used without asking
	stale   time.Time // it is used if asking fails
}

// A lookup is under way for some who wait for it.
type lookup struct {
	begun   time.Time
	done    chan struct{} // closed when entries and err are set
	entries []Entry
	err     error
	cancel  context.CancelFunc

	waiting int  // how many wait for it; guarded by Cache.mu, as is kept
	kept    bool // somebody has left it with an old answer: it counts in waiting until lookupTime is over
}

// NewCache returns an empty cache of what source answers. Its Find asks source, too, which has to be a Finder
// for that.
func NewCache(source Resolver, cfg CacheConfig) *Cache {
	if cfg.TTL <= 0 {
		cfg.TTL = DefaultTTL
	}
	if cfg.Stale == 0 {
		cfg.Stale = DefaultStale
	}
	if cfg.Answers <= 0 {
		cfg.Answers = defaultAnswers
	}
	c := &Cache{source: source, cfg: cfg, answers: map[string]answer{}, lookups: map[string]*lookup{}}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// Close ends the lookups that are under way, and waits for them. What is asked later is an error, unless a young answer is
// remembered. A cache that nobody asks any more, and is not closed, keeps a lookup for 10 s at most, and nothing after it.
func (c *Cache) Close() {
	c.mu.Lock() // nothing begins after that
	c.end()
	c.mu.Unlock()
	c.running.Wait()
}

func errCacheClosed() error {
	return transport.Errorf(transport.CodeFailedPrecondition, "the cache of the directory is closed")
}

// Resolve returns the entry with this name, from memory if the answer is young enough.
func (c *Cache) Resolve(ctx context.Context, name string) (Entry, error) {
	entries, err := c.ask(ctx, "name\x00"+name, func(ctx context.Context) ([]Entry, error) {
		e, err := c.source.Resolve(ctx, name)
		return []Entry{e}, err
	})
	if err != nil {
		return Entry{}, err
	}
	return entries[0], nil
}

// Find returns the entries that q chooses, from memory if the answer is young enough.
func (c *Cache) Find(ctx context.Context, q Query) ([]Entry, error) {
	finder, ok := c.source.(Finder)
	if !ok {
		return nil, transport.Errorf(transport.CodeUnimplemented, "the cached directory finds nothing by a query")
	}
	key := fmt.Sprintf("query %q %q %q %q", q.Name, q.Prefix, q.All, q.Any) // names and tags may hold anything
	entries, err := c.ask(ctx, key, func(ctx context.Context) ([]Entry, error) { return finder.Find(ctx, q) })
	return slices.Clone(entries), err
}

type askFunc func(context.Context) ([]Entry, error)

// ask returns what is remembered under key, else what do returns.
func (c *Cache) ask(ctx context.Context, key string, do askFunc) ([]Entry, error) {
	c.mu.Lock()
	old, known := c.answers[key]
	if known && time.Now().Before(old.until) {
		c.mu.Unlock()
		return old.entries, old.err
	}
	if c.life.Err() != nil {
		c.mu.Unlock()
		return nil, errCacheClosed()
	}
	l := c.lookups[key]
	if l == nil {
		l = c.begin(ctx, key, do)
	}
	l.waiting++
	c.mu.Unlock()
	var enough <-chan time.Time
	if known && time.Now().Before(old.stale) {
		timer := time.NewTimer(time.Until(l.begun.Add(patience)))
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-l.done:
		return l.entries, l.err
	case <-enough:
		c.settle(key, l)
		return old.entries, nil
	case <-ctx.Done():
		c.leave(key, l)
		return nil, transport.AsError(ctx.Err())
	}
}

// begin starts a lookup that lives as long as somebody waits for it, under mu.
func (c *Cache) begin(ctx context.Context, key string, do askFunc) *lookup {
	l := &lookup{begun: time.Now(), done: make(chan struct{})}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.lookups[key] = l
	c.running.Go(func() {
		defer l.cancel()
		defer context.AfterFunc(c.life, l.cancel)() //nolint:contextcheck // what Close ends
		entries, err := do(ctx)
		if err != nil && c.life.Err() != nil {
			err = errCacheClosed()
		}
		c.finish(key, l, entries, err)
	})
	return l
}

// settle is for one who waited and takes the old answer. The lookup goes on for lookupTime, so that the answer of a slow
// directory is not lost.
func (c *Cache) settle(key string, l *lookup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := time.Now().Add(staleRetry)
	if a, known := c.answers[key]; known && a.until.Before(until) {
		a.until = until
		c.answers[key] = a
	}
	if l.kept {
		l.waiting--
		return
	}
	l.kept = true
	time.AfterFunc(lookupTime, func() { c.leave(key, l) })
}

// leave is for one who waits no more. The last one ends the lookup.
func (c *Cache) leave(key string, l *lookup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.waiting--; l.waiting > 0 {
		return
	}
	l.cancel()
	if c.lookups[key] == l { // who comes now starts anew
		delete(c.lookups, key)
	}
}

// finish remembers what the directory said, and tells those who wait.
func (c *Cache) finish(key string, l *lookup, entries []Entry, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(l.done)
	l.entries, l.err = entries, err
	if c.lookups[key] != l { // nobody waits: what went wrong may be that
		return
	}
	delete(c.lookups, key)
	now := time.Now()
	switch {
	case err == nil:
		until := now.Add(c.cfg.TTL)
		c.remember(key, answer{entries: entries, until: until, stale: until.Add(max(0, c.cfg.Stale))})
	case errors.Is(err, transport.ErrNotFound):
		delete(c.answers, key)
		if c.cfg.Negative > 0 {
			c.remember(key, answer{err: err, until: now.Add(c.cfg.Negative)})
		}
	case OutOfReach(err):
		if old, known := c.answers[key]; known && old.err == nil && now.Before(old.stale) {
			l.entries, l.err = old.entries, nil
			old.until = now.Add(staleRetry)
			c.answers[key] = old
		}
	}
}

// OutOfReach tells the errors of a directory, or an object, that could not be asked at the moment from what it
// said itself.
func OutOfReach(err error) bool {
	return errors.Is(err, transport.ErrUnavailable) || errors.Is(err, transport.ErrTimeout) || errors.Is(err, transport.ErrExhausted)
}

// remember keeps an answer, under mu.
func (c *Cache) remember(key string, a answer) {
	if _, known := c.answers[key]; !known && len(c.answers) >= c.cfg.Answers {
		c.makeRoom()
	}
	c.answers[key] = a
}

// makeRoom forgets what is too old to be used, else a quarter of all answers, whichever they are; under mu.
func (c *Cache) makeRoom() {
	now := time.Now()
	for key, a := range c.answers {
		if now.After(a.until) && now.After(a.stale) {
			delete(c.answers, key)
		}
	}
	for key := range c.answers {
		if len(c.answers) <= c.cfg.Answers*3/4 {
			return
		}
		delete(c.answers, key)
	}
}

// Forget is for callers that found nobody at uri: whatever leads there is asked for anew the next time. It tells whether any
// answer did lead there.
func (c *Cache) Forget(uri pyro.URI) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, led := uri.String(), false
	for key, a := range c.answers {
		if !slices.ContainsFunc(a.entries, func(e Entry) bool { return e.URI.String() == text }) {
			continue
		}
		led = true
		a.until = time.Time{} // it is still better than nothing
		c.answers[key] = a
	}
	return led
}
