package pickle

import (
	"math/big"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// A source is the part of a reader that package bind reads typed destinations from: values and nodes as they
// are, and for an instance or a global the tree that is made of it.
type source struct {
	cur    value
	isKey  bool // cur is a key or a member
	frames []frame

	made   bind.Source // reads the tree of cur; nil until it is needed
	within int         // containers entered in made
}

// A frame is a container that was entered.
type frame struct {
	whole value
	items []value
	at    int  // of the next one
	isKey bool // as it was when the container was entered
}

// startAt begins reading at v.
func (r *reader) startAt(v value) {
	r.cur, r.isKey, r.frames, r.made, r.within = v, false, r.frames[:0], nil, 0
	r.dec.Renew(r.o)
	// As in Python, instances within instances are converted, and before these.
	r.dec.Src, r.dec.InsideOut, r.dec.Stable, r.dec.Counted = r, true, true, true
	r.dec.Room = roomEach*len(r.data) + room
}

var kinds = [...]bind.Kind{
	kindNone: bind.None, kindBool: bind.Bool, kindInt: bind.Int, kindFloat: bind.Float, kindText: bind.Str, kindBytes: bind.Bytes,
	kindLong: bind.Int, kindList: bind.List, kindTuple: bind.Tuple, kindSet: bind.Set, kindFrozenSet: bind.FrozenSet,
	kindDict: bind.Dict, kindInstance: bind.Invalid,
}

// Peek returns the kind of the value at hand.
func (r *reader) Peek(w bind.Want) (bind.Kind, error) {
	if r.made == nil {
		if k := kinds[r.cur.kind]; k != bind.Invalid {
			return k, nil
		}
		if r.cur.kind == kindByteText {
			if isASCII(r.bytesOf(r.cur)) {
				return bind.Str, nil
			}
			return bind.Bytes, nil
		}
		tree, _, err := r.Tree()
		if err != nil {
			return bind.Invalid, err
		}
		r.made = bind.FromTree(tree)
	}
	return r.made.Peek(w)
}

// None, and the methods that follow, read the value that Peek saw.
func (r *reader) None() error { return nil }

func (r *reader) Bool() (bool, error) {
	if r.made != nil {
		return r.made.Bool()
	}
	return r.cur.n != 0, nil
}

func (r *reader) Int() (int64, *big.Int, error) {
	if r.made != nil {
		return r.made.Int()
	}
	if r.cur.kind == kindLong {
		if n := r.intOf(r.cur); !n.IsInt64() {
			return 0, n, nil
		}
		return r.intOf(r.cur).Int64(), nil, nil
	}
	return int64(r.cur.n), nil, nil //nolint:gosec // two's complement
}

func (r *reader) Float() (float64, error) {
	if r.made != nil {
		return r.made.Float()
	}
	f, _ := r.float(r.cur)
	return f, nil
}

// Complex numbers are calls.
func (r *reader) Complex() (complex128, error) { return r.made.Complex() }

func (r *reader) Str() ([]byte, error) {
	if r.made != nil {
		return r.made.Str()
	}
	return r.bytesOf(r.cur), nil
}

func (r *reader) Bytes() ([]byte, error) {
	if r.made != nil {
		return r.made.Bytes()
	}
	return r.bytesOf(r.cur), nil
}

// Enter begins the container that Peek saw.
func (r *reader) Enter() error {
	if r.made != nil {
		err := r.made.Enter()
		r.within++
		return err
	}
	if err := r.enter(r.cur); err != nil {
		return err
	}
	r.enterItems(r.cur, r.cur.p.items)
	return nil
}

func (r *reader) enterItems(whole value, items []value) {
	r.frames = append(r.frames, frame{whole: whole, items: items, isKey: r.isKey})
}

// Next goes to the next element or key.
func (r *reader) Next() (bool, error) {
	if r.within > 0 {
		more, err := r.made.Next()
		if err == nil && !more {
			r.within--
		}
		return more, err
	}
	f := &r.frames[len(r.frames)-1]
	if f.at == len(f.items) {
		r.leaveFrame()
		return false, nil
	}
	r.take1(f)
	r.isKey = f.whole.kind >= kindSet
	return true, nil
}

// take1 goes to the next item of f.
func (r *reader) take1(f *frame) {
	r.cur, r.made = f.items[f.at], nil
	f.at++
}

// leaveFrame goes back to the innermost container as a whole.
func (r *reader) leaveFrame() {
	f := &r.frames[len(r.frames)-1]
	r.cur, r.isKey, r.made = f.whole, f.isKey, nil
	if f.whole.p != nil {
		r.leave(f.whole)
	}
	r.frames = r.frames[:len(r.frames)-1]
}

// Value goes from a key to its value.
func (r *reader) Value() error {
	if r.within > 0 {
		return r.made.Value()
	}
	f := &r.frames[len(r.frames)-1]
	if f.whole.kind != kindDict {
		return &codec.TypeError{Want: "dict", Found: f.whole.kind.String()}
	}
	r.take1(f)
	r.isKey = false
	return nil
}

// NextKey goes to the next value and returns its key, if that is text.
func (r *reader) NextKey() ([]byte, bind.Key, error) {
	if r.within > 0 {
		key, state, err := r.made.NextKey()
		if err == nil && state == bind.NoKey {
			r.within--
		}
		return key, state, err
	}
	more, err := r.Next()
	switch {
	case err != nil || !more:
		return nil, bind.NoKey, err
	case !r.isText(r.cur):
		return nil, bind.OtherKey, nil
	}
	key := r.bytesOf(r.cur)
	return key, bind.StrKey, r.Value()
}

// Len returns the number of elements to come.
func (r *reader) Len() int {
	if r.within > 0 {
		return r.made.Len()
	}
	f := &r.frames[len(r.frames)-1]
	return len(f.items) - f.at
}

// Skip passes over the next value.
func (r *reader) Skip() error { return nil }

// Tree returns the generic tree of the next value.
func (r *reader) Tree() (any, bool, error) {
	if r.made != nil {
		return r.made.Tree()
	}
	if r.isKey {
		k, err := r.key(r.cur)
		return k, false, err
	}
	v, err := r.tree(r.cur)
	return v, r.classes, err
}

// Special returns a value of a type that most serializers do not have.
func (r *reader) Special() (any, bool, error) {
	if special, ok := r.made.(bind.SpecialSource); ok {
		return special.Special()
	}
	return nil, false, nil
}

// Object returns the instance that comes next, if its attributes do not say all.
func (r *reader) Object() (codec.Object, bool) {
	if src, ok := r.made.(bind.ObjectSource); ok {
		return src.Object()
	}
	return codec.Object{}, false
}

// Class returns the class of the instance that comes next.
func (r *reader) Class() string {
	if instance, ok := r.made.(bind.ClassSource); ok {
		return instance.Class()
	}
	return ""
}

// The places of Mark: in a source of nodes, or in that of a tree.
const (
	amongNodes = iota
	inTree
)

// Mark returns the place of the value that Peek saw.
func (r *reader) Mark() bind.Mark {
	if r.made != nil {
		m := r.made.Mark()
		m.Pos = inTree
		return m
	}
	return bind.Mark{Pos: amongNodes, Depth: len(r.frames)}
}

// Reset goes back to m.
func (r *reader) Reset(m bind.Mark) {
	if m.Pos == inTree {
		r.made.Reset(m)
		r.within = m.Depth
		return
	}
	r.within = 0
	for len(r.frames) > m.Depth {
		r.leaveFrame()
	}
	r.made = nil
}
