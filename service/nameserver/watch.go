package nameserver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

const (
	maxWatchers   = 10_000
	minWatchAlive = 100 * time.Millisecond
	maxWatchAlive = 24 * time.Hour
	maxPortion    = 1000     // changes
	portionBytes  = 64 << 10 // of their texts, the last change aside
	restOfEach    = 100 * time.Microsecond
)

// watch returns what is registered under names that begin with prefix, then what changes, until the caller closes it
// or the name server ends: ("put", name, uri, [tags]), ("remove", name), ("synced",) once after what was there, and, if
// an interval in seconds is given, ("alive",) whenever nothing has happened for so long. Of a name that changed several
// times while the caller was busy, only the last change is told. Who was busy for too many of them gets a NamingError and
// has to watch again. With most given, each item is a list of as many of these as are ready, so many at most.
func (n *NameServer) watch(ctx context.Context, prefix, interval, most any) (changes iter.Seq2[any, error], err error) {
	defer n.numbers.watch.done(clock(), &err)
	start, ok := stringOf(prefix)
	if !ok && prefix != nil {
		return nil, typeError("prefix must be a str, not " + typeName(prefix))
	}
	alive, err := aliveEvery(interval)
	if err != nil {
		return nil, err
	}
	many, err := atATime(most)
	if err != nil {
		return nil, err
	}
	if n.watchers.Load() >= maxWatchers {
		return nil, namingError("too many watchers")
	}
	return func(yield func(any, error) bool) {
		n.tell(ctx, start, alive, max(many, 1), func(changes []any, err error) bool {
			switch {
			case err != nil:
				return yield(nil, err)
			case many > 0:
				return yield(changes, nil)
			default:
				return yield(changes[0], nil)
			}
		})
	}, nil
}

// atATime reads how many changes an item of a watch may have; 0 is one, and no list.
func atATime(most any) (int, error) {
	if most == nil {
		return 0, nil
	}
	n, err := numberOf("most", most)
	if err != nil {
		return 0, err
	}
	if !(n >= 1) { // NaN is not
		return 0, transport.NewError("ValueError", fmt.Sprintf("the items of a watch cannot have %v changes", n))
	}
	return int(min(n, maxPortion)), nil
}

// aliveEvery reads the interval of a watch; none is 0.
func aliveEvery(interval any) (time.Duration, error) {
	if interval == nil {
		return 0, nil
	}
	s, err := numberOf("interval", interval)
	if err != nil {
		return 0, err
	}
	if !(s >= minWatchAlive.Seconds() && s <= maxWatchAlive.Seconds()) { // NaN is neither
		return 0, transport.NewError("ValueError", fmt.Sprintf("the interval of a watch cannot be %v seconds", s))
	}
	return time.Duration(s * float64(time.Second)), nil
}

// tell yields what a watcher is told, most changes at a time, until one of these ends: ctx, the name server, or the server that
// serves it. After an error nothing is told.
func (n *NameServer) tell(
	ctx context.Context, prefix string, alive time.Duration, most int, yield func(changes []any, err error) bool,
) {
	n.watchers.Add(1)
	defer n.watchers.Add(-1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.closing, cancel)() //nolint:contextcheck // it ends with the name server, too
	var stopping <-chan struct{}
	if srv := service.ServerFrom(ctx); srv != nil {
		stopping = srv.Stopping()
	}
	portions := n.changes(ctx, prefix, most)
	quiet := time.NewTimer(alive)
	defer quiet.Stop()
	for {
		if alive > 0 {
			quiet.Reset(alive)
		} else {
			quiet.Stop()
		}
		var told []any
		var err error
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			return
		case <-quiet.C:
			told = []any{codec.Tuple{"alive"}}
		case p, ok := <-portions:
			if !ok {
				return
			}
			told, err = p.changes, n.watchFailed(ctx, p.err)
		}
		if ctx.Err() != nil || !yield(told, err) || err != nil {
			return
		}
	}
}

// A portion is changes that are told together.
type portion struct {
	changes []any
	bytes   int // of their texts
	err     error
}

// changes returns portions of most changes of a storage, or of as many as are ready, on a channel that is closed after the
// last one, when ctx ends at the latest.
func (n *NameServer) changes(ctx context.Context, prefix string, most int) <-chan portion {
	portions := make(chan portion)
	go func() {
		defer close(portions)
		var p portion
		for c, err := range n.store.Watch(ctx, prefix) {
			if p.err = err; err == nil {
				p.add(c)
				if c.More && len(p.changes) < most && p.bytes < portionBytes {
					continue
				}
			}
			select {
			case portions <- p:
			case <-ctx.Done():
				return
			}
			p = portion{}
			if !c.More {
				pause(ctx, n.watchRest())
			}
		}
	}()
	return portions
}

// watchRest is for how long changes are gathered after a watcher was told all there was: all watchers together take no more
// of the machine then than a few do, however fast names change. The first change after that is told at once.
func (n *NameServer) watchRest() time.Duration { return time.Duration(n.watchers.Load()) * restOfEach }

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// watchFailed says how a watch has failed, and logs it where that is the storage's fault.
func (n *NameServer) watchFailed(ctx context.Context, err error) error {
	if errors.Is(err, storage.ErrBehind) {
		return namingError("too many changes were not asked for in time: watch again")
	}
	return n.failed(ctx, err, "")
}

func (p *portion) add(c storage.Change) {
	p.changes = append(p.changes, change(c))
	p.bytes += len(c.Record.Name) + len(c.Record.URI)
	for _, tag := range c.Record.Tags {
		p.bytes += len(tag)
	}
}

func change(c storage.Change) codec.Tuple {
	switch c.Kind {
	case storage.Put:
		return codec.Tuple{"put", c.Record.Name, c.Record.URI, append([]string{}, c.Record.Tags...)}
	case storage.Removed:
		return codec.Tuple{"remove", c.Record.Name}
	default:
		return codec.Tuple{"synced"}
	}
}
