package bind

import "github.com/pyrokit/pyrokit/codec"

// ReadTree reads the next value of the source into a generic tree without converting classes, for
// sources that have no quicker way to do so. classes tells whether it holds a class dict.
func (d *Decoder) ReadTree() (v any, classes bool, err error) {
	t := &d.tree
	t.src, t.ordered, t.classes = d.Src, d.O != nil && d.O.OrderedDicts, false
	t.special, _ = d.Src.(SpecialSource)
	t.share, t.counted = d.shares(), d.Counted
	v, _, err = t.value()
	return v, t.classes, err
}

type treeReader struct {
	src     Source
	special SpecialSource // src, or nil
	share   bool          // bytes may point into the input
	counted bool          // as in Decoder
	ordered bool
	classes bool
	values  []any // of the containers being read
	names   []string
	keys    KeyCache
}

func (t *treeReader) value() (v any, k Kind, err error) {
	k, err = t.src.Peek(Scalar)
	if err != nil {
		return nil, k, err
	}
	if t.special != nil {
		if v, ok, err := t.special.Special(); ok || err != nil {
			return v, k, err
		}
	}
	switch k {
	case None:
		err = t.src.None()
	case Bool:
		v, err = t.src.Bool()
	case Int:
		v, err = t.intValue()
	case Float:
		v, err = t.src.Float()
	case Complex:
		v, err = t.src.Complex()
	case Str:
		var b []byte
		b, err = t.src.Str()
		v = string(b)
	case Bytes:
		var b []byte
		b, err = t.src.Bytes()
		v = keep(b, t.share)
	case List, Tuple:
		v, err = t.list(k)
	case Set, FrozenSet:
		v, err = t.set(k)
	default:
		v, err = t.dict()
	}
	return v, k, err
}

func (t *treeReader) intValue() (any, error) {
	n, b, err := t.src.Int()
	if b != nil {
		return b, err
	}
	return n, err
}

func (t *treeReader) list(k Kind) (any, error) {
	if err := t.src.Enter(); err != nil {
		return nil, err
	}
	out, err := t.items()
	if err != nil {
		return nil, err
	}
	if k == Tuple {
		return codec.Tuple(out), nil
	}
	return out, nil
}

// items reads the elements of the container that was entered.
func (t *treeReader) items() ([]any, error) {
	if t.counted {
		return t.countedItems()
	}
	base := len(t.values)
	for {
		more, err := t.src.Next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		v, _, err := t.value()
		if err != nil {
			return nil, err
		}
		t.values = append(t.values, v)
	}
	out := make([]any, len(t.values)-base)
	copy(out, t.values[base:])
	clear(t.values[base:])
	t.values = t.values[:base]
	return out, nil
}

// countedItems is items where their number is known.
func (t *treeReader) countedItems() ([]any, error) {
	out := make([]any, t.src.Len())
	for i := 0; ; i++ {
		more, err := t.src.Next()
		if err != nil || !more {
			return out, err
		}
		if out[i], _, err = t.value(); err != nil {
			return nil, err
		}
	}
}

func (t *treeReader) set(k Kind) (any, error) {
	s := codec.Set{Frozen: k == FrozenSet}
	if err := t.src.Enter(); err != nil {
		return nil, err
	}
	for {
		more, err := t.src.Next()
		if err != nil || !more {
			return s, err
		}
		m, err := t.key()
		if err != nil {
			return nil, err
		}
		if err := s.Put(m); err != nil {
			return nil, err
		}
	}
}

// key reads a key or member. Of the kinds that a Dict takes as keys, a set is none in Python.
func (t *treeReader) key() (any, error) {
	v, k, err := t.value()
	if err == nil && k == Set {
		err = &codec.TypeError{Want: "a hashable key", Found: "set"}
	}
	return v, err
}

func (t *treeReader) dict() (any, error) {
	base, nameBase := len(t.values), len(t.names)
	if err := t.src.Enter(); err != nil {
		return nil, err
	}
	var d *codec.Dict
	if t.ordered {
		d = new(codec.Dict)
	}
	for {
		name, state, err := t.src.NextKey()
		if err != nil {
			return nil, err
		}
		if state == NoKey {
			return t.finish(d, base, nameBase), nil
		}
		var key any
		if state == StrKey {
			key = t.keys.Text(name)
		}
		if d == nil && (state == OtherKey || key == codec.ClassKey) {
			d = t.dictOf(base, nameBase)
		}
		if state == OtherKey {
			if key, err = t.key(); err != nil {
				return nil, err
			}
			if err := t.src.Value(); err != nil {
				return nil, err
			}
		}
		v, _, err := t.value()
		if err != nil {
			return nil, err
		}
		if d == nil {
			t.names = append(t.names, key.(string)) //nolint:forcetypeassert // else there were a Dict
			t.values = append(t.values, v)
			continue
		}
		t.classes = t.classes || key == codec.ClassKey
		if err := d.Put(key, v); err != nil {
			return nil, err
		}
	}
}

// dictOf returns a Dict of the names and values from base and nameBase on.
func (t *treeReader) dictOf(base, nameBase int) *codec.Dict {
	d := new(codec.Dict)
	for i, name := range t.names[nameBase:] {
		d.Set(name, t.values[base+i])
	}
	return d
}

func (t *treeReader) finish(d *codec.Dict, base, nameBase int) any {
	defer func() {
		clear(t.values[base:])
		t.values, t.names = t.values[:base], t.names[:nameBase]
	}()
	if d != nil {
		return d
	}
	m := make(map[string]any, len(t.names)-nameBase)
	for i, name := range t.names[nameBase:] {
		m[name] = t.values[base+i]
	}
	return m
}
