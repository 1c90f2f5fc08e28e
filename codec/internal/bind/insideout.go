package bind

import (
	"maps"
	"reflect"
	"slices"

	"github.com/pyrokit/pyrokit/codec"
)

// instance makes x, a class dict, an instance of the type that RegisterType gave its class. What is within x
// has not been converted: the fields say what they take.
func (d *Decoder) instance(class string, x *codec.Dict) (v any, ok bool, err error) {
	fn, t := d.O.Classes().Decoder(class)
	if fn != nil || t == nil {
		return nil, false, nil
	}
	p := reflect.New(t).Elem()
	if err := d.fillInsideOut(p, x); err != nil {
		return nil, false, &codec.ClassError{Class: class, Msg: err.Error(), Cause: err}
	}
	return p.Interface(), true, nil
}

// fillInsideOut stores what a dict holds in v, and converts the class dicts within.
func (d *Decoder) fillInsideOut(v reflect.Value, x *codec.Dict) error {
	inner := Decoder{Src: newTreeSource(x), O: d.O, InsideOut: true}
	return decodePlan(v.Type())(&inner, v)
}

// cloneTree copies the containers of a tree.
func cloneTree(v any) any {
	switch x := v.(type) {
	case []any:
		return cloneItems(x)
	case codec.Tuple:
		return codec.Tuple(cloneItems(x))
	case map[string]any:
		x = maps.Clone(x)
		for k, v := range x {
			if mayHoldClass(v) {
				x[k] = cloneTree(v)
			}
		}
		return x
	case *codec.Dict:
		return cloneDict(x)
	}
	return v
}

func cloneItems(x []any) []any {
	x = slices.Clone(x)
	for i, v := range x {
		if mayHoldClass(v) {
			x[i] = cloneTree(v)
		}
	}
	return x
}

func cloneDict(x *codec.Dict) *codec.Dict {
	out := new(codec.Dict)
	for k, v := range x.All() {
		out.Set(k, cloneTree(v))
	}
	return out
}
