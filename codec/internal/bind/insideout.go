package bind

import (
	"reflect"

	"github.com/pyrokit/pyrokit/codec"
)

// remembered converts a class dict, and those within it first, and remembers what became of each: where it does
// not fit a destination the dict is read into that by its keys, and those within come by again.
func (d *Decoder) remembered(x *codec.Dict) (any, error) {
	if d.made == nil {
		d.made = map[*codec.Dict]any{}
	}
	return d.dictInsideOut(x)
}

// forget lets go of what class dicts were converted into when the outermost instance is done: its dicts do not
// come by again.
func (d *Decoder) forget() {
	if !d.within {
		d.made = nil
	}
}

// insideOut returns a copy of a tree in which class dicts are converted, those within others first.
func (d *Decoder) insideOut(v any) (any, error) {
	var err error
	switch x := v.(type) {
	case []any:
		return d.itemsInsideOut(x)
	case codec.Tuple:
		items, err := d.itemsInsideOut(x)
		return codec.Tuple(items), err
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			if out[k], err = d.insideOut(v); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *codec.Dict:
		return d.dictInsideOut(x)
	case codec.Object:
		return d.objectInsideOut(x)
	}
	return v, nil
}

func (d *Decoder) itemsInsideOut(items []any) ([]any, error) {
	out := make([]any, len(items))
	for i, v := range items {
		var err error
		if out[i], err = d.insideOut(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *Decoder) dictInsideOut(x *codec.Dict) (any, error) {
	class, isInstance := x.Get(codec.ClassKey)
	if !isInstance {
		return d.valuesInsideOut(x)
	}
	if v, ok := d.made[x]; ok {
		return v, nil
	}
	name, _ := class.(string)
	v, ok, err := d.instance(name, x)
	if !ok && err == nil {
		var values *codec.Dict
		if values, err = d.valuesInsideOut(x); err == nil {
			v, err = codec.ConvertDict(values, d.O)
		}
	}
	if err != nil {
		return nil, err
	}
	if d.made != nil {
		d.made[x] = v
	}
	return v, nil
}

func (d *Decoder) valuesInsideOut(x *codec.Dict) (*codec.Dict, error) {
	out := new(codec.Dict)
	for k, v := range x.All() {
		v, err := d.insideOut(v)
		if err != nil {
			return nil, err
		}
		if err := out.Put(k, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// instanceAhead reads the dict that was peeked at if it is an instance that a decoder of its class has a say in.
// To find that out at its class, which mostly comes last, would be to read all within it once more for each
// instance around it.
func (d *Decoder) instanceAhead(v reflect.Value, p *structPlan) (made any, done bool, err error) {
	src, ok := d.Src.(ClassSource)
	if !ok || !d.InsideOut {
		return nil, false, nil
	}
	class := src.Class()
	if class == "" {
		return nil, false, nil
	}
	made, again, err := d.classValue(class, p.typ, d.Src.Mark())
	if again != nil {
		return nil, true, d.fillInsideOut(v, again)
	}
	return made, made != nil, err
}

// Class returns the class of the instance that comes next.
func (s *treeSource) Class() string {
	x, _ := s.next.(*codec.Dict)
	class, _ := x.Get(codec.ClassKey)
	name, _ := class.(string)
	return name
}

// instance makes x, a class dict, an instance of the type that RegisterType gave its class. What is within x
// has not been converted: the fields say what they take.
func (d *Decoder) instance(class string, x *codec.Dict) (v any, ok bool, err error) {
	fn, t := d.O.Classes().Decoder(class)
	if fn != nil || t == nil {
		return nil, false, nil
	}
	p := reflect.New(t).Elem()
	if err := d.fillInsideOut(p, x); err != nil {
		return nil, false, asClassError(class, err)
	}
	return p.Interface(), true, nil
}

// fillInsideOut stores what a dict holds in v, and converts the class dicts within.
func (d *Decoder) fillInsideOut(v reflect.Value, x *codec.Dict) error {
	inner := Decoder{
		Src: newTreeSource(x), O: d.O, InsideOut: true, Counted: true, Room: d.Room, taken: d.taken, made: d.made, within: true,
	}
	err := decodePlan(v.Type())(&inner, v)
	d.taken, d.made = inner.taken, inner.made
	d.forget()
	return err
}
