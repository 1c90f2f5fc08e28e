package service

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

const (
	announceRetry   = time.Second      // after a failure
	announceEvery   = 5 * time.Second  // to see that the names are still there
	announceTimeout = 10 * time.Second // for one round
	withdrawTimeout = 2 * time.Second  // at the end, when somebody waits
)

// announce starts what goes on until stop: the chores, and a goroutine for each registrar, which keeps the
// services known.
func (s *Server) announce() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	leaving, abandon := context.WithCancel(context.Background())
	s.leaving, s.abandon = leaving, abandon
	s.keepHouse(ctx)
	for _, r := range s.cfg.registrars {
		s.announc.Go(func() { s.keepAnnounced(ctx, r) })
	}
}

// withdraw ends what announce began, and waits until the names are withdrawn or ctx ends.
func (s *Server) withdraw(ctx context.Context) {
	defer s.abandon()
	defer context.AfterFunc(ctx, s.abandon)()
	s.stop()
	done := make(chan struct{})
	go func() {
		s.announc.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// entries are what is to be announced: the services that were given a name.
func (s *Server) entries() []discovery.Entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var entries []discovery.Entry
	for _, name := range s.order {
		if svc := s.services[name]; !svc.generated {
			entries = append(entries, discovery.Entry{Name: name, URI: s.uri(name), Metadata: svc.metadata})
		}
	}
	return entries
}

// keepAnnounced registers the services, as they come and go, until ctx ends, then withdraws them.
func (s *Server) keepAnnounced(ctx context.Context, r discovery.Registrar) {
	known, warned := false, false // warned: a name server that stays away is worth one line
	var there []discovery.Entry   // what r may know of
	for ctx.Err() == nil {
		changed := s.changes() // before the look at what is there, so that nothing is missed
		entries := s.entries()
		gone := without(there, entries)
		there = slices.Concat(gone, entries)
		err := eachEntry(ctx, announceTimeout, gone, r.Unregister)
		if err == nil {
			there = entries
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
			s.warnOfLoopback(r)
		}
		select {
		case <-time.After(wait):
		case <-changed:
		case <-ctx.Done():
		}
	}
	if err := eachEntry(s.leaving, withdrawTimeout, there, r.Unregister); err != nil && known { //nolint:contextcheck // ctx is over
		s.log.Warn("cannot withdraw the services' names", "error", err)
	}
}

// warnOfLoopback warns where a name server on the network was given an address that only this machine can
// reach.
func (s *Server) warnOfLoopback(r discovery.Registrar) {
	located, ok := r.(interface{ Location() pyro.URI })
	if !ok {
		return
	}
	at, own := located.Location(), s.URI("")
	if at.Host != "" && !isLoopback(at.Host) && isLoopback(own.Host) {
		s.log.Warn("the services are announced to others at an address that only this machine can reach (options Listen, Advertise)",
			"location", own.Location(), "registrar", at.Location())
	}
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// changes returns a channel that is closed when services come or go next.
func (s *Server) changes() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

// without returns the entries whose names are not among those of others.
func without(entries, others []discovery.Entry) (rest []discovery.Entry) {
	for _, e := range entries {
		if !slices.ContainsFunc(others, func(o discovery.Entry) bool { return o.Name == e.Name }) {
			rest = append(rest, e)
		}
	}
	return rest
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
