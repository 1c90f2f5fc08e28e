package nameserver

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// sweepTime limits each time that a registrar withdraws what it has left behind.
const sweepTime = time.Second

// Variables for the tests.
var (
	sweepEvery = time.Second      // a registrar looks at most so often whether it has left something behind
	sweepRest  = 10 * time.Second // for so long a name server that does not answer is left alone
)

// traces knows at which name servers a registrar has registered what. When the registrar has gone on to another name server,
// the entries at the one before are still there, and only it can withdraw them.
type traces struct {
	dial pyro.DialConfig

	mu    sync.Mutex        // guards what follows; nothing is asked of a name server under it
	at    map[string]*trace // by the URI of the name server
	swept time.Time
}

// A trace is what may be registered at one name server. traces.mu guards its fields.
type trace struct {
	session *session
	rests   time.Time          // it is not asked until then
	kept    map[string]written // what is to stay there, by name
	left    map[string]written // what is to be withdrawn, by name
}

// written is an entry that a registrar has registered, or tried to.
type written struct {
	discovery.Entry

	until time.Time // it goes by itself then; zero: it stays
}

func newTraces(cfg pyro.DialConfig) *traces { return &traces{dial: cfg, at: map[string]*trace{}} }

// write notes that an entry is registered, or will be, for lasts; 0 is for good. At all name servers, the same entry is to stay
// from now on, and another one of its name is to be withdrawn.
func (t *traces) write(at pyro.URI, e discovery.Entry, lasts time.Duration) {
	w := written{Entry: e}
	if lasts > 0 {
		w.until = time.Now().Add(lasts)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.at {
		if old, left := tr.left[e.Name]; left && sameURI(old.Entry, e) {
			tr.keep(old)
		} else if old, kept := tr.kept[e.Name]; kept && !sameURI(old.Entry, e) {
			tr.leave(e.Name)
		}
	}
	tr := t.at[at.String()]
	if tr == nil {
		l := Locator{Dial: t.dial, Locations: []string{at.String()}}
		tr = &trace{session: newSession(l, roundTime, 0), kept: map[string]written{}, left: map[string]written{}}
		t.at[at.String()] = tr
	}
	tr.keep(w)
}

func (tr *trace) keep(w written) {
	delete(tr.left, w.Name)
	tr.kept[w.Name] = w
}

func (tr *trace) leave(name string) {
	if w, kept := tr.kept[name]; kept {
		delete(tr.kept, name)
		tr.left[name] = w
	}
}

// leave notes that a name is to be withdrawn wherever it was registered.
func (t *traces) leave(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.at {
		tr.leave(name)
	}
}

// gone notes that a name that was to be withdrawn is not at a name server any more.
func (t *traces) gone(at, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.at[at]
	if tr == nil {
		return
	}
	delete(tr.left, name)
	if len(tr.left)+len(tr.kept) == 0 {
		delete(t.at, at)
	}
}

// tidy is sweep, at most once in sweepEvery.
func (t *traces) tidy(ctx context.Context) {
	t.mu.Lock()
	now := time.Now()
	due := now.Sub(t.swept) >= sweepEvery
	if due {
		t.swept = now
	}
	t.mu.Unlock()
	if due {
		t.sweep(ctx, "")
	}
}

// sweep withdraws what is to be withdrawn, at all name servers except one, at the same time, and waits for that.
func (t *traces) sweep(ctx context.Context, except string) {
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for at, tr := range t.at {
		if at == except || now.Before(tr.rests) {
			continue
		}
		maps.DeleteFunc(tr.left, func(_ string, w written) bool { return !w.until.IsZero() && now.After(w.until) })
		if left := slices.Collect(maps.Values(tr.left)); len(left) > 0 {
			running.Go(func() { t.withdraw(ctx, at, tr, left) })
		}
	}
}

// withdraw withdraws entries at one name server, until that does not answer.
func (t *traces) withdraw(ctx context.Context, at string, tr *trace, left []written) {
	for i, w := range left {
		err := tr.session.use(ctx, func(c *Client) error { return unregister(ctx, c, w.Entry) })
		switch {
		case err == nil || ctx.Err() == nil && !discovery.OutOfReach(err): // it is gone, or not ours to withdraw
			t.gone(at, w.Name)
		case i > 0:
			return
		default:
			t.mu.Lock()
			tr.rests = time.Now().Add(sweepRest)
			t.mu.Unlock()
			return
		}
	}
}

func sameURI(a, b discovery.Entry) bool { return a.URI.String() == b.URI.String() }

// unregister removes an entry unless it carries another URI by now.
func unregister(ctx context.Context, c *Client, e discovery.Entry) error {
	known, err := c.Lookup(ctx, e.Name)
	switch {
	case errors.Is(err, transport.ErrNotFound), err == nil && !sameURI(known, e):
		return nil
	case err != nil:
		return err
	}
	_, err = c.Remove(ctx, e.Name)
	return err
}
