package transport

import (
	"io"
	"slices"
	"sync"
)

// A Session is one connection's memory on a server. Values put there live as long as the
// connection; those that are an io.Closer are closed when it ends, the last one first.
type Session struct {
	mu     sync.Mutex // guards what follows
	values map[any]any
	order  []any
	closed bool
}

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

// Close ends the session and closes its values.
func (s *Session) Close() error {
	s.mu.Lock()
	values, order := s.values, s.order
	s.values, s.order, s.closed = nil, nil, true
	s.mu.Unlock()
	for _, o := range slices.Backward(order) {
		if c, ok := values[o].(io.Closer); ok {
			_ = c.Close() // its connection is gone: nobody is left to tell
		}
	}
	return nil
}
