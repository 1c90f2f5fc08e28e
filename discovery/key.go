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
// their order. Functions and channels, which are equal to nothing elsewhere, count as their type alone, and so does what is
// more than 32 levels deep. A text counts in full, anything else with what it begins with, of which 256 KiB are looked at.
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

const (
	maxKeyDepth = 32
	maxKeyText  = 256 << 10 // bytes, so that parts which are shared over and over have an end
)

// keyText is what fmt.Sprint makes of v, without addresses of memory.
func keyText(v any) string {
	if text, is := v.(string); is {
		return text
	}
	w := keyWriter{most: maxKeyText}
	w.write(reflect.ValueOf(v), 0)
	return w.text.String()
}

type keyWriter struct {
	text strings.Builder
	most int // beyond this length nothing more is written
}

func (w *keyWriter) write(v reflect.Value, depth int) {
	switch {
	case w.text.Len() > w.most:
		return
	case !v.IsValid():
		w.text.WriteString("<nil>")
		return
	case depth > maxKeyDepth:
		w.text.WriteString(v.Type().String())
		return
	case v.CanInterface() && w.known(v.Interface(), depth):
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
		w.unordered(v.Len(), v.Seq2(), depth)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		w.text.WriteString(v.Type().String())
	default:
		fmt.Fprint(&w.text, v)
	}
}

// known writes values that say themselves what they are, or that hold more than they are.
func (w *keyWriter) known(v any, depth int) bool {
	switch x := v.(type) {
	case time.Time:
		fmt.Fprint(&w.text, x.Round(0)) // without the clock of this process
	case *codec.Dict:
		w.unordered(x.Len(), values(x.All()), depth)
	case codec.Dict:
		w.unordered(x.Len(), values(x.All()), depth)
	case codec.Set:
		w.unordered(x.Len(), values(func(yield func(any, any) bool) {
			x.All()(func(member any) bool { return yield(member, true) })
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
		pairs(func(key, value any) bool { return yield(reflect.ValueOf(key), reflect.ValueOf(value)) })
	}
}

func (w *keyWriter) list(begin string, n int, item func(int), end string) {
	w.text.WriteString(begin)
	for i := 0; i < n && w.text.Len() <= w.most; i++ {
		if i > 0 {
			w.text.WriteByte(' ')
		}
		item(i)
	}
	w.text.WriteString(end)
}

// unordered writes n pairs sorted by their text. Each has its share of what may still be written: what comes of one must
// not depend on which came before.
func (w *keyWriter) unordered(n int, pairs iter.Seq2[reflect.Value, reflect.Value], depth int) {
	texts := make([]string, 0, n)
	for key, value := range pairs {
		pair := keyWriter{most: (w.most - w.text.Len()) / n}
		pair.write(key, depth+1)
		pair.text.WriteByte(':')
		pair.write(value, depth+1)
		texts = append(texts, pair.text.String())
	}
	slices.Sort(texts)
	w.list("map[", len(texts), func(i int) { w.text.WriteString(texts[i]) }, "]")
}
