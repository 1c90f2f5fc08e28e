package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
)

// An Array is a Python array.array: numbers of one type, or text. Serializers other than pickle know
// it as a list, and one of code 'u' or 'w' as text.
type Array struct {
	// Code is Python's type code: one of b B h H i I l L q Q f d, and u or w for text.
	Code byte
	// Values are the elements in Go's type for the code: []int8, []uint8, []int16, []uint16, []int32
	// (i), []uint32 (I), []int64 (l, q), []uint64 (L, Q), []float32, []float64, or a string.
	Values any
}

// ArrayOf returns the Array that holds values.
func ArrayOf[T int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64 | float32 | float64](values []T) Array {
	var code byte
	switch any(values).(type) {
	case []int8:
		code = 'b'
	case []uint8:
		code = 'B'
	case []int16:
		code = 'h'
	case []uint16:
		code = 'H'
	case []int32:
		code = 'i'
	case []uint32:
		code = 'I'
	case []int64:
		code = 'q'
	case []uint64:
		code = 'Q'
	case []float32:
		code = 'f'
	case []float64:
		code = 'd'
	}
	return Array{Code: code, Values: values}
}

// An NDArray is a numpy array or scalar. Only pickle carries it; other serializers refuse it, as
// Python's do.
type NDArray struct {
	// DType is numpy's spelling of the type of an element, with its byte order: "<u2", ">f8", "|b1",
	// "<U5", "<M8[ns]"; for records the list of their fields: "[('x', '<f4'), ('y', '<f4')]".
	DType string
	// Shape has the length of each dimension. A nil Shape is that of a numpy scalar, an empty one
	// that of an array without dimensions.
	Shape []int
	// FortranOrder tells that the first index changes fastest in Data; else the last one does.
	FortranOrder bool
	// Data holds the elements one after the other, as DType says.
	Data []byte
}

// A number is a type that numpy's elements have in Go.
type number interface {
	bool | int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64 | float32 | float64 | complex64 | complex128
}

// NDArrayOf returns an array of data in C order, copied. Without a shape it has one dimension. It
// panics when shape does not fit the number of elements.
func NDArrayOf[T number](data []T, shape ...int) NDArray {
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	if (NDArray{Shape: shape}).Len() != len(data) {
		panic(fmt.Sprintf("codec: shape %v does not fit %d elements", shape, len(data)))
	}
	b, err := binary.Append(make([]byte, 0, binary.Size(data)), binary.LittleEndian, data)
	if err != nil {
		panic("codec: " + err.Error()) // the types of the constraint all have a size
	}
	return NDArray{DType: dtypeOf[T](), Shape: shape, Data: b}
}

func dtypeOf[T number]() string {
	var zero T
	switch any(zero).(type) {
	case bool:
		return "|b1"
	case int8:
		return "|i1"
	case uint8:
		return "|u1"
	case int16:
		return "<i2"
	case uint16:
		return "<u2"
	case int32:
		return "<i4"
	case uint32:
		return "<u4"
	case int64:
		return "<i8"
	case uint64:
		return "<u8"
	case float32:
		return "<f4"
	case float64:
		return "<f8"
	case complex64:
		return "<c8"
	default:
		return "<c16"
	}
}

// Elements returns the elements of a in the order of Data. T must be the type that a.DType names;
// the byte order may be either.
func Elements[T number](a NDArray) ([]T, error) {
	want := dtypeOf[T]()
	if len(a.DType) < 2 || a.DType[1:] != want[1:] {
		return nil, &TypeError{Want: "array of " + want, Found: "array of " + a.DType}
	}
	size := binary.Size(*new(T))
	if len(a.Data)%size != 0 {
		return nil, fmt.Errorf("codec: %d bytes are no whole number of %s", len(a.Data), a.DType)
	}
	out := make([]T, len(a.Data)/size)
	if _, err := binary.Decode(a.Data, a.byteOrder(), out); err != nil {
		return nil, fmt.Errorf("codec: elements of %s: %w", a.DType, err)
	}
	return out, nil
}

// Len returns the number of elements, 1 for a scalar, or -1 when it is out of range.
func (a NDArray) Len() int {
	n := 1
	for _, d := range a.Shape {
		if d < 0 || d > 0 && n > math.MaxInt/d {
			return -1
		}
		n *= d
	}
	return n
}

// Item returns element i of a one-dimensional array, or the value of a scalar for i 0, as any value
// is read: int64, *big.Int beyond it, float64, complex128, bool. What is no number is an error.
func (a NDArray) Item(i int) (any, error) {
	size := a.itemSize()
	if size == 0 {
		return nil, &TypeError{Want: "array of numbers", Found: "array of " + a.DType}
	}
	if i < 0 || i >= len(a.Data)/size {
		return nil, fmt.Errorf("codec: index %d of an array of %d elements", i, len(a.Data)/size)
	}
	b := a.Data[i*size : (i+1)*size]
	return item(a.DType[1], b, a.byteOrder())
}

// byteOrder returns that of a DType that is not empty.
func (a NDArray) byteOrder() binary.ByteOrder {
	if a.DType[0] == '>' {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// itemSize returns the bytes of a number, 0 if the elements are none.
func (a NDArray) itemSize() int {
	if len(a.DType) < 3 || !strings.ContainsRune("<>|=", rune(a.DType[0])) {
		return 0
	}
	switch a.DType[1:] {
	case "b1", "i1", "u1":
		return 1
	case "i2", "u2", "f2":
		return 2
	case "i4", "u4", "f4":
		return 4
	case "i8", "u8", "f8", "c8":
		return 8
	case "c16":
		return 16
	}
	return 0
}

func item(kind byte, b []byte, order binary.ByteOrder) (any, error) {
	var u uint64
	switch len(b) {
	case 1:
		u = uint64(b[0])
	case 2:
		u = uint64(order.Uint16(b))
	case 4:
		u = uint64(order.Uint32(b))
	default:
		u = order.Uint64(b)
	}
	switch kind {
	case 'b':
		return u != 0, nil
	case 'i':
		shift := 64 - 8*len(b)
		return int64(u<<shift) >> shift, nil //nolint:gosec // two's complement
	case 'u':
		if u > math.MaxInt64 {
			return new(big.Int).SetUint64(u), nil
		}
		return int64(u), nil
	case 'f':
		return floatOfBits(u, len(b)), nil
	case 'c':
		half := len(b) / 2
		re, err := item('f', b[:half], order)
		if err != nil {
			return nil, err
		}
		im, err := item('f', b[half:], order)
		if err != nil {
			return nil, err
		}
		return complex(re.(float64), im.(float64)), nil //nolint:forcetypeassert // kind f
	}
	return nil, errors.New("codec: no kind of number")
}

func floatOfBits(u uint64, size int) float64 {
	switch size {
	case 2:
		return halfFloat(uint16(u)) //nolint:gosec // of two bytes
	case 4:
		return float64(math.Float32frombits(uint32(u))) //nolint:gosec // of four bytes
	default:
		return math.Float64frombits(u)
	}
}

// halfFloat reads IEEE 754 binary16.
func halfFloat(h uint16) float64 {
	sign := 1.0
	if h>>15 != 0 {
		sign = -1
	}
	exp, frac := int(h>>10&0x1f), float64(h&0x3ff)
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 0x1f:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	default:
		return sign * math.Ldexp(1024+frac, exp-25)
	}
}
