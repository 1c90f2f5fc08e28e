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
)

// watch returns what is registered under names that begin with prefix, then what changes, until the caller closes it
// or the name server ends: ("put", name, uri, [tags]), ("remove", name), ("synced",) once after what was there, and, if
// an interval in seconds is given, ("alive",) whenever nothing has happened for so long. Of a name that changed several
// times while the caller was busy, only the last change is told. Who was busy for too many of them gets a NamingError and
// has to watch again.
func (n *NameServer) watch(ctx context.Context, prefix, interval any) (changes iter.Seq2[codec.Tuple, error], err error) {
	defer n.numbers.watch.done(time.Now(), &err)
	start, ok := prefix.(string)
	if !ok && prefix != nil {
		return nil, typeError("prefix must be a str, not " + typeName(prefix))
	}
	alive, err := aliveEvery(interval)
	if err != nil {
		return nil, err
	}
	if n.watchers.Load() >= maxWatchers {
		return nil, namingError("too many watchers")
	}
	return func(yield func(codec.Tuple, error) bool) { n.tell(ctx, start, alive, yield) }, nil
}

// aliveEvery reads the interval of a watch; none is 0.
func aliveEvery(interval any) (time.Duration, error) {
	if interval == nil {
		return 0, nil
	}
	s, err := secondsOf("interval", interval)
	if err != nil {
		return 0, err
	}
	if !(s >= minWatchAlive.Seconds() && s <= maxWatchAlive.Seconds()) { // NaN is neither
		return 0, transport.NewError("ValueError", fmt.Sprintf("the interval of a watch cannot be %v seconds", s))
	}
	return time.Duration(s * float64(time.Second)), nil
}

// tell yields what a watcher is told until ctx, the name server or the server ends that serves it.
func (n *NameServer) tell(ctx context.Context, prefix string, alive time.Duration, yield func(codec.Tuple, error) bool) {
	n.watchers.Add(1)
	defer n.watchers.Add(-1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.closing, cancel)() //nolint:contextcheck // it ends with the name server, too
	var stopping <-chan struct{}
	if srv := service.ServerFrom(ctx); srv != nil {
		stopping = srv.Stopping()
	}
	changes := n.changes(ctx, prefix)
	var quiet <-chan time.Time
	for {
		if alive > 0 {
			quiet = time.After(alive)
		}
		var told codec.Tuple
		var err error
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			return
		case <-quiet:
			told = codec.Tuple{"alive"}
		case c, ok := <-changes:
			if !ok {
				return
			}
			told, err = change(c), n.watchFailed(ctx, c.err)
		}
		if ctx.Err() != nil || !yield(told, err) || err != nil {
			return
		}
	}
}

type storageChange struct {
	storage.Change

	err error
}

// changes returns the changes of a storage on a channel that is closed after the last one, when ctx ends at the latest.
func (n *NameServer) changes(ctx context.Context, prefix string) <-chan storageChange {
	changes := make(chan storageChange)
	go func() {
		defer close(changes)
		for c, err := range n.store.Watch(ctx, prefix) {
			select {
			case changes <- storageChange{c, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return changes
}

// watchFailed says how a watch has failed, and logs it where that is the storage's fault.
func (n *NameServer) watchFailed(ctx context.Context, err error) error {
	if errors.Is(err, storage.ErrBehind) {
		return namingError("too many changes were not asked for in time: watch again")
	}
	return n.failed(ctx, err, "")
}

func change(c storageChange) codec.Tuple {
	switch c.Kind {
	case storage.Put:
		return codec.Tuple{"put", c.Record.Name, c.Record.URI, append([]string{}, c.Record.Tags...)}
	case storage.Removed:
		return codec.Tuple{"remove", c.Record.Name}
	default:
		return codec.Tuple{"synced"}
	}
}
