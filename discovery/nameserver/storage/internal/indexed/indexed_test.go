package indexed

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a file that keeps nothing. Begin waits for leave, if there is one.
type fake struct {
	begun, leave chan struct{}
	fails        error // of Commit
	rejects      error // of Put
	begins, puts int
	undone       bool
	closed       bool
}

func (f *fake) Begin() (bool, error) {
	f.begins++
	if f.begun != nil {
		f.begun <- struct{}{}
		<-f.leave
	}
	return false, nil
}

func (f *fake) Changed() (bool, error)                      { return false, nil }
func (f *fake) Load(bool, func(storage.Record) error) error { return nil }
func (f *fake) Put(storage.Record) error                    { f.puts++; return f.rejects }
func (f *fake) Remove(string) error                         { return nil }
func (f *fake) Commit() error                               { return f.fails }
func (f *fake) Rollback()                                   { f.undone = true }
func (f *fake) Close() error                                { f.closed = true; return nil }

func start(t *testing.T, f *fake) *Storage {
	t.Helper()
	s, err := Open(f, Limits{})
	require.NoError(t, err)
	return s
}

// putting writes one of many names, each in a goroutine of its own, and returns what comes of it.
func putting(ctx context.Context, s *Storage, n int) chan error {
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- s.Put(ctx, storage.Record{Name: strconv.Itoa(i)}, false) }()
	}
	return errs
}

// wait waits until so many writers wait.
func wait(t *testing.T, s *Storage, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(s.ops) == n }, time.Minute, time.Millisecond)
}

func TestOneTransactionServesAllThatWait(t *testing.T) {
	f := &fake{begun: make(chan struct{}), leave: make(chan struct{})}
	s := start(t, f)
	first := putting(t.Context(), s, 1)
	<-f.begun
	others := putting(t.Context(), s, 50)
	wait(t, s, 50)
	f.leave <- struct{}{}
	require.NoError(t, <-first)
	<-f.begun
	f.leave <- struct{}{}
	for range 50 {
		require.NoError(t, <-others)
	}
	require.NoError(t, s.Close())
	require.Equal(t, 2, f.begins)
	require.Equal(t, 50, f.puts, "what is the same is not written again")
	require.True(t, f.closed)
}

func TestAFailedCommitChangesNothing(t *testing.T) {
	broken := errors.New("broken")
	for _, f := range []*fake{{fails: broken}, {rejects: broken}} {
		s := start(t, f)
		errs := putting(t.Context(), s, 10)
		for range 10 {
			require.ErrorIs(t, <-errs, broken)
		}
		n, err := s.Len(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		require.NoError(t, s.Close())
		require.Equal(t, f.rejects != nil, f.undone)
	}
}

func TestWhoWaitsNoMoreIsNotServed(t *testing.T) {
	f := &fake{begun: make(chan struct{}), leave: make(chan struct{})}
	s := start(t, f)
	first := putting(t.Context(), s, 1)
	<-f.begun
	ctx, cancel := context.WithCancel(t.Context())
	late := make(chan error)
	go func() { late <- s.Put(ctx, storage.Record{Name: "late"}, false) }()
	wait(t, s, 1)
	cancel()
	require.ErrorIs(t, <-late, context.Canceled)
	f.leave <- struct{}{}
	require.NoError(t, <-first)
	<-f.begun
	f.leave <- struct{}{}
	require.NoError(t, s.Close())
	require.Equal(t, 1, f.puts)
	require.ErrorIs(t, s.Put(ctx, storage.Record{}, false), context.Canceled)
}

func TestCloseLeavesNobodyWaiting(t *testing.T) {
	f := &fake{begun: make(chan struct{}), leave: make(chan struct{})}
	s := start(t, f)
	first := putting(t.Context(), s, 1)
	<-f.begun
	others := putting(t.Context(), s, 20)
	wait(t, s, 20)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	<-s.quit
	go func() {
		f.leave <- struct{}{}
		for range f.begun { // the writer may serve those that waited
			f.leave <- struct{}{}
		}
	}()
	require.NoError(t, <-first, "it had begun")
	for range 20 {
		if err := <-others; err != nil {
			require.ErrorIs(t, err, storage.ErrClosed)
		}
	}
	require.NoError(t, <-closed)
	close(f.begun)
}
