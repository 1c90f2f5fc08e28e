package nameserver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const (
	watchRetry    = time.Second      // after a failure
	watchAlive    = 5 * time.Second  // a name server that has nothing to tell says so that often
	watchPatience = 20 * time.Second // one that says nothing for so long is gone
	closeTimeout  = time.Second      // for the message that ends a watch
	// watchRest is for how long changes are gathered after entries were told of, for each of these: who watches 100,000 of
	// them while many change would have no time for anything else.
	watchRest = 5 * time.Microsecond
)

// watchGrace is for how long entries are still told of that a name server does not know when it is back: if it has lost
// them, those who keep them registered have them back by then. A variable for the tests.
var watchGrace = discovery.DefaultLease

// pollPatience is for how long a name server that cannot tell of changes is waited for, which may have very many names. A
// variable for the tests.
var pollPatience = time.Minute

// Watch tells of the entries that q chooses, for discovery.Watcher. A name server of pyrokit tells of changes
// at once, over a connection of its own; Python's are asked every PollInterval. Names that a name server has lost when it
// is back after a restart are told to be gone 10 s later, unless their owners have registered them again.
func (c *Client) Watch(ctx context.Context, q discovery.Query) iter.Seq2[[]discovery.Entry, error] {
	use := func(_ context.Context, fn func(*Client) error) error { return fn(c) }
	return watch(ctx, q, use, c.PollInterval)
}

// watch is Watch at whatever name server use finds.
func watch(
	ctx context.Context, q discovery.Query, use func(context.Context, func(*Client) error) error, poll time.Duration,
) iter.Seq2[[]discovery.Entry, error] {
	if poll <= 0 {
		poll = discovery.DefaultPoll
	}
	return func(yield func([]discovery.Entry, error) bool) {
		var changes discovery.Changes
		var last []discovery.Entry
		var lost loss
		wanted := true // false when the loop has ended
		each := func(entries []discovery.Entry) bool {
			last = entries
			wanted = wanted && changes.Yield(entries, nil, yield)
			return wanted
		}
		for wanted && ctx.Err() == nil {
			var (
				tells   *Client // the name server, if it tells by itself
				entries []discovery.Entry
			)
			err := use(ctx, func(c *Client) (err error) {
				if tells = nil; c.has(ctx, "watch") {
					tells = c
					return nil
				}
				ctx, cancel := context.WithTimeout(ctx, pollPatience)
				defer cancel()
				entries, err = c.Find(ctx, q)
				return err
			})
			pause := poll
			switch {
			case tells != nil:
				pause, err = watchRetry, tells.listen(ctx, q, last, each)
				if lacksMethod(err) { // it was what the connection said before another name server took the place
					err = use(ctx, func(c *Client) error { return c.Ping(ctx) }) // on a new one
				}
			case err == nil:
				each(lost.judge(entries, last))
			}
			if err != nil && ctx.Err() == nil && wanted {
				pause = min(watchRetry, poll)
				wanted = changes.Yield(nil, err, yield)
			}
			if wanted {
				sleep(ctx, pause)
			}
		}
	}
}

// A loss is that a name server has nothing any more of what it had. Python's do not tell that they were restarted.
type loss struct {
	since time.Time
}

// judge returns the entries that are to be told: what was told last, until the grace is over.
func (l *loss) judge(entries, last []discovery.Entry) []discovery.Entry {
	switch {
	case len(entries) > 0 || len(last) == 0:
		l.since = time.Time{}
	case l.since.IsZero():
		l.since = time.Now()
		return last
	case time.Since(l.since) < watchGrace:
		return last
	}
	return entries
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// has tells whether the name server has a method; where it does not say, no.
func (c *Client) has(ctx context.Context, method string) bool {
	welcome, _, _, err := c.client.Connect(ctx)
	return err == nil && welcome.Metadata != nil && slices.Contains(welcome.Metadata.Methods, method)
}

// listen yields the entries that q chooses, after each change, until that fails, ctx ends or each is false. Those that were
// there before stay for a grace.
func (c *Client) listen(
	ctx context.Context, q discovery.Query, before []discovery.Entry, each func([]discovery.Entry) bool,
) error {
	l := newListener(q, before)
	var over <-chan time.Time // ends the grace
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		err := l.read(ctx, c)
		ended <- err
	}()
	changed, rest := l.changed, (<-chan time.Time)(nil)
	for {
		select {
		case <-changed:
			if over == nil {
				over = time.After(watchGrace)
			}
		case <-over:
			l.forget()
		case <-rest:
			changed = l.changed
			continue
		case err := <-ended:
			cancel()
			return err
		}
		entries := l.snapshot()
		if !each(entries) {
			cancel()
			return <-ended
		}
		changed, rest = nil, time.After(time.Duration(len(entries))*watchRest)
	}
}

// A listener keeps up with what a name server tells.
type listener struct {
	query   discovery.Query
	changed chan struct{}     // has room for one: entries are not what was yielded last
	all     []discovery.Entry // as of the last snapshot, in the order of the names; never changed

	mu     sync.Mutex // guards what follows
	news   map[string]*discovery.Entry
	untold map[string]struct{} // names of the connection before this one, of which nothing was told
}

func newListener(q discovery.Query, before []discovery.Entry) *listener {
	l := &listener{
		query: q, changed: make(chan struct{}, 1), all: before,
		news: map[string]*discovery.Entry{}, untold: map[string]struct{}{},
	}
	for _, e := range before {
		l.untold[e.Name] = struct{}{}
	}
	return l
}

// forget drops what the name server does not know.
func (l *listener) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.untold {
		l.news[name] = nil
	}
	clear(l.untold)
}

// snapshot returns what is there now. There may be very many entries, of which few are news, and a name server that tells
// more meanwhile.
func (l *listener) snapshot() []discovery.Entry {
	l.mu.Lock()
	news := l.news
	l.news = map[string]*discovery.Entry{}
	l.mu.Unlock()
	if len(news) > 0 {
		l.all = merged(l.all, news)
	}
	return l.all
}

// merged returns entries with news in the place of those of the same names; nil is that there is none any more.
func merged(entries []discovery.Entry, news map[string]*discovery.Entry) []discovery.Entry {
	all := make([]discovery.Entry, 0, len(entries)+len(news))
	for _, name := range slices.Sorted(maps.Keys(news)) {
		at, known := slices.BinarySearchFunc(entries, name, func(e discovery.Entry, name string) int {
			return strings.Compare(e.Name, name)
		})
		all = append(all, entries[:at]...)
		if e := news[name]; e != nil {
			all = append(all, *e)
		}
		if known {
			at++
		}
		entries = entries[at:]
	}
	return append(all, entries...)
}

// read takes what the name server tells, until that fails or ctx ends.
func (l *listener) read(ctx context.Context, c *Client) error {
	own := pyro.NewClient(func(context.Context) (pyro.URI, error) { return c.uri, nil }, c.cfg, false)
	defer func() { _ = own.Close() }()
	call := &transport.Call{Object: ObjectName, Method: "watch"}
	prefix := l.query.Prefix
	if l.query.Name != "" {
		prefix = l.query.Name
	}
	call.Args.Keywords = codec.Kwargs{"prefix": prefix, "interval": watchAlive.Seconds()}
	begin, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	reply, err := own.Call(begin, call)
	if err != nil {
		return err
	}
	id := reply.StreamID
	reply.Release()
	if id == "" {
		return errors.New("answer of the name server to watch: want an iterator")
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = own.CloseStream(ctx, id)
	}()
	for synced := false; ; {
		v, err := next(ctx, own, id)
		if err != nil {
			return err
		}
		done, err := l.take(v)
		if err != nil {
			return fmt.Errorf("answer of the name server to watch: %w", err)
		}
		if synced = synced || done; !synced {
			continue
		}
		select {
		case l.changed <- struct{}{}:
		default:
		}
	}
}

// next returns what comes next from a remote iterator.
func next(ctx context.Context, c *pyro.Client, id string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	item, err := c.Call(ctx, &transport.Call{
		Kind: transport.StreamItem, Object: ObjectName, Method: "watch", StreamID: id,
		Ahead: true, // many thousand names come at first
	})
	if err != nil {
		return nil, err
	}
	defer item.Release()
	if item.Done {
		return nil, transport.Errorf(transport.CodeUnavailable, "the name server has ended the watch")
	}
	return item.Value.Any()
}

// take notes what was told, and whether that was the end of what was there at first.
func (l *listener) take(v any) (synced bool, err error) {
	told := elements(v)
	text := func(i int) string {
		if i >= len(told) {
			return ""
		}
		s, _ := told[i].(string)
		return s
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch kind, name := text(0), text(1); {
	case kind == "put" && len(told) == 4:
		e, err := asEntry(name, codec.Tuple(told[2:]))
		if err != nil && !isUnreadable(err) {
			return false, err
		}
		delete(l.untold, name)
		l.news[name] = nil
		if err == nil && l.query.Matches(e) {
			l.news[name] = &e
		}
	case kind == "remove":
		delete(l.untold, name)
		l.news[name] = nil
	case kind == "synced":
		return true, nil
	case kind == "alive":
	default:
		return false, fmt.Errorf("%v is nothing that is known", v)
	}
	return false, nil
}
