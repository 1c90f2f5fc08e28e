package codec

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Keys are compared as Python compares them, by way of a Go value that is equal exactly when the
// Python values are: numbers become the narrowest of int64, float64 and so on, a tuple the text of
// its members.
type (
	bigKey   string // sign and magnitude
	bytesKey string
	tupleKey string
	setKey   string
	nilKey   struct{}
)

// keyOf returns the Go value that stands for k among keys.
func keyOf(k any) (any, error) {
	switch x := k.(type) {
	case string, int64, Global, time.Duration:
		return k, nil
	case Decimal:
		if strings.Contains(strings.ToLower(string(x)), "nan") {
			return math.NaN(), nil // equals nothing, as any NaN
		}
		return x, nil
	case nil:
		return nilKey{}, nil
	case bool:
		if x {
			return int64(1), nil
		}
		return int64(0), nil
	case int:
		return int64(x), nil
	case float64:
		return floatKey(x), nil
	case complex128:
		if imag(x) == 0 {
			return floatKey(real(x)), nil
		}
		return x, nil
	case *big.Int:
		return bigIntKey(x), nil
	case []byte:
		return bytesKey(x), nil
	case Tuple:
		return tupleKeyOf(x)
	case Set:
		return setKeyOf(x)
	case Dict, *Dict, Object, []any, map[string]any:
		return nil, unhashable(k)
	default:
		return reflectKey(k)
	}
}

func unhashable(k any) error {
	return &TypeError{Want: "a hashable key", Found: fmt.Sprintf("%T", k)}
}

func floatKey(f float64) any {
	switch {
	case f != math.Trunc(f): // also NaN, which equals nothing
		return f
	case f >= -(1<<63) && f < 1<<63:
		return int64(f)
	case math.IsInf(f, 0):
		return f
	default:
		n, _ := big.NewFloat(f).Int(nil)
		return bigIntKey(n)
	}
}

func bigIntKey(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	sign := bigKey("+")
	if n.Sign() < 0 {
		sign = "-"
	}
	return sign + bigKey(n.Bytes())
}

// reflectKey handles named and less common types.
func reflectKey(k any) (any, error) {
	v := reflect.ValueOf(k)
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n := v.Uint(); n > math.MaxInt64 {
			return bigIntKey(new(big.Int).SetUint64(n)), nil
		}
		return int64(v.Uint()), nil //nolint:gosec // checked above
	case reflect.Float32, reflect.Float64:
		return floatKey(v.Float()), nil
	case reflect.Complex64, reflect.Complex128:
		return keyOf(v.Complex())
	case reflect.Bool:
		return keyOf(v.Bool())
	case reflect.String:
		return v.String(), nil
	}
	if !v.Comparable() {
		return nil, unhashable(k)
	}
	return k, nil
}

func tupleKeyOf(t Tuple) (any, error) {
	b, err := appendTuple(nil, t)
	return tupleKey(short(b)), err
}

func setKeyOf(s Set) (any, error) {
	if s.Len() == 0 {
		return setKey(""), nil
	}
	parts := make([]string, 0, s.Len())
	for i := range s.d.entries {
		norm, err := s.d.entries[i].keyOf()
		if err != nil {
			return nil, err
		}
		parts = append(parts, string(appendNorm(nil, norm)))
	}
	slices.Sort(parts)
	var b []byte
	for _, p := range parts {
		b = appendText(b, 's', p)
	}
	return setKey(short(b)), nil
}

// short returns b, or the digest of a longer b: the key of a set in a set in a set must not hold all of
// them again each time. What is not shortened begins with another byte.
func short(b []byte) string {
	const longest = 64
	if len(b) <= longest {
		return string(b)
	}
	sum := sha256.Sum256(b)
	return "h" + string(sum[:])
}

func appendTuple(b []byte, t Tuple) ([]byte, error) {
	b = append(b, '(')
	var err error
	for _, m := range t {
		if b, err = appendKey(b, m); err != nil {
			return b, err
		}
	}
	return append(b, ')'), nil
}

// appendKey appends text that is equal for equal keys only.
func appendKey(b []byte, k any) ([]byte, error) {
	if t, ok := k.(Tuple); ok {
		return appendTuple(b, t)
	}
	norm, err := keyOf(k)
	if err != nil {
		return b, err
	}
	return appendNorm(b, norm), nil
}

// appendNorm is appendKey for what keyOf returned.
func appendNorm(b []byte, norm any) []byte {
	switch x := norm.(type) {
	case string:
		return appendText(b, 's', x)
	case bytesKey:
		return appendText(b, 'b', string(x))
	case bigKey:
		return appendText(b, 'l', string(x))
	case setKey:
		return appendText(b, '<', string(x))
	case tupleKey:
		return appendText(b, '(', string(x))
	case int64:
		return binary.LittleEndian.AppendUint64(append(b, 'i'), uint64(x)) //nolint:gosec // bits
	case float64:
		return binary.LittleEndian.AppendUint64(append(b, 'f'), math.Float64bits(x))
	case complex128:
		b = binary.LittleEndian.AppendUint64(append(b, 'c'), math.Float64bits(real(x)))
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(imag(x)))
	case nilKey:
		return append(b, 'N')
	default:
		return appendText(b, 'g', fmt.Sprintf("%T:%v", norm, norm))
	}
}

func appendText(b []byte, kind byte, s string) []byte {
	b = binary.AppendUvarint(append(b, kind), uint64(len(s)))
	return append(b, s...)
}
