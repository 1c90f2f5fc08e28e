package nameserver

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A session finds a name server when it is needed, and another one when that one is gone.
type session struct {
	locator Locator
	linger  time.Duration // for so long a connection that nobody uses is kept
	sticks  time.Duration // for so long a later location is asked first; 0: it never is
	finding chan struct{} // holds one token, for the one who locates

	// What follows belongs to who has the token.
	first      string    // the location that is asked first; empty: as they are given
	firstUntil time.Time // and until when

	mu     sync.Mutex // guards what follows
	client *shared    // nil if none was found, or nobody used it for a while
	idle   *time.Timer
	found  pyro.URI
}

// A shared is a client that several may use.
type shared struct {
	*Client

	users int // guarded by session.mu
}

func newSession(l Locator, linger, sticks time.Duration) *session {
	s := &session{locator: l, linger: linger, sticks: sticks, finding: make(chan struct{}, 1)}
	s.finding <- struct{}{}
	return s
}

// use has fn use the name server. What fails because it is gone is done again, at the one that is found then.
func (s *session) use(ctx context.Context, fn func(*Client) error) error {
	for attempt := 0; ; attempt++ {
		c, fresh, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		err = fn(c.Client)
		gone := err != nil && discovery.OutOfReach(err)
		s.release(c, gone)
		if !gone || fresh || attempt > 0 || ctx.Err() != nil {
			return err
		}
	}
}

// acquire returns the client that is there, or finds one, which is fresh then.
func (s *session) acquire(ctx context.Context) (c *shared, fresh bool, err error) {
	if c := s.current(); c != nil {
		return c, false, nil
	}
	select {
	case <-s.finding:
	case <-ctx.Done():
		return nil, false, transport.AsError(ctx.Err())
	}
	defer func() { s.finding <- struct{}{} }()
	if c := s.current(); c != nil {
		return c, false, nil
	}
	found, err := s.locate(ctx)
	if err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client, s.found = &shared{found, 1}, found.URI()
	return s.client, true, nil
}

// locate finds a name server. A location that was found because the ones before it said nothing is asked first for a while:
// otherwise each lookup would wait for them again.
func (s *session) locate(ctx context.Context) (*Client, error) {
	l := s.locator
	if !time.Now().Before(s.firstUntil) {
		s.first = ""
	}
	if s.first != "" {
		others := slices.DeleteFunc(slices.Clone(l.Locations), func(location string) bool { return location == s.first })
		l.Locations = append([]string{s.first}, others...)
	}
	began := time.Now()
	found, err := l.Locate(ctx)
	if err != nil || s.sticks <= 0 || len(l.Locations) == 0 {
		return found, err
	}
	waited := time.Since(began) >= l.stagger()
	switch at := s.locator.place(found.URI()); {
	case at == 0:
		s.first = ""
	case waited && s.locator.Locations[at] != s.first:
		s.first, s.firstUntil = s.locator.Locations[at], time.Now().Add(s.sticks)
	}
	return found, nil
}

// current returns the client that is there, and counts who gets it.
func (s *session) current() *shared {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.users++
	}
	return s.client
}

// release gives a client back. One whose name server is gone is given to nobody else; those that use it already go on, as it may
// only have been too slow for one call.
func (s *session) release(c *shared, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.users--
	if s.client == c && (gone || c.users == 0 && s.linger <= 0) {
		s.client = nil
	}
	if c.users > 0 {
		return
	}
	if s.client != c {
		_ = c.Close()
		return
	}
	if s.idle != nil {
		s.idle.Stop()
	}
	s.idle = time.AfterFunc(s.linger, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.client == c && c.users == 0 {
			s.client = nil
			_ = c.Close()
		}
	})
}

// location returns the name server that was found last, or a URI without a location.
func (s *session) location() pyro.URI {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found
}
