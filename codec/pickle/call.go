package pickle

import (
	"iter"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// callParts and entryParts are the numbers of elements of a call and of an entry of a batch.
const (
	callParts  = 4
	entryParts = 3
)

// The forms of a Head. What comes later in a pickle refers to what came before, so that Rest is a whole
// one.
const (
	wholeCall = iota
	wholeEntry
)

// AppendCall appends a tuple of object, method, arguments and keyword arguments.
func (pickle) AppendCall(
	dst []byte, object, method string, args []any, list bool, kwargs codec.Kwargs, o *codec.Options,
) ([]byte, error) {
	k := bind.Tuple
	if list {
		k = bind.List
	}
	return appendPickle(dst, o, func(es *bind.Encoders, b []byte) ([]byte, error) {
		return es.Call(b, object, method, k, args, kwargs, o)
	})
}

// AppendBatch appends a call whose arguments are the list of entries.
func (pickle) AppendBatch(dst []byte, object string, entries []codec.BatchEntry, o *codec.Options) ([]byte, error) {
	return appendPickle(dst, o, func(es *bind.Encoders, b []byte) ([]byte, error) {
		return es.Batch(b, object, bind.Tuple, entries, o)
	})
}

// OpenCall carries out the opcodes until object and method are there.
func (pickle) OpenCall(payload []byte, o *codec.Options) (codec.Head, error) {
	r := newReader(payload, o)
	defer r.free()
	for !r.stopped && !r.begun() {
		if err := r.step(); err != nil {
			return codec.Head{}, err
		}
	}
	if !r.stopped {
		if parts := r.stack[r.marks[0]:]; r.isText(parts[0]) && r.isText(parts[1]) {
			return r.head(parts), nil
		}
	}
	top, err := r.run()
	if err != nil {
		return codec.Head{}, err
	}
	parts, err := r.callOf(top)
	if err != nil {
		return codec.Head{}, err
	}
	return r.head(parts), nil
}

// begun reports whether two elements of a tuple are there, which is when those of a call are known.
func (r *reader) begun() bool { return len(r.marks) == 1 && len(r.stack) == r.marks[0]+2 }

func (r *reader) head(parts []value) codec.Head {
	return codec.Head{Object: r.bytesOf(parts[0]), Method: r.bytesOf(parts[1]), Rest: r.data, Form: wholeCall}
}

// callOf returns the parts of a call.
func (r *reader) callOf(top value) ([]value, error) {
	parts := top.values()
	if len(parts) != callParts {
		return nil, r.notCall(top, "it is no tuple of 4")
	}
	for i, what := range [...]string{"object", "method"} {
		if !r.isText(parts[i]) {
			return nil, &codec.TypeError{Path: what, Want: "str", Found: parts[i].kind.String()}
		}
	}
	return parts, nil
}

func (r *reader) notCall(top value, why string) error {
	return &codec.TypeError{Want: "call", Found: top.kind.String(), Why: why}
}

// DecodeArgs reads positional and keyword arguments into the sink's pointers. What OpenCall has found
// must still hold at the end of the pickle.
func (pickle) DecodeArgs(h codec.Head, sink codec.ArgSink, o *codec.Options) error {
	r := newReader(h.Rest, o)
	defer r.free()
	if h.Form == wholeEntry {
		top, err := r.run()
		if err != nil {
			return err
		}
		parts := top.values()
		if len(parts) != entryParts {
			return r.notCall(top, "it is no tuple of 3")
		}
		return r.args(parts[1:], sink)
	}
	parts, err := r.wholeCall(h)
	if err != nil {
		return err
	}
	return r.args(parts[2:], sink)
}

// wholeCall carries out all opcodes and returns the parts of the call, which must be the one that h has.
func (r *reader) wholeCall(h codec.Head) ([]value, error) {
	top, err := r.run()
	if err != nil {
		return nil, err
	}
	parts, err := r.callOf(top)
	if err == nil && (string(r.bytesOf(parts[0])) != string(h.Object) || string(r.bytesOf(parts[1])) != string(h.Method)) {
		err = r.notCall(top, "it begins as another one")
	}
	return parts, err
}

func (r *reader) args(parts []value, sink codec.ArgSink) error {
	r.startAt(value{})
	r.enterItems(value{}, parts)
	return r.dec.Args(sink)
}

// OpenBatch walks the entries of a batch. Each is encoded anew, so that it stands on its own.
func (pickle) OpenBatch(h codec.Head, o *codec.Options) iter.Seq2[codec.Head, error] {
	return func(yield func(codec.Head, error) bool) {
		anew := codec.Options{OrderedDicts: true, PickleCalls: true} // nobody but this package reads it
		if o != nil {
			anew.MaxDepth = o.MaxDepth
		}
		entries, err := openBatch(h, &anew)
		if err != nil {
			yield(codec.Head{}, err)
			return
		}
		for i, entry := range entries {
			head, err := headOf(entry, i, &anew)
			if !yield(head, err) || err != nil {
				return
			}
		}
	}
}

func openBatch(h codec.Head, o *codec.Options) ([]any, error) {
	r := newReader(h.Rest, o)
	defer r.free()
	parts, err := r.wholeCall(h)
	if err != nil {
		return nil, err
	}
	if k := parts[2].kind; k != kindList && k != kindTuple {
		return nil, &codec.TypeError{Path: "args", Want: "list", Found: k.String()}
	}
	return r.trees(parts[2].values())
}

func headOf(entry any, i int, o *codec.Options) (codec.Head, error) {
	t, _ := entry.(codec.Tuple)
	if l, ok := entry.([]any); ok {
		t = l
	}
	wrong := &codec.TypeError{Path: "args[" + strconv.Itoa(i) + "]", Want: "(method, args, kwargs)", Found: "another value"}
	if len(t) != entryParts {
		return codec.Head{}, wrong
	}
	method, ok := t[0].(string)
	if !ok {
		return codec.Head{}, wrong
	}
	rest, err := Codec.Append(nil, t, o)
	if err != nil { // a class whose name is none, for instance
		wrong.Why = err.Error()
		return codec.Head{}, wrong
	}
	return codec.Head{Method: []byte(method), Rest: rest, Form: wholeEntry}, nil
}
