package nameserver

import (
	"context"
	"iter"
	"slices"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/internal/fastdict"
	"github.com/pyrokit/pyrokit/transport"
)

func dialect(ctx context.Context) codec.Dialect {
	info := transport.FromContext(ctx)
	if info == nil || info.Peer == nil {
		return 0
	}
	return info.Peer.Dialect
}

// A shaper gives metadata the shape that the caller's dialect has: a list in Pyro4, a set in Pyro5.
type shaper struct {
	lists bool
	tags  []string // whose shape is known: many names have the same
	shape any
}

func newShaper(ctx context.Context) *shaper {
	s := &shaper{lists: dialect(ctx) == codec.Pyro4}
	s.shape = s.make(nil)
	return s
}

func (s *shaper) of(tags []string) any {
	if !slices.Equal(tags, s.tags) {
		s.tags, s.shape = tags, s.make(tags)
	}
	return s.shape
}

func (s *shaper) make(tags []string) any {
	if s.lists {
		return append([]string{}, tags...)
	}
	set := codec.NewSet()
	for _, t := range tags {
		set.Add(t)
	}
	return set
}

// answer returns the records as a dict from names to URIs, or to pairs of URI and metadata.
func answer(ctx context.Context, records iter.Seq2[storage.Record, error], withMetadata bool) (any, error) {
	if withMetadata {
		return answerTagged(ctx, records)
	}
	result := &fastdict.Texts{}
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		result.Add(r.Name, r.URI)
	}
	return result, nil
}

func answerTagged(ctx context.Context, records iter.Seq2[storage.Record, error]) (any, error) {
	shape := newShaper(ctx)
	var failed error
	result := codec.DictOf(func(yield func(string, any) bool) {
		for r, err := range records {
			if err != nil {
				failed = err
				return
			}
			if !yield(r.Name, codec.Tuple{r.URI, shape.of(r.Tags)}) {
				return
			}
		}
	})
	if failed != nil {
		return nil, failed
	}
	return result, nil
}
