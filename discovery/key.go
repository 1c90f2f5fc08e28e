package discovery

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// Argument is a key for Rendezvous: the positional argument i of the call, or of the first call of a batch. All
// calls without it have the same key.
//
// Values that are equal have the same key in every process: pointers count as what they point to, dicts and sets whatever
// their order. Functions and channels, which are equal to nothing elsewhere, count as their type alone, and so do values
// within themselves and what is more than 32 levels deep.
func Argument(i int) func(*transport.Call) string {
	return func(call *transport.Call) string {
		args := call.Args.Positional
		if call.Kind == transport.Batch && len(call.Entries) > 0 {
			args = call.Entries[0].Args
		}
		if i < 0 || i >= len(args) {
			return ""
		}
		return keyText(args[i])
	}
}

const maxKeyDepth = 32

// keyText is what fmt.Sprint makes of v, without addresses of memory.
func keyText(v any) string {
	if text, is := v.(string); is {
		return text
	}
	var w keyWriter
	w.write(reflect.ValueOf(v), 0)
	return w.text.String()
}

type keyWriter struct {
	text   strings.Builder
	within []uintptr // where what is being written is
}

func (w *keyWriter) write(v reflect.Value, depth int) {
	if !v.IsValid() {
		w.text.WriteString("<nil>")
		return
	}
	before := w.within
	if depth > maxKeyDepth || !w.enter(v) {
		w.text.WriteString(v.Type().String())
		return
	}
	defer func() { w.within = before }()
	if v.CanInterface() && w.known(v.Interface(), depth) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		w.write(v.Elem(), depth+1)
	case reflect.Struct:
		w.list("{", v.NumField(), func(i int) { w.write(v.Field(i), depth+1) }, "}")
	case reflect.Slice, reflect.Array:
		w.list("[", v.Len(), func(i int) { w.write(v.Index(i), depth+1) }, "]")
	case reflect.Map:
		w.unordered(func(yield func(reflect.Value, reflect.Value) bool) {
			for key, value := range v.Seq2() {
				if !yield(key, value) {
					return
				}
			}
		}, depth)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		w.text.WriteString(v.Type().String())
	default:
		fmt.Fprint(&w.text, v)
	}
}

// enter notes where v is; it is false if that is within itself. A list that is linked both ways would have no end otherwise,
// or one after very long.
func (w *keyWriter) enter(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map:
	case reflect.Slice:
		if v.Len() == 0 {
			return true
		}
	default:
		return true
	}
	if v.IsNil() {
		return true
	}
	if slices.Contains(w.within, v.Pointer()) {
		return false
	}
	w.within = append(slices.Clip(w.within), v.Pointer())
	return true
}

// known writes values that say themselves what they are, or that hold more than they are.
func (w *keyWriter) known(v any, depth int) bool {
	switch x := v.(type) {
	case time.Time:
		fmt.Fprint(&w.text, x.Round(0)) // without the clock of this process
	case *codec.Dict:
		w.unordered(values(x.All()), depth)
	case codec.Dict:
		w.unordered(values(x.All()), depth)
	case codec.Set:
		w.unordered(values(func(yield func(any, any) bool) {
			for member := range x.All() {
				if !yield(member, true) {
					return
				}
			}
		}), depth)
	case fmt.Stringer, error:
		fmt.Fprint(&w.text, x)
	default:
		return false
	}
	return true
}

func values(pairs iter.Seq2[any, any]) iter.Seq2[reflect.Value, reflect.Value] {
	return func(yield func(reflect.Value, reflect.Value) bool) {
		for key, value := range pairs {
			if !yield(reflect.ValueOf(key), reflect.ValueOf(value)) {
				return
			}
		}
	}
}

func (w *keyWriter) list(begin string, n int, item func(int), end string) {
	w.text.WriteString(begin)
	for i := range n {
		if i > 0 {
			w.text.WriteByte(' ')
		}
		item(i)
	}
	w.text.WriteString(end)
}

// unordered writes pairs sorted by their text.
func (w *keyWriter) unordered(pairs iter.Seq2[reflect.Value, reflect.Value], depth int) {
	var texts []string
	for key, value := range pairs {
		pair := keyWriter{within: w.within}
		pair.write(key, depth+1)
		pair.text.WriteByte(':')
		pair.write(value, depth+1)
		texts = append(texts, pair.text.String())
	}
	slices.Sort(texts)
	w.list("map[", len(texts), func(i int) { w.text.WriteString(texts[i]) }, "]")
}
