package literal

import (
	"fmt"
	"iter"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
)

// String returns v on one line, as Python's repr prints the value that v is to Python.
//
// Other Go types than those that values are read into are printed as what they would be sent as:
// structs and maps as dicts, slices as lists, a type with MarshalText as a str. An instance is printed
// as Class(attr=1), with its attributes by name; an exception as ValueError('wrong', 42); a value of a
// type that is sent as an instance and has a String or Format method as <URI PYRO:obj@host:1>. Of a proxy
// only its URI is shown, because it may hold a key. A container that
// holds itself is [...] inside, and what is nested more than 1000 deep is so, too. A numpy array of more
// than 1000 elements shows three of each end; one whose elements are no numbers shows their size.
// String never fails: what Python has nothing like is shown as <chan int: why>.
func String(v any) string { return string(Append(nil, v)) }

// Append appends what String returns to b.
func Append(b []byte, v any) []byte {
	p := printer{b: b}
	p.value(v)
	return p.b
}

// maxDepth is the nesting that is printed.
const maxDepth = 1000

// A printer appends values to b.
type printer struct {
	b    []byte
	path []place // of the containers being printed
}

// A place tells containers apart that could hold themselves.
type place struct {
	p   uintptr
	len int
}

func (p *printer) text(s string) { p.b = append(p.b, s...) }

func (p *printer) value(v any) {
	if b, ok := appendScalar(p.b, v); ok {
		p.b = b
		return
	}
	switch x := v.(type) {
	case []any:
		p.list(x)
	case codec.Tuple:
		p.tuple(x)
	case codec.Set:
		p.set(x)
	case map[string]any:
		p.dict(placeOfMap(x), sorted(x))
	case *codec.Dict:
		if x == nil {
			p.text("None")
			return
		}
		p.dict(placeOfDict(x), x.All())
	case codec.Object:
		p.object(x)
	case codec.Array:
		p.b = appendArray(p.b, x)
	case codec.NDArray:
		p.b = appendNDArray(p.b, x)
	case codec.Value:
		p.encoded(x)
	default:
		p.foreign(v)
	}
}

// appendScalar appends v if it holds no other values.
func appendScalar(b []byte, v any) ([]byte, bool) {
	switch x := v.(type) {
	case nil:
		return append(b, "None"...), true
	case bool:
		return appendBool(b, x), true
	case int:
		return strconv.AppendInt(b, int64(x), 10), true
	case int64:
		return strconv.AppendInt(b, x, 10), true
	case *big.Int:
		return appendBig(b, x), true
	case float64:
		return appendFloat(b, x, 64), true
	case complex128:
		return appendComplex(b, x, 64), true
	case string:
		return appendText(b, x), true
	case []byte:
		return appendBytes(b, x), true
	case time.Time:
		return appendTime(b, x), true
	case time.Duration:
		return appendDuration(b, x), true
	case codec.Date:
		return appendDate(b, x), true
	case codec.TimeOfDay:
		return appendTimeOfDay(b, x), true
	case codec.Decimal:
		return append(appendText(append(b, "Decimal("...), x.String()), ')'), true
	case uuid.UUID:
		return append(appendText(append(b, "UUID("...), x.String()), ')'), true
	case codec.Global:
		return appendClass(b, string(x)), true
	}
	return b, false
}

// enter prints a container: what inside prints, between two brackets. It prints dots instead if the
// container, which is at its place in memory, is being printed already.
func (p *printer) enter(at place, opening, closing string, inside func()) {
	p.text(opening)
	if len(p.path) >= maxDepth || at.len != 0 && slices.Contains(p.path, at) {
		p.text("...")
	} else {
		p.path = append(p.path, at)
		inside()
		p.path = p.path[:len(p.path)-1]
	}
	p.text(closing)
}

func placeOfSlice(s []any) place { return place{reflect.ValueOf(s).Pointer(), len(s)} }

func placeOfMap(m map[string]any) place { return place{reflect.ValueOf(m).Pointer(), len(m)} }

func placeOfDict(d *codec.Dict) place { return place{reflect.ValueOf(d).Pointer(), d.Len()} }

// items prints values with commas between.
func (p *printer) items(items iter.Seq[any]) {
	first := true
	for v := range items {
		if !first {
			p.text(", ")
		}
		first = false
		p.value(v)
	}
}

func (p *printer) list(x []any) {
	p.enter(placeOfSlice(x), "[", "]", func() { p.items(slices.Values(x)) })
}

func (p *printer) tuple(x codec.Tuple) {
	closing := ")"
	if len(x) == 1 {
		closing = ",)"
	}
	p.enter(placeOfSlice(x), "(", closing, func() { p.items(slices.Values(x)) })
}

func (p *printer) set(x codec.Set) {
	opening, closing := setBrackets(x.Frozen, x.Len())
	p.enter(place{}, opening, closing, func() { p.items(x.All()) })
}

// setBrackets returns what stands around n members.
func setBrackets(frozen bool, n int) (opening, closing string) {
	switch {
	case frozen && n == 0:
		return "frozenset(", ")"
	case frozen:
		return "frozenset({", "})"
	case n == 0:
		return "set(", ")"
	}
	return "{", "}"
}

func (p *printer) dict(at place, pairs iter.Seq2[any, any]) {
	p.enter(at, "{", "}", func() {
		first := true
		for k, v := range pairs {
			if !first {
				p.text(", ")
			}
			first = false
			p.value(k)
			p.text(": ")
			p.value(v)
		}
	})
}

// sorted returns the entries of m in the order of their keys.
func sorted(m map[string]any) iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

func (p *printer) object(x codec.Object) {
	attrs := &codec.Dict{}
	for k, v := range sorted(x.Attrs) {
		attrs.Set(k, v)
	}
	p.enter(placeOfMap(x.Attrs), "", "", func() {
		p.b, _ = appendInstance(p.b, x.Class, attrs, x.Reduction, func(b []byte, v any) ([]byte, error) {
			p.b = b
			p.value(v)
			return p.b, nil
		})
	})
}

// encoded prints what is encoded in a Value.
func (p *printer) encoded(x codec.Value) {
	v, err := x.Any()
	if err != nil {
		p.unprintable(x, err)
		return
	}
	p.enter(place{}, "", "", func() { p.value(v) })
}

// foreign prints a value of another type than those that values are read into.
func (p *printer) foreign(v any) {
	if text, ok := ownText(v); ok {
		p.b = appendOpaque(p.b, text)
		return
	}
	b, err := foreign.Append(p.b, v, nil)
	if err != nil {
		p.unprintable(v, err)
		return
	}
	p.b = b
}

// ownText returns what a value that is sent as an instance says of itself, if it says something. What it
// holds beyond that may be nobody's business, such as the key in a proxy.
func ownText(v any) (string, bool) {
	if _, isError := v.(error); isError || !isInstance(v) {
		return "", false
	}
	switch x := v.(type) {
	case fmt.Formatter:
		return fmt.Sprint(x), true
	case fmt.Stringer:
		return reflect.Indirect(reflect.ValueOf(v)).Type().Name() + " " + x.String(), true
	}
	return "", false
}

// isInstance reports whether v is sent as an instance of a class.
func isInstance(v any) bool {
	t := reflect.TypeOf(v)
	fn, class := codec.Default.Encoder(t)
	if t.Kind() == reflect.Pointer {
		if reflect.ValueOf(v).IsNil() {
			return false
		}
		if fn == nil {
			fn, class = codec.Default.Encoder(t.Elem())
		}
	}
	return fn != nil || class != ""
}

func (p *printer) unprintable(v any, err error) {
	p.b = appendOpaque(p.b, fmt.Sprintf("%T: %s", v, err))
}

// appendOpaque appends text in angle brackets, as Python prints what it has no literal for.
func appendOpaque(b []byte, text string) []byte {
	b = append(b, '<')
	for _, r := range text {
		if r == '\'' || r == '"' || !unicode.IsPrint(r) { // neither a string nor a command to a terminal begins here
			b = fmt.Appendf(b, `\x%02x`, r)
			continue
		}
		b = utf8.AppendRune(b, r)
	}
	return append(b, '>')
}
