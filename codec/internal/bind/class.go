package bind

import (
	"errors"
	"reflect"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/hook"
)

func init() { hook.Fill = fill } //nolint:gochecknoinits // codec cannot import its engine

// fill stores the attributes in tree, a *codec.Dict, in the struct v.
func fill(v reflect.Value, tree, o any) error {
	opts, _ := o.(*codec.Options)
	d := Decoder{Src: newTreeSource(tree), O: opts, OwnClass: FloatClass, asis: true}
	return decodePlan(v.Type())(&d, v)
}

// Convert converts the class dicts in a tree, from the outside in: within a class dict nothing more is
// converted. With InsideOut it is the other way round.
func (d *Decoder) Convert(tree any) (any, error) {
	if d.InsideOut {
		return d.insideOut(tree)
	}
	var err error
	switch x := tree.(type) {
	case []any:
		err = d.convertAll(x)
	case codec.Tuple:
		err = d.convertAll(x)
	case map[string]any:
		for k, v := range x {
			if !mayHoldClass(v) {
				continue
			}
			if x[k], err = d.Convert(v); err != nil {
				break
			}
		}
	case *codec.Dict:
		return d.convertDict(x)
	}
	return tree, err
}

func (d *Decoder) convertAll(items []any) (err error) {
	for i, v := range items {
		if !mayHoldClass(v) {
			continue
		}
		if items[i], err = d.Convert(v); err != nil {
			return err
		}
	}
	return nil
}

func mayHoldClass(v any) bool {
	switch v.(type) {
	case []any, codec.Tuple, map[string]any, *codec.Dict:
		return true
	}
	return false
}

func (d *Decoder) convertDict(x *codec.Dict) (any, error) {
	class, ok := x.Get(codec.ClassKey)
	if !ok {
		return x, d.convertValues(x)
	}
	name, _ := class.(string)
	if d.OwnClass != nil {
		if v, ok, err := d.OwnClass(name, x); ok || err != nil {
			return v, err
		}
	}
	return d.convertClass(name, x)
}

// asClassError says that err happened in an instance of class, unless it is about the whole input.
func asClassError(class string, err error) error {
	if _, ok := errors.AsType[*codec.ClassError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*codec.LimitError](err); ok {
		return err
	}
	return &codec.ClassError{Class: class, Msg: err.Error(), Cause: err}
}

// convertClass is codec.ConvertDict, which a registered type does not lead out of d's room.
func (d *Decoder) convertClass(class string, x *codec.Dict) (any, error) {
	fn, t := d.O.Classes().Decoder(class)
	if fn != nil || t == nil || d.Room == 0 {
		return codec.ConvertDict(x, d.O)
	}
	v := reflect.New(t).Elem()
	attrs := hook.Attributes(x, d.O)
	inner := Decoder{Src: newTreeSource(attrs), O: d.O, OwnClass: FloatClass, asis: true, Room: d.Room, taken: d.taken}
	err := decodePlan(t)(&inner, v)
	d.taken = inner.taken
	if err != nil {
		return nil, asClassError(class, err)
	}
	return v.Interface(), nil
}

func (d *Decoder) convertValues(x *codec.Dict) error {
	var nan []any // values of keys that equal nothing, and so cannot be set again
	for k, v := range x.All() {
		if !mayHoldClass(v) {
			continue
		}
		w, err := d.Convert(v)
		if err != nil {
			return err
		}
		if _, found := x.Get(k); !found {
			nan = append(nan, w)
			continue
		}
		x.Set(k, w)
	}
	if nan != nil {
		replaceNaN(x, nan)
	}
	return nil
}

// replaceNaN gives the keys of x that equal nothing, and have containers for values, the values given.
func replaceNaN(x *codec.Dict, values []any) {
	var out codec.Dict
	for k, v := range x.All() {
		if _, found := x.Get(k); !found && mayHoldClass(v) {
			v, values = values[0], values[1:]
		}
		out.Set(k, v)
	}
	*x = out
}

// classValue is called when the dict that began at m turned out to be an instance of class while it
// was read into a t. If a registered decoder makes something that fits t or *t, that is the value.
// Otherwise again tells that the dict is still to be read into t, from the tree.
func (d *Decoder) classValue(class string, t reflect.Type, m Mark) (v any, again *codec.Dict, err error) {
	r := d.O.Classes()
	fn, typ := r.Decoder(class)
	if fn == nil && (typ != nil || !isError(t)) {
		return nil, nil, nil
	}
	d.Src.Reset(m)
	tree, _, err := d.Src.Tree()
	if err != nil {
		return nil, nil, err
	}
	dict, ok := tree.(*codec.Dict)
	if !ok {
		return nil, nil, &codec.ClassError{Class: class, Msg: "not a dict"}
	}
	if d.InsideOut {
		v, err = d.remembered(dict)
	} else {
		v, err = codec.ConvertDict(dict, d.O)
	}
	if err != nil {
		return nil, nil, err
	}
	if v != nil && fits(reflect.TypeOf(v), t) {
		d.forget()
		return v, nil, nil
	}
	dict.Delete(codec.ClassKey) // it has had its say
	return nil, dict, nil
}

func fits(v, t reflect.Type) bool {
	return v.AssignableTo(t) || v.AssignableTo(reflect.PointerTo(t)) ||
		v.Kind() == reflect.Pointer && v.Elem().AssignableTo(t)
}

var errorType = reflect.TypeFor[error]()

func isError(t reflect.Type) bool {
	return t.Implements(errorType) || reflect.PointerTo(t).Implements(errorType)
}

// classInto reads a dict that stands where something else was expected: it may be an instance that
// a decoder makes something fitting of.
func (d *Decoder) classInto(v reflect.Value, found Kind) error {
	x, err := d.converted()
	if err != nil {
		return err
	}
	if x != nil && assign(v, x) {
		return nil
	}
	if o, ok := x.(codec.Object); ok {
		return &codec.TypeError{Want: v.Type().String(), Found: "instance of " + o.Class}
	}
	return mismatch(v.Type().String(), found)
}

// assign stores x in v if it, or what it points to, fits.
func assign(v reflect.Value, x any) bool {
	r := reflect.ValueOf(x)
	if r.Type().AssignableTo(v.Type()) {
		v.Set(r)
		return true
	}
	if r.Kind() == reflect.Pointer && !r.IsNil() && r.Type().Elem().AssignableTo(v.Type()) {
		v.Set(r.Elem())
		return true
	}
	return false
}
