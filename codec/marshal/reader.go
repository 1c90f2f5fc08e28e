package marshal

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A reader reads marshal data. It is a bind.Source.
type reader struct {
	data     []byte
	pos      int
	o        *codec.Options
	maxDepth int

	frames []frame
	refs   []ref // the objects that may be referred to, in the order in which they begin
	replay bool  // reading what a reference refers to: it is not flagged once more
	reread int   // bytes that references made us read again
	cur    object
	peeked bool // cur has begun
	start  int  // where it did, before references were followed

	scratch []byte
	dec     bind.Decoder
}

// A ref is an object that may be referred to.
type ref struct {
	pos  int  // of its type byte
	done bool // it has ended: only then may it be referred to
}

// A frame is a container that was entered.
type frame struct {
	left   int    // elements to come; -1 for a dict, which ends with a mark
	obj    object // that began it
	replay bool   // as it was before
}

var readers = sync.Pool{New: func() any { return new(reader) }}

func newReader(data []byte, o *codec.Options) *reader {
	s := readers.Get().(*reader) //nolint:forcetypeassert // nothing else is put in
	s.data, s.pos, s.o, s.maxDepth = data, 0, o, o.Depth()
	s.frames, s.refs = s.frames[:0], s.refs[:0]
	s.replay, s.reread, s.peeked = false, 0, false
	s.dec.Renew(o)
	s.dec.Room = bind.RoomFor(len(data))
	s.dec.Src, s.dec.Stable = s, true // no Codec: values refer to others, and cannot be handed out as they are
	return s
}

func (s *reader) free() {
	const maxKept = 4096
	s.data, s.o, s.dec.O = nil, nil, nil
	if cap(s.scratch) > maxKept {
		s.scratch = nil
	}
	if cap(s.refs) > maxKept {
		s.refs = nil
	}
	readers.Put(s)
}

func (s *reader) fail(msg string) error {
	return &codec.SyntaxError{Codec: name, Offset: s.pos, Msg: msg}
}

// An object is a value that has begun: its type without the flag.
type object struct {
	code byte
	at   int // where its content begins
	ref  int // its place in refs if it is flagged, else -1
	back int // where to go on after it, if it was reached by a reference; else -1
}

// begin reads a type byte, and follows references.
func (s *reader) begin() (object, error) {
	obj := object{ref: -1, back: -1}
	for {
		if s.pos >= len(s.data) {
			return obj, s.fail("unexpected end")
		}
		c := s.data[s.pos]
		obj.code = c &^ 0x80
		if obj.code != 'r' {
			if c&0x80 != 0 && !s.replay && obj.back < 0 && !unnumbered[obj.code] {
				s.refs = append(s.refs, ref{pos: s.pos})
				obj.ref = len(s.refs) - 1
			}
			s.pos++
			obj.at = s.pos
			return obj, nil
		}
		s.pos++
		n, err := s.uint32()
		if err != nil {
			return obj, err
		}
		if uint64(n) >= uint64(len(s.refs)) {
			return obj, s.fail("invalid reference")
		}
		target := s.refs[n]
		if !target.done {
			return obj, s.fail("a container holds itself")
		}
		obj.back = s.pos // a reference is never flagged, so there is only one step
		s.pos = target.pos
	}
}

// unnumbered has the types that cannot be referred to, whether they are flagged or not.
var unnumbered = [256]bool{'N': true, 'T': true, 'F': true, '.': true, 'S': true, '0': true}

// References may make the data freeReread bytes larger, and maxReread times its own size. Containers
// count more than their bytes, because they take more memory.
const (
	maxReread       = 32
	freeReread      = 1 << 20
	containerWeight = 8
)

// end ends the scalar that cur began.
func (s *reader) end() error {
	obj := s.cur
	s.peeked = false
	if obj.ref >= 0 {
		s.refs[obj.ref].done = true
	}
	if obj.back < 0 {
		return nil
	}
	n := s.pos - obj.at
	s.pos = obj.back
	return s.again(n)
}

// again counts n bytes that were read again.
func (s *reader) again(n int) error {
	s.reread += n
	if limit := freeReread + maxReread*len(s.data); s.reread > limit {
		return &codec.LimitError{What: "what references make of the data", Limit: int64(limit), Option: "none"}
	}
	return nil
}

func (s *reader) uint32() (uint32, error) {
	if len(s.data)-s.pos < 4 {
		return 0, s.fail("data too short")
	}
	n := binary.LittleEndian.Uint32(s.data[s.pos:])
	s.pos += 4
	return n, nil
}

// take returns the next n bytes.
func (s *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(s.data)-s.pos {
		return nil, s.fail("data too short")
	}
	b := s.data[s.pos : s.pos+n]
	s.pos += n
	return b, nil
}

// sized returns bytes after their length, which is a byte if short is set.
func (s *reader) sized(short bool) ([]byte, error) {
	var n int
	if short {
		b, err := s.take(1)
		if err != nil {
			return nil, err
		}
		n = int(b[0])
	} else {
		u, err := s.uint32()
		if err != nil {
			return nil, err
		}
		if u > math.MaxInt32 {
			return nil, s.fail("size out of range")
		}
		n = int(u)
	}
	return s.take(n)
}

// str reads the content of a str. The result points into the data, or is valid until the next call.
func (s *reader) str(code byte) ([]byte, error) {
	b, err := s.sized(code == 'z' || code == 'Z')
	if err != nil {
		return nil, err
	}
	if code == 'u' || code == 't' {
		if !utf8.Valid(b) && !validText(string(b)) {
			return nil, s.fail("text that is not UTF-8")
		}
		return b, nil
	}
	for _, c := range b { // Latin-1, nearly always ASCII
		if c >= 0x80 {
			return s.latin1(b), nil
		}
	}
	return b, nil
}

func (s *reader) latin1(b []byte) []byte {
	s.scratch = s.scratch[:0]
	for _, c := range b {
		if c < 0x80 {
			s.scratch = append(s.scratch, c)
		} else {
			s.scratch = append(s.scratch, 0xc0|c>>6, 0x80|c&0x3f)
		}
	}
	return s.scratch
}

// int reads the content of an int.
func (s *reader) int(code byte) (int64, *big.Int, error) {
	switch code {
	case 'i':
		n, err := s.uint32()
		return int64(int32(n)), nil, err //nolint:gosec // two's complement
	case 'I':
		b, err := s.take(8)
		if err != nil {
			return 0, nil, err
		}
		return int64(binary.LittleEndian.Uint64(b)), nil, nil //nolint:gosec // two's complement
	}
	u, err := s.uint32()
	if err != nil {
		return 0, nil, err
	}
	count := int64(int32(u)) //nolint:gosec // two's complement
	n := max(count, -count)  // which 32 bits may not hold
	if n > int64(len(s.data)-s.pos)/2 {
		return 0, nil, s.fail("data too short")
	}
	return s.long(int(n), count < 0)
}

// long reads n digits.
func (s *reader) long(n int, negative bool) (int64, *big.Int, error) {
	digits, err := s.take(2 * n)
	if err != nil {
		return 0, nil, err
	}
	for i := 1; i < len(digits); i += 2 {
		if digits[i]&0x80 != 0 {
			return 0, nil, s.fail("digit out of range in an int")
		}
	}
	if n > 0 && digits[2*n-1]|digits[2*n-2] == 0 {
		return 0, nil, s.fail("unnormalized int")
	}
	if n*digitBits < 63 {
		var v int64
		for ; n > 0; n-- {
			v = v<<digitBits | int64(binary.LittleEndian.Uint16(digits[2*n-2:]))
		}
		if negative {
			v = -v
		}
		return v, nil, nil
	}
	v := bigOf(digits)
	if negative {
		v.Neg(v)
	}
	if v.IsInt64() {
		return v.Int64(), nil, nil
	}
	return 0, v, nil
}

// bigOf returns the number that digits, the least first, spell.
func bigOf(digits []byte) *big.Int {
	mag := make([]byte, (len(digits)/2*digitBits+7)/8) // the most significant first
	at := len(mag) - 1
	var acc, have uint
	for i := 0; i < len(digits); i += 2 {
		acc |= uint(binary.LittleEndian.Uint16(digits[i:])) << have
		for have += digitBits; have >= 8; have -= 8 {
			mag[at] = byte(acc)
			acc >>= 8
			at--
		}
	}
	if have > 0 && at >= 0 {
		mag[at] = byte(acc)
	}
	return new(big.Int).SetBytes(mag)
}

// float reads a float in one of its two forms.
func (s *reader) float(text bool) (float64, error) {
	if !text {
		b, err := s.take(8)
		if err != nil {
			return 0, err
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
	}
	b, err := s.sized(true)
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil && f-f == 0 {
		return 0, s.fail("could not convert text to float")
	}
	return f, nil
}

func (s *reader) complex(text bool) (complex128, error) {
	re, err := s.float(text)
	if err != nil {
		return 0, err
	}
	im, err := s.float(text)
	return complex(re, im), err
}
