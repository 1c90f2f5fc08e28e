package bind

import (
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
)

// callForm is how a sink writes what is the same in all calls: the brackets around the tuples that calls and the entries
// of batches are, what separates their elements, and an empty dict in the place of keyword arguments.
type callForm struct {
	beginCall, endCall, beginEntry, endEntry, sep, noKwargs []byte
}

func callFormOf(s Sink) callForm {
	const callParts, entryParts = 4, 3
	return callForm{
		beginCall:  s.Begin(nil, Tuple, callParts),
		endCall:    s.End(nil, Tuple, callParts),
		beginEntry: s.Begin(nil, Tuple, entryParts),
		endEntry:   s.End(nil, Tuple, entryParts),
		sep:        s.Sep(nil, Tuple, 1),
		noKwargs:   s.End(s.Begin(nil, Dict, 0), Dict, 0),
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
		return append(out, es.form.endCall...), nil
	}
	e := es.Get(o)
	defer es.Put(e)
	if b, err = e.args(b, k, args, kwargs); err != nil {
		return dst, err
	}
	return append(b, es.form.endCall...), nil
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
	b = es.sink.None(append(b, es.form.sep...))
	return append(b, es.form.endCall...), nil
}

// callHead appends the beginning of a call's tuple, up to its arguments.
func (es *Encoders) callHead(b []byte, object, method string) ([]byte, error) {
	b, err := es.sink.Str(append(b, es.form.beginCall...), object)
	if err != nil {
		return b, encodeUnder(err, "object")
	}
	if b, err = es.sink.Str(append(b, es.form.sep...), method); err != nil {
		return b, encodeUnder(err, "method")
	}
	return append(b, es.form.sep...), nil
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
	b, err := e.sink.Str(append(b, form.beginEntry...), entry.Method)
	if err != nil {
		return b, err
	}
	b = append(b, form.sep...)
	if out, ok := e.es.scalarArgs(b, k, entry.Args, entry.Kwargs); ok {
		return append(out, form.endEntry...), nil
	}
	if b, err = e.args(b, k, entry.Args, entry.Kwargs); err != nil {
		return b, err
	}
	return append(b, form.endEntry...), nil
}

// scalarArgs is args if no argument needs an encoder, and there are no keyword arguments, as in most calls; else ok is
// false.
func (es *Encoders) scalarArgs(b []byte, k Kind, args []any, kwargs codec.Kwargs) (out []byte, ok bool) {
	if len(kwargs) > 0 {
		return b, false
	}
	b = es.sink.Begin(b, k, len(args))
	for i, v := range args {
		if b, ok = es.scalar(es.sink.Sep(b, k, i), v); !ok {
			return b, false
		}
	}
	b = append(es.sink.End(b, k, len(args)), es.form.sep...)
	return append(b, es.form.noKwargs...), true
}

// args appends the last two elements of a call, or of an entry.
func (e *Encoder) args(b []byte, k Kind, args []any, kwargs codec.Kwargs) ([]byte, error) {
	b, err := e.Args(b, k, args)
	if err != nil {
		return b, err
	}
	return e.Kwargs(append(b, e.es.form.sep...), kwargs)
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
