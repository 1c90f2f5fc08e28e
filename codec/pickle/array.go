package pickle

import (
	"encoding/binary"
	"reflect"
	"unicode/utf16"

	"github.com/pyrokit/pyrokit/codec"
)

// arrayTypes are the types of an Array's elements by code. Those of text are not here.
var arrayTypes = map[byte]reflect.Type{
	'b': reflect.TypeFor[int8](), 'B': reflect.TypeFor[uint8](), 'h': reflect.TypeFor[int16](), 'H': reflect.TypeFor[uint16](),
	'i': reflect.TypeFor[int32](), 'I': reflect.TypeFor[uint32](), 'l': reflect.TypeFor[int64](), 'L': reflect.TypeFor[uint64](),
	'q': reflect.TypeFor[int64](), 'Q': reflect.TypeFor[uint64](), 'f': reflect.TypeFor[float32](), 'd': reflect.TypeFor[float64](),
}

// arrayFrom reads array.array(code, elements), which is what protocols below 3 have for an array.
func arrayFrom(r *reader, n *node) (any, bool, error) {
	if !n.isCall(2, 2) {
		return nil, false, nil
	}
	args := n.more.args.values()
	code, _ := r.string(args[0])
	if len(code) != 1 || args[1].kind != kindList {
		return nil, false, nil
	}
	if err := r.open(args[1].p); err != nil {
		return nil, false, err
	}
	defer r.shut(args[1].p)
	values, ok := r.arrayValues(code[0], args[1].p.items)
	return codec.Array{Code: code[0], Values: values}, ok, nil
}

// arrayValues returns items as an Array of code has them.
func (r *reader) arrayValues(code byte, items []value) (any, bool) {
	if code == 'u' || code == 'w' {
		var text []byte
		for _, v := range items {
			if v.kind != kindText {
				return nil, false
			}
			text = append(text, r.bytesOf(v)...)
		}
		return string(text), true
	}
	t := arrayTypes[code]
	if t == nil {
		return nil, false
	}
	out := reflect.MakeSlice(reflect.SliceOf(t), len(items), len(items))
	for i, v := range items {
		if !r.storeElement(out.Index(i), v) {
			return nil, false
		}
	}
	return out.Interface(), true
}

func (r *reader) storeElement(e reflect.Value, v value) bool {
	switch {
	case e.CanInt():
		n, ok := r.int(v)
		if !ok || e.OverflowInt(n) {
			return false
		}
		e.SetInt(n)
	case e.CanUint():
		n, ok := r.uint64(v)
		if !ok || e.OverflowUint(n) {
			return false
		}
		e.SetUint(n)
	default:
		f, ok := r.float(v)
		if !ok {
			return false
		}
		e.SetFloat(f)
	}
	return true
}

// machineFormats are the types of array._array_reconstructor's machine formats, from 2 on each little-
// and then big-endian; the last four are UTF-16 and UTF-32. Those of one byte come first.
var machineFormats = [...]reflect.Type{
	reflect.TypeFor[uint8](), reflect.TypeFor[int8](),
	reflect.TypeFor[uint16](), reflect.TypeFor[uint16](), reflect.TypeFor[int16](), reflect.TypeFor[int16](),
	reflect.TypeFor[uint32](), reflect.TypeFor[uint32](), reflect.TypeFor[int32](), reflect.TypeFor[int32](),
	reflect.TypeFor[uint64](), reflect.TypeFor[uint64](), reflect.TypeFor[int64](), reflect.TypeFor[int64](),
	reflect.TypeFor[float32](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[float64](),
	reflect.TypeFor[uint16](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint32](),
}

const (
	firstTextFormat = 18
	utf32Format     = 20
)

// arrayFromBytes reads array._array_reconstructor(type, code, machine format, bytes).
func arrayFromBytes(r *reader, n *node) (any, bool, error) {
	if !n.isCall(4, 4) {
		return nil, false, nil
	}
	args := n.more.args.values()
	code, _ := r.string(args[1])
	format, ok := r.int(args[2])
	if nameOf(args[0]) != "array.array" || len(code) != 1 || !ok || format < 0 || format >= int64(len(machineFormats)) {
		return nil, false, nil
	}
	data, _, ok := r.bytesLike(args[3])
	if !ok {
		return nil, false, nil
	}
	values, ok := decodeElements(code[0], int(format), data)
	return codec.Array{Code: code[0], Values: values}, ok, nil
}

func decodeElements(code byte, format int, data []byte) (any, bool) {
	of, t := machineFormats[format], arrayTypes[code]
	isText := format >= firstTextFormat
	if t == nil && !(isText && (code == 'u' || code == 'w')) || t != nil && isText || len(data)%int(of.Size()) != 0 {
		return nil, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if format%2 == 1 {
		order = binary.BigEndian
	}
	n := len(data) / int(of.Size())
	out := reflect.MakeSlice(reflect.SliceOf(of), n, n)
	if _, err := binary.Decode(data, order, out.Interface()); err != nil {
		return nil, false
	}
	switch {
	case isText:
		return textOf(out.Interface())
	case of == t:
		return out.Interface(), true
	case code == 'l' && of.Size() == 4 && of.Kind() == reflect.Int32, code == 'L' && of.Kind() == reflect.Uint32:
		wide := reflect.MakeSlice(reflect.SliceOf(t), n, n) // of Windows, where a long has four bytes
		for i := range n {
			wide.Index(i).Set(out.Index(i).Convert(t))
		}
		return wide.Interface(), true
	}
	return nil, false
}

// textOf returns the text of UTF-16 or UTF-32.
func textOf(units any) (any, bool) {
	var b []byte
	if wide, ok := units.([]uint32); ok {
		for _, c := range wide {
			if c > 0x10ffff {
				return nil, false
			}
			b = appendChar(b, rune(c))
		}
		return string(b), true
	}
	half, _ := units.([]uint16)
	for i := 0; i < len(half); i++ {
		c := rune(half[i])
		if i+1 < len(half) && utf16.IsSurrogate(c) {
			if both := utf16.DecodeRune(c, rune(half[i+1])); both != 0xfffd {
				c = both
				i++
			}
		}
		b = appendChar(b, c)
	}
	return string(b), true
}
