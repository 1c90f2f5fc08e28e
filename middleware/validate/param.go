package validate

import (
	"iter"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
)

// A Type is a kind of Python value.
type Type string

// The types.
const (
	Any   Type = ""
	Bool  Type = "bool"
	Int   Type = "int"
	Float Type = "float" // an int, too
	Str   Type = "str"
	Bytes Type = "bytes"
	List  Type = "list" // a tuple, a set, too
	Dict  Type = "dict"
)

// A Param says what one argument has to be. What does not apply to its type is not looked at.
type Param struct {
	Name string
	Type Type
	// Optional allows to leave it out, None to say None.
	Optional, None bool
	// Min and Max bound an int or float; nil does not. No number that is not a number is within bounds.
	Min, Max *float64
	// MinLen and MaxLen bound the length of a str (in characters), bytes, list or dict; a MaxLen of 0 does not.
	MinLen, MaxLen int
	// Match has to match a str, anywhere unless it says ^ and $.
	Match *regexp.Regexp
	// OneOf are the texts that a str may be; none allows all.
	OneOf []string
	// Items is what each item of a list or value of a dict has to be; nil allows all.
	Items *Param
}

// check tells why v, which path names, is not what p says.
func (p *Param) check(path string, v any) *transport.Error {
	if x, ok := v.(codec.Value); ok {
		v, _ = x.Any()
	}
	if v == nil {
		if p.None || p.Type == Any {
			return nil
		}
		return typeError("%s must be %s, not None", path, p.Type)
	}
	kind, rv := typeOf(v)
	if p.Type == Any {
		return nil
	}
	if kind != p.Type && (kind != Int || p.Type != Float) {
		return typeError("%s must be %s, not %s", path, p.Type, named(kind))
	}
	switch kind {
	case Int, Float:
		return p.checkNumber(path, v, rv)
	case Str:
		return p.checkText(path, rv.String())
	case Bytes:
		return p.checkLength(path, rv.Len(), "bytes")
	case List, Dict:
		return p.checkItems(path, v, rv)
	default:
		return nil
	}
}

func named(kind Type) Type {
	if kind == Any {
		return "an object of another type"
	}
	return kind
}

func (p *Param) checkNumber(path string, v any, rv reflect.Value) *transport.Error {
	if p.Min == nil && p.Max == nil {
		return nil
	}
	n := numberOf(v, rv)
	switch {
	case math.IsNaN(n):
		return valueError("%s is not a number", path)
	case p.Min != nil && n < *p.Min:
		return valueError("%s must be at least %v", path, *p.Min)
	case p.Max != nil && n > *p.Max:
		return valueError("%s must be at most %v", path, *p.Max)
	default:
		return nil
	}
}

func (p *Param) checkText(path, text string) *transport.Error {
	if err := p.checkLength(path, utf8.RuneCountInString(text), "characters"); err != nil {
		return err
	}
	switch {
	case len(p.OneOf) > 0 && !slices.Contains(p.OneOf, text):
		return valueError("%s must be one of %s", path, strings.Join(p.OneOf, ", "))
	case p.Match != nil && !p.Match.MatchString(text):
		return valueError("%s does not match %s", path, p.Match)
	default:
		return nil
	}
}

func (p *Param) checkLength(path string, n int, of string) *transport.Error {
	switch {
	case n < p.MinLen:
		return valueError("%s must have at least %d %s", path, p.MinLen, of)
	case p.MaxLen > 0 && n > p.MaxLen:
		return valueError("%s must have at most %d %s", path, p.MaxLen, of)
	default:
		return nil
	}
}

func (p *Param) checkItems(path string, v any, rv reflect.Value) *transport.Error {
	n, items := itemsOf(v, rv)
	if err := p.checkLength(path, n, "items"); err != nil {
		return err
	}
	if p.Items == nil {
		return nil
	}
	for item := range items {
		if err := p.Items.check("each item of "+path, item); err != nil {
			return err
		}
	}
	return nil
}

// typeOf returns the type that v arrives as in Python.
func typeOf(v any) (Type, reflect.Value) {
	rv := reflect.ValueOf(v)
	switch v.(type) {
	case *big.Int, big.Int:
		return Int, rv
	case time.Duration, uuid.UUID, codec.Global, codec.Decimal: // they arrive as something of their own
		return Any, rv
	case codec.Set, *codec.Set:
		return List, rv
	case codec.Dict, *codec.Dict:
		return Dict, rv
	}
	for rv.Kind() == reflect.Pointer && !rv.IsNil() && isPlain(rv.Elem().Kind()) {
		rv = rv.Elem()
	}
	switch kind := rv.Kind(); {
	case kind == reflect.Bool:
		return Bool, rv
	case rv.CanInt(), rv.CanUint():
		return Int, rv
	case rv.CanFloat():
		return Float, rv
	case kind == reflect.String:
		return Str, rv
	case kind == reflect.Map:
		return Dict, rv
	case kind == reflect.Slice && rv.Type().Elem().Kind() == reflect.Uint8:
		return Bytes, rv
	case kind == reflect.Slice, kind == reflect.Array:
		return List, rv
	default:
		return Any, rv
	}
}

// isPlain tells what a pointer to is written as if it were the thing itself.
func isPlain(k reflect.Kind) bool {
	return k != reflect.Struct && k != reflect.Interface && k != reflect.Func && k != reflect.Chan
}

func numberOf(v any, rv reflect.Value) float64 {
	switch x := v.(type) {
	case *big.Int:
		f, _ := new(big.Float).SetInt(x).Float64()
		return f
	case big.Int:
		f, _ := new(big.Float).SetInt(&x).Float64()
		return f
	}
	switch {
	case rv.CanInt():
		return float64(rv.Int())
	case rv.CanUint():
		return float64(rv.Uint())
	default:
		return rv.Float()
	}
}

// itemsOf returns the number of items of a list, or values of a dict, and what they are.
func itemsOf(v any, rv reflect.Value) (int, iter.Seq[any]) {
	switch x := v.(type) {
	case *codec.Dict:
		return x.Len(), valuesOf(x)
	case codec.Dict:
		return x.Len(), valuesOf(&x)
	case *codec.Set:
		return x.Len(), x.All()
	case codec.Set:
		return x.Len(), x.All()
	}
	return rv.Len(), func(yield func(any) bool) {
		if rv.Kind() != reflect.Map {
			for i := range rv.Len() {
				if !yield(rv.Index(i).Interface()) {
					return
				}
			}
			return
		}
		for _, item := range rv.Seq2() {
			if !yield(item.Interface()) {
				return
			}
		}
	}
}

func valuesOf(d *codec.Dict) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, v := range d.All() {
			if !yield(v) {
				return
			}
		}
	}
}
