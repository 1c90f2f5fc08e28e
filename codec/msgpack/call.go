package msgpack

import (
	"iter"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// callParts and entryParts are the numbers of elements of a call and of an entry of a batch. The last two
// are positional and keyword arguments, which are the Rest of a Head; its Form is where they begin in the
// payload, for errors.
const (
	callParts  = 4
	entryParts = 3
	argsParts  = 2
)

// AppendCall appends an array of object, method, arguments and keyword arguments.
func (msgpack) AppendCall(
	dst []byte, object, method string, args []any, _ bool, kwargs codec.Kwargs, o *codec.Options,
) ([]byte, error) {
	return encodersOf(o).Call(dst, object, method, bind.Tuple, args, kwargs, o)
}

// AppendBatch appends a call whose arguments are the list of entries.
func (msgpack) AppendBatch(dst []byte, object string, entries []codec.BatchEntry, o *codec.Options) ([]byte, error) {
	return encodersOf(o).Batch(dst, object, bind.Tuple, entries, o)
}

// OpenCall reads object and method.
func (msgpack) OpenCall(payload []byte, o *codec.Options) (codec.Head, error) {
	s := newReader(payload, 0, o)
	defer s.free()
	if err := bind.EnterParts(s, "call", callParts); err != nil {
		return codec.Head{}, err
	}
	var h codec.Head
	var err error
	if h.Object, err = s.headText("object"); err != nil {
		return codec.Head{}, err
	}
	if h.Method, err = s.headText("method"); err != nil {
		return codec.Head{}, err
	}
	h.Rest, h.Form = payload[s.pos:], s.pos
	return h, nil
}

func (s *reader) headText(what string) ([]byte, error) {
	if _, err := s.Next(); err != nil {
		return nil, err
	}
	k, err := s.Peek(bind.Scalar)
	if err != nil {
		return nil, err
	}
	if k != bind.Str || kinds[s.data[s.pos]] != bind.Str {
		return nil, &codec.TypeError{Path: what, Want: "str", Found: k.String()}
	}
	return s.str()
}

// resume returns a reader of the arguments in h, which stand in the array of a call.
func resume(h codec.Head, o *codec.Options) *reader {
	s := newReader(h.Rest, h.Form, o)
	s.frames = append(s.frames, frame{left: argsParts})
	s.owed = argsParts
	return s
}

// DecodeArgs reads positional and keyword arguments into the sink's pointers.
func (msgpack) DecodeArgs(h codec.Head, sink codec.ArgSink, o *codec.Options) error {
	s := resume(h, o)
	defer s.free()
	if err := s.dec.Args(sink); err != nil {
		return err
	}
	return s.end()
}

// OpenBatch walks the entries of a batch.
func (msgpack) OpenBatch(h codec.Head, o *codec.Options) iter.Seq2[codec.Head, error] {
	return func(yield func(codec.Head, error) bool) {
		s := resume(h, o)
		defer s.free()
		if err := s.batch(func(h codec.Head) bool { return yield(h, nil) }); err != nil {
			yield(codec.Head{}, err)
		}
	}
}

// batch calls yield for each entry, until it returns false.
func (s *reader) batch(yield func(codec.Head) bool) error {
	if _, err := s.Next(); err != nil {
		return err
	}
	k, err := s.Peek(bind.Sequence)
	if err != nil {
		return err
	}
	if k != bind.List {
		return &codec.TypeError{Path: "args", Want: "list", Found: k.String()}
	}
	if err := s.Enter(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := s.Next()
		if err != nil {
			return err
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
	if _, err := s.Next(); err != nil { // to the keyword arguments, which mean nothing
		return err
	}
	if err := s.Skip(); err != nil {
		return err
	}
	return s.end()
}

// entry reads an entry: method, arguments and keyword arguments, which are passed over.
func (s *reader) entry() (codec.Head, error) {
	if err := bind.EnterParts(s, "(method, args, kwargs)", entryParts); err != nil {
		return codec.Head{}, err
	}
	method, err := s.headText("method")
	if err != nil {
		return codec.Head{}, err
	}
	start := s.pos
	for {
		more, err := s.Next()
		if err != nil {
			return codec.Head{}, err
		}
		if !more {
			return codec.Head{Method: method, Rest: s.data[start:s.pos], Form: s.base + start}, nil
		}
		if err := s.Skip(); err != nil {
			return codec.Head{}, err
		}
	}
}
