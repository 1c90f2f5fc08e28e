package indexed

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

// sharedFake is a file that others have changed: what it has, differs from the index. Names waits for names to be closed, if
// that is not nil, and Reread for records.
type sharedFake struct {
	fake

	has     map[string]storage.Record
	old     []storage.Record // what a reread finds, in order
	names   chan struct{}
	records chan struct{}
	loaded  chan struct{} // closed when it counts as loaded
	broken  error         // of Get
	gone    bool          // others are
}

var _ Shared = (*sharedFake)(nil)

func (f *sharedFake) Begin() (bool, error)                    { return true, nil }
func (f *sharedFake) Changed() (bool, error)                  { return false, nil }
func (f *sharedFake) Latest(func(storage.Record) error) error { return nil }
func (f *sharedFake) Holder() int64                           { return 1 }
func (f *sharedFake) Gone(int64) bool                         { return f.gone }
func (f *sharedFake) Loading() (func(), error)                { return func() { close(f.loaded) }, nil }

func (f *sharedFake) Load(_ bool, yield func(storage.Record) error) error { return each(f.old, yield) }

func (f *sharedFake) Get(name string) (storage.Record, bool, error) {
	r, known := f.has[name]
	return r, known, f.broken
}

func (f *sharedFake) Names(ctx context.Context, yield func(string) error) error {
	if err := until(ctx, f.names); err != nil {
		return err
	}
	return each(f.old, func(r storage.Record) error { return yield(r.Name) })
}

func (f *sharedFake) Reread(ctx context.Context, yield func(storage.Record) error) error {
	if err := until(ctx, f.records); err != nil {
		return err
	}
	return each(f.old, yield)
}

func each(records []storage.Record, yield func(storage.Record) error) error {
	for _, r := range records {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

func until(ctx context.Context, closed chan struct{}) error {
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newSharedFake(names ...string) *sharedFake {
	f := &sharedFake{
		has: map[string]storage.Record{}, names: make(chan struct{}), records: make(chan struct{}), loaded: make(chan struct{}),
	}
	for _, name := range names {
		f.old = append(f.old, storage.Record{Name: name, URI: "old"})
		f.has[name] = storage.Record{Name: name, URI: "old"}
	}
	return f
}

func startShared(t *testing.T, f *sharedFake) *Storage {
	t.Helper()
	s, err := Open(f, Limits{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func uri(t *testing.T, s *Storage, name string) string {
	t.Helper()
	r, err := s.Get(t.Context(), name)
	if errors.Is(err, storage.ErrNotFound) {
		return ""
	}
	require.NoError(t, err)
	return r.URI
}

// What a transaction has written while the file was read is not replaced by what was read before.
func TestARereadKnowsLessThanTransactions(t *testing.T) {
	f := newSharedFake("a", "b", "c", "d")
	s := startShared(t, f)
	f.old = f.old[:3] // of others: d is gone, and c is changed
	f.old[2].URI = "theirs"
	put := func(name string) {
		t.Helper()
		require.NoError(t, s.Put(t.Context(), storage.Record{Name: name, URI: "new"}, false))
	}
	put("a") // begins to read
	put("x")
	close(f.names)
	require.Eventually(t, func() bool { return uri(t, s, "d") == "" }, time.Minute, time.Millisecond, "known first")
	require.Equal(t, "old", uri(t, s, "c"))
	_, err := s.Remove(t.Context(), []string{"b"}, nil)
	require.NoError(t, err)
	close(f.records)
	<-f.loaded
	require.Equal(t, []string{"new", "", "theirs", "", "new"}, []string{
		uri(t, s, "a"), uri(t, s, "b"), uri(t, s, "c"), uri(t, s, "d"), uri(t, s, "x"),
	})
}

// Until the file has been read, a transaction asks the file, and what it has seen is known.
func TestATransactionSeesWhatOthersDid(t *testing.T) {
	f := newSharedFake("a", "b")
	s := startShared(t, f)
	delete(f.has, "a")
	f.has["b"] = storage.Record{Name: "b", URI: "theirs"}
	f.has["c"] = storage.Record{Name: "c", URI: "theirs"}
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "c", URI: "new"}, true), storage.ErrExists)
	require.Equal(t, "theirs", uri(t, s, "c"))
	require.ErrorIs(t, s.SetTags(t.Context(), "a", []string{"x"}), storage.ErrNotFound)
	require.Empty(t, uri(t, s, "a"))
	n, err := s.Remove(t.Context(), []string{"b"}, func(r storage.Record) bool { return r.URI == "old" })
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, "theirs", uri(t, s, "b"))
	f.broken = storage.ErrFormat
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "a", URI: "new"}, true), storage.ErrFormat)
	require.Empty(t, uri(t, s, "a"))
	require.True(t, f.undone)
}

// What only memory has is neither asked for in the file nor found missing there.
func TestARereadLeavesWhatOnlyMemoryHas(t *testing.T) {
	f := newSharedFake("a")
	s := startShared(t, f)
	require.NoError(t, s.PutVolatile(storage.Record{Name: "a", URI: "volatile"}))
	require.NoError(t, s.PutVolatile(storage.Record{Name: "b", URI: "volatile"}))
	require.NoError(t, s.Put(t.Context(), storage.Record{Name: "x"}, false))
	require.ErrorIs(t, s.Put(t.Context(), storage.Record{Name: "b", URI: "new"}, true), storage.ErrExists)
	close(f.names)
	close(f.records)
	<-f.loaded
	require.Equal(t, "volatile", uri(t, s, "a"))
	require.Equal(t, "volatile", uri(t, s, "b"))
}

// changingFile is a file that others change all the time.
type changingFile struct {
	*sharedFake

	why atomic.Pointer[whyNot]
}

// whyNot is why it cannot be reread, and why nobody knows.
type whyNot struct{ unread, unseen error }

func (f *changingFile) Changed() (bool, error)   { return true, f.why.Load().unseen }
func (f *changingFile) Loading() (func(), error) { return func() {}, nil }

func (f *changingFile) Names(context.Context, func(string) error) error { return f.why.Load().unread }

func (f *changingFile) Reread(context.Context, func(storage.Record) error) error { return nil }

// What others change is looked for each second, after a reread that failed, too.
func TestBehindSaysWhyAFileCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &changingFile{sharedFake: newSharedFake()}
		s, err := Open(f, Limits{})
		require.NoError(t, err)
		after := func(unread, unseen error) error {
			f.why.Store(&whyNot{unread, unseen})
			time.Sleep(2 * poll)
			synctest.Wait()
			return s.Behind()
		}
		require.NoError(t, after(nil, nil))
		require.ErrorIs(t, after(storage.ErrFormat, nil), storage.ErrFormat)
		require.NoError(t, after(nil, nil))
		require.ErrorIs(t, after(nil, storage.ErrReplaced), storage.ErrReplaced)
		require.NoError(t, after(nil, nil))
		require.NoError(t, s.Close())
	})
}

func TestAnAdoptionThatFailsIsTriedAgain(t *testing.T) {
	f := newSharedFake()
	f.old = []storage.Record{{Name: "a", Lease: time.Second, Holder: 2}, {Name: "b", Lease: time.Second, Holder: 2}, {Name: "c", Lease: time.Second, Holder: 1}}
	for _, r := range f.old {
		f.has[r.Name] = r
	}
	s := startShared(t, f)
	adopted, err := s.Adopt(t.Context())
	require.NoError(t, err)
	require.Empty(t, adopted)
	f.gone, f.broken = true, storage.ErrFull
	_, err = s.Adopt(t.Context())
	require.ErrorIs(t, err, storage.ErrFull)
	f.broken = nil
	f.has["b"] = storage.Record{Name: "b", Lease: time.Second, Holder: 1}
	adopted, err = s.Adopt(t.Context())
	require.NoError(t, err)
	require.Equal(t, []storage.Record{{Name: "a", Lease: time.Second, Holder: 1}}, adopted)
}
