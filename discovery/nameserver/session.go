package nameserver

import (
	"context"
	"sync"
	"time"

	"github.com/pyrokit/pyrokit/discovery"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A session finds a name server when it is needed, and another one when that one is gone.
type session struct {
	locator Locator
	linger  time.Duration // for so long a connection that nobody uses is kept
	finding chan struct{} // holds one token: who has it locates

	mu     sync.Mutex // guards what follows
	client *Client    // nil if none was found, or nobody used it for a while
	users  int        // of client
	idle   *time.Timer
	found  pyro.URI
}

func newSession(l Locator, linger time.Duration) *session {
	s := &session{locator: l, linger: linger, finding: make(chan struct{}, 1)}
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
		err = fn(c)
		gone := err != nil && discovery.OutOfReach(err)
		s.release(c, gone)
		if !gone || fresh || attempt > 0 || ctx.Err() != nil {
			return err
		}
	}
}

// acquire returns the client that is there, or finds one.
func (s *session) acquire(ctx context.Context) (c *Client, fresh bool, err error) {
	if c := s.current(); c != nil {
		return c, false, nil
	}
	select {
	case <-s.finding:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	defer func() { s.finding <- struct{}{} }()
	if c := s.current(); c != nil {
		return c, false, nil
	}
	if c, err = s.locator.Locate(ctx); err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client, s.users, s.found = c, 1, c.URI()
	return c, true, nil
}

// current returns the client that is there, and counts who gets it.
func (s *session) current() *Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.users++
	}
	return s.client
}

// release gives a client back. One that is gone nobody else gets.
func (s *session) release(c *Client, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != c { // somebody else found that it is gone
		return
	}
	s.users--
	if gone || s.users == 0 && s.linger <= 0 {
		s.drop()
		return
	}
	if s.users > 0 {
		return
	}
	if s.idle != nil {
		s.idle.Stop()
	}
	s.idle = time.AfterFunc(s.linger, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.client == c && s.users == 0 {
			s.drop()
		}
	})
}

// drop ends the client, under mu. Others that use it fail, and find another one.
func (s *session) drop() {
	_ = s.client.Close()
	s.client, s.users = nil, 0
}

// location returns the name server that was found last, or a URI without a location.
func (s *session) location() pyro.URI {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found
}
