package main

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A valuePrinter writes Python values for people (text), programs (json) or both (yaml).
type valuePrinter struct {
	// typed marks in json what json has no type for, so that nothing is lost:
	// {"$type": "tuple", "value": [1, 2]}.
	typed bool
}

const typeKey = "$type"

// json appends v as JSON on one line.
func (p valuePrinter) json(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, x)
	case int:
		return strconv.AppendInt(b, int64(x), 10)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case *big.Int:
		return x.Append(b, 10)
	case float64:
		if name, special := specialFloat(x); special {
			return p.marked(b, "float", func(b []byte) []byte { return appendJSONString(b, name) })
		}
		return append(b, formatFloat(x)...)
	case complex128:
		return p.marked(b, "complex", func(b []byte) []byte { return appendJSONString(b, formatComplex(x)) })
	case string:
		return appendJSONString(b, x)
	case []byte:
		return p.marked(b, "bytes", func(b []byte) []byte {
			return appendJSONString(b, base64.StdEncoding.EncodeToString(x))
		})
	case []any:
		return p.jsonList(b, slices.Values(x))
	case []string:
		return p.jsonList(b, anys(x))
	case codec.Tuple:
		return p.marked(b, "tuple", func(b []byte) []byte { return p.jsonList(b, slices.Values(x)) })
	case codec.Set:
		return p.marked(b, "set", func(b []byte) []byte { return p.jsonList(b, x.All()) })
	case map[string]any:
		return p.jsonDict(b, sortedDict(x))
	case *codec.Dict:
		return p.jsonDict(b, x)
	case pyro.URI:
		return p.marked(b, "uri", func(b []byte) []byte { return appendJSONString(b, x.String()) })
	default:
		if d := instanceDict(v); d != nil {
			return p.marked(b, "instance", func(b []byte) []byte { return p.jsonObject(b, d) })
		}
		return p.marked(b, fmt.Sprintf("%T", v), func(b []byte) []byte { return appendJSONString(b, fmt.Sprint(v)) })
	}
}

// marked appends what value appends, marked with a type if that is wanted.
func (p valuePrinter) marked(b []byte, kind string, value func([]byte) []byte) []byte {
	if !p.typed {
		return value(b)
	}
	b = append(b, `{"`+typeKey+`":`...)
	b = appendJSONString(b, kind)
	b = append(b, `,"value":`...)
	return append(value(b), '}')
}

func (p valuePrinter) jsonList(b []byte, items iter.Seq[any]) []byte {
	b = append(b, '[')
	first := true
	for item := range items {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = p.json(b, item)
	}
	return append(b, ']')
}

// jsonDict appends an object, or, where a key is no text, pairs. An honest key $type would be taken for
// a mark, so that such a dict is marked itself.
func (p valuePrinter) jsonDict(b []byte, d *codec.Dict) []byte {
	plain := true
	for k := range d.Keys() {
		s, ok := k.(string)
		plain = plain && ok && (!p.typed || s != typeKey)
	}
	if plain {
		return p.jsonObject(b, d)
	}
	return p.marked(b, "dict", func(b []byte) []byte {
		return p.jsonList(b, func(yield func(any) bool) {
			for k, v := range d.All() {
				if !yield([]any{k, v}) {
					return
				}
			}
		})
	})
}

func (p valuePrinter) jsonObject(b []byte, d *codec.Dict) []byte {
	b = append(b, '{')
	first := true
	for k, v := range d.All() {
		if !first {
			b = append(b, ',')
		}
		first = false
		key, _ := k.(string)
		b = append(appendJSONString(b, key), ':')
		b = p.json(b, v)
	}
	return append(b, '}')
}

// text appends v as the literal that Python's repr gives.
func (p valuePrinter) text(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, "None"...)
	case bool:
		if x {
			return append(b, "True"...)
		}
		return append(b, "False"...)
	case float64:
		return append(b, formatFloat(x)...)
	case complex128:
		return append(b, formatComplex(x)...)
	case string:
		return appendPythonString(b, x)
	case []byte:
		return appendPythonBytes(b, x)
	case []any:
		return p.textList(b, "[", slices.Values(x), "]")
	case []string:
		return p.textList(b, "[", anys(x), "]")
	case codec.Tuple:
		if len(x) == 1 {
			return p.textList(b, "(", slices.Values(x), ",)")
		}
		return p.textList(b, "(", slices.Values(x), ")")
	case codec.Set:
		if x.Len() == 0 {
			return append(b, "set()"...)
		}
		return p.textList(b, "{", x.All(), "}")
	case map[string]any:
		return p.textDict(b, sortedDict(x))
	case *codec.Dict:
		return p.textDict(b, x)
	case codec.Object:
		return p.textCall(b, x.Class, sortedDict(x.Attrs))
	case pyro.URI:
		return append(append(append(b, "<URI "...), x.String()...), '>')
	case error:
		e := transport.AsError(x)
		return p.textList(append(b, strings.TrimPrefix(e.Class, "builtins.")...), "(", slices.Values(e.Args), ")")
	default:
		return fmt.Append(b, v)
	}
}

func (p valuePrinter) textList(b []byte, open string, items iter.Seq[any], end string) []byte {
	b = append(b, open...)
	first := true
	for item := range items {
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = p.text(b, item)
	}
	return append(b, end...)
}

func (p valuePrinter) textDict(b []byte, d *codec.Dict) []byte {
	b = append(b, '{')
	first := true
	for k, v := range d.All() {
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = append(p.text(b, k), ": "...)
		b = p.text(b, v)
	}
	return append(b, '}')
}

// textCall shows an instance of a class as the call that might have made it.
func (p valuePrinter) textCall(b []byte, class string, attrs *codec.Dict) []byte {
	b = append(append(b, class...), '(')
	first := true
	for k, v := range attrs.All() {
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = append(fmt.Append(b, k), '=')
		b = p.text(b, v)
	}
	return append(b, ')')
}

// instanceDict gives objects and exceptions the form that they travel in; nil for all else.
func instanceDict(v any) *codec.Dict {
	switch x := v.(type) {
	case codec.Object:
		d := codec.NewDict(codec.ClassKey, x.Class)
		for k, v := range sortedDict(x.Attrs).All() {
			d.Set(k, v)
		}
		return d
	case error:
		e := transport.AsError(x)
		return codec.NewDict(codec.ClassKey, e.Class, "__exception__", true, "args", e.Args, "attributes", e.Attrs)
	}
	return nil
}

func sortedDict(m map[string]any) *codec.Dict {
	d := codec.NewDict()
	for _, k := range slices.SortedFunc(maps.Keys(m), cmp.Compare[string]) {
		d.Set(k, m[k])
	}
	return d
}

func anys[T any](s []T) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, v := range s {
			if !yield(v) {
				return
			}
		}
	}
}

// specialFloat names the floats that JSON does not have.
func specialFloat(f float64) (string, bool) {
	switch {
	case math.IsNaN(f):
		return "NaN", true
	case math.IsInf(f, 1):
		return "Infinity", true
	case math.IsInf(f, -1):
		return "-Infinity", true
	}
	return "", false
}

// formatFloat is Python's repr of a float.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// formatComplex is Python's repr of a complex number, which leaves a missing real part out.
func formatComplex(c complex128) string {
	part := func(f float64) string { return strings.TrimSuffix(formatFloat(f), ".0") }
	if re := real(c); re == 0 && !math.Signbit(re) {
		return part(imag(c)) + "j"
	}
	im := part(imag(c))
	if !strings.HasPrefix(im, "-") {
		im = "+" + im
	}
	return "(" + part(real(c)) + im + "j)"
}

// appendPythonString appends the repr of a str; serpent writes it exactly so, behind a comment line.
func appendPythonString(b []byte, s string) []byte {
	line, err := serpent.Marshal(s)
	if err != nil { // bytes that are no text in any encoding
		return strconv.AppendQuote(b, s)
	}
	_, literal, _ := strings.Cut(string(line), "\n")
	return append(b, literal...)
}

func appendPythonBytes(b, data []byte) []byte {
	quote := byte('\'')
	if slices.Contains(data, '\'') && !slices.Contains(data, '"') {
		quote = '"'
	}
	b = append(b, 'b', quote)
	for _, c := range data {
		switch {
		case c == quote || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ' || c >= 0x7f:
			b = fmt.Appendf(b, `\x%02x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, quote)
}

// appendJSONString appends s in quotes. The three bytes that stand for a lone surrogate (package
// serpent) become its escape; what else is no UTF-8 becomes U+FFFD.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			b = appendJSONByte(b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1 && isSurrogate(s[i:]):
			b = fmt.Appendf(b, `\u%04x`, 0xd000|uint16(s[i+1]&0x3f)<<6|uint16(s[i+2]&0x3f))
			size = 3
		case r == utf8.RuneError && size == 1:
			b = append(b, "\ufffd"...)
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return append(b, '"')
}

func isSurrogate(s string) bool {
	return len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 && s[1] <= 0xbf && s[2] >= 0x80 && s[2] <= 0xbf
}

func appendJSONByte(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	if c < ' ' || c == 0x7f {
		return fmt.Appendf(b, `\u%04x`, c)
	}
	return append(b, c)
}
