package marshal

import (
	"iter"
	"slices"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// The forms of a Head. Arguments may refer to what came before them, so that Rest is a whole tuple.
const (
	wholeCall = iota
	wholeEntry
)

// OpenCall reads object and method.
func (marshal) OpenCall(payload []byte, o *codec.Options) (codec.Head, error) {
	s := newReader(payload, o)
	defer s.free()
	h := codec.Head{Rest: payload, Form: wholeCall}
	if err := bind.EnterParts(s, "call", callParts); err != nil {
		return codec.Head{}, err
	}
	var err error
	if h.Object, err = s.headText("object"); err != nil {
		return codec.Head{}, err
	}
	if h.Method, err = s.headText("method"); err != nil {
		return codec.Head{}, err
	}
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
	if k != bind.Str {
		return nil, &codec.TypeError{Path: what, Want: "str", Found: k.String()}
	}
	b, err := s.Str()
	if err != nil {
		return nil, err
	}
	if len(b) > 0 && len(s.scratch) > 0 && &b[0] == &s.scratch[0] {
		b = slices.Clone(b)
	}
	return b, nil
}

// DecodeArgs reads positional and keyword arguments into the sink's pointers.
func (marshal) DecodeArgs(h codec.Head, sink codec.ArgSink, o *codec.Options) error {
	s := newReader(h.Rest, o)
	defer s.free()
	texts, parts := 2, callParts
	if h.Form == wholeEntry {
		texts, parts = 1, entryParts
	}
	if err := bind.EnterParts(s, "call", parts); err != nil {
		return err
	}
	for range texts {
		if _, err := s.headText("method"); err != nil {
			return err
		}
	}
	return s.dec.Args(sink)
}

// OpenBatch walks the entries of a batch. Each is encoded anew, so that it stands on its own.
func (marshal) OpenBatch(h codec.Head, o *codec.Options) iter.Seq2[codec.Head, error] {
	return func(yield func(codec.Head, error) bool) {
		var call struct {
			_       struct{} `pyro:",tuple"`
			Object  string
			Method  string
			Entries []codec.Tuple
			Kwargs  any
		}
		raw := codec.Options{OrderedDicts: true}
		if o != nil {
			raw.MaxDepth = o.MaxDepth
		}
		s := newReader(h.Rest, &raw)
		defer s.free()
		s.dec.KeepClasses()
		if err := s.dec.Decode(&call); err != nil {
			yield(codec.Head{}, err)
			return
		}
		for i, entry := range call.Entries {
			head, err := headOf(entry, i)
			if !yield(head, err) || err != nil {
				return
			}
		}
	}
}

func headOf(entry codec.Tuple, i int) (codec.Head, error) {
	wrong := &codec.TypeError{Path: "args[" + strconv.Itoa(i) + "]", Want: "(method, args, kwargs)", Found: "tuple"}
	if len(entry) != entryParts {
		return codec.Head{}, wrong
	}
	method, ok := entry[0].(string)
	if !ok {
		return codec.Head{}, wrong
	}
	rest, err := Marshal(entry)
	return codec.Head{Method: []byte(method), Rest: rest, Form: wholeEntry}, err
}

// AppendBatch appends a call whose arguments are the list of entries.
func (marshal) AppendBatch(dst []byte, object string, entries []codec.BatchEntry, o *codec.Options) ([]byte, error) {
	return encoders.Batch(dst, object, bind.List, entries, o)
}
