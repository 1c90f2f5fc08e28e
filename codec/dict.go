package codec

import (
	"iter"
	"slices"
)

// A Dict is a Python dict: it keeps the order in which keys were first set, takes keys of any
// hashable type, and compares them as Python does: 1, 1.0 and true are one key, "1" is another. The
// zero Dict is empty and ready to use. A Dict must not be changed while others read it.
type Dict struct {
	entries []entry
	index   map[any]int // from keyOf a key to its entry; nil while the Dict is small
	opts    *Options    // that a class dict was read with
}

type entry struct {
	key, value any
	norm       any // keyOf a key that holds others; nil for the rest, where it costs nothing to ask again
}

// keyOf is keyOf the entry's key.
func (e *entry) keyOf() (any, error) {
	if e.norm != nil {
		return e.norm, nil
	}
	return keyOf(e.key)
}

// smallDict is the number of entries that are searched one by one.
const smallDict = 8

// NewDict returns a Dict of the given keys and values, which alternate. It panics as Set does, and
// when a value is missing.
func NewDict(pairs ...any) *Dict {
	if len(pairs)%2 != 0 {
		panic("codec: NewDict needs a value for each key")
	}
	d := &Dict{entries: make([]entry, 0, len(pairs)/2)}
	for i := 0; i < len(pairs); i += 2 {
		d.Set(pairs[i], pairs[i+1])
	}
	return d
}

// DictOf returns a Dict of text keys and their values, in their order. Its caller vouches that no key comes twice: it is
// not looked for, which makes a Dict of many keys cheap that is only to be written. A search in it takes time
// proportional to Len, until Set or Put makes up for it.
func DictOf(pairs iter.Seq2[string, any]) *Dict {
	d := &Dict{}
	for key, value := range pairs {
		if len(d.entries) == cap(d.entries) { // append would make room for a quarter more, again and again
			d.entries = slices.Grow(d.entries, max(len(d.entries), smallDict))
		}
		d.entries = append(d.entries, entry{key: key, value: value})
	}
	return d
}

// Len returns the number of entries.
func (d *Dict) Len() int {
	if d == nil {
		return 0
	}
	return len(d.entries)
}

// Get returns the value of key and whether there is one.
func (d *Dict) Get(key any) (any, bool) {
	if d == nil {
		return nil, false
	}
	i, _, err := d.find(key)
	if err != nil || i < 0 {
		return nil, false
	}
	return d.entries[i].value, true
}

// Set gives key a value. A key that is there already keeps its place and its first spelling. Like a
// Go map, it panics when the key cannot be a key (a list, a dict); Put returns an error instead.
func (d *Dict) Set(key, value any) {
	if err := d.Put(key, value); err != nil {
		panic("codec: " + err.Error())
	}
}

// Put is Set with an error, a [*TypeError], for a key that cannot be one.
func (d *Dict) Put(key, value any) error {
	i, norm, err := d.find(key)
	if err != nil {
		return err
	}
	if i >= 0 {
		d.entries[i].value = value
		return nil
	}
	e := entry{key: key, value: value}
	switch norm.(type) {
	case tupleKey, setKey:
		e.norm = norm
	}
	d.entries = append(d.entries, e)
	if d.index != nil {
		d.index[norm] = len(d.entries) - 1
	} else if len(d.entries) > smallDict {
		d.reindex()
	}
	return nil
}

// Delete removes key and reports whether it was there. It takes time proportional to Len.
func (d *Dict) Delete(key any) bool {
	if d == nil {
		return false
	}
	i, _, err := d.find(key)
	if err != nil || i < 0 {
		return false
	}
	d.entries = slices.Delete(d.entries, i, i+1)
	if d.index != nil {
		d.reindex()
	}
	return true
}

// All returns the entries in order.
func (d *Dict) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		if d == nil {
			return
		}
		for _, e := range d.entries {
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Keys returns the keys in order.
func (d *Dict) Keys() iter.Seq[any] {
	return func(yield func(any) bool) {
		for k := range d.All() {
			if !yield(k) {
				return
			}
		}
	}
}

// find returns the place of key or -1, and what stands for the key among keys; nil for text while there
// is no index.
func (d *Dict) find(key any) (int, any, error) {
	if d.index == nil {
		return d.search(key)
	}
	norm, err := keyOf(key)
	if err != nil {
		return -1, nil, err
	}
	if i, ok := d.index[norm]; ok {
		return i, norm, nil
	}
	return -1, norm, nil
}

func (d *Dict) search(key any) (int, any, error) {
	if s, ok := key.(string); ok { // the usual case, without a look at other kinds of keys
		for i := range d.entries {
			if t, ok := d.entries[i].key.(string); ok && t == s {
				return i, nil, nil
			}
		}
		if !d.hasNamedKeys() {
			return -1, nil, nil
		}
	}
	norm, err := keyOf(key)
	if err != nil {
		return -1, nil, err
	}
	for i := range d.entries {
		if k, err := d.entries[i].keyOf(); err == nil && k == norm {
			return i, norm, nil
		}
	}
	return -1, norm, nil
}

// hasNamedKeys reports whether a key is neither a string nor of another type that values are read
// into: it may then be of a string type.
func (d *Dict) hasNamedKeys() bool {
	for i := range d.entries {
		switch d.entries[i].key.(type) {
		case string, int64, float64, bool, Tuple, []byte, nil:
		default:
			return true
		}
	}
	return false
}

func (d *Dict) reindex() {
	d.index = make(map[any]int, len(d.entries)+1)
	for i := range d.entries {
		norm, _ := d.entries[i].keyOf() // it was a key when it was put in
		if f, ok := norm.(float64); ok && f != f {
			continue // NaN equals nothing, itself included
		}
		d.index[norm] = i
	}
}
