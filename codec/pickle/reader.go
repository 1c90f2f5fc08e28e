package pickle

import (
	"slices"
	"sync"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A reader carries out the opcodes of a pickle, and makes a tree of what they built. Nothing is
// imported and nothing called: names and calls become nodes like any other.
type reader struct {
	treeBuilder
	source

	data  []byte
	pos   int
	start int // of the opcode being carried out
	proto byte
	o     *codec.Options // may be nil

	stack    []value
	marks    []int            // lengths of the stack when a mark was set
	memo     []value          // by index
	sparse   map[uint64]value // what is remembered far beyond the end of memo
	memoized int              // number of values remembered
	stopped  bool

	nodes slab[node]
	items slab[value]

	dec bind.Decoder
}

// What a message of a few KiB needs.
const (
	keptNodes = 64
	keptItems = 256
)

var readers = sync.Pool{New: func() any {
	return &reader{nodes: newSlab[node](keptNodes), items: newSlab[value](keptItems)}
}}

func newReader(data []byte, o *codec.Options) *reader {
	r := readers.Get().(*reader) //nolint:forcetypeassert // nothing else is put in
	r.data, r.pos, r.start, r.proto, r.o = data, 0, 0, 0, o
	r.memoized, r.stopped = 0, false
	r.restart(o)
	return r
}

func (r *reader) free() {
	const most = 256 // elements that are kept for the next message
	clear(r.stack[:cap(r.stack)])
	clear(r.memo[:cap(r.memo)])
	r.nodes.reset()
	r.items.reset()
	r.stack, r.marks, r.memo = r.stack[:0], r.marks[:0], r.memo[:0]
	if cap(r.stack) > most {
		r.stack = nil
	}
	if cap(r.marks) > most {
		r.marks = nil
	}
	if cap(r.memo) > most {
		r.memo = nil
	}
	clear(r.frames[:cap(r.frames)])
	r.data, r.o, r.sparse, r.types, r.cur, r.made = nil, nil, nil, nil, value{}, nil
	r.dec.Renew(nil)
	readers.Put(r)
}

func (r *reader) fail(msg string) error {
	return &codec.SyntaxError{Codec: name, Offset: r.start, Msg: msg}
}

// run carries out the opcodes up to the last one, and returns the value that they leave.
func (r *reader) run() (value, error) {
	for !r.stopped {
		if err := r.step(); err != nil {
			return value{}, err
		}
	}
	return r.pop()
}

// step carries out one opcode.
func (r *reader) step() error {
	r.start = r.pos
	if r.pos >= len(r.data) {
		return r.fail("unexpected end")
	}
	op := r.data[r.pos]
	r.pos++
	if op == opStop {
		r.stopped = true
		return nil
	}
	do := ops[op]
	if do == nil {
		return r.fail("unknown opcode")
	}
	return do(r)
}

// take returns the next n bytes.
func (r *reader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.data)-r.pos) { //nolint:gosec // pos is within data
		return nil, r.fail("pickle data was truncated")
	}
	b := r.data[r.pos : r.pos+int(n)] //nolint:gosec // checked above
	r.pos += int(n)                   //nolint:gosec // checked above
	return b, nil
}

// number reads a little-endian number of size bytes.
func (r *reader) number(size int) (n uint64, err error) {
	b, err := r.take(uint64(size)) //nolint:gosec // 1 to 8
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n, err
}

// line returns the text up to the next newline, which it passes over.
func (r *reader) line() ([]byte, error) {
	rest := r.data[r.pos:]
	n := slices.Index(rest, '\n')
	if n < 0 {
		return nil, r.fail("pickle data was truncated")
	}
	r.pos += n + 1
	return rest[:n], nil
}

func (r *reader) protocol() error {
	n, err := r.number(1)
	if err != nil {
		return err
	}
	const highest = 5
	if n > highest {
		return r.fail("unsupported pickle protocol")
	}
	r.proto = byte(n)
	return nil
}

// frame checks the length of a frame, which says nothing that the opcodes do not say as well.
func (r *reader) frame() error {
	n, err := r.number(8)
	if err == nil && n > uint64(len(r.data)-r.pos) { //nolint:gosec // pos is within data
		err = r.fail("pickle data was truncated")
	}
	return err
}

func (r *reader) push(v value) error {
	if len(r.stack) == cap(r.stack) {
		r.stack = slices.Grow(r.stack, len(r.stack)+16) // twice as many: append adds less to long ones
	}
	r.stack = append(r.stack, v)
	return nil
}

// floor is the height of the stack below which nothing may be taken: that of the last mark.
func (r *reader) floor() int {
	if len(r.marks) == 0 {
		return 0
	}
	return r.marks[len(r.marks)-1]
}

// top returns the value that lies n below the top of the stack.
func (r *reader) top(n int) (value, error) {
	if len(r.stack)-n <= r.floor() {
		return value{}, r.fail("stack underflow")
	}
	return r.stack[len(r.stack)-1-n], nil
}

func (r *reader) pop() (value, error) {
	v, err := r.top(0)
	if err == nil {
		r.stack = r.stack[:len(r.stack)-1]
	}
	return v, err
}

func (r *reader) popOne() error {
	if n := len(r.marks); n > 0 && r.marks[n-1] == len(r.stack) { // as in Python, the mark then
		r.marks = r.marks[:n-1]
		return nil
	}
	_, err := r.pop()
	return err
}

func (r *reader) mark() error {
	if len(r.marks) == cap(r.marks) {
		r.marks = slices.Grow(r.marks, len(r.marks)+8)
	}
	r.marks = append(r.marks, len(r.stack))
	return nil
}

// popMark takes the values above the last mark. They are valid until the next push.
func (r *reader) popMark() ([]value, error) {
	if len(r.marks) == 0 {
		return nil, r.fail("could not find MARK")
	}
	n := r.marks[len(r.marks)-1]
	r.marks = r.marks[:len(r.marks)-1]
	above := r.stack[n:]
	r.stack = r.stack[:n]
	return above, nil
}

func (r *reader) dropMark() error {
	_, err := r.popMark()
	return err
}

func (r *reader) dup() error {
	v, err := r.top(0)
	if err != nil {
		return err
	}
	if err := r.again(duplicateSize + v.size() + len(nameOf(v))); err != nil {
		return err
	}
	return r.push(v)
}

// putAt remembers the top of the stack at an index of size bytes.
func (r *reader) putAt(size int) error {
	i, err := r.number(size)
	if err != nil {
		return err
	}
	return r.put(i)
}

func (r *reader) putLine() error {
	i, err := r.index()
	if err != nil {
		return err
	}
	return r.put(i)
}

func (r *reader) put(i uint64) error {
	v, err := r.top(0)
	if err != nil {
		return err
	}
	const gap = 16 // writers number what they remember without gaps, but not all begin with 0
	n := uint64(len(r.memo))
	if i > n+gap {
		if r.sparse == nil {
			r.sparse = map[uint64]value{}
		}
		if _, known := r.sparse[i]; !known {
			r.memoized++
		}
		r.sparse[i] = v
		return nil
	}
	if i >= uint64(cap(r.memo)) {
		r.memo = slices.Grow(r.memo, len(r.memo)+gap+1)
	}
	if i >= n {
		r.memo = r.memo[:i+1]
	}
	if r.memo[i].kind == kindNothing {
		r.memoized++
	}
	r.memo[i] = v
	return nil
}

func (r *reader) getAt(size int) error {
	i, err := r.number(size)
	if err != nil {
		return err
	}
	return r.get(i)
}

func (r *reader) getLine() error {
	i, err := r.index()
	if err != nil {
		return err
	}
	return r.get(i)
}

func (r *reader) get(i uint64) error {
	var v value
	if i < uint64(len(r.memo)) {
		v = r.memo[i]
	}
	if v.kind == kindNothing {
		v = r.sparse[i]
	}
	if v.kind == kindNothing {
		return r.fail("memo value not found")
	}
	if err := r.repeated(v); err != nil {
		return err
	}
	return r.push(v)
}

// index reads an index of the memo as a line of text.
func (r *reader) index() (uint64, error) {
	b, err := r.line()
	if err != nil {
		return 0, err
	}
	const digits = 9
	if len(b) == 0 || len(b) > digits {
		return 0, r.fail("invalid index of the memo")
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, r.fail("invalid index of the memo")
		}
		n = n*10 + uint64(c-'0')
	}
	return n, nil
}
