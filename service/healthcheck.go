package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Defaults of a CheckConfig.
const (
	DefaultCheckEvery   = 10 * time.Second
	DefaultCheckTimeout = 5 * time.Second
)

// A CheckConfig says how a check is run. The zero value has the defaults.
type CheckConfig struct {
	// Every is the time from the beginning of one run to that of the next; 0 means 10 s. A run that takes longer
	// delays the next one: they do not overlap.
	Every time.Duration
	// Timeout is how long a run may take, which has failed then; 0 means 5 s.
	Timeout time.Duration
}

// A CheckResult is what a check has said last.
type CheckResult struct {
	Name string
	Err  error     // nil: it passes
	At   time.Time // zero: it has not been run yet
}

var (
	errNotChecked = errors.New("it has not been checked yet")
	errCheck      = errors.New("a check needs a name of its own and a function")
)

// A check is what a server needs to be well. Health.mu guards its result.
type check struct {
	name string
	fn   func(context.Context) error
	cfg  CheckConfig
	err  error
	at   time.Time
}

// AddCheck adds a check of something that the server needs, such as its database: as long as fn returns an error, the
// server and all of its services are [NotServing], and before fn has run for the first time. It runs in the background
// from Start to Shutdown; its context ends at the timeout. Where fn does not heed that, it has failed all the same, and
// is not called again before it has returned. A panic is a failure.
//
// What fn returns goes to the server's log when it fails and when it passes again, and to [Health.Checks]; remote callers
// do not see it. AddCheck returns an error if the name is empty or taken, if there is no function, or if a time
// is negative.
func (h *Health) AddCheck(name string, fn func(context.Context) error, cfg CheckConfig) error {
	if cfg.Every == 0 {
		cfg.Every = DefaultCheckEvery
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultCheckTimeout
	}
	if err := errors.Join(positive("CheckConfig.Every", cfg.Every), positive("CheckConfig.Timeout", cfg.Timeout)); err != nil {
		return fmt.Errorf("check %s: %w", name, err)
	}
	c := &check{name: name, fn: fn, cfg: cfg, err: errNotChecked}
	if err := h.take(c); err != nil {
		return fmt.Errorf("check %s: %w", name, err)
	}
	h.tell()
	return nil
}

// take takes a check in, and runs it if the server runs.
func (h *Health) take(c *check) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := slices.ContainsFunc(h.checks, func(o *check) bool { return o.name == c.name })
	if c.name == "" || c.fn == nil || taken {
		return errCheck
	}
	h.checks = append(h.checks, c)
	if h.started && !h.s.isStopping() {
		h.run(c)
	}
	return nil
}

// Checks returns what the checks have said last, in the order in which they were added.
func (h *Health) Checks() []CheckResult {
	h.mu.Lock()
	defer h.mu.Unlock()
	results := make([]CheckResult, len(h.checks))
	for i, c := range h.checks {
		results[i] = CheckResult{Name: c.name, Err: c.err, At: c.at}
	}
	return results
}

// run runs a check again and again until the server stops, under mu.
func (h *Health) run(c *check) {
	ctx := h.checking
	h.running.Go(func() {
		tick := time.NewTicker(c.cfg.Every)
		defer tick.Stop()
		for h.once(ctx, c) {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
}

// once runs a check once; it is false if the server stops.
func (h *Health) once(ctx context.Context, c *check) bool {
	if ctx.Err() != nil {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	done := make(chan error, 1)
	h.running.Go(func() { done <- h.result(limited, c) })
	select {
	case err := <-done:
		h.record(ctx, c, err)
		return true
	case <-limited.Done():
		h.record(ctx, c, fmt.Errorf("no answer within %s: %w", c.cfg.Timeout, limited.Err()))
	}
	select {
	case <-done: //nolint:errcheck // too late: the next run counts
	case <-ctx.Done():
	}
	return true
}

// result calls a check's function.
func (h *Health) result(ctx context.Context, c *check) error {
	err := errors.New("it panicked")
	h.s.guarded("health check "+c.name, func() { err = c.fn(ctx) })
	return err
}

// record takes note of a result, unless the server is stopping, and tells when it is another one.
func (h *Health) record(ctx context.Context, c *check, err error) {
	if ctx.Err() != nil {
		return
	}
	h.mu.Lock()
	last := c.err
	c.err, c.at = err, time.Now()
	h.mu.Unlock()
	switch {
	case err == nil && last != nil:
		h.s.log.InfoContext(ctx, "health check passes", "check", c.name)
	case err != nil && (last == nil || errors.Is(last, errNotChecked)):
		h.s.log.WarnContext(ctx, "health check fails", "check", c.name, "error", err)
	default:
		return
	}
	h.tell()
}

// wait waits until no check runs any more, or ctx ends: one may not heed its own context.
func (h *Health) wait(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		h.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
