package storagetest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// An Option says what a kind of storage cannot do.
type Option func(*suite)

// NoTags says that it drops tags, and that searches for them end in storage.ErrNoMetadata.
func NoTags() Option { return func(s *suite) { s.noTags = true } }

// Run tests storages that open returns: empty ones, each by itself. They are closed by Run.
func Run(t *testing.T, open func(t *testing.T) storage.Storage, opts ...Option) {
	t.Helper()
	s := suite{open: open}
	for _, o := range opts {
		o(&s)
	}
	t.Run("records", s.records)
	t.Run("names of every kind", s.oddTexts)
	t.Run("only new ones", s.onlyNew)
	t.Run("order", s.order)
	t.Run("prefix", s.prefix)
	t.Run("between", s.between)
	t.Run("remove", s.remove)
	t.Run("leases", s.leases)
	t.Run("batch", s.batch)
	t.Run("a snapshot while others write", s.snapshot)
	t.Run("a search stops", s.stops)
	t.Run("a record handed out is nobody else's", s.aliases)
	t.Run("watch", s.watch)
	t.Run("what is the same is not told", s.watchSame)
	t.Run("a slow watcher hears the last of each", s.watchSlow)
	t.Run("a watcher that is slow at first", s.watchSlowStart)
	t.Run("watchers of prefixes", s.watchPrefixes)
	t.Run("a watch ends", s.watchEnds)
	t.Run("concurrent writers", s.concurrent)
	t.Run("one of many is the first", s.race)
	t.Run("closed", s.closed)
	t.Run("export and import", s.lines)
	if s.noTags {
		t.Run("no tags", s.withoutTags)
		return
	}
	t.Run("tags", s.tags)
	t.Run("tags by the hundred", s.manyTags)
}

type suite struct {
	open   func(t *testing.T) storage.Storage
	noTags bool
}

func (s suite) start(t *testing.T) storage.Storage {
	t.Helper()
	st := s.open(t)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st
}

// kept is what of tags a storage keeps.
func (s suite) kept(tags ...string) []string {
	if s.noTags {
		return nil
	}
	return storage.Tidy(tags)
}

func put(t *testing.T, st storage.Storage, name, uri string, tags ...string) {
	t.Helper()
	require.NoError(t, st.Put(t.Context(), storage.Record{Name: name, URI: uri, Tags: tags}, false))
}

// check is require.NoError for a goroutine, which cannot end the test.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func names(t *testing.T, records iter.Seq2[storage.Record, error]) []string {
	t.Helper()
	found := []string{}
	for r, err := range records {
		require.NoError(t, err)
		found = append(found, r.Name)
	}
	return found
}

func (s suite) records(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	_, err := st.Get(ctx, "tea")
	require.ErrorIs(t, err, storage.ErrNotFound)
	require.ErrorIs(t, st.SetTags(ctx, "tea", []string{"hot"}), storage.ErrNotFound)
	put(t, st, "tea", "PYRO:tea@host:1", "hot", "drink", "hot")
	got, err := st.Get(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, storage.Record{Name: "tea", URI: "PYRO:tea@host:1", Tags: s.kept("drink", "hot")}, got)
	put(t, st, "tea", "PYRO:other@host:2")
	got, err = st.Get(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, storage.Record{Name: "tea", URI: "PYRO:other@host:2"}, got)
	n, err := st.Len(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func (s suite) oddTexts(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	odd := []string{
		"", " ", "a'b\"c", "a\\b", "line\nfeed", "nul\x00inside", "\x00", "%", "_", "tab\t", "\u0085", "\u2028", "é",
		"e\u0301", "\u8336", "🫖",
		"\U0010ffff", "'); DROP TABLE pyro_names; --", strings.Repeat("long", 1<<18),
	}
	for i, name := range odd {
		put(t, st, name, fmt.Sprintf("PYRO:%d@host:1", i), name, "x"+name)
	}
	for i, name := range odd {
		got, err := st.Get(ctx, name)
		require.NoError(t, err, "%.40q", name)
		require.True(t, got.Equal(storage.Record{
			Name: name, URI: fmt.Sprintf("PYRO:%d@host:1", i), Tags: s.kept(name, "x"+name),
		}), "%.40q", name)
	}
	slices.Sort(odd)
	require.True(t, slices.Equal(odd, names(t, st.Prefix(ctx, ""))))
}

func (s suite) onlyNew(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	require.NoError(t, st.Put(ctx, storage.Record{Name: "a", URI: "1"}, true))
	require.ErrorIs(t, st.Put(ctx, storage.Record{Name: "a", URI: "2"}, true), storage.ErrExists)
	require.ErrorIs(t, st.Put(ctx, storage.Record{Name: "a", URI: "1"}, true), storage.ErrExists, "the same one, too")
	got, err := st.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, "1", got.URI)
	_, err = st.Remove(ctx, []string{"a"}, nil)
	require.NoError(t, err)
	require.NoError(t, st.Put(ctx, storage.Record{Name: "a", URI: "2"}, true))
}

func (s suite) order(t *testing.T) {
	st := s.start(t)
	var want []string
	for i := range 300 {
		name := strconv.Itoa(i * 7919 % 1000)
		want = append(want, name)
		put(t, st, name, "uri")
	}
	slices.Sort(want)
	require.Equal(t, want, names(t, st.Prefix(t.Context(), "")))
}

func (s suite) prefix(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	for _, name := range []string{
		"shop", "shop.tea", "Shop.tea", "shop.teapot", "shop_tea", "sho", "\u8336.a", "\u8336.b", "\u837c", "\U0010ffff", "\U0010ffff.",
	} {
		put(t, st, name, "uri")
	}
	for prefix, want := range map[string][]string{
		"shop.":       {"shop.tea", "shop.teapot"},
		"shop.tea":    {"shop.tea", "shop.teapot"},
		"shop.teapot": {"shop.teapot"},
		"shop_":       {"shop_tea"},
		"shop%":       {},
		"S":           {"Shop.tea"},
		"\u8336":      {"\u8336.a", "\u8336.b"},
		"\xe8\x8c":    {"\u8336.a", "\u8336.b"},
		"\U0010ffff":  {"\U0010ffff", "\U0010ffff."},
		"zzz":         {},
	} {
		require.Equal(t, want, names(t, st.Prefix(ctx, prefix)), "%q", prefix)
	}
	require.Len(t, names(t, st.Prefix(ctx, "")), 11)
}

func (s suite) tags(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	put(t, st, "tea", "1", "hot", "drink")
	put(t, st, "ice", "2", "cold")
	put(t, st, "cola", "3", "cold", "drink")
	put(t, st, "bread", "4")
	wanted := func(what string, all, some []string, tags ...string) {
		t.Helper()
		require.Equal(t, all, names(t, st.TaggedAll(ctx, tags)), "all of %s", what)
		require.Equal(t, some, names(t, st.TaggedAny(ctx, tags)), "any of %s", what)
	}
	none := []string{}
	wanted("one", []string{"cola", "tea"}, []string{"cola", "tea"}, "drink")
	wanted("two", []string{"cola"}, []string{"cola", "ice", "tea"}, "drink", "cold")
	wanted("one twice", []string{"cola", "tea"}, []string{"cola", "tea"}, "drink", "drink")
	wanted("an unknown one", none, none, "x")
	wanted("one and an unknown one", none, []string{"tea"}, "hot", "x")
	wanted("those that nobody has together", none, []string{"cola", "ice", "tea"}, "hot", "cold")
	wanted("part of one", none, none, "ho")
	wanted("none", []string{"bread", "cola", "ice", "tea"}, none)

	require.NoError(t, st.SetTags(ctx, "ice", []string{"sweet", "cold", "sweet"}))
	got, err := st.Get(ctx, "ice")
	require.NoError(t, err)
	require.Equal(t, storage.Record{Name: "ice", URI: "2", Tags: []string{"cold", "sweet"}}, got)
	wanted("new ones", []string{"ice"}, []string{"ice"}, "sweet")
	require.NoError(t, st.SetTags(ctx, "ice", nil))
	wanted("old ones", none, none, "sweet")
	put(t, st, "tea", "1", "cold")
	wanted("those of a record that is another one now", none, none, "hot")
	_, err = st.Remove(ctx, []string{"cola"}, nil)
	require.NoError(t, err)
	wanted("those of a removed record", []string{"tea"}, []string{"tea"}, "cold")
	wanted("none, then", []string{"bread", "ice", "tea"}, none)
}

func (s suite) manyTags(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprintf("tag%03d", i))
	}
	for i := range 20 {
		put(t, st, fmt.Sprintf("name%02d", i), "uri", many[i*10:]...)
	}
	require.Equal(t, []string{"name00", "name01", "name02"}, names(t, st.TaggedAll(ctx, many[20:])))
	require.Len(t, names(t, st.TaggedAny(ctx, many)), 20)
	require.Equal(t, []string{"name00"}, names(t, st.TaggedAny(ctx, many[:10])))
	got, err := st.Get(ctx, "name00")
	require.NoError(t, err)
	require.Equal(t, many, got.Tags)
}

func (s suite) withoutTags(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	put(t, st, "tea", "1", "hot")
	require.NoError(t, st.SetTags(ctx, "tea", []string{"hot"}), "dropped as by Pyro4")
	got, err := st.Get(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, storage.Record{Name: "tea", URI: "1"}, got)
	for _, found := range []iter.Seq2[storage.Record, error]{
		st.TaggedAll(ctx, []string{"hot"}), st.TaggedAny(ctx, []string{"hot"}),
	} {
		rounds := 0
		for _, err := range found {
			rounds++
			require.ErrorIs(t, err, storage.ErrNoMetadata)
		}
		require.Equal(t, 1, rounds)
	}
	require.Equal(t, []string{"tea"}, names(t, st.TaggedAll(ctx, nil)))
	require.Empty(t, names(t, st.TaggedAny(ctx, nil)))
}

func (s suite) between(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	seeker, can := st.(storage.Seeker)
	if !can {
		return
	}
	for _, name := range []string{"a", "b", "b.c", "é", ""} {
		put(t, st, name, "1")
	}
	for bounds, want := range map[[2]string]string{
		{"", "\xff"}: " é", {"", "a"}: " ", {"a", "a\x00"}: "a a", {"a", "b"}: "a a", {"a\x00", "b.c"}: "b b", {"b", "b\xff"}: "b b.c",
		{"c", "d"}: "none", {"é\x00", "\xff"}: "none", {"b", "a"}: "none", {"", ""}: "none",
	} {
		first, last, err := seeker.Between(ctx, bounds[0], bounds[1])
		if want == "none" {
			require.ErrorIs(t, err, storage.ErrNotFound, "%q", bounds)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, first+" "+last, "%q", bounds)
	}
}

func (s suite) remove(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	for _, name := range []string{"a", "b", "c", "d"} {
		put(t, st, name, "uri-"+name, "tag")
	}
	var asked []string
	n, err := st.Remove(ctx, []string{"a", "x", "b", "a"}, func(r storage.Record) bool {
		asked = append(asked, r.Name+" "+r.URI)
		return r.Name != "b"
	})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, []string{"a uri-a", "b uri-b"}, asked, "of those that are there")
	require.Equal(t, []string{"b", "c", "d"}, names(t, st.Prefix(ctx, "")))
	n, err = st.Remove(ctx, []string{"c", "c", "d"}, nil)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = st.Remove(ctx, nil, nil)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = st.Len(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func (s suite) leases(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	r := storage.Record{Name: "a", URI: "uri", Lease: 1500 * time.Millisecond}
	require.NoError(t, st.Put(ctx, r, false))
	if shared, is := st.(storage.Sharer); is {
		r.Holder = shared.Holder()
		adopted, err := shared.Adopt(ctx)
		require.NoError(t, err)
		require.Empty(t, adopted, "its holder is there")
	}
	got, err := st.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, r, got)
	require.NoError(t, st.SetTags(ctx, "a", []string{"tag"}))
	got, err = st.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, r.Lease, got.Lease, "other tags do not end it")
	require.Equal(t, r.Holder, got.Holder)
	require.NoError(t, st.Put(ctx, storage.Record{Name: "a", URI: "uri", Holder: r.Holder}, false))
	got, err = st.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, storage.Record{Name: "a", URI: "uri"}, got, "a lease that has ended has no holder")
}

func (s suite) batch(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	all, can := st.(storage.Batch)
	if !can {
		return
	}
	put(t, st, "b", "old")
	require.NoError(t, all.PutAll(ctx, []storage.Record{
		{Name: "c", URI: "1"}, {Name: "b", URI: "2"}, {Name: "a", URI: "3"}, {Name: "c", URI: "4"},
	}))
	require.NoError(t, all.PutAll(ctx, nil))
	var got []string
	for r, err := range st.Prefix(ctx, "") {
		require.NoError(t, err)
		got = append(got, r.Name+r.URI)
	}
	require.Equal(t, []string{"a3", "b2", "c4"}, got)
}

func (s suite) snapshot(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	var want []string
	for i := range 200 {
		want = append(want, fmt.Sprintf("n%03d", i))
		put(t, st, want[i], "old", "tag")
	}
	searches := map[string]iter.Seq2[storage.Record, error]{"prefix": st.Prefix(ctx, "n")}
	if !s.noTags {
		searches["all"] = st.TaggedAll(ctx, []string{"tag"})
		searches["any"] = st.TaggedAny(ctx, []string{"tag"})
	}
	for what, search := range searches {
		var got []string
		for r, err := range search {
			require.NoError(t, err)
			require.Equal(t, "old", r.URI, what)
			if len(got) == 0 {
				put(t, st, "n0001", "new", "tag") //nolint:contextcheck // it has the same one
				put(t, st, "n150", "new")         //nolint:contextcheck // it has the same one
				_, err := st.Remove(ctx, []string{"n100"}, nil)
				require.NoError(t, err)
			}
			got = append(got, r.Name)
		}
		require.Equal(t, want, got, what)
		put(t, st, "n150", "old", "tag")
		put(t, st, "n100", "old", "tag")
		_, err := st.Remove(ctx, []string{"n0001"}, nil)
		require.NoError(t, err)
	}
}

func (s suite) stops(t *testing.T) {
	st := s.start(t)
	for i := range 100 {
		put(t, st, fmt.Sprintf("n%03d", i), "uri", "tag")
	}
	for r, err := range st.Prefix(t.Context(), "") {
		require.NoError(t, err)
		require.Equal(t, "n000", r.Name)
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rounds := 0
	for _, err := range st.Prefix(ctx, "") {
		rounds++
		cancel()
		if rounds > 1 {
			require.ErrorIs(t, err, context.Canceled)
		}
	}
	require.Equal(t, 2, rounds, "an error is the last it yields")
}

func (s suite) aliases(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	tags := []string{"b", "a"}
	put(t, st, "x", "uri", tags...)
	tags[0], tags[1] = "q", "q"
	got, err := st.Get(ctx, "x")
	require.NoError(t, err)
	require.Equal(t, s.kept("a", "b"), got.Tags)
	require.NoError(t, st.SetTags(ctx, "x", tags))
	require.Equal(t, s.kept("a", "b"), got.Tags)
	require.Equal(t, []string{"q", "q"}, tags)
}

// heard is a watcher that a test asks for changes.
type heard struct {
	next func() (storage.Change, error, bool)
}

func (s suite) hear(t *testing.T, st storage.Storage, prefix string) heard {
	t.Helper()
	next, stop := iter.Pull2(st.Watch(t.Context(), prefix))
	t.Cleanup(stop)
	return heard{next}
}

func (h heard) want(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		c, err, more := h.next()
		require.True(t, more)
		require.NoError(t, err)
		require.Equal(t, w, describe(c))
	}
}

func describe(c storage.Change) string {
	switch c.Kind {
	case storage.Put:
		return strings.TrimSpace("put " + c.Record.Name + " " + c.Record.URI + " " + strings.Join(c.Record.Tags, ","))
	case storage.Removed:
		return "removed " + c.Record.Name
	default:
		return "synced"
	}
}

func (s suite) watch(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	put(t, st, "b", "1")
	put(t, st, "a", "2")
	h := s.hear(t, st, "")
	h.want(t, "put a 2", "put b 1", "synced")
	put(t, st, "c", "3")
	h.want(t, "put c 3")
	put(t, st, "a", "4")
	_, err := st.Remove(ctx, []string{"b"}, nil)
	require.NoError(t, err)
	h.want(t, "put a 4", "removed b")
	if !s.noTags {
		require.NoError(t, st.SetTags(ctx, "a", []string{"y", "x"}))
		h.want(t, "put a 4 x,y")
	}
	empty := s.hear(t, s.start(t), "")
	empty.want(t, "synced")
}

func (s suite) watchSame(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	put(t, st, "a", "1", "x", "y")
	h := s.hear(t, st, "")
	h.want(t, strings.TrimSpace("put a 1 "+strings.Join(s.kept("x", "y"), ",")), "synced")
	put(t, st, "a", "1", "y", "x", "y")
	require.NoError(t, st.SetTags(ctx, "a", []string{"y", "x"}))
	require.ErrorIs(t, st.Put(ctx, storage.Record{Name: "a", URI: "2"}, true), storage.ErrExists)
	_, err := st.Remove(ctx, []string{"a", "q"}, func(storage.Record) bool { return false })
	require.NoError(t, err)
	put(t, st, "end", "1")
	h.want(t, "put end 1")
}

func (s suite) watchSlow(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	put(t, st, "old", "1")
	h := s.hear(t, st, "")
	h.want(t, "put old 1", "synced")
	put(t, st, "begin", "1")
	h.want(t, "put begin 1")
	for i := range 100 {
		put(t, st, "many", strconv.Itoa(i))
		put(t, st, "short", "1")
		_, err := st.Remove(ctx, []string{"short"}, nil)
		require.NoError(t, err)
	}
	put(t, st, "old", "2")
	_, err := st.Remove(ctx, []string{"old"}, nil)
	require.NoError(t, err)
	put(t, st, "short", "2")
	put(t, st, "end", "1")
	h.want(t, "put many 99", "removed old", "put short 2", "put end 1")
}

// watchSlowStart: what changes while a watcher is told what is there.
func (s suite) watchSlowStart(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	const many = 300
	var first []string
	for i := range many {
		name := fmt.Sprintf("n%03d", i)
		first = append(first, "put "+name+" 1")
		put(t, st, name, "1")
	}
	h := s.hear(t, st, "n")
	h.want(t, first[0])
	put(t, st, "n000", "2")
	put(t, st, "n001", "2")
	put(t, st, "n298x", "2")
	_, err := st.Remove(ctx, []string{"n002", "n299"}, nil)
	require.NoError(t, err)
	put(t, st, "~end", "1")
	put(t, st, "n~end", "1")
	told := map[string]string{"n000": "1"}
	synced := false
	for last := ""; last != "n~end" || !synced; {
		c, err, _ := h.next()
		require.NoError(t, err)
		last = c.Record.Name
		switch c.Kind {
		case storage.Put:
			told[last] = c.Record.URI
		case storage.Removed:
			delete(told, last)
		case storage.Synced:
			synced = true
			last = "n~end" // which may have been told already
		}
	}
	// What comes after it is the rest.
	put(t, st, "n~rest", "1")
	for last := ""; last != "n~rest"; {
		c, err, _ := h.next()
		require.NoError(t, err)
		if last = c.Record.Name; c.Kind == storage.Removed {
			delete(told, last)
		} else {
			told[last] = c.Record.URI
		}
	}
	want := map[string]string{}
	for r, err := range st.Prefix(ctx, "n") {
		require.NoError(t, err)
		want[r.Name] = r.URI
	}
	require.Equal(t, want, told)
}

// watchPrefixes: each watcher hears of its own names, and of nothing else.
func (s suite) watchPrefixes(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	put(t, st, "a", "1")
	put(t, st, "ab.1", "1")
	put(t, st, "b", "1")
	watchers := map[string]heard{}
	for prefix, first := range map[string][]string{
		"": {"put a 1", "put ab.1 1", "put b 1"}, "a": {"put a 1", "put ab.1 1"}, "ab.": {"put ab.1 1"}, "ab.long": nil, "c": nil,
	} {
		h := s.hear(t, st, prefix)
		h.want(t, append(first, "synced")...)
		watchers[prefix] = h
	}
	again := s.hear(t, st, "ab.")
	again.want(t, "put ab.1 1", "synced")
	put(t, st, "ab", "2")
	put(t, st, "ab.2", "2")
	put(t, st, "c", "2")
	_, err := st.Remove(ctx, []string{"ab.1"}, nil)
	require.NoError(t, err)
	watchers[""].want(t, "put ab 2", "put ab.2 2", "put c 2", "removed ab.1")
	watchers["a"].want(t, "put ab 2", "put ab.2 2", "removed ab.1")
	watchers["ab."].want(t, "put ab.2 2", "removed ab.1")
	again.want(t, "put ab.2 2", "removed ab.1")
	watchers["c"].want(t, "put c 2")
	put(t, st, "ab.longer", "3")
	watchers["ab.long"].want(t, "put ab.longer 3")
	watchers["ab."].want(t, "put ab.longer 3")
}

func (s suite) watchEnds(t *testing.T) {
	st := s.start(t)
	put(t, st, "a", "1")
	put(t, st, "b", "1")
	for c, err := range st.Watch(t.Context(), "") {
		require.NoError(t, err)
		require.Equal(t, "put a 1", describe(c))
		break
	}
	for _, after := range []int{1, 3} { // while it tells what is there, and while it waits
		ctx, cancel := context.WithCancel(t.Context())
		told := 0
		var last error
		for _, err := range st.Watch(ctx, "") {
			last = err
			if told++; told == after {
				cancel()
			}
		}
		cancel()
		require.ErrorIs(t, last, context.Canceled)
		require.Equal(t, after+1, told)
	}
	// Changes that never end do not keep a watch from ending.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := 0
	for _, err := range st.Watch(ctx, "") {
		if told++; told == 10 {
			cancel()
		}
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			break
		}
		put(t, st, fmt.Sprintf("more%d", told), "1")
	}
	require.Equal(t, 11, told)
}

func (s suite) concurrent(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	h := s.hear(t, st, "")
	var wg sync.WaitGroup
	const writers, each = 16, 30
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				name := fmt.Sprintf("w%02d.%02d", w, i)
				check(t, st.Put(ctx, storage.Record{Name: name, URI: "uri", Tags: []string{"tag", name}}, false))
				got, err := st.Get(ctx, name)
				check(t, err)
				assert.Equal(t, name, got.Name, "what is acknowledged is seen")
				if i%3 == 0 {
					n, err := st.Remove(ctx, []string{name}, nil)
					check(t, err)
					assert.Equal(t, 1, n)
				}
			}
		})
		wg.Go(func() {
			for range 5 {
				for _, err := range st.Prefix(ctx, fmt.Sprintf("w%02d.", w)) {
					check(t, err)
				}
				if s.noTags {
					continue
				}
				for r, err := range st.TaggedAll(ctx, []string{"tag"}) {
					check(t, err)
					assert.Contains(t, r.Tags, "tag")
				}
			}
		})
	}
	wg.Wait()
	n, err := st.Len(ctx)
	require.NoError(t, err)
	require.Equal(t, writers*each*2/3, n)
	put(t, st, "~end", "1")
	there := map[string]bool{}
	for {
		c, err, _ := h.next()
		require.NoError(t, err)
		if c.Record.Name == "~end" {
			break
		}
		if c.Kind == storage.Put {
			there[c.Record.Name] = true
		} else {
			delete(there, c.Record.Name)
		}
	}
	require.Len(t, there, n, "a watcher knows what is there")
}

func (s suite) race(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	for round := range 5 {
		var wg sync.WaitGroup
		var won, removed atomic.Int64
		name := fmt.Sprint("n", round)
		for i := range 16 {
			wg.Go(func() {
				if st.Put(ctx, storage.Record{Name: name, URI: strconv.Itoa(i)}, true) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		for range 16 {
			wg.Go(func() {
				n, err := st.Remove(ctx, []string{name}, nil)
				check(t, err)
				removed.Add(int64(n))
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, removed.Load())
	}
}

func (s suite) closed(t *testing.T) {
	st, ctx := s.open(t), t.Context()
	put(t, st, "a", "1")
	h := s.hear(t, st, "")
	h.want(t, "put a 1", "synced")
	require.NoError(t, st.Close())
	require.NoError(t, st.Close(), "again")
	_, err, _ := h.next()
	require.ErrorIs(t, err, storage.ErrClosed)
	_, err = st.Get(ctx, "a")
	require.ErrorIs(t, err, storage.ErrClosed)
	_, err = st.Len(ctx)
	require.ErrorIs(t, err, storage.ErrClosed)
	_, err = st.Remove(ctx, []string{"a"}, nil)
	require.ErrorIs(t, err, storage.ErrClosed)
	if seeker, can := st.(storage.Seeker); can {
		_, _, err = seeker.Between(ctx, "", "b")
		require.ErrorIs(t, err, storage.ErrClosed)
	}
	require.ErrorIs(t, st.Put(ctx, storage.Record{Name: "b"}, false), storage.ErrClosed)
	require.ErrorIs(t, st.SetTags(ctx, "a", nil), storage.ErrClosed)
	for _, err := range st.Prefix(ctx, "") {
		require.ErrorIs(t, err, storage.ErrClosed)
	}
	for _, err := range st.TaggedAll(ctx, nil) {
		require.ErrorIs(t, err, storage.ErrClosed)
	}
	rounds := 0
	for _, err := range st.Watch(ctx, "") {
		rounds++
		require.ErrorIs(t, err, storage.ErrClosed)
	}
	require.Equal(t, 1, rounds)
}

func (s suite) lines(t *testing.T) {
	st, ctx := s.start(t), t.Context()
	put(t, st, "a\n\"<é>", "PYRO:a@[::1]:5", "x<y>", "z")
	require.NoError(t, st.Put(ctx, storage.Record{Name: "leased", URI: "u", Lease: 90 * time.Second}, false))
	var text, again strings.Builder
	require.NoError(t, storage.WriteRecords(&text, st.Prefix(ctx, "")))
	other := s.start(t)
	for r, err := range storage.ReadRecords(strings.NewReader(text.String()), nil) {
		require.NoError(t, err)
		require.NoError(t, other.Put(ctx, r, false))
	}
	n, err := other.Len(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.NoError(t, storage.WriteRecords(&again, other.Prefix(ctx, "")))
	require.Equal(t, text.String(), again.String())
}
