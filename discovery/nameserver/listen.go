package nameserver

import (
	"context"
	"errors"
	"fmt"
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
	watchAlive    = 5 * time.Second  // a name server that has nothing to tell says so that often
	watchPatience = 20 * time.Second // one that says nothing for so long is gone
	closeTimeout  = time.Second      // for the message that ends a watch
	watchMost     = 1000             // changes that a name server may tell at a time
	// watchRest is for how long changes are gathered after entries were told of, for each of these and each that was news:
	// otherwise who watches 100,000 entries, many of which change, would have no time for anything else.
	watchRest = 5 * time.Microsecond
)

// listen calls tell with the entries that q chooses, after each change, until that fails, ctx ends or tell is false. Entries of
// before that the name server does not know are told of for watchGrace.
func (c *Client) listen(
	ctx context.Context, q discovery.Query, before []discovery.Entry, tell func([]discovery.Entry) bool,
) error {
	l := newListener(q, before)
	var over <-chan time.Time // ends the grace
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- l.read(ctx, c) }()
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
		entries, news := l.snapshot()
		if !tell(entries) {
			cancel()
			return <-ended
		}
		changed, rest = nil, time.After(time.Duration(len(entries)+news)*watchRest)
	}
}

// A listener gathers what a name server tells: read, in a goroutine of its own, notes it, and snapshot takes it.
type listener struct {
	query   discovery.Query
	changed chan struct{}     // has room for one: entries are not what was yielded last
	all     []discovery.Entry // as of the last snapshot, in the order of the names; never changed

	mu     sync.Mutex // guards what follows
	news   map[string]*discovery.Entry
	untold map[string]struct{} // names from before this connection, of which it has told nothing
	first  []discovery.Entry   // told before the end of what was there, as long as they come in the order of the names
	synced bool                // all that was there has been told
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

// snapshot returns the entries that are there now, and how many have changed, or gone, since the last snapshot. It merges
// outside of the lock: there may be very many entries, and the name server tells more meanwhile.
func (l *listener) snapshot() (entries []discovery.Entry, changed int) {
	l.mu.Lock()
	news, first := l.news, l.first
	l.news, l.first = map[string]*discovery.Entry{}, nil
	l.mu.Unlock()
	if len(first) > 0 {
		l.all = joined(l.all, first)
	}
	if len(news) > 0 {
		l.all = merged(l.all, news)
	}
	return l.all, len(first) + len(news)
}

// joined returns entries with later ones in the place of those of the same names, all in the order of their names.
func joined(entries, later []discovery.Entry) []discovery.Entry {
	if len(entries) == 0 {
		return later
	}
	all := make([]discovery.Entry, 0, max(len(entries), len(later)))
	for _, e := range later {
		for len(entries) > 0 && entries[0].Name < e.Name {
			all, entries = append(all, entries[0]), entries[1:]
		}
		if len(entries) > 0 && entries[0].Name == e.Name {
			entries = entries[1:]
		}
		all = append(all, e)
	}
	return append(all, entries...)
}

// merged returns entries, which are in the order of their names, with news in the place of those of the same names; nil takes
// an entry away.
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
	call.Args.Keywords = codec.Kwargs{"prefix": prefix, "interval": watchAlive.Seconds(), "most": watchMost}
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
		done, err := l.takeAll(v)
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

// takeAll notes what was told, and whether the end of what was there at first is in it.
func (l *listener) takeAll(v any) (synced bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, told := range elements(v) {
		done, err := l.take(told)
		if err != nil {
			return false, err
		}
		synced = synced || done
	}
	return synced, nil
}

// take notes one thing that was told, under mu.
func (l *listener) take(v any) (synced bool, err error) {
	told := elements(v)
	text := func(i int) string {
		if i >= len(told) {
			return ""
		}
		s, _ := told[i].(string)
		return s
	}
	switch kind, name := text(0), text(1); {
	case kind == "put" && len(told) == 4:
		e, err := asEntry(name, codec.Tuple(told[2:]))
		if err != nil && !isUnreadable(err) {
			return false, err
		}
		l.put(e, err == nil && l.query.Matches(e))
	case kind == "remove":
		delete(l.untold, name)
		l.news[name] = nil
	case kind == "synced":
		l.synced = true
		return true, nil
	case kind == "alive":
	default:
		return false, fmt.Errorf("%v is nothing that is known", v)
	}
	return false, nil
}

// put notes an entry, or, unless it counts, that it is none, under mu. What was there at first, of which there may be very
// much, comes in the order of the names, and needs neither a map nor sorting.
func (l *listener) put(e discovery.Entry, counts bool) {
	_, before := l.untold[e.Name]
	delete(l.untold, e.Name)
	inOrder := !l.synced && (len(l.first) == 0 || l.first[len(l.first)-1].Name < e.Name)
	switch {
	case inOrder && counts:
		l.first = append(l.first, e)
		delete(l.news, e.Name)
	case counts:
		l.news[e.Name] = &e
	case before || !inOrder:
		l.news[e.Name] = nil
	}
}
