package servicetest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Replay returns connections to a peer that answers as the one did that Record has listened to, whatever
// the address. A request is answered as the first recorded one that is the same and was not answered yet
// on such a connection: the same method with the same arguments. Sequence and correlation numbers, other
// annotations and what is said in the handshake do not count. A request that was not recorded fails the
// test and ends its connection; one that was recorded and is not made is no error. Options that change
// requests, such as dialect, serializer and compression, have to be the recorded ones. The dialect should
// be fixed: finding it out takes a connection or two, depending on what the process knows already.
func Replay(t testing.TB, file string) DialFunc {
	t.Helper()
	sessions, err := load(file)
	if err != nil {
		t.Fatalf("replay: %v", err)
	}
	r := &replayer{t: t, file: file, sessions: sessions}
	n := NewNetwork(t)
	t.Cleanup(func() {
		n.Cut()
		r.wg.Wait()
	})
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		if err := ctx.Err(); err != nil {
			return nil, dialError(address, err)
		}
		l := n.newLink(address)
		r.wg.Go(func() {
			defer l.server.Close()
			r.serve(l.server)
		})
		return l.client, nil
	}
}

// A session is one recorded connection.
type session struct {
	exchanges []*exchange
	taken     bool
}

// An exchange is a recorded request, and its reply if it got one.
type exchange struct {
	request message
	reply   message
	done    bool
}

// A replayer answers connections from a recording.
type replayer struct {
	t    testing.TB
	file string
	wg   sync.WaitGroup

	mu       sync.Mutex // guards what follows
	sessions []*session
}

// serve answers one connection.
func (r *replayer) serve(c net.Conn) {
	in := bufio.NewReader(c)
	var s *session
	for {
		request, err := readMessage(in)
		if err != nil {
			return // the client is gone, or was told already what is wrong
		}
		var found *exchange
		s, found = r.find(s, request)
		if found == nil {
			r.t.Errorf("replay: %s has no such request (left): %q", r.file, request)
			return
		}
		if found.reply == nil {
			continue // one-way
		}
		reply := found.reply.clone()
		if reply.seq() == found.request.seq() {
			reply.setSeq(request.seq())
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

// find returns what was recorded for a request, and marks it as done. The first request of a connection
// decides which recorded connection it is.
func (r *replayer) find(s *session, request message) (*session, *exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	candidates := []*session{s}
	if s == nil {
		candidates = r.sessions
	}
	for _, c := range candidates {
		if s == nil && (c.taken || len(c.exchanges) == 0 || !c.exchanges[0].request.same(request)) {
			continue
		}
		for _, e := range c.exchanges {
			if !e.done && e.request.same(request) {
				c.taken, e.done = true, true
				return c, e
			}
		}
	}
	return s, nil
}

// load reads a recording.
func load(file string) ([]*session, error) {
	data, err := os.ReadFile(file) //nolint:gosec // the test's own
	if err != nil {
		return nil, err
	}
	var sessions []*session
	byNumber := map[string]*session{}
	for i, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		number, rest, _ := strings.Cut(line, " ")
		way, quoted, _ := strings.Cut(rest, " ")
		text, err := strconv.Unquote(quoted)
		m := message(text)
		if err == nil {
			err = m.check()
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		s := byNumber[number]
		if s == nil {
			s = &session{}
			byNumber[number] = s
			sessions = append(sessions, s)
		}
		if !s.add(way, m) {
			return nil, fmt.Errorf("%s:%d: neither a request nor the reply to one", file, i+1)
		}
	}
	return sessions, nil
}

// add files a message. A reply belongs to the request of its number that has none yet; where a daemon
// refuses, it may have another number.
func (s *session) add(way string, m message) bool {
	if way == ">" {
		s.exchanges = append(s.exchanges, &exchange{request: m})
		return true
	}
	var last *exchange
	for _, e := range s.exchanges {
		if e.reply != nil {
			continue
		}
		last = e
		if e.request.seq() == m.seq() {
			break
		}
	}
	if way != "<" || last == nil {
		return false
	}
	last.reply = m
	return true
}
