package literal

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// appendInstance appends an instance as the call that might have made it. value appends the values in
// it.
func appendInstance(b []byte, class string, attrs *codec.Dict, r *codec.Reduction, value appendFunc) ([]byte, error) {
	w := callWriter{b: append(appendClass(b, class), '('), value: value}
	if args, ok := argsOf(class, attrs); ok {
		w.args(args)
		return append(w.b, ')'), w.err
	}
	if r != nil {
		w.args(r.Args)
		w.keywords(r.Kwargs)
	}
	w.keywords(attrs)
	if r != nil {
		w.reduction(r)
	}
	return append(w.b, ')'), w.err
}

// An appendFunc appends a value.
type appendFunc func(b []byte, v any) ([]byte, error)

// argsOf returns the arguments of an exception, or the URI of a proxy, whose state may hold a key as well;
// false for all other instances.
func argsOf(class string, attrs *codec.Dict) ([]any, bool) {
	if is, _ := attrs.Get("__exception__"); is == true {
		args, _ := attrs.Get("args")
		return items(args)
	}
	if class == "Pyro4.core.Proxy" || class == "Pyro5.client.Proxy" {
		state, _ := attrs.Get("state")
		all, _ := items(state)
		return all[:min(1, len(all))], true
	}
	return nil, false
}

// items returns the elements of a list or tuple.
func items(v any) ([]any, bool) {
	switch x := v.(type) {
	case []any:
		return x, true
	case codec.Tuple:
		return x, true
	}
	return nil, false
}

// A callWriter writes the arguments of a call and keeps the first error.
type callWriter struct {
	b     []byte
	value appendFunc
	some  bool // there were some
	err   error
}

func (w *callWriter) arg(name string, v any) {
	if w.err != nil {
		return
	}
	if w.some {
		w.b = append(w.b, ", "...)
	}
	w.some = true
	if name != "" {
		w.b = append(appendName(w.b, name), '=')
	}
	w.b, w.err = w.value(w.b, v)
}

func (w *callWriter) args(args []any) {
	for _, v := range args {
		w.arg("", v)
	}
}

func (w *callWriter) keywords(d *codec.Dict) {
	for k, v := range d.All() {
		name, ok := k.(string)
		if !ok {
			name = String(k)
		}
		w.arg(name, v)
	}
}

// reduction writes what makes the instance beside its arguments and attributes, under the names of the
// methods that take it.
func (w *callWriter) reduction(r *codec.Reduction) {
	if r.State != nil {
		w.arg("__setstate__", r.State)
	}
	if len(r.Items) > 0 {
		w.arg("extend", r.Items)
	}
	if r.Pairs.Len() > 0 {
		w.arg("update", r.Pairs)
	}
}

// appendClass appends the name of a class, without that of the module of Python's own.
func appendClass(b []byte, name string) []byte {
	short := strings.TrimPrefix(strings.TrimPrefix(name, "builtins."), "exceptions.")
	for part := range strings.SplitSeq(short, ".") {
		if !isIdentifier(part) && part != "<locals>" && part != "<lambda>" {
			return appendText(b, name)
		}
	}
	return append(b, short...)
}

// appendName appends the name of an argument.
func appendName(b []byte, name string) []byte {
	if isIdentifier(name) {
		return append(b, name...)
	}
	return appendText(b, name)
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// A sink prints values of types that only package bind knows. It is a bind.Sink.
type sink struct{}

var foreign = bind.NewEncoders(sink{})

func (sink) Name() string                               { return "literal" }
func (sink) None(b []byte) []byte                       { return append(b, "None"...) }
func (sink) Bool(b []byte, v bool) []byte               { return appendBool(b, v) }
func (sink) Int(b []byte, v int64) []byte               { return strconv.AppendInt(b, v, 10) }
func (sink) Uint(b []byte, v uint64) []byte             { return strconv.AppendUint(b, v, 10) }
func (sink) Float(b []byte, v float64, bits int) []byte { return appendFloat(b, v, bits) }
func (sink) Colon(b []byte) []byte                      { return append(b, ": "...) }

func (sink) BigInt(b []byte, v *big.Int) ([]byte, error) { return appendBig(b, v), nil }

func (sink) Complex(b []byte, v complex128) ([]byte, error) { return appendComplex(b, v, 64), nil }

func (sink) Str(b []byte, v string) ([]byte, error) { return appendText(b, v), nil }

func (sink) Bytes(b, v []byte, _ *codec.Options) ([]byte, error)        { return appendBytes(b, v), nil }
func (sink) Key(b []byte, _ int, _, _ bind.Kind) ([]byte, error)        { return b, nil }
func (sink) Splice(b, _ []byte, _ *codec.Options) ([]byte, bool, error) { return b, false, nil }

// brackets returns what stands around n elements.
func brackets(k bind.Kind, n int) (opening, closing string) {
	switch k {
	case bind.List:
		return "[", "]"
	case bind.Tuple:
		if n == 1 {
			return "(", ",)"
		}
		return "(", ")"
	case bind.Set, bind.FrozenSet:
		return setBrackets(k == bind.FrozenSet, n)
	}
	return "{", "}"
}

func (sink) Begin(b []byte, k bind.Kind, n int) []byte {
	opening, _ := brackets(k, n)
	return append(b, opening...)
}

func (sink) End(b []byte, k bind.Kind, n int) []byte {
	_, closing := brackets(k, n)
	return append(b, closing...)
}

func (sink) Sep(b []byte, _ bind.Kind, i int) []byte {
	if i > 0 {
		return append(b, ", "...)
	}
	return b
}

// Special prints what is no value of its own to most serializers.
func (sink) Special(b []byte, v any, _ *codec.Options) ([]byte, bool, error) {
	switch x := v.(type) {
	case codec.Array:
		return appendArray(b, x), true, nil
	case codec.NDArray:
		return appendNDArray(b, x), true, nil
	}
	b, ok := appendScalar(b, v)
	return b, ok, nil
}

// Instance prints an instance.
func (sink) Instance(e *bind.Encoder, b []byte, class string, attrs *codec.Dict, r *codec.Reduction) ([]byte, error) {
	return appendInstance(b, class, attrs, r, e.Any)
}
