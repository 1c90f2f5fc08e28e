package bind

import "github.com/pyrokit/pyrokit/codec"

// object returns the instance that comes next if it is in the tree as it is.
func (d *Decoder) object() (codec.Object, bool) {
	src, ok := d.Src.(ObjectSource)
	if !ok {
		return codec.Object{}, false
	}
	return src.Object()
}

// Object returns the instance that comes next.
func (s *treeSource) Object() (codec.Object, bool) {
	x, ok := s.next.(codec.Object)
	return x, ok
}

// objectInsideOut returns a copy of an instance that is in the tree as it is, with the class dicts within it
// converted.
func (d *Decoder) objectInsideOut(x codec.Object) (codec.Object, error) {
	attrs, err := d.insideOut(x.Attrs)
	if err != nil {
		return x, err
	}
	x.Attrs, _ = attrs.(map[string]any)
	if x.Reduction == nil {
		return x, nil
	}
	r := *x.Reduction
	x.Reduction = &r
	args, err := d.itemsInsideOut(r.Args)
	if err != nil {
		return x, err
	}
	r.Args = args
	if r.Items != nil {
		if r.Items, err = d.itemsInsideOut(r.Items); err != nil {
			return x, err
		}
	}
	for _, part := range [...]**codec.Dict{&r.Kwargs, &r.Pairs} {
		if *part == nil {
			continue
		}
		if *part, err = d.valuesInsideOut(*part); err != nil {
			return x, err
		}
	}
	r.State, err = d.insideOut(r.State)
	return x, err
}
