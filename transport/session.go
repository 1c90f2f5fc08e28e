package transport

import (
	"io"
	"reflect"
	"slices"
	"sync"
)

// A Session is one connection's memory on a server. Values put there live as long as the
// connection; those that are an io.Closer are closed when it ends, the last one first.
type Session struct {
	mu     sync.Mutex // guards what follows
	values map[any]any
	order  []any // keys, and *tracked
	closed bool
	held   int // one-way calls and remote iterators that still use the values
}

// tracked is a resource in a session's order.
type tracked struct{ io.Closer }

// Load returns the value of key, made by create if it is not there yet. create runs under the
// session's lock: it must not use the session. After the session is over, see Ended, what create makes
// is not kept, and the caller has to close it.
func (s *Session) Load(key any, create func() (any, error)) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.values[key]; ok {
		return v, nil
	}
	v, err := create()
	if err != nil || s.closed && s.held == 0 {
		return v, err
	}
	if s.values == nil {
		s.values = map[any]any{}
	}
	s.values[key] = v
	s.order = append(s.order, key)
	return v, nil
}

// Delete takes key out of the session and returns the value it had, which is not closed; nil if there
// was none.
func (s *Session) Delete(key any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	if ok {
		delete(s.values, key)
		s.order = slices.DeleteFunc(s.order, func(k any) bool { return k == key })
	}
	return v
}

// Track has c closed when the connection ends; at once if it has ended already.
func (s *Session) Track(c io.Closer) {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.order = append(s.order, &tracked{c})
	}
	s.mu.Unlock()
	if closed {
		closeValue(c)
	}
}

// Untrack takes c back, which is not closed then, and reports whether it was tracked.
func (s *Session) Untrack(c io.Closer) bool {
	if !reflect.ValueOf(c).Comparable() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range slices.Backward(s.order) {
		if t, ok := o.(*tracked); ok && t.Closer == c {
			s.order = slices.Delete(s.order, i, i+1)
			return true
		}
	}
	return false
}

// Ended reports whether the connection has ended and nothing holds the session, so that nothing more is kept.
func (s *Session) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed && s.held == 0
}

// Hold has the values stay open after the connection's end until as many calls of Release: it is for what came of the
// connection and may outlive it, one-way calls and remote iterators.
func (s *Session) Hold() {
	s.mu.Lock()
	s.held++
	s.mu.Unlock()
}

// Release undoes one Hold.
func (s *Session) Release() {
	s.mu.Lock()
	s.held--
	var over []io.Closer
	if s.closed {
		over = s.takeOver()
	}
	s.mu.Unlock()
	closeAll(over)
}

// Close ends the session and closes what it tracks and its values, these after the last Release.
func (s *Session) Close() error {
	s.mu.Lock()
	s.closed = true
	over := s.takeOver()
	s.mu.Unlock()
	closeAll(over)
	return nil
}

// takeOver takes out what is to be closed now, the first to be closed first.
func (s *Session) takeOver() (over []io.Closer) {
	var kept []any
	for _, o := range slices.Backward(s.order) {
		t, isTracked := o.(*tracked)
		switch {
		case isTracked:
			over = append(over, t.Closer)
		case s.held > 0:
			kept = append(kept, o)
		default:
			if c, ok := s.values[o].(io.Closer); ok {
				over = append(over, c)
			}
			delete(s.values, o)
		}
	}
	slices.Reverse(kept)
	s.order = kept
	return over
}

func closeAll(over []io.Closer) {
	for _, c := range over {
		closeValue(c)
	}
}

// closeValue closes c for a connection that is gone: nobody is left to tell what goes wrong, and no panic
// may keep the others open.
func closeValue(c io.Closer) {
	defer func() { _ = recover() }()
	_ = c.Close()
}
