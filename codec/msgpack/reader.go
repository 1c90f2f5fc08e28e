package msgpack

import (
	"encoding/binary"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A reader reads msgpack data. It is a bind.Source.
type reader struct {
	data []byte
	pos  int
	base int // where data begins in the whole, for errors

	maxDepth int
	lenient  bool

	frames []frame
	owed   uint64 // elements, keys and values that the containers entered have announced and not brought yet
	inKeys int    // keys that are being read, one within the other

	classes   map[int]string // of instances, by where their dicts begin
	ahead     int            // where what was looked through for classes ends
	nextClass int            // where __class__ stands next, or the end

	scratch []byte // the text of times and dates
	dec     bind.Decoder
}

// A frame is a container that was entered.
type frame struct {
	at    int // where it begins
	left  int // elements or entries to come
	dict  bool
	inKey bool // at a key whose value is to come
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// newReader returns a reader of data, which begins at base in the whole.
func newReader(data []byte, base int, o *codec.Options) *reader {
	s := readers.Get().(*reader) //nolint:forcetypeassert // nothing else is put in
	s.data, s.pos, s.base = data, 0, base
	s.maxDepth, s.lenient = o.Depth(), lenient(o)
	s.frames, s.owed, s.inKeys = s.frames[:0], 0, 0
	s.classes, s.ahead, s.nextClass = nil, 0, -1
	s.dec.Renew(o)
	s.dec.Room = bind.RoomFor(len(data))
	if s.dec.Src == nil {
		s.dec.Src, s.dec.Codec = s, Codec
		s.dec.InsideOut, s.dec.Stable, s.dec.Counted = true, true, true
	}
	return s
}

func (s *reader) free() {
	s.data, s.classes = nil, nil
	s.dec.Renew(nil)
	readers.Put(s)
}

func (s *reader) fail(msg string) error {
	return &codec.SyntaxError{Codec: name, Offset: s.base + s.pos, Msg: msg}
}

func (s *reader) short() error { return s.fail("unexpected end") }

// end says what is wrong if something follows the value.
func (s *reader) end() error {
	if s.pos < len(s.data) {
		return s.fail("bytes after the value")
	}
	return nil
}

// rest returns how many bytes are left.
func (s *reader) rest() uint64 { return uint64(len(s.data) - s.pos) } //nolint:gosec // never negative

// take returns the next n bytes.
func (s *reader) take(n uint64) ([]byte, error) {
	if n > s.rest() {
		return nil, s.short()
	}
	b := s.data[s.pos : s.pos+int(n)] //nolint:gosec // not more than there are
	s.pos += int(n)                   //nolint:gosec // as above
	return b, nil
}

// number passes over a first byte and returns the length or number after it.
func (s *reader) number() (uint64, error) {
	size := sizes[s.data[s.pos]]
	b := s.data[s.pos+1:]
	if len(b) < size {
		return 0, s.short()
	}
	s.pos += 1 + size
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), nil
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), nil
	default:
		return binary.BigEndian.Uint64(b), nil
	}
}

// str reads a str.
func (s *reader) str() ([]byte, error) {
	var n uint64
	if c := s.data[s.pos]; c < codeNil {
		n = uint64(c &^ fixStr)
		s.pos++
	} else {
		var err error
		if n, err = s.number(); err != nil {
			return nil, err
		}
	}
	b, err := s.take(n)
	if err != nil {
		return nil, err
	}
	if !s.lenient && !utf8.Valid(b) {
		s.pos -= len(b)
		return nil, s.fail("text that is not UTF-8")
	}
	return b, nil
}

// ext reads an extension.
func (s *reader) ext() (typ int8, body []byte, err error) {
	c := s.data[s.pos]
	var n uint64
	switch {
	case c >= codeFixExt1 && c < codeStr8:
		n = 1 << (c - codeFixExt1)
		s.pos++
	case c >= codeExt8 && c <= codeExt32:
		if n, err = s.number(); err != nil {
			return 0, nil, err
		}
	default:
		return 0, nil, s.fail("a byte that no value begins with")
	}
	b, err := s.take(n + 1)
	if err != nil {
		return 0, nil, err
	}
	return int8(b[0]), b[1:], nil //nolint:gosec // two's complement
}

// peekExt returns the kind of the extension at pos.
func (s *reader) peekExt() (bind.Kind, error) {
	at := s.pos
	typ, _, err := s.ext()
	if err != nil {
		return bind.Invalid, err
	}
	s.pos = at
	switch typ {
	case extComplex:
		return bind.Complex, nil
	case extInt:
		return bind.Int, nil
	case extTime, extDate, extTimestamp:
		return bind.Str, nil
	}
	return bind.Invalid, s.fail("invalid ext code for msgpack: " + strconv.Itoa(int(typ)))
}

// moment reads a time or a date.
func (s *reader) moment() (v any, err error) {
	at := s.pos
	typ, body, err := s.ext()
	if err != nil {
		return nil, err
	}
	ok := false
	switch typ {
	case extTime:
		v, ok = timeOf(body)
	case extDate:
		v, ok = dateOf(body)
	case extTimestamp:
		v, ok = timestampOf(body)
	}
	if !ok {
		s.pos = at
		return nil, s.fail("no time or date of the years 1 to 9999")
	}
	return v, nil
}
