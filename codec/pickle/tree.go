package pickle

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A treeBuilder is the part of a reader that makes the generic tree of nodes. Instances are class dicts
// in it, for package bind to convert, or an Object where a dict does not say all.
type treeBuilder struct {
	depth, maxDepth int
	ordered, share  bool
	registry        *codec.Registry

	classes  bool // there is a class dict in the tree
	keys     int  // above 0 within a dict's key or a set's member
	reread   int  // bytes that references made us write again
	keyCache bind.KeyCache

	types       map[*node]elementType // of numpy's arrays
	zonesMissed int                   // names of time zones that were looked for in vain
}

func (t *treeBuilder) restart(o *codec.Options) {
	t.depth, t.maxDepth = 0, o.Depth()
	t.ordered, t.share = o != nil && o.OrderedDicts, o != nil && o.ShareInput
	t.registry = o.Classes()
	t.classes, t.keys, t.reread, t.types, t.zonesMissed = false, 0, 0, nil, 0
}

// Destinations may take roomEach bytes for each one of the data, and room besides.
const (
	roomEach = 48
	room     = 1 << 20
)

// References may make the value freeReread bytes larger, and maxReread times the size of the data.
const (
	maxReread  = 76
	freeReread = 1 << 20
)

// again counts n bytes of the value that the data say once and mean once more.
func (r *reader) again(n int) error {
	r.reread += n
	if limit := freeReread + maxReread*len(r.data); r.reread > limit {
		return &codec.LimitError{What: "what references make of the data", Limit: int64(limit), Option: "none"}
	}
	return nil
}

// repeated counts v, which a reference brings once more. What it holds is counted when the tree is made.
func (r *reader) repeated(v value) error {
	if n := v.size() + len(nameOf(v)); n > 0 {
		return r.again(n)
	}
	return nil
}

// Bytes that values take in memory at least, for again.
const (
	wordSize      = 16
	duplicateSize = 80 // on the stack and off it, for a byte of the data; no writer duplicates
	containerSize = 64
	instanceSize  = 768 // class dict, what it is converted into, and what is in between
	attributeSize = 320 // the same for each attribute
)

// openInstance counts what an instance that comes by again costs beyond its parts.
func (r *reader) openInstance(n *node) error {
	if !n.seen {
		return nil
	}
	return r.again(instanceSize)
}

// open begins to make a value of a node; shut ends it. What is opened again costs as much as it holds.
func (r *reader) open(n *node) error {
	if n.open {
		return r.fail("a container holds itself")
	}
	n.open = true
	if !n.seen {
		return r.again(0)
	}
	cost := containerSize + r.sizeOf(n.items)
	if n.more != nil {
		cost += r.sizeOf(n.more.pairs)
	}
	return r.again(cost)
}

func (r *reader) shut(n *node) { n.open, n.seen = false, true }

// tree returns what v stands for.
func (r *reader) tree(v value) (any, error) {
	switch v.kind {
	case kindNone:
		return nil, nil //nolint:nilnil // None
	case kindBool:
		return v.n != 0, nil
	case kindInt:
		return int64(v.n), nil //nolint:gosec // two's complement
	case kindFloat:
		return math.Float64frombits(v.n), nil
	case kindText:
		return string(r.bytesOf(v)), nil
	case kindBytes:
		return r.keep(r.bytesOf(v)), nil
	case kindByteText:
		if b := r.bytesOf(v); !isASCII(b) {
			return r.keep(b), nil
		}
		return string(r.bytesOf(v)), nil
	case kindLong:
		if n := r.intOf(v); !n.IsInt64() {
			return n, nil
		}
		return r.intOf(v).Int64(), nil
	case kindGlobal:
		return codec.Global(v.p.more.name), nil
	}
	return r.container(v)
}

// keep returns b, of the data, as a value that may be kept.
func (r *reader) keep(b []byte) []byte {
	if r.share {
		return slices.Clip(b)
	}
	return append(make([]byte, 0, len(b)), b...)
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// enter begins to make a value of a container or an instance; leave ends it.
func (r *reader) enter(v value) error {
	if r.depth >= r.maxDepth {
		return &codec.LimitError{What: "nesting", Limit: int64(r.maxDepth), Option: "MaxDepth"}
	}
	if v.p.seen && v.kind >= kindSet { // sets and dicts take more
		if err := r.again(3 * wordSize * len(v.p.items)); err != nil {
			return err
		}
	}
	if err := r.open(v.p); err != nil {
		return err
	}
	r.depth++
	return nil
}

func (r *reader) leave(v value) {
	r.depth--
	r.shut(v.p)
}

func (r *reader) container(v value) (any, error) {
	if err := r.enter(v); err != nil {
		return nil, err
	}
	defer r.leave(v)
	switch v.kind {
	case kindList:
		return r.trees(v.p.items)
	case kindTuple:
		items, err := r.trees(v.p.items)
		return codec.Tuple(items), err
	case kindSet, kindFrozenSet:
		return r.setOf(v.p.items, v.kind == kindFrozenSet)
	case kindDict:
		return r.dictOf(v.p.items)
	default:
		return r.instanceTree(v.p)
	}
}

func (r *reader) trees(vs []value) ([]any, error) {
	out := make([]any, len(vs))
	for i, v := range vs {
		var err error
		if out[i], err = r.tree(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isText reports whether v is text, and not bytes, in the tree.
func (r *reader) isText(v value) bool {
	return v.kind == kindText || v.kind == kindByteText && isASCII(r.bytesOf(v))
}

// allText reports whether the keys of pairs are text, and whether one is that of a class dict.
func (r *reader) allText(pairs []value) (all, classKey bool) {
	for i := 0; i < len(pairs); i += 2 {
		if !r.isText(pairs[i]) {
			return false, false
		}
		classKey = classKey || string(r.bytesOf(pairs[i])) == codec.ClassKey
	}
	return true, classKey
}

// dictOf returns a dict. One that has the key of a class dict is a map, which is never taken for one:
// in a pickle a dict is never an instance.
func (r *reader) dictOf(pairs []value) (any, error) {
	text, classKey := r.allText(pairs)
	if !text || r.ordered && !classKey {
		return r.orderedDict(pairs)
	}
	return r.textMap(pairs)
}

func (r *reader) textMap(pairs []value) (map[string]any, error) {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		v, err := r.tree(pairs[i+1])
		if err != nil {
			return nil, err
		}
		m[r.keyCache.Text(r.bytesOf(pairs[i]))] = v
	}
	return m, nil
}

func (r *reader) orderedDict(pairs []value) (*codec.Dict, error) {
	d := new(codec.Dict)
	for i := 0; i < len(pairs); i += 2 {
		k, err := r.key(pairs[i])
		if err != nil {
			return nil, err
		}
		v, err := r.tree(pairs[i+1])
		if err != nil {
			return nil, err
		}
		if err := d.Put(k, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (r *reader) setOf(members []value, frozen bool) (codec.Set, error) {
	s := codec.Set{Frozen: frozen}
	for _, v := range members {
		m, err := r.key(v)
		if err != nil {
			return s, err
		}
		if err := s.Put(m); err != nil {
			return s, err
		}
	}
	return s, nil
}

// key returns the tree of a dict's key or a set's member. Instances in it are pointers, which can be
// keys, and numpy's numbers are Go's, which are equal keys to Python.
func (r *reader) key(v value) (any, error) {
	if r.isText(v) {
		return r.keyCache.Text(r.bytesOf(v)), nil
	}
	r.keys++
	k, err := r.tree(v)
	r.keys--
	if err != nil {
		return nil, err
	}
	if s, ok := k.(codec.Set); ok && !s.Frozen {
		return nil, &codec.TypeError{Want: "a hashable key", Found: "set"}
	}
	return k, nil
}
