package bind

import (
	"slices"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
)

// callForm is how a sink writes what is the same in all calls: the brackets around the tuples that calls and the entries
// of batches are, what separates their elements, and how both end without keyword arguments.
type callForm struct {
	beginCall, endCall, plainCall    mark
	beginEntry, endEntry, plainEntry mark
	sep                              mark
}

// A mark is a few bytes of a sink. All eight are appended and the rest cut off: that takes no call of memmove.
type mark struct {
	bytes [8]byte
	n     int
}

func markOf(b []byte) mark {
	m := mark{n: len(b)}
	if copy(m.bytes[:], b) < len(b) {
		panic("bind: a mark of more than eight bytes")
	}
	return m
}

func (m *mark) append(b []byte) []byte { return append(b, m.bytes[:]...)[:len(b)+m.n] }

func callFormOf(s Sink) callForm {
	const callParts, entryParts = 4, 3
	sep := s.Sep(nil, Tuple, 1)
	noKwargs := s.End(s.Begin(slices.Clone(sep), Dict, 0), Dict, 0)
	return callForm{
		beginCall:  markOf(s.Begin(nil, Tuple, callParts)),
		endCall:    markOf(s.End(nil, Tuple, callParts)),
		plainCall:  markOf(s.End(slices.Clone(noKwargs), Tuple, callParts)),
		beginEntry: markOf(s.Begin(nil, Tuple, entryParts)),
		endEntry:   markOf(s.End(nil, Tuple, entryParts)),
		plainEntry: markOf(s.End(slices.Clone(noKwargs), Tuple, entryParts)),
		sep:        markOf(sep),
	}
}

// Call appends a call to dst as a tuple: object, method, args as a container of kind k, and kwargs. It returns dst itself
// if it fails.
func (es *Encoders) Call(
	dst []byte, object, method string, k Kind, args []any, kwargs codec.Kwargs, o *codec.Options,
) ([]byte, error) {
	b, err := es.callHead(dst, object, method)
	if err != nil {
		return dst, err
	}
	if out, ok := es.scalarArgs(b, k, args, kwargs); ok {
		return es.form.plainCall.append(out), nil
	}
	if b, err = es.args(b, k, args, kwargs, o); err != nil {
		return dst, err
	}
	return es.form.endCall.append(b), nil
}

// Batch appends a batch to dst as a call of <batch>: its arguments are the list of entries, those of each a container of
// kind k; its keyword arguments are None. It returns dst itself if it fails.
func (es *Encoders) Batch(dst []byte, object string, k Kind, entries []codec.BatchEntry, o *codec.Options) ([]byte, error) {
	b, err := es.callHead(dst, object, "<batch>")
	if err != nil {
		return dst, err
	}
	if b, err = es.Entries(b, k, entries, o); err != nil {
		return dst, err
	}
	b = es.sink.None(es.form.sep.append(b))
	return es.form.endCall.append(b), nil
}

// callHead appends the beginning of a call's tuple, up to its arguments.
func (es *Encoders) callHead(b []byte, object, method string) ([]byte, error) {
	b, err := es.sink.Str(es.form.beginCall.append(b), object)
	if err != nil {
		return b, encodeUnder(err, "object")
	}
	if b, err = es.sink.Str(es.form.sep.append(b), method); err != nil {
		return b, encodeUnder(err, "method")
	}
	return es.form.sep.append(b), nil
}

// Entries appends the list of a batch's entries. Each is a tuple: method, arguments as a container of kind k, and keyword
// arguments.
func (es *Encoders) Entries(b []byte, k Kind, entries []codec.BatchEntry, o *codec.Options) ([]byte, error) {
	e := es.Get(o)
	defer es.Put(e)
	b = es.sink.Begin(b, List, len(entries))
	for i := range entries {
		var err error
		if b, err = e.entry(es.sink.Sep(b, List, i), k, &entries[i]); err != nil {
			return b, encodeUnder(err, "batch["+strconv.Itoa(i)+"]")
		}
	}
	return es.sink.End(b, List, len(entries)), nil
}

func (e *Encoder) entry(b []byte, k Kind, entry *codec.BatchEntry) ([]byte, error) {
	form := &e.es.form
	b, err := e.sink.Str(form.beginEntry.append(b), entry.Method)
	if err != nil {
		return b, err
	}
	b = form.sep.append(b)
	if out, ok := e.es.scalarArgs(b, k, entry.Args, entry.Kwargs); ok {
		return form.plainEntry.append(out), nil
	}
	if b, err = e.args(b, k, entry.Args, entry.Kwargs); err != nil {
		return b, err
	}
	return form.endEntry.append(b), nil
}

// scalarArgs is args, without what a plain call or entry ends with, if no argument needs an encoder, and there are no keyword
// arguments, as in most calls; else ok is false.
func (es *Encoders) scalarArgs(b []byte, k Kind, args []any, kwargs codec.Kwargs) (out []byte, ok bool) {
	if len(kwargs) > 0 {
		return b, false
	}
	b = es.sink.Begin(b, k, len(args))
	for i, v := range args {
		if i > 0 {
			b = es.form.sep.append(b)
		}
		if b, ok = es.scalar(b, v); !ok {
			return b, false
		}
	}
	return es.sink.End(b, k, len(args)), true
}

// args is that of an Encoder.
func (es *Encoders) args(b []byte, k Kind, args []any, kwargs codec.Kwargs, o *codec.Options) ([]byte, error) {
	e := es.Get(o)
	defer es.Put(e)
	return e.args(b, k, args, kwargs)
}

// args appends the last two elements of a call, or of an entry.
func (e *Encoder) args(b []byte, k Kind, args []any, kwargs codec.Kwargs) ([]byte, error) {
	b, err := e.Args(b, k, args)
	if err != nil {
		return b, err
	}
	return e.Kwargs(e.es.form.sep.append(b), kwargs)
}

// Args appends positional arguments as a container of kind k.
func (e *Encoder) Args(b []byte, k Kind, args []any) ([]byte, error) {
	b, err := e.List(b, k, args)
	return b, encodeUnder(err, "args")
}

// Kwargs appends keyword arguments: a dict, or None for codec.NoKwargs.
func (e *Encoder) Kwargs(b []byte, kwargs codec.Kwargs) ([]byte, error) {
	if kwargs.IsNone() {
		return e.sink.None(b), nil
	}
	b, err := e.Any(b, map[string]any(kwargs))
	return b, encodeUnder(err, "kwargs")
}
