package servicetest_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeT is a test within a test, or within an example: it may fail.
type fakeT struct {
	testing.TB // nil: what is not here is not used

	log strings.Builder // belongs to who writes the log

	mu       sync.Mutex // guards what follows
	messages []string
	cleanups []func()
}

// runTest runs a test and its clean-up, and returns what it had to complain of.
func runTest(test func(t testing.TB)) (complaints []string, log string) {
	t := &fakeT{}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer t.cleanUp()
		test(t)
	})
	wg.Wait()
	return t.messages, t.log.String()
}

func (t *fakeT) cleanUp() {
	for len(t.cleanups) > 0 {
		last := len(t.cleanups) - 1
		fn := t.cleanups[last]
		t.cleanups = t.cleanups[:last]
		fn()
	}
}

func (t *fakeT) Helper()                  {}
func (t *fakeT) Context() context.Context { return context.Background() }
func (t *fakeT) Output() io.Writer        { return &t.log }
func (t *fakeT) Cleanup(fn func())        { t.cleanups = append(t.cleanups, fn) }

func (t *fakeT) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.messages = append(t.messages, fmt.Sprintf(format, args...))
}

func (t *fakeT) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.messages) > 0
}

func (t *fakeT) Fatal(args ...any) {
	t.Errorf("%s", fmt.Sprint(args...))
	runtime.Goexit()
}

func (t *fakeT) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// Bounds of what has to happen; nothing passes because they are long.
const (
	soon = 30 * time.Second
	tick = time.Millisecond
)
