package bind

import (
	"slices"
	"strconv"

	"github.com/pyrokit/pyrokit/codec"
)

// callForm is how a sink writes what is the same in all calls: the brackets around the tuples that calls and the entries
// of batches are, and what separates their elements.
type callForm struct {
	beginCall, beginEntry, sep mark
	endCall, endEntry          ending
}

// An ending is how a tuple ends after keyword arguments, and how after the others where there are none.
type ending struct{ keywords, plain mark }

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
	end := func(parts int) ending {
		return ending{markOf(s.End(nil, Tuple, parts)), markOf(s.End(slices.Clone(noKwargs), Tuple, parts))}
	}
	return callForm{
		beginCall: markOf(s.Begin(nil, Tuple, callParts)), beginEntry: markOf(s.Begin(nil, Tuple, entryParts)), sep: markOf(sep),
		endCall: end(callParts), endEntry: end(entryParts),
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
	out, ok := es.scalarArgs(b, k, args)
	if ok && len(kwargs) == 0 {
		return es.form.endCall.plain.append(out), nil
	}
	e := es.Get(o)
	if !ok {
		out, err = e.Args(b, k, args)
	}
	if err == nil {
		out, err = e.end(out, kwargs, &es.form.endCall)
	}
	es.Put(e)
	if err != nil {
		return dst, err
	}
	return out, nil
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
	return es.form.endCall.keywords.append(b), nil
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
	out, ok := e.es.scalarArgs(b, k, entry.Args)
	if !ok {
		if out, err = e.Args(b, k, entry.Args); err != nil {
			return b, err
		}
	}
	return e.end(out, entry.Kwargs, &form.endEntry)
}

// scalarArgs is Args if no argument needs an encoder, as in most calls; else ok is false.
func (es *Encoders) scalarArgs(b []byte, k Kind, args []any) (out []byte, ok bool) {
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

// end appends keyword arguments, and what comes after them.
func (e *Encoder) end(b []byte, kwargs codec.Kwargs, how *ending) (_ []byte, err error) {
	if len(kwargs) == 0 {
		return how.plain.append(b), nil
	}
	if b, err = e.Kwargs(e.es.form.sep.append(b), kwargs); err != nil {
		return b, err
	}
	return how.keywords.append(b), nil
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
	b, err := mapOf(e, b, map[string]any(kwargs), (*Encoder).Any)
	return b, encodeUnder(err, "kwargs")
}
