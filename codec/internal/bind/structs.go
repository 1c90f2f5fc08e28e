package bind

import (
	"reflect"
	"strings"
	"sync"

	"github.com/pyrokit/pyrokit/codec"
)

// A structPlan is how a struct is read.
type structPlan struct {
	typ    reflect.Type
	fields []structField
	byName map[string]int
	folded map[string]int // the untagged fields by their names in lower case
	tuple  bool
}

type structField struct {
	name  string
	index []int
	first int // index when the field is not in an embedded struct, else -1
	read  decodeFunc
}

var structPlans sync.Map // reflect.Type -> *structPlan

func planOf(t reflect.Type) *structPlan {
	if p, ok := structPlans.Load(t); ok {
		return p.(*structPlan) //nolint:forcetypeassert // nothing else is stored
	}
	list := fieldsOf(t)
	p := &structPlan{
		typ: t, byName: make(map[string]int, len(list.fields)),
		folded: make(map[string]int, len(list.fields)), tuple: list.tuple,
	}
	for i, f := range list.fields {
		sf := structField{name: f.name, index: f.index, first: -1, read: decodePlan(f.typ)}
		if len(f.index) == 1 {
			sf.first = f.index[0]
		}
		p.fields = append(p.fields, sf)
		p.byName[f.name] = i
		if low := strings.ToLower(f.name); !f.tagged && i < maxFolded {
			if _, twice := p.folded[low]; !twice {
				p.folded[low] = i
			}
		}
	}
	first, _ := structPlans.LoadOrStore(t, p)
	return first.(*structPlan) //nolint:forcetypeassert // nothing else is stored
}

func structDecode(t reflect.Type) decodeFunc {
	plan := sync.OnceValue(func() *structPlan { return planOf(t) })
	return func(d *Decoder, v reflect.Value) error {
		p := plan()
		if p.tuple {
			return d.fillTuple(v, p)
		}
		k, err := d.Src.Peek(Mapping)
		if err != nil {
			return err
		}
		if k != Dict && k != Brace {
			return mismatch(t.String(), k)
		}
		made, err := d.fillStruct(v, p)
		if err == nil && made != nil {
			assign(v, made)
		}
		return err
	}
}

// fillStruct reads a dict into the fields of v. If the dict is an instance that a registered decoder
// makes something fitting of, it returns that instead.
func (d *Decoder) fillStruct(v reflect.Value, p *structPlan) (made any, err error) {
	if p.tuple {
		return nil, d.fillTuple(v, p)
	}
	if made, done, err := d.instanceAhead(v, p); done || err != nil {
		return made, err
	}
	m := d.Src.Mark()
	if err := d.Src.Enter(); err != nil {
		return nil, err
	}
	var exact fieldSet // that a key named in their own spelling
	for next := 0; ; {
		key, state, err := d.Src.NextKey()
		if err != nil {
			return nil, err
		}
		switch state {
		case NoKey:
			if len(p.fields) == 0 && p.typ.NumField() > 0 { // such a struct is no data
				return nil, mismatch(p.typ.String(), Dict)
			}
			return nil, nil //nolint:nilnil // v is filled, and nothing else was made
		case OtherKey:
			if err := d.skipOther(p); err != nil {
				return nil, err
			}
			continue
		}
		i, known := p.find(key, next)
		if known {
			exact.add(i)
		} else if i, known = p.findFolded(key); known && exact.has(i) {
			known = false // the exact spelling has had its say
		}
		if !known {
			made, done, err := d.unknownKey(v, p, key, m)
			if done || err != nil {
				return made, err
			}
			continue
		}
		f := &p.fields[i]
		if err := f.read(d, f.of(v)); err != nil {
			return nil, under(err, f.name)
		}
		next = i + 1
	}
}

func (f *structField) of(v reflect.Value) reflect.Value {
	if f.first >= 0 {
		return v.Field(f.first)
	}
	return at(v, f.index, true)
}

// find returns the field that is called key. Dicts mostly come in the order of the fields.
func (p *structPlan) find(key []byte, next int) (int, bool) {
	if next < len(p.fields) && p.fields[next].name == string(key) {
		return next, true
	}
	i, ok := p.byName[string(key)]
	return i, ok
}

// maxFolded bounds the fields of a struct that keys in another case are taken for, and the length of such
// a key.
const maxFolded = 64

// A fieldSet is a set of the first maxFolded fields.
type fieldSet uint64

func (s *fieldSet) add(i int) {
	if i < maxFolded {
		*s |= 1 << i
	}
}

func (s fieldSet) has(i int) bool { return s>>i&1 != 0 }

// findFolded returns the untagged field whose name is key in another case, as Python spells names.
func (p *structPlan) findFolded(key []byte) (int, bool) {
	var low [maxFolded]byte
	if len(key) > len(low) || len(p.folded) == 0 {
		return 0, false
	}
	for i, c := range key {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	i, ok := p.folded[string(low[:len(key)])]
	return i, ok
}

func (d *Decoder) skipOther(p *structPlan) error {
	if d.O != nil && d.O.DisallowUnknownFields {
		return &codec.TypeError{Want: p.typ.String(), Found: "dict", Why: "a key is not text"}
	}
	if err := d.Src.Skip(); err != nil {
		return err
	}
	if err := d.Src.Value(); err != nil {
		return err
	}
	return d.Src.Skip()
}

// unknownKey passes over the value of a key that p has no field for. At the key that makes the dict
// an instance, v is done if the class says what it is.
func (d *Decoder) unknownKey(v reflect.Value, p *structPlan, key []byte, m Mark) (made any, done bool, err error) {
	if string(key) != codec.ClassKey {
		if d.O != nil && d.O.DisallowUnknownFields {
			return nil, false, &codec.TypeError{Want: p.typ.String(), Found: "dict", Why: "unknown key " + string(key)}
		}
		return nil, false, d.Src.Skip()
	}
	k, err := d.Src.Peek(Scalar)
	if err != nil {
		return nil, false, err
	}
	if k != Str {
		return nil, false, d.Src.Skip()
	}
	name, err := d.Src.Str()
	if err != nil {
		return nil, false, err
	}
	made, again, err := d.classValue(string(name), p.typ, m)
	if err != nil || made != nil {
		return made, true, err
	}
	if again != nil {
		v.SetZero()
		if d.InsideOut {
			return nil, true, d.fillInsideOut(v, again)
		}
		return nil, true, fill(v, again, d.O)
	}
	return nil, false, nil
}

// fillTuple reads a list or tuple into the fields of v in their order.
func (d *Decoder) fillTuple(v reflect.Value, p *structPlan) error {
	k, err := d.Src.Peek(Sequence)
	if err != nil {
		return err
	}
	if k != List && k != Tuple {
		return mismatch(p.typ.String(), k)
	}
	n := 0
	err = d.eachElement(func(i int) error {
		if n++; i >= len(p.fields) {
			return d.Src.Skip()
		}
		return p.fields[i].read(d, p.fields[i].of(v))
	})
	if err == nil && n != len(p.fields) {
		err = wrongLength(p.typ.String(), k, n, len(p.fields))
	}
	return err
}
