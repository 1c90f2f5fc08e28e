package serpent

import (
	"sync"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A reader reads Python literals. It is a bind.Source.
type reader struct {
	data []byte
	pos  int
	base int // where data begins in the whole, for errors

	o        *codec.Options
	maxDepth int
	depth    int  // open brackets; inside brackets, line ends are blanks
	fresh    bool // the innermost container was just entered

	frames []frame // of the containers that were entered, and of the groups around them
	held   held    // what Peek had to read to know its kind

	scratch []byte   // strings that are not as they stand in data
	values  []any    // of the containers that Tree is reading
	names   []string // keys of the dicts that Tree is reading
	classes bool     // Tree met a class dict
	keys    bind.KeyCache
	parens  parens

	dec bind.Decoder
}

// A frame is a container that was entered, or a group: parentheses around a single value.
type frame struct {
	closer byte // 0 for set(), which has ended when it begins
	comma  bool // there was a comma
	group  bool
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// newReader returns a reader of data, which stands open brackets deep at base in the whole.
func newReader(data []byte, base, open int, o *codec.Options) *reader {
	s := readers.Get().(*reader) //nolint:forcetypeassert // nothing else is put in
	s.data, s.pos, s.base, s.o = data, 0, base, o
	s.depth, s.maxDepth = open, o.Depth()
	s.frames, s.fresh = s.frames[:0], false
	s.held.kind = bind.Invalid
	s.classes = false
	s.parens.reset()
	s.dec.Renew(o)
	s.dec.Room = bind.RoomFor(len(data))
	if s.dec.Src == nil {
		s.dec.Src, s.dec.Codec, s.dec.OwnClass = s, Codec, ownClass
	}
	return s
}

// maxKept is the size of buffers that a pooled reader keeps.
const maxKept = 64 << 10

func (s *reader) free() {
	s.data, s.o, s.held = nil, nil, held{}
	s.dec.O = nil
	if cap(s.scratch) > maxKept {
		s.scratch = nil
	}
	clear(s.values) // what an error left
	clear(s.names)
	s.values, s.names = s.values[:0], s.names[:0]
	if cap(s.values) > maxKept/16 {
		s.values = nil
	}
	if cap(s.names) > maxKept/16 {
		s.names = nil
	}
	readers.Put(s)
}

func (s *reader) fail(msg string) error { return s.failAt(s.pos, msg) }

func (s *reader) failAt(pos int, msg string) error {
	return &codec.SyntaxError{Codec: name, Offset: s.base + pos, Msg: msg}
}

// unexpected says what stands at pos.
func (s *reader) unexpected() error {
	if s.pos >= len(s.data) {
		return s.fail("unexpected end")
	}
	return s.fail("invalid syntax")
}

func (s *reader) open() error {
	if s.depth >= s.maxDepth {
		return &codec.LimitError{What: "nesting", Limit: int64(s.maxDepth), Option: "MaxDepth"}
	}
	s.depth++
	return nil
}

// char passes over blanks and returns the byte that follows, 0 at the end.
func (s *reader) char() byte {
	if s.pos < len(s.data) {
		if c := s.data[s.pos]; c > ' ' && c != '#' && c != '\\' {
			return c
		}
	}
	return s.charSlow()
}

func (s *reader) charSlow() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\f':
			s.pos++
		case '\n', '\r':
			if s.depth == 0 {
				return c
			}
			s.pos++
		case '#':
			if !s.comment() {
				return 0xff
			}
		case '\\':
			n := lineEnd(s.data[s.pos+1:])
			if n == 0 {
				return c
			}
			s.pos += 1 + n
		default:
			return c
		}
	}
	return 0
}

// comment passes over a comment, up to the end of the line. It reports whether the comment is text.
func (s *reader) comment() bool {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] != '\n' && s.data[s.pos] != '\r' {
		if s.data[s.pos] == 0 {
			return false
		}
		s.pos++
	}
	if !utf8.Valid(s.data[start:s.pos]) {
		s.pos = start
		return false
	}
	return true
}

// lineEnd returns the length of the line end that b begins with, 0 if there is none.
func lineEnd(b []byte) int {
	switch {
	case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
		return 2
	case len(b) > 0 && (b[0] == '\n' || b[0] == '\r'):
		return 1
	}
	return 0
}

const header = "# serpent utf-8 python3.2\n"

// begin passes over what may stand before the first value: blanks on the first line, and lines that
// hold nothing or a comment. Every other line must begin without a blank.
func (s *reader) begin() error {
	if len(s.data) > len(header) && string(s.data[:len(header)]) == header && s.data[len(header)] > ' ' {
		s.pos = len(header)
		if c := s.data[s.pos]; c != '#' && c != '\\' {
			return nil
		}
	}
	for s.pos < len(s.data) && (s.data[s.pos] == ' ' || s.data[s.pos] == '\t') {
		s.pos++
	}
	indented := false
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t':
			indented = true
			s.pos++
		case '\f':
			indented = false
			s.pos++
		case '\n', '\r':
			indented = false
			s.pos++
		case '#':
			if !s.comment() {
				return s.fail("a comment is not text")
			}
		default:
			if indented {
				return s.fail("unexpected indent")
			}
			return nil
		}
	}
	return s.unexpected()
}

// end checks that nothing but blanks, comments and whole lines of them follows.
func (s *reader) end() error {
	inLine, indented := true, false // in the line of the value; after blanks on a line below
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t':
			indented = !inLine
			s.pos++
		case '\f':
			indented = false
			s.pos++
		case '\n', '\r':
			inLine, indented = false, false
			s.pos++
		case '#':
			if !s.comment() {
				return s.fail("a comment is not text")
			}
			indented = false
		default:
			return s.unexpected()
		}
	}
	if indented {
		return s.fail("unexpected indent")
	}
	return nil
}
