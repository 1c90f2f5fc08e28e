package bind

import (
	"errors"

	"github.com/pyrokit/pyrokit/codec"
)

// list reads a list or tuple whose elements go where sink says.
func (d *Decoder) list(sink codec.ListSink) error {
	k, err := d.Src.Peek(Sequence)
	if err != nil {
		return err
	}
	if k != List && k != Tuple {
		return mismatch("list", k)
	}
	return d.eachElement(func(i int) error { return d.listElement(sink, i) })
}

func (d *Decoder) listElement(sink codec.ListSink, i int) error {
	k, err := d.Src.Peek(Sequence)
	if err != nil {
		return err
	}
	m := d.Src.Mark()
	if k == Dict || k == Brace {
		class, ok := d.peekClass()
		d.Src.Reset(m)
		if ok && sink.Instance(i, class, d.converted) {
			return nil
		}
		d.Src.Reset(m) // what it cannot be is for the pointer to find out
	}
	dst, err := sink.Element(i)
	if err != nil {
		return err
	}
	if err = d.Decode(dst); err == nil || !isMisfit(err) {
		return err
	}
	if err := sink.Misfit(i, err); err != nil {
		return err
	}
	d.Src.Reset(m)
	return d.Src.Skip()
}

// peekClass looks for the name of a class among the keys of what comes next, a dict or a set.
func (d *Decoder) peekClass() (class string, ok bool) {
	if d.Src.Enter() != nil {
		return "", false
	}
	for {
		key, state, err := d.Src.NextKey()
		switch {
		case err != nil || state == NoKey:
			return "", false
		case state == StrKey && string(key) == codec.ClassKey:
			return d.className()
		case state == OtherKey && (d.Src.Skip() != nil || d.Src.Value() != nil):
			return "", false
		}
		if d.Src.Skip() != nil {
			return "", false
		}
	}
}

func (d *Decoder) className() (class string, ok bool) {
	k, err := d.Src.Peek(Scalar)
	if err != nil || k != Str {
		return "", false
	}
	b, err := d.Src.Str()
	return string(b), err == nil
}

// isMisfit tells a value that does not fit its destination from input that cannot be read.
func isMisfit(err error) bool {
	if _, ok := errors.AsType[*codec.TypeError](err); ok {
		return true
	}
	_, ok := errors.AsType[*codec.ClassError](err)
	return ok
}
