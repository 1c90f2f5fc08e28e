package json

import (
	"iter"
	"slices"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// AppendCall appends an object with the keys object, method, params and kwargs.
func (jsonCodec) AppendCall(
	dst []byte, object, method string, args []any, _ bool, kwargs codec.Kwargs, o *codec.Options,
) ([]byte, error) {
	e := encoders.Get(o)
	defer encoders.Put(e)
	b, err := appendHead(dst, object, method)
	if err != nil {
		return dst, err
	}
	if b, err = e.Args(append(b, `, "params": `...), bind.List, args); err != nil {
		return dst, err
	}
	if b, err = e.Kwargs(append(b, `, "kwargs": `...), kwargs); err != nil {
		return dst, err
	}
	return append(b, '}'), nil
}

func appendHead(b []byte, object, method string) ([]byte, error) {
	w := writer{}
	b, err := w.Str(append(b, `{"object": `...), object)
	if err != nil {
		return b, bind.EncodeUnder(err, "object")
	}
	b, err = w.Str(append(b, `, "method": `...), method)
	return b, bind.EncodeUnder(err, "method")
}

// AppendBatch appends a call whose arguments are the list of entries.
func (jsonCodec) AppendBatch(dst []byte, object string, entries []codec.BatchEntry, o *codec.Options) ([]byte, error) {
	b, err := appendHead(dst, object, "<batch>")
	if err != nil {
		return dst, err
	}
	if b, err = encoders.Entries(append(b, `, "params": `...), bind.List, entries, o); err != nil {
		return dst, err
	}
	return append(b, `, "kwargs": null}`...), nil
}

// The forms of a Head; above them, where Rest begins in the payload.
const (
	formRest  = iota // Rest begins at the value of params, and the key after it is kwargs
	formWhole        // Rest is the whole payload
	formEntry        // Rest is the arguments of an entry of a batch, up to its end
)

const formBits = 2 // that a form takes

// The keys of a call.
const (
	keyObject = iota
	keyMethod
	keyParams
	keyKwargs
	numKeys
)

var callKeys = [numKeys]string{"object", "method", "params", "kwargs"}

func callKey(key []byte) (int, bool) {
	i := slices.Index(callKeys[:], string(key))
	return i, i >= 0
}

// OpenCall reads object and method. If they come first and params next, as Python writes them, the
// rest is not looked at.
func (jsonCodec) OpenCall(payload []byte, o *codec.Options) (codec.Head, error) {
	s := newReader(payload, 0, o)
	defer s.free()
	if err := s.enterCall(); err != nil {
		return codec.Head{}, err
	}
	var h codec.Head
	var seen [numKeys]bool
	for {
		key, state, err := s.NextKey()
		if err != nil {
			return codec.Head{}, err
		}
		if state == bind.NoKey {
			break
		}
		i, known := callKey(key)
		if known && seen[i] {
			return codec.Head{}, s.fail("a key of the call comes twice")
		}
		if known {
			seen[i] = true
		}
		switch {
		case known && i == keyObject:
			h.Object, err = s.headText("object")
		case known && i == keyMethod:
			h.Method, err = s.headText("method")
		case known && i == keyParams && seen[keyObject] && seen[keyMethod] && !seen[keyKwargs]:
			s.char()
			h.Rest, h.Form = payload[s.pos:], formRest|s.pos<<formBits
			return h, nil
		default:
			err = s.Skip()
		}
		if err != nil {
			return codec.Head{}, err
		}
	}
	if seen != [numKeys]bool{true, true, true, true} {
		return codec.Head{}, s.fail("a call must have object, method, params and kwargs")
	}
	h.Rest, h.Form = payload, formWhole
	return h, s.end()
}

func (s *reader) enterCall() error {
	k, err := s.Peek(bind.Mapping)
	if err != nil {
		return err
	}
	if k != bind.Dict {
		return &codec.TypeError{Want: "call", Found: k.String()}
	}
	return s.Enter()
}

func (s *reader) headText(what string) ([]byte, error) {
	k, err := s.Peek(bind.Scalar)
	if err != nil {
		return nil, err
	}
	if k != bind.Str {
		return nil, &codec.TypeError{Path: what, Want: "str", Found: k.String()}
	}
	b, err := s.str()
	if err == nil && len(b) > 0 && len(s.scratch) > 0 && &b[0] == &s.scratch[0] {
		b = slices.Clone(b)
	}
	return b, err
}

// DecodeArgs reads positional and keyword arguments into the sink's pointers.
func (jsonCodec) DecodeArgs(h codec.Head, sink codec.ArgSink, o *codec.Options) error {
	s := newReader(h.Rest, h.Form>>formBits, o)
	defer s.free()
	switch h.Form & (1<<formBits - 1) {
	case formEntry:
		s.closers = append(s.closers, ']')
		return s.entryArgs(sink)
	case formWhole:
		return s.wholeCall(sink)
	}
	s.closers = append(s.closers, '}')
	if err := s.dec.Positional(sink); err != nil {
		return err
	}
	return s.callEnd(sink)
}

// callEnd reads what follows params: kwargs, and perhaps keys that mean nothing. A key of the call that
// comes twice is refused: another reader might take the other one.
func (s *reader) callEnd(sink codec.ArgSink) error {
	done := false
	for {
		key, state, err := s.NextKey()
		if err != nil {
			return err
		}
		if state == bind.NoKey {
			break
		}
		i, known := callKey(key)
		switch {
		case !known:
			err = s.Skip()
		case i == keyKwargs && !done:
			done = true
			err = s.dec.Keywords(sink)
		default:
			err = s.fail("a key of the call comes twice")
		}
		if err != nil {
			return err
		}
	}
	if !done {
		return s.fail("a call must have object, method, params and kwargs")
	}
	return s.end()
}

// wholeCall reads the arguments of a call whose keys come in another order, params first in any case.
// OpenCall has read it before, so that it is known to be one.
func (s *reader) wholeCall(sink codec.ArgSink) error {
	for _, want := range [...]int{keyParams, keyKwargs} {
		s.Reset(bind.Mark{})
		if err := s.enterCall(); err != nil {
			return err
		}
		if err := s.findKey(want); err != nil {
			return err
		}
		var err error
		if want == keyParams {
			err = s.dec.Positional(sink)
		} else {
			err = s.dec.Keywords(sink)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *reader) findKey(want int) error {
	for {
		key, state, err := s.NextKey()
		if err != nil {
			return err
		}
		if state == bind.NoKey {
			return s.fail("a call must have object, method, params and kwargs")
		}
		if i, known := callKey(key); known && i == want {
			return nil
		}
		if err := s.Skip(); err != nil {
			return err
		}
	}
}

func (s *reader) entryArgs(sink codec.ArgSink) error {
	if err := s.dec.Positional(sink); err != nil {
		return err
	}
	if err := s.expect(true); err != nil {
		return err
	}
	if err := s.dec.Keywords(sink); err != nil {
		return err
	}
	if err := s.expect(false); err != nil {
		return err
	}
	return s.end()
}

// expect goes to the next element of a list, or to its end.
func (s *reader) expect(more bool) error {
	got, err := s.Next()
	if err == nil && got != more {
		err = s.fail("a list of another length")
	}
	return err
}

// OpenBatch walks the entries of a batch.
func (jsonCodec) OpenBatch(h codec.Head, o *codec.Options) iter.Seq2[codec.Head, error] {
	return func(yield func(codec.Head, error) bool) {
		s := newReader(h.Rest, h.Form>>formBits, o)
		defer s.free()
		if err := s.batch(h, func(h codec.Head) bool { return yield(h, nil) }); err != nil {
			yield(codec.Head{}, err)
		}
	}
}

func (s *reader) batch(h codec.Head, yield func(codec.Head) bool) error {
	if h.Form&(1<<formBits-1) == formWhole {
		if err := s.enterCall(); err != nil {
			return err
		}
		if err := s.findKey(keyParams); err != nil {
			return err
		}
	} else {
		s.closers = append(s.closers, '}')
	}
	if err := s.enterList("args"); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := s.Next()
		if err != nil {
			return err
		}
		if !more {
			return nil // of the rest, nothing matters to a batch
		}
		entry, err := s.entry()
		if err != nil {
			return bind.Under(err, "args["+strconv.Itoa(i)+"]")
		}
		if !yield(entry) {
			return nil
		}
	}
}

func (s *reader) enterList(where string) error {
	k, err := s.Peek(bind.Sequence)
	if err != nil {
		return err
	}
	if k != bind.List {
		return &codec.TypeError{Path: where, Want: "list", Found: k.String()}
	}
	return s.Enter()
}

// entry reads an entry: method, arguments and keyword arguments, which are passed over.
func (s *reader) entry() (codec.Head, error) {
	if err := s.enterList(""); err != nil {
		return codec.Head{}, err
	}
	if err := s.expect(true); err != nil {
		return codec.Head{}, err
	}
	method, err := s.headText("method")
	if err != nil {
		return codec.Head{}, err
	}
	if err := s.expect(true); err != nil {
		return codec.Head{}, err
	}
	start := s.pos
	if err := s.Skip(); err != nil {
		return codec.Head{}, err
	}
	if err := s.expect(true); err != nil {
		return codec.Head{}, err
	}
	if err := s.Skip(); err != nil {
		return codec.Head{}, err
	}
	if err := s.expect(false); err != nil {
		return codec.Head{}, err
	}
	return codec.Head{Method: method, Rest: s.data[start:s.pos], Form: formEntry | (s.base+start)<<formBits}, nil
}
