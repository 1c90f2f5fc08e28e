package pickle

import (
	"math"

	"github.com/pyrokit/pyrokit/codec"
)

// A kind is what a value on the stack is.
type kind uint8

const (
	kindNothing kind = iota
	kindNone
	kindBool     // n
	kindInt      // n
	kindFloat    // n has the bits
	kindText     // text in UTF-8, lone surrogates as three bytes
	kindBytes    // bytes or bytearray
	kindByteText // a str of Python 2
	kindLong     // an int in two's complement, the least byte first

	kindList // all kinds from here on have a node
	kindTuple
	kindSet
	kindFrozenSet
	kindDict
	kindGlobal
	kindInstance
)

// A value is what opcodes push: a number, bytes that lie in the data (n has place and length), or a
// node. Bytes that had to be decoded are in a node as well.
type value struct {
	kind kind
	n    uint64
	p    *node
}

// A node is what can be referred to more than once, or changed after it was pushed.
type node struct {
	items []value // elements, members; keys and values in turn; what was appended to an instance
	more  *extra
	open  bool // it is being made a value of: if it comes by again, it holds itself
	seen  bool // a value was made of it: another one costs anew
}

// An extra is what few nodes have.
type extra struct {
	raw  []byte // of text and bytes that were decoded, and of a number's digits
	name string // of a global, and of a class that came as a value; see className

	// An instance is made by a call of fn with args, or by fn.__new__(*args, **kwargs).
	fn     value
	args   value // nothing or a tuple
	kwargs value // nothing or a dict
	call   bool
	pairs  []value // set in it, keys and values in turn
	fill   value   // a list or dict that it is filled from, in protocols 0 and 1
	state  value   // nothing if it has none
}

// values returns the elements of a list or tuple, none for other values.
func (v value) values() []value {
	if v.kind != kindList && v.kind != kindTuple {
		return nil
	}
	return v.p.items
}

func span(at, n int) uint64 { return uint64(at)<<32 | uint64(n) } //nolint:gosec // both have 32 bits, see sized

// bytesOf returns the bytes that v consists of: those of text, bytes and long ints.
func (r *reader) bytesOf(v value) []byte {
	if v.p != nil {
		return v.p.more.raw
	}
	at := int(v.n >> 32)
	return r.data[at : at+int(v.n&math.MaxUint32) : at+int(v.n&math.MaxUint32)] // see sized
}

// size returns the number of bytes that v consists of.
func (v value) size() int {
	switch {
	case v.kind < kindText || v.kind > kindLong:
		return 0
	case v.p != nil:
		return len(v.p.more.raw)
	}
	return int(v.n & math.MaxUint32)
}

// sized pushes a value of kind k, whose bytes come after their number, which has width bytes.
func (r *reader) sized(width int, k kind) error {
	n, err := r.number(width)
	if err != nil {
		return err
	}
	if uint64(r.pos) > math.MaxUint32 { //nolint:gosec // a place
		return &codec.LimitError{What: "size of a pickle", Limit: math.MaxUint32, Option: "none"}
	}
	at := r.pos
	b, err := r.take(n)
	if err != nil {
		return err
	}
	if uint64(len(b)) > math.MaxUint32 {
		return &codec.LimitError{What: "size of a text", Limit: math.MaxUint32, Option: "none"}
	}
	if k == kindText && !validText(b) {
		return r.fail("text that is not UTF-8")
	}
	return r.push(value{kind: k, n: span(at, len(b))})
}

func (r *reader) newNode() *node {
	return &r.nodes.take(1)[0]
}

// keepItems returns a copy of vs.
func (r *reader) keepItems(vs []value) []value {
	if len(vs) == 0 {
		return nil
	}
	out := r.items.take(len(vs))
	copy(out, vs)
	return out
}

func (r *reader) pushNode(k kind, items []value) error {
	n := r.newNode()
	n.items = items
	return r.push(value{kind: k, p: n})
}

func (r *reader) pushExtra(k kind, x *extra) error {
	n := r.newNode()
	n.more = x
	return r.push(value{kind: k, p: n})
}

func (r *reader) shortTuple(n int) error {
	if _, err := r.top(n - 1); err != nil {
		return err
	}
	items := r.keepItems(r.stack[len(r.stack)-n:])
	r.stack = r.stack[:len(r.stack)-n]
	return r.pushNode(kindTuple, items)
}

func (r *reader) fromMark(k kind) error {
	above, err := r.popMark()
	if err != nil {
		return err
	}
	if k == kindDict && len(above)%2 != 0 {
		return r.fail("odd number of items for DICT")
	}
	return r.pushNode(k, r.keepItems(above))
}

// extend adds the n values on top of the stack to the list or dict (by k) below them.
func (r *reader) extend(k kind, n int) error {
	target, err := r.top(n)
	if err != nil {
		return err
	}
	added := r.stack[len(r.stack)-n:]
	r.stack = r.stack[:len(r.stack)-n]
	return r.add(target, k, added)
}

func (r *reader) extendFromMark(k kind) error {
	added, err := r.popMark()
	if err != nil {
		return err
	}
	target, err := r.top(0)
	if err != nil {
		return err
	}
	return r.add(target, k, added)
}

// add appends to a list, dict or set (by k), or to an instance that is filled like one.
func (r *reader) add(target value, k kind, added []value) error {
	switch {
	case k == kindDict && len(added)%2 != 0:
		return r.fail("odd number of items for SETITEMS")
	case target.kind == k, target.kind == kindInstance && k == kindList:
		if len(target.p.items) == 0 {
			target.p.items = r.keepItems(added)
			return nil
		}
		target.p.items = append(target.p.items, added...)
	case target.kind == kindInstance && k == kindDict:
		target.p.more.pairs = append(target.p.more.pairs, added...)
	default:
		return r.fail("items for what takes none")
	}
	return nil
}

// String returns Python's name of k.
func (k kind) String() string { return kindNames[k] }

var kindNames = [...]string{
	"nothing", "None", "bool", "int", "float", "str", "bytes", "bytes", "int",
	"list", "tuple", "set", "frozenset", "dict", "type", "instance",
}
