package service_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
)

// stackError carries its stack.
type stackError struct{ pcs []uintptr }

func newStackError() error {
	pcs := make([]uintptr, 16)
	return &stackError{pcs[:runtime.Callers(1, pcs)]}
}

func (e *stackError) Error() string      { return "with a stack" }
func (e *stackError) Callers() []uintptr { return e.pcs }

// failing raises in all the ways there are.
func failing() *service.Service {
	s := service.New("o")
	s.Method("plain", failPlain)
	s.Method("file", func() error { return fmt.Errorf("read: %w", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}) })
	s.Method("stack", func() error { return fmt.Errorf("outer: %w", newStackError()) })
	s.Method("panic", func(secret string) (int, error) { return tooDeep(secret), nil })
	s.Method("own", func() error { return &ownError{} })
	s.Method("own_wrapped", func() error { return fmt.Errorf("while at it: %w", &ownError{errors.New("own")}) })
	s.Expose(&panicker{})
	s.Property("prop", func() (int, error) { return 0, errors.New("no value") }, nil)
	return s
}

// ownError is a type of a program's own.
type ownError struct{ cause error }

func (*ownError) Error() string   { return "own" }
func (e *ownError) Unwrap() error { return e.cause }

type panicker struct{ none []int }

func (p *panicker) OutOfRange(i int) int { return p.none[i] }

func (p *panicker) OutOfRangeInCtx(_ context.Context, i, _ int) (int, error) { return p.none[i], nil }

func failPlain() error { return errors.New("plain") }

//go:noinline
func tooDeep(secret string) int {
	var none *string
	*none = secret
	return len(secret)
}

func tracebackOf(t *testing.T, err error) string {
	t.Helper()
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	for _, piece := range e.Traceback {
		require.True(t, strings.HasSuffix(piece, "\n"), piece)
	}
	return strings.Join(e.Traceback, "")
}

func TestTracebacksNameGoFunctionsAndLines(t *testing.T) {
	p := connect(t, start(t, failing()).URI("o").String())
	tests := []struct {
		err  error
		want string // a pattern
	}{
		{service.Do(t.Context(), p, "plain"), `Traceback \(most recent call last\):
  File "traceback_test.go", line \d+, in github.com/pyrokit/pyrokit/service_test.failPlain
\*errors.errorString: plain
`},
		{service.Do(t.Context(), p, "file"), `Traceback \(most recent call last\):
  File "traceback_test.go", line \d+, in .*failing.func1
  wrapped \*fs.PathError: open x: file does not exist
  wrapped \*errors.errorString: file does not exist
\*errors.errorString: read: open x: file does not exist
`},
		{service.Do(t.Context(), p, "stack"), `Traceback \(most recent call last\):
  File "traceback_test.go", line \d+, in .*failing.func2
  File "traceback_test.go", line \d+, in github.com/pyrokit/pyrokit/service_test.newStackError
  wrapped \*service_test.stackError: with a stack
\*service_test.stackError: outer: with a stack
`},
		{service.Do(t.Context(), p, "panic", "secret"), `Traceback \(most recent call last\):
  File "traceback_test.go", line \d+, in .*failing.func3
  File "traceback_test.go", line \d+, in github.com/pyrokit/pyrokit/service_test.tooDeep
panic: internal error
`},
		{service.Do(t.Context(), p, "own"), `Traceback \(most recent call last\):
  File "traceback_test.go", line \d+, in .*failing.func4
\*service_test.ownError: own
`},
		{service.Do(t.Context(), p, "own_wrapped"), `Traceback \(most recent call last\):
  File "traceback_test.go", line \d+, in .*failing.func5
  wrapped \*service_test.ownError: own
\*errors.errorString: while at it: own
`},
		{service.Do(t.Context(), p, "out_of_range", 3), `Traceback \(most recent call last\):
  File "traceback_test.go", line \d+, in \*service_test.panicker.OutOfRange
panic: internal error
`},
		{service.Do(t.Context(), p, "out_of_range_in_ctx", 3, 3), `Traceback \(most recent call last\):
  File "traceback_test.go", line \d+, in \*service_test.panicker.OutOfRangeInCtx
panic: internal error
`},
	}
	for _, tt := range tests {
		got := tracebackOf(t, tt.err)
		require.Regexp(t, "^"+tt.want+"$", got)
		require.NotContains(t, got, "secret")
	}
	_, err := service.Get[int](t.Context(), p, "prop")
	require.Contains(t, tracebackOf(t, err), "failing.func6")
}

func TestDetailedTracebacksTellNoValues(t *testing.T) {
	p := connect(t, start(t, failing(), service.DetailedTraceback()).URI("o").String())
	got := tracebackOf(t, service.Do(t.Context(), p, "panic", "secret"))
	line := strings.Repeat("-", 52) + "\n"
	require.True(t, strings.HasPrefix(got, line+" EXCEPTION panic: internal error\n Extended stacktrace follows (most recent call last)\n"+line), got)
	require.True(t, strings.HasSuffix(got, line+" EXCEPTION panic: internal error\n"+line), got)
	require.Regexp(t, `(?s)File "service/traceback_test.go", line \d+, in .*failing.func3\nSignature:\n    func\(string\) \(int, error\)\n`+
		`Call:\n    object = o\n    method = panic\n    dialect = pyro5\n    serializer = serpent\n    go = go1`, got)
	require.Contains(t, got, "service_test.tooDeep\n")
	require.NotContains(t, got, "secret")
	got = tracebackOf(t, service.Do(t.Context(), p, "file"))
	require.Contains(t, got, "Wrapped errors:\n    *fs.PathError: open x: file does not exist\n")
	_, err := service.Get[int](t.Context(), p, "prop")
	require.Contains(t, tracebackOf(t, err), "attribute = prop\n")
}
