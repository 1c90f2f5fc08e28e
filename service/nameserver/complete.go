package nameserver

import (
	"context"
	"errors"
	"log/slog"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/internal/completion"
	"github.com/pyrokit/pyrokit/transport"
)

// complete returns what a shell offers of the names that begin with prefix, at most 200 texts as a rule, and whether they are
// whole names: of many, these are their parts up to the next dot, or as much of their beginnings as makes them few.
func (n *NameServer) complete(ctx context.Context, prefix any) (result codec.Tuple, err error) {
	defer n.numbers.complete.done(clock(), &err)
	var f filter
	if f.prefix, err = prefixOf(prefix); err != nil {
		return nil, err
	}
	n.logged(ctx, slog.LevelDebug, "complete", f.attrs()...)
	between, err := n.between(ctx, f)
	if err != nil {
		return nil, n.failed(ctx, err, "")
	}
	offered, whole, err := completion.Of(between, f.prefix)
	if err != nil {
		return nil, n.failed(ctx, err, "")
	}
	return codec.Tuple{append([]string{}, offered...), whole}, nil
}

// between returns what finds the names that f chooses, all of which it has to read where the storage cannot seek.
func (n *NameServer) between(ctx context.Context, f filter) (completion.Between, error) {
	if s, can := n.store.(storage.Seeker); can {
		return func(from, to string) (first, last string, err error) {
			first, last, err = s.Between(ctx, from, to)
			if errors.Is(err, storage.ErrNotFound) {
				err = completion.ErrNone
			}
			return first, last, err
		}, nil
	}
	if info := transport.FromContext(ctx); info != nil {
		info.Room = nil // the answer is short, however many names are read for it
	}
	records, err := n.find(ctx, f)
	if err != nil {
		return nil, err
	}
	var names []string
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		names = append(names, r.Name)
	}
	return completion.Among(names), nil
}
