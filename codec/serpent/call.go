package serpent

import (
	"iter"
	"slices"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// AppendCall appends a tuple of object, method, arguments and keyword arguments.
func (serpent) AppendCall(
	dst []byte, object, method string, args []any, list bool, kwargs codec.Kwargs, o *codec.Options,
) ([]byte, error) {
	kind := bind.Tuple
	if list {
		kind = bind.List
	}
	b, err := encoders.Call(append(dst, header...), object, method, kind, args, kwargs, o)
	if err != nil {
		return dst, err
	}
	return b, nil
}

// AppendBatch appends a call whose arguments are the list of entries.
func (serpent) AppendBatch(dst []byte, object string, entries []codec.BatchEntry, o *codec.Options) ([]byte, error) {
	b, err := encoders.Batch(append(dst, header...), object, bind.Tuple, entries, o)
	if err != nil {
		return dst, err
	}
	return b, nil
}

// formOf returns the Form of a serpent Head: what closes the rest in its low byte, and above it where the rest begins
// in the payload, for errors.
func formOf(closer byte, at int) int { return at<<8 | int(closer) }

// resume returns a reader of the rest of a call, and what closes the call: 0 if nothing does.
func resume(h codec.Head, o *codec.Options) (s *reader, closer byte) {
	closer = byte(h.Form & 0xff)
	open := 0
	if closer != 0 {
		open = 1
	}
	return newReader(h.Rest, h.Form>>8, open, o), closer
}

// OpenCall reads object and method.
func (serpent) OpenCall(payload []byte, o *codec.Options) (codec.Head, error) {
	s := newReader(payload, 0, 0, o)
	defer s.free()
	if err := s.begin(); err != nil {
		return codec.Head{}, err
	}
	closer := byte(0)
	switch s.char() {
	case '(':
		closer = ')'
	case '[':
		closer = ']'
	}
	if closer != 0 {
		s.pos++
		s.depth++
	}
	var h codec.Head
	var err error
	if h.Object, err = s.headText("object"); err != nil {
		return codec.Head{}, err
	}
	if h.Method, err = s.headText("method"); err != nil {
		return codec.Head{}, err
	}
	s.char()
	h.Rest = payload[s.pos:]
	h.Form = formOf(closer, s.pos)
	return h, nil
}

// headText reads a str that stands before the arguments, and the comma after it.
func (s *reader) headText(what string) ([]byte, error) {
	kind, err := s.Peek(bind.Scalar)
	if err != nil {
		return nil, err
	}
	if kind != bind.Str {
		return nil, &codec.TypeError{Path: what, Want: "str", Found: kind.String()}
	}
	b, err := s.Str()
	if err != nil {
		return nil, err
	}
	if len(s.scratch) > 0 && len(b) > 0 && &b[0] == &s.scratch[0] {
		b = slices.Clone(b)
	}
	return b, s.comma()
}

// comma passes over the comma between the parts of a call.
func (s *reader) comma() error {
	if s.char() != ',' {
		return s.fail("a call must have object, method, arguments and keyword arguments")
	}
	s.pos++
	return nil
}

// DecodeArgs reads positional and keyword arguments into the sink's pointers.
func (serpent) DecodeArgs(h codec.Head, sink codec.ArgSink, o *codec.Options) error {
	s, closer := resume(h, o)
	defer s.free()
	if err := s.args(sink); err != nil {
		return err
	}
	if err := s.comma(); err != nil {
		return err
	}
	if err := s.kwargs(sink); err != nil {
		return err
	}
	return s.endCall(closer)
}

// endCall reads the end of a call's tuple.
func (s *reader) endCall(closer byte) error {
	if s.char() == ',' {
		s.pos++
	}
	if closer != 0 {
		if s.char() != closer {
			return s.unexpected()
		}
		s.pos++
		s.depth--
	}
	return s.end()
}

// args reads the positional arguments.
func (s *reader) args(sink codec.ArgSink) error {
	if s.char() == '(' && !s.mayBeGroup() {
		return s.dec.Elements(sink)
	}
	if err := s.dec.Positional(sink); err != nil {
		return err
	}
	return s.closeGroups()
}

// mayBeGroup reports whether the parentheses at pos may hold a single list or tuple, and be no tuple
// themselves. To tell takes a look for the comma, which most calls are spared.
func (s *reader) mayBeGroup() bool {
	start := s.pos
	s.pos++
	s.depth++
	c := s.char()
	s.pos = start
	s.depth--
	return c == '(' || c == '['
}

func (s *reader) kwargs(sink codec.ArgSink) error {
	if err := s.dec.Keywords(sink); err != nil {
		return err
	}
	return s.closeGroups()
}

// OpenBatch walks the entries of a batch.
func (serpent) OpenBatch(h codec.Head, o *codec.Options) iter.Seq2[codec.Head, error] {
	return func(yield func(codec.Head, error) bool) {
		s, closer := resume(h, o)
		defer s.free()
		if err := s.batch(closer, func(h codec.Head) bool { return yield(h, nil) }); err != nil {
			yield(codec.Head{}, err)
		}
	}
}

// batch calls yield for each entry, until it returns false.
func (s *reader) batch(closer byte, yield func(codec.Head) bool) error {
	if err := s.enterSequence("args"); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := s.Next()
		if err != nil {
			return bind.Under(err, "args")
		}
		if !more {
			break
		}
		h, err := s.entry()
		if err != nil {
			return bind.Under(err, "args["+strconv.Itoa(i)+"]")
		}
		if !yield(h) {
			return nil
		}
	}
	if err := s.closeGroups(); err != nil {
		return err
	}
	if err := s.comma(); err != nil {
		return err
	}
	if err := s.Skip(); err != nil {
		return err
	}
	return s.endCall(closer)
}

func (s *reader) enterSequence(where string) error {
	kind := bind.Tuple
	if s.char() != '(' || s.mayBeGroup() {
		var err error
		if kind, err = s.Peek(bind.Sequence); err != nil {
			return err
		}
	}
	if kind != bind.Tuple && kind != bind.List {
		return &codec.TypeError{Path: where, Want: "tuple or list", Found: kind.String()}
	}
	return s.Enter()
}

// entry reads an entry: method, arguments and keyword arguments, which are passed over.
func (s *reader) entry() (codec.Head, error) {
	if err := s.enterSequence(""); err != nil {
		return codec.Head{}, err
	}
	closer := s.frames[len(s.frames)-1].closer
	s.fresh = false
	method, err := s.headText("method")
	if err != nil {
		return codec.Head{}, err
	}
	s.char()
	start := s.pos
	s.frames[len(s.frames)-1].comma = true
	if err := s.Skip(); err != nil {
		return codec.Head{}, err
	}
	if err := s.comma(); err != nil {
		return codec.Head{}, err
	}
	if err := s.Skip(); err != nil {
		return codec.Head{}, err
	}
	more, err := s.Next()
	if err == nil && more {
		err = &codec.TypeError{Want: "(method, args, kwargs)", Found: "arguments", Why: "an entry has three parts"}
	}
	return codec.Head{Method: method, Rest: s.data[start:s.pos], Form: formOf(closer, s.base+start)}, err
}
