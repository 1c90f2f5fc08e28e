package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
)

const (
	announceRetry   = time.Second      // after a failure
	announceEvery   = 5 * time.Second  // to see that the names are still there
	announceTimeout = 10 * time.Second // for one round
	withdrawTimeout = 2 * time.Second  // at the end, when somebody waits
)

// announce starts a goroutine for each registrar, which keeps the services known until stop.
func (s *Server) announce() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.mu.RLock()
	var entries []discovery.Entry
	for _, name := range s.order {
		entries = append(entries, discovery.Entry{Name: name, Metadata: s.services[name].metadata})
	}
	s.mu.RUnlock()
	for i := range entries {
		entries[i].URI = s.URI(entries[i].Name)
	}
	for _, r := range s.cfg.registrars {
		s.announc.Go(func() {
			s.keepAnnounced(ctx, r, entries)
		})
	}
}

// keepAnnounced registers the entries until ctx ends, then withdraws them.
func (s *Server) keepAnnounced(ctx context.Context, r discovery.Registrar, entries []discovery.Entry) {
	known, warned := false, false // warned: a name server that stays away is worth one line
	var gone []discovery.Entry    // removed, and not withdrawn yet
	for ctx.Err() == nil {
		removed := s.removals() // before the look at what is there, so that none is missed
		entries, gone = s.withoutRemoved(entries, gone)
		err := eachEntry(ctx, announceTimeout, gone, r.Unregister)
		if err == nil {
			gone = nil
			err = eachEntry(ctx, announceTimeout, entries, r.Register)
		}
		wait := announceEvery
		switch {
		case err != nil && ctx.Err() == nil:
			wait = announceRetry
			level := slog.LevelWarn
			if warned {
				level = slog.LevelDebug
			}
			s.log.Log(ctx, level, "cannot announce the services, trying again", "error", err)
			known, warned = false, true
		case err == nil && !known:
			known, warned = true, false
			s.log.Info("services are announced", "count", len(entries))
		}
		select {
		case <-time.After(wait):
		case <-removed:
		case <-ctx.Done():
		}
	}
	entries = append(entries, gone...)
	if err := eachEntry(context.WithoutCancel(ctx), withdrawTimeout, entries, r.Unregister); err != nil && known {
		s.log.Warn("cannot withdraw the services' names", "error", err)
	}
}

// removals returns a channel that is closed when services are removed next.
func (s *Server) removals() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.removed
}

// withoutRemoved moves the entries whose service was removed to gone.
func (s *Server) withoutRemoved(entries, gone []discovery.Entry) (rest, _ []discovery.Entry) {
	for _, e := range entries {
		if s.service(e.Name) == nil {
			gone = append(gone, e)
		} else {
			rest = append(rest, e)
		}
	}
	return rest, gone
}

type entryFunc func(context.Context, discovery.Entry) error

func eachEntry(ctx context.Context, limit time.Duration, entries []discovery.Entry, do entryFunc) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var errs []error
	for _, e := range entries { // what is wrong with one entry is no reason to leave the others
		if err := do(ctx, e); err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}
