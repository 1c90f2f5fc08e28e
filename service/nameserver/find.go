package nameserver

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/service/nameserver/internal/pyregex"
)

// A filter chooses records by one thing at most. Empty ones choose all.
type filter struct {
	prefix, regex *string
	all, any      []string
}

func (f *filter) attrs() []slog.Attr {
	switch {
	case isGiven(f.prefix):
		return []slog.Attr{slog.String("prefix", *f.prefix)}
	case isGiven(f.regex):
		return []slog.Attr{slog.String("regex", *f.regex)}
	case len(f.all) > 0:
		return []slog.Attr{slog.Any("metadata_all", f.all)}
	case len(f.any) > 0:
		return []slog.Attr{slog.Any("metadata_any", f.any)}
	}
	return nil
}

func isGiven(s *string) bool { return s != nil && *s != "" }

// find returns the records that f chooses, in the order of their names.
func (n *NameServer) find(ctx context.Context, f filter) (iter.Seq2[storage.Record, error], error) {
	switch {
	case isGiven(f.prefix):
		return inTurn(ctx, n.store.Prefix(ctx, *f.prefix)), nil
	case isGiven(f.regex):
		return n.matching(ctx, *f.regex)
	case len(f.all) > 0:
		return inTurn(ctx, n.store.TaggedAll(ctx, f.all)), nil
	case len(f.any) > 0:
		return inTurn(ctx, n.store.TaggedAny(ctx, f.any)), nil
	default:
		return inTurn(ctx, n.store.Prefix(ctx, "")), nil
	}
}

// many is how many records are read without a turn.
const many = 20_000

// listTurns are for those that read more: as with regexTurns, a processor is left for everybody else.
var listTurns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// inTurn yields the first records at once, the others in turn with those of other queries: while a hundred clients want
// all of a million names, lookups would wait behind each of them.
func inTurn(ctx context.Context, records iter.Seq2[storage.Record, error]) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		n, taken := 0, false
		defer func() {
			if taken {
				<-listTurns
			}
		}()
		for r, err := range records {
			if n++; n == many {
				select {
				case listTurns <- struct{}{}:
					taken = true
				case <-ctx.Done():
					yield(storage.Record{}, ctx.Err())
					return
				}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// Limits of queries by regular expression. What is cheap is answered at once. Of the others, so many run at a time as
// leave a processor for everybody else, if there are several; the rest wait their turn.
const (
	regexTime = 2 * time.Second // for all names together
	regexWait = 5 * time.Second
)

var regexTurns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

var errRegexTime = namingError("regex took too long")

// matching returns the records whose names an expression matches.
func (n *NameServer) matching(ctx context.Context, expr string) (iter.Seq2[storage.Record, error], error) {
	re, err := pyregex.Compile(expr)
	if err != nil {
		return nil, namingError("invalid regex: " + err.Error())
	}
	return func(yield func(storage.Record, error) bool) {
		m := matcher{re: re}
		defer m.done()
		for r, err := range n.store.Prefix(ctx, re.Prefix()) {
			matches := false
			if err == nil {
				matches, err = m.match(ctx, strings.ToValidUTF8(r.Name, "\ufffd"))
			}
			if err != nil {
				yield(storage.Record{}, err)
				return
			}
			if matches && !yield(r, nil) {
				return
			}
		}
	}, nil
}

// A matcher matches names, once it takes long with a turn.
type matcher struct {
	re       *pyregex.Regexp
	deadline time.Time // zero without a turn
}

func (m *matcher) match(ctx context.Context, name string) (bool, error) {
	if m.deadline.IsZero() {
		ok, err := m.re.Try(name)
		if !errors.Is(err, pyregex.ErrTimeout) {
			return ok, err
		}
		if err := takeTurn(ctx); err != nil {
			return false, err
		}
		m.deadline = time.Now().Add(regexTime)
	}
	ok, err := m.re.Match(name, m.deadline)
	if errors.Is(err, pyregex.ErrTimeout) {
		err = errRegexTime
	}
	return ok, err
}

func (m *matcher) done() {
	if !m.deadline.IsZero() {
		<-regexTurns
	}
}

func takeTurn(ctx context.Context) error {
	select {
	case regexTurns <- struct{}{}:
		return nil
	default:
	}
	wait := time.NewTimer(regexWait)
	defer wait.Stop()
	select {
	case regexTurns <- struct{}{}:
		return nil
	case <-wait.C:
		return errRegexTime
	case <-ctx.Done():
		return ctx.Err()
	}
}
