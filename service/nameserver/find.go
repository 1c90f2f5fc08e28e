package nameserver

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

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
		return n.inTurn(ctx, n.store.Prefix(ctx, f.prefix), nil), nil
	case f.regex != "":
		return n.matching(ctx, f.regex)
	case len(f.all) > 0:
		return n.inTurn(ctx, n.store.TaggedAll(ctx, f.all), nil), nil
	case len(f.any) > 0:
		return n.inTurn(ctx, n.store.TaggedAny(ctx, f.any), nil), nil
	default:
		return n.inTurn(ctx, n.store.Prefix(ctx, ""), nil), nil
	}
}

// matchFunc tells whether a query chooses a name. It may take the query's turn, if that is much work.
type matchFunc func(ctx context.Context, t *turn, name string) (bool, error)

// inTurn yields those of records whose names match; a nil matches chooses all. Where many records are read, it takes room for
// the answer, and then waits for its turn.
func (n *NameServer) inTurn(
	ctx context.Context, records iter.Seq2[storage.Record, error], matches matchFunc,
) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		var t turn
		defer t.giveBack()
		found := 0
		for r, err := range records {
			if err == nil && t.read == many-1 {
				err = n.reserve(ctx, found)
			}
			if err == nil {
				err = t.count(ctx)
			}
			chosen := true
			if err == nil && matches != nil {
				chosen, err = matches(ctx, &t, r.Name)
			}
			if err != nil {
				yield(storage.Record{}, err)
				return
			}
			if !chosen {
				continue
			}
			found++
			if !yield(r, nil) {
				return
			}
		}
	}
}

// reserve waits until there is room for an answer that has as large a part of all names as was found among the first ones.
func (n *NameServer) reserve(ctx context.Context, found int) error {
	names, err := n.store.Len(ctx)
	if err != nil {
		return err
	}
	return transport.ReserveAnswer(ctx, int64(names)*int64(found)/many*nameBytes)
}

// nameBytes is what a name with its URI takes of an answer, as a rule.
const nameBytes = 80

// many is how many records are read without a turn.
const many = 20_000

// Limits of queries by regular expression that are not cheap.
const (
	regexTime = 2 * time.Second // for all names together
	regexWait = 5 * time.Second // for a turn

	// shortRegex is how long one may be, in bytes, to be read without a turn: that takes some microseconds. A long one
	// takes up to 50 ms.
	shortRegex = 1000
)

// turns is a semaphore for queries that read many records, or match them with much work. It leaves a processor, if there
// are several, for everything else: lookups would wait while a hundred clients get all of a million names.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

// A turn is one query's share of turns.
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

// takeSoon is take with the patience of queries by regular expression.
func (t *turn) takeSoon(ctx context.Context) error {
	wait := time.NewTimer(regexWait)
	defer wait.Stop()
	return t.take(ctx, wait.C)
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
	re, err := understood(ctx, expr)
	if err != nil {
		return nil, err
	}
	return func(yield func(storage.Record, error) bool) {
		m := matcher{re: re}
		n.inTurn(ctx, n.store.Prefix(ctx, re.Prefix()), m.match)(yield)
	}, nil
}

// understood reads an expression, a long one in a turn of its own.
func understood(ctx context.Context, expr string) (*pyregex.Regexp, error) {
	if len(expr) > shortRegex {
		var t turn
		if err := t.takeSoon(ctx); err != nil {
			return nil, err
		}
		defer t.giveBack()
	}
	re, err := pyregex.Compile(expr)
	if err != nil {
		return nil, namingError("invalid regex: " + err.Error())
	}
	return re, nil
}

// A matcher matches names: each with little work, or, from the first one on that needs more, in the query's turn and within
// regexTime for all of them.
type matcher struct {
	re       *pyregex.Regexp
	deadline time.Time // zero as long as the expression is cheap
}

func (m *matcher) match(ctx context.Context, t *turn, name string) (bool, error) {
	if !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name, "\ufffd")
	}
	if m.deadline.IsZero() {
		ok, err := m.re.Try(name)
		if !errors.Is(err, pyregex.ErrTimeout) {
			return ok, err
		}
		if err := t.takeSoon(ctx); err != nil {
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
