package bind

import "github.com/pyrokit/pyrokit/codec"

// objectInsideOut returns a copy of an instance that is in the tree as it is, with the class dicts within it
// converted.
func (d *Decoder) objectInsideOut(x codec.Object) (any, error) {
	attrs, err := d.insideOut(x.Attrs)
	if err != nil {
		return nil, err
	}
	x.Attrs, _ = attrs.(map[string]any)
	if x.Reduction == nil {
		return x, nil
	}
	r := *x.Reduction
	x.Reduction = &r
	args, err := d.itemsInsideOut(r.Args)
	if err != nil {
		return nil, err
	}
	r.Args = args
	if r.Items != nil {
		if r.Items, err = d.itemsInsideOut(r.Items); err != nil {
			return nil, err
		}
	}
	for _, part := range [...]**codec.Dict{&r.Kwargs, &r.Pairs} {
		if *part == nil {
			continue
		}
		if *part, err = d.valuesInsideOut(*part); err != nil {
			return nil, err
		}
	}
	r.State, err = d.insideOut(r.State)
	return x, err
}
