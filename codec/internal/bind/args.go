package bind

import "github.com/pyrokit/pyrokit/codec"

// Args reads the last two elements of the container that was entered, positional and keyword
// arguments, into the pointers of sink, and leaves the container.
func (d *Decoder) Args(sink codec.ArgSink) error {
	if err := d.expect(true); err != nil {
		return err
	}
	if err := d.Positional(sink); err != nil {
		return err
	}
	if err := d.expect(true); err != nil {
		return err
	}
	if err := d.Keywords(sink); err != nil {
		return err
	}
	return d.expect(false)
}

func (d *Decoder) expect(more bool) error {
	got, err := d.Src.Next()
	if err == nil && got != more {
		err = &codec.TypeError{Want: "call", Found: "tuple", Why: "of another length"}
	}
	return err
}

// EnterParts enters the tuple or list of n parts that what is made of, in a serializer that tells how many there are.
func EnterParts(s Source, what string, n int) error {
	k, err := s.Peek(Sequence)
	if err != nil {
		return err
	}
	if k != Tuple && k != List {
		return &codec.TypeError{Want: what, Found: k.String()}
	}
	if err := s.Enter(); err != nil {
		return err
	}
	if got := s.Len(); got != n {
		return wrongLength(what, k, got, n)
	}
	return nil
}

// Positional reads the positional arguments: a list, a tuple or None.
func (d *Decoder) Positional(sink codec.ArgSink) error {
	k, err := d.Src.Peek(Sequence)
	if err != nil {
		return err
	}
	switch k {
	case None:
		if err := d.Src.None(); err != nil {
			return err
		}
		return sink.None(false)
	case List, Tuple:
	default:
		return &codec.TypeError{Path: "args", Want: "tuple or list", Found: k.String()}
	}
	return d.Elements(sink)
}

// Elements reads the elements of the container that comes next as positional arguments.
func (d *Decoder) Elements(sink codec.ArgSink) error {
	if err := d.Src.Enter(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := d.Src.Next()
		if err != nil {
			return under(err, "args")
		}
		if !more {
			return nil
		}
		dst, err := sink.Positional(i)
		if err != nil {
			return err
		}
		if err := d.Decode(dst); err != nil {
			return under(underIndex(err, i), "args")
		}
	}
}

// Keywords reads the keyword arguments: a dict or None.
func (d *Decoder) Keywords(sink codec.ArgSink) error {
	k, err := d.Src.Peek(Mapping)
	if err != nil {
		return err
	}
	switch k {
	case None:
		if err := d.Src.None(); err != nil {
			return err
		}
		return sink.None(true)
	case Dict, Brace:
	default:
		return &codec.TypeError{Path: "kwargs", Want: "dict", Found: k.String()}
	}
	if err := d.Src.Enter(); err != nil {
		return err
	}
	var name [32]byte
	for {
		key, state, err := d.Src.NextKey()
		if err != nil {
			return under(err, "kwargs")
		}
		switch state {
		case NoKey:
			return nil
		case OtherKey:
			return &codec.TypeError{Path: "kwargs", Want: "str", Found: "a key of another type"}
		}
		n := copy(name[:], key) // the key does not outlive the next call of the source
		dst, err := sink.Keyword(key)
		if err != nil {
			return err
		}
		if err := d.Decode(dst); err != nil {
			return under(under(err, string(name[:n])), "kwargs")
		}
	}
}

// KeepClasses has the decoder leave class dicts as they are.
func (d *Decoder) KeepClasses() { d.asis = true }
