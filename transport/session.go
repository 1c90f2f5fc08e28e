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
}

// tracked is a resource in a session's order.
type tracked struct{ io.Closer }

// Load returns the value of key, made by create if it is not there yet. create runs under the
// session's lock: it must not use the session. After the connection has ended, what create makes is
// not kept, and the caller has to close it.
func (s *Session) Load(key any, create func() (any, error)) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.values[key]; ok {
		return v, nil
	}
	v, err := create()
	if err != nil || s.closed {
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

// Ended reports whether the connection has ended, so that nothing more is kept.
func (s *Session) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close ends the session and closes its values and what it tracks.
func (s *Session) Close() error {
	s.mu.Lock()
	values, order := s.values, s.order
	s.values, s.order, s.closed = nil, nil, true
	s.mu.Unlock()
	for _, o := range slices.Backward(order) {
		v := values[o]
		if t, ok := o.(*tracked); ok {
			v = t.Closer
		}
		if c, ok := v.(io.Closer); ok {
			closeValue(c)
		}
	}
	return nil
}

// closeValue closes c for a connection that is gone: nobody is left to tell what goes wrong, and no panic
// may keep the others open.
func closeValue(c io.Closer) {
	defer func() { _ = recover() }()
	_ = c.Close()
}
