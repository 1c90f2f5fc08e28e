package main

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
	"github.com/pyrokit/pyrokit/transport"
)

// A valuePrinter writes Python values for people (text), programs (json) or both (yaml).
type valuePrinter struct {
	// typed marks in json what json has no type for, so that nothing is lost:
	// {"$type": "tuple", "value": [1, 2]}.
	typed bool
	// width breaks text that is wider into lines; 0 leaves each value on one.
	width int
}

const typeKey = "$type"

// text returns v as the literal that Python's repr gives.
func (p valuePrinter) text(v any) []byte {
	v = withClasses(v)
	if p.width > 0 {
		return literal.Format(nil, v, p.width)
	}
	return literal.Append(nil, v)
}

// withClasses returns v with instances in the place of exceptions, which would else be printed under the
// name that they could be sent with.
func withClasses(v any) any {
	switch x := v.(type) {
	case []any:
		return withClassesIn(x)
	case codec.Tuple:
		return codec.Tuple(withClassesIn(x))
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			out[k] = withClasses(v)
		}
		return out
	case *codec.Dict:
		out := &codec.Dict{}
		for k, v := range x.All() {
			out.Set(k, withClasses(v))
		}
		return out
	case error:
		e := transport.AsError(x)
		attrs := map[string]any{"__exception__": true, "args": e.Args}
		return codec.Object{Class: e.Class, Attrs: attrs}
	}
	return v
}

func withClassesIn(items []any) []any {
	out := make([]any, len(items))
	for i, v := range items {
		out[i] = withClasses(v)
	}
	return out
}

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
	case number:
		return append(b, x...)
	case float64:
		if name, special := specialFloat(x); special {
			return p.marked(b, "float", func(b []byte) []byte { return appendJSONString(b, name) })
		}
		return literal.Append(b, x)
	case string:
		return appendJSONString(b, x)
	case []byte:
		return p.marked(b, "bytes", func(b []byte) []byte {
			return appendJSONString(b, base64.StdEncoding.EncodeToString(x))
		})
	case []any:
		return p.jsonList(b, x)
	case []string:
		return p.jsonList(b, anys(x))
	case map[string]any:
		return p.jsonDict(b, sortedDict(x))
	case *codec.Dict:
		return p.jsonDict(b, x)
	case instance:
		return p.jsonObject(b, x.Dict)
	default:
		kind, plain := p.plain(v)
		return p.marked(b, kind, func(b []byte) []byte { return p.json(b, plain) })
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

func (p valuePrinter) jsonList(b []byte, items []any) []byte {
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
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
		var pairs []any
		for k, v := range d.All() {
			pairs = append(pairs, []any{k, v})
		}
		return p.jsonList(b, pairs)
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

func sortedDict(m map[string]any) *codec.Dict {
	d := codec.NewDict()
	for _, k := range slices.Sorted(maps.Keys(m)) {
		d.Set(k, m[k])
	}
	return d
}

func anys[T any](s []T) []any {
	out := make([]any, len(s))
	for i, v := range s {
		out[i] = v
	}
	return out
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
