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
	"github.com/pyrokit/pyrokit/transport"
)

// A filter chooses records by one thing at most. Empty ones choose all.
type filter struct {
	prefix, regex string
	all, any      []string
}

func (f *filter) attrs() []slog.Attr {
	switch {
	case f.prefix != "":
		return []slog.Attr{slog.String("prefix", f.prefix)}
	case f.regex != "":
		return []slog.Attr{slog.String("regex", f.regex)}
	case len(f.all) > 0:
		return []slog.Attr{slog.Any("metadata_all", f.all)}
	case len(f.any) > 0:
		return []slog.Attr{slog.Any("metadata_any", f.any)}
	}
	return nil
}

// find returns the records that f chooses, in the order of their names.
func (n *NameServer) find(ctx context.Context, f filter) (iter.Seq2[storage.Record, error], error) {
	switch {
	case f.prefix != "":
		return n.inTurn(ctx, n.store.Prefix(ctx, f.prefix)), nil
	case f.regex != "":
		return n.matching(ctx, f.regex)
	case len(f.all) > 0:
		return n.inTurn(ctx, n.store.TaggedAll(ctx, f.all)), nil
	case len(f.any) > 0:
		return n.inTurn(ctx, n.store.TaggedAny(ctx, f.any)), nil
	default:
		return n.inTurn(ctx, n.store.Prefix(ctx, "")), nil
	}
}

// inTurn yields records, the first ones at once. For more it takes room for the answer before it waits for its turn.
func (n *NameServer) inTurn(ctx context.Context, records iter.Seq2[storage.Record, error]) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		var t turn
		defer t.giveBack()
		for r, err := range records {
			if err == nil && t.read == many-1 {
				err = n.reserve(ctx, many)
			}
			if err == nil {
				err = t.count(ctx)
			}
			if err != nil {
				yield(storage.Record{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// reserve waits until there is room for as many of all names in one answer as were found among the first ones.
func (n *NameServer) reserve(ctx context.Context, found int) error {
	names, err := n.store.Len(ctx)
	if err != nil {
		return err
	}
	return transport.ReserveAnswer(ctx, int64(names)*int64(found)/many*nameBytes)
}

// nameBytes is how long a name with its URI is mostly.
const nameBytes = 80

// many is how many records are read without a turn.
const many = 20_000

// Limits of queries by regular expression that are not cheap.
const (
	regexTime = 2 * time.Second // for all names together
	regexWait = 5 * time.Second // for a turn
)

// turns are for queries that read many records, or match them with much work: a processor is left for everybody else, if
// there are several. While a hundred clients want all of a million names, lookups would wait behind each of them.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// A turn is what a query has of turns: none at first.
type turn struct {
	read  int // records
	taken bool
}

// count counts a record that was read, and waits for a turn when there were many.
func (t *turn) count(ctx context.Context) error {
	if t.read++; t.read != many {
		return nil
	}
	return t.take(ctx, nil)
}

// take waits for a turn, if the query has none, for as long as neither ctx nor patience ends.
func (t *turn) take(ctx context.Context, patience <-chan time.Time) error {
	if t.taken {
		return nil
	}
	select {
	case turns <- struct{}{}:
		t.taken = true
		return nil
	case <-patience:
		return errRegexTime
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *turn) giveBack() {
	if t.taken {
		<-turns
	}
}

var errRegexTime = namingError("regex took too long")

// matching returns the records whose names an expression matches.
func (n *NameServer) matching(ctx context.Context, expr string) (iter.Seq2[storage.Record, error], error) {
	re, err := pyregex.Compile(expr)
	if err != nil {
		return nil, namingError("invalid regex: " + err.Error())
	}
	return func(yield func(storage.Record, error) bool) {
		m := matcher{re: re}
		defer m.turn.giveBack()
		found := 0
		for r, err := range n.store.Prefix(ctx, re.Prefix()) {
			matches := false
			if err == nil && m.turn.read == many-1 {
				err = n.reserve(ctx, found)
			}
			if err == nil {
				matches, err = m.match(ctx, strings.ToValidUTF8(r.Name, "\ufffd"))
			}
			if err != nil {
				yield(storage.Record{}, err)
				return
			}
			if !matches {
				continue
			}
			found++
			if !yield(r, nil) {
				return
			}
		}
	}, nil
}

// A matcher matches names, once it takes long with a turn.
type matcher struct {
	re       *pyregex.Regexp
	turn     turn
	deadline time.Time // zero as long as the expression is cheap
}

func (m *matcher) match(ctx context.Context, name string) (bool, error) {
	if err := m.turn.count(ctx); err != nil {
		return false, err
	}
	if m.deadline.IsZero() {
		ok, err := m.re.Try(name)
		if !errors.Is(err, pyregex.ErrTimeout) {
			return ok, err
		}
		wait := time.NewTimer(regexWait)
		defer wait.Stop()
		if err := m.turn.take(ctx, wait.C); err != nil {
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
