package msgpack

import (
	"bytes"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

var classKey = []byte(codec.ClassKey)

// Class returns the class of the dict at pos, if it is an instance. Each part of the data is looked through
// once, as it comes up, and nothing if there are no instances any more.
func (s *reader) Class() string {
	if s.pos < s.ahead {
		return s.classes[s.pos]
	}
	if s.pos > s.nextClass {
		s.nextClass = len(s.data)
		if i := bytes.Index(s.data[s.pos:], classKey); i >= 0 {
			s.nextClass = s.pos + i
		}
	}
	if s.nextClass == len(s.data) {
		s.ahead = len(s.data)
		return ""
	}
	s.lookAhead()
	return s.classes[s.pos]
}

// lookAhead notes the classes of the instances in the value at pos, up to what is wrong in it.
func (s *reader) lookAhead() {
	m := s.Mark()
	for more := true; more; {
		if s.skipOne() != nil {
			break
		}
		more, _ = s.goOn(m.Depth)
		if more {
			s.noteClass()
		}
	}
	s.ahead = s.pos
	s.Reset(m)
}

// noteClass notes the class of the innermost container, if the key that makes it an instance is at pos.
func (s *reader) noteClass() {
	f := s.frames[len(s.frames)-1]
	at := s.pos
	if f.inKey && s.atStr() {
		key, err := s.str()
		if err == nil && string(key) == codec.ClassKey && s.atStr() {
			if name, err := s.str(); err == nil {
				s.note(f.at, string(name))
			}
		}
	}
	s.pos = at
}

// atStr tells whether a str is at pos.
func (s *reader) atStr() bool { return s.pos < len(s.data) && kinds[s.data[s.pos]] == bind.Str }

func (s *reader) note(at int, class string) {
	if s.classes == nil {
		s.classes = map[int]string{}
	}
	s.classes[at] = class
}
