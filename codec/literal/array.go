package literal

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
)

// appendArray appends an array.array.
func appendArray(b []byte, a codec.Array) []byte {
	b = appendText(append(b, "array("...), string(rune(a.Code)))
	if text, ok := a.Values.(string); ok {
		if text != "" {
			b = appendText(append(b, ", "...), text)
		}
		return append(b, ')')
	}
	v := reflect.ValueOf(a.Values)
	if v.Kind() != reflect.Slice || v.Len() == 0 {
		return append(b, ')')
	}
	b = append(b, ", ["...)
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ", "...)
		}
		switch item := v.Index(i); {
		case item.CanInt():
			b = fmt.Append(b, item.Int())
		case item.CanUint():
			b = fmt.Append(b, item.Uint())
		case item.CanFloat(): // Python shows all of a float32, too
			b = appendFloat(b, item.Float(), 64)
		default:
			b = appendOpaque(b, item.Kind().String())
		}
	}
	return append(b, "])"...)
}

const (
	maxElements   = 1000 // that are printed without leaving some out, as in numpy
	edgeElements  = 3    // that are printed of each end of a dimension
	maxDimensions = 64   // numpy's own limit
)

// appendNDArray appends a numpy array or scalar.
func appendNDArray(b []byte, a codec.NDArray) []byte {
	n := a.Len()
	if !hasShape(a, n) {
		return appendRaw(b, a)
	}
	w := arrayWriter{b: b, a: a, all: n <= maxElements, strides: strides(a)}
	switch {
	case a.Shape == nil:
		return w.scalar()
	case n == 0:
		w.b = append(w.b, "array([]"...)
	default:
		w.b = append(w.b, "array("...)
		w.dimension(0, 0)
	}
	if !w.all || n == 0 && len(a.Shape) > 1 {
		w.b = appendShape(append(w.b, ", shape="...), a.Shape)
	}
	return append(appendText(append(w.b, ", dtype="...), a.DType), ')')
}

// hasShape reports whether a holds n numbers, as its shape says.
func hasShape(a codec.NDArray, n int) bool {
	if n < 0 || len(a.Shape) > maxDimensions {
		return false
	}
	if n == 0 {
		return len(a.Data) == 0
	}
	if _, err := a.Item(n - 1); err != nil {
		return false
	}
	_, err := a.Item(n)
	return err != nil
}

// appendRaw appends an array whose elements are no numbers by what it takes.
func appendRaw(b []byte, a codec.NDArray) []byte {
	b = fmt.Appendf(b, "array(<%d bytes>, shape=", len(a.Data))
	b = appendShape(b, a.Shape)
	return append(appendText(append(b, ", dtype="...), a.DType), ')')
}

func appendShape(b []byte, shape []int) []byte {
	if shape == nil {
		return append(b, "None"...)
	}
	t := make(codec.Tuple, min(len(shape), maxDimensions))
	for i := range t {
		t[i] = shape[i]
	}
	return Append(b, t)
}

// strides returns how many elements there are from one index of each dimension to the next.
func strides(a codec.NDArray) []int {
	s := make([]int, len(a.Shape))
	n := 1
	for i := range s {
		if !a.FortranOrder {
			i = len(s) - 1 - i
		}
		s[i] = n
		n *= a.Shape[i]
	}
	return s
}

// An arrayWriter writes the elements of an array as nested lists.
type arrayWriter struct {
	b       []byte
	a       codec.NDArray
	all     bool // the elements are few enough
	strides []int
}

// dimension writes the elements of dimension d that begin at the element at.
func (w *arrayWriter) dimension(d, at int) {
	if d == len(w.a.Shape) {
		w.element(at)
		return
	}
	n := w.a.Shape[d]
	w.b = append(w.b, '[')
	for i := 0; i < n; i++ {
		if i > 0 {
			w.b = append(w.b, ", "...)
		}
		if i == edgeElements && !w.all && n > 2*edgeElements {
			w.b = append(w.b, "..., "...)
			i = n - edgeElements
		}
		w.dimension(d+1, at+i*w.strides[d])
	}
	w.b = append(w.b, ']')
}

func (w *arrayWriter) element(i int) {
	v, err := w.a.Item(i)
	if err != nil {
		w.b = appendOpaque(w.b, err.Error())
		return
	}
	bits := 64
	if strings.HasSuffix(w.a.DType, "f4") || strings.HasSuffix(w.a.DType, "c8") {
		bits = 32
	}
	switch x := v.(type) {
	case float64:
		w.b = appendFloat(w.b, x, bits)
	case complex128:
		w.b = appendComplex(w.b, x, bits)
	default:
		w.b, _ = appendScalar(w.b, x)
	}
}

// scalarNames are numpy's names of its types by kind and size.
var scalarNames = map[string]string{
	"i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
	"u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64",
	"f2": "float16", "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128",
}

// scalar writes a numpy scalar.
func (w *arrayWriter) scalar() []byte {
	name, ok := scalarNames[w.a.DType[1:]]
	if !ok { // a bool
		w.b = append(w.b, "np."...)
		w.element(0)
		return append(w.b, '_')
	}
	w.b = append(append(append(w.b, "np."...), name...), '(')
	w.element(0)
	return append(w.b, ')')
}
