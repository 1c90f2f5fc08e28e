package main

import (
	"encoding"
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
	"github.com/pyrokit/pyrokit/service"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// A number is one that is spelled out already, because a float64 would lose digits.
type number string

// An instance is an object of a class as the dict that it travels as: its key __class__ says so, and it is
// no dict that happens to look like one.
type instance struct{ *codec.Dict }

// plain returns what json and yaml show of a value that they have no type for, and the name of its type.
func (p valuePrinter) plain(v any) (kind string, plain any) {
	switch x := v.(type) {
	case complex128:
		return "complex", literal.String(x)
	case codec.Tuple:
		return "tuple", []any(x)
	case codec.Set:
		if x.Frozen {
			return "frozenset", slices.Collect(x.All())
		}
		return "set", slices.Collect(x.All())
	case time.Time:
		return "datetime", isoTime(x)
	case time.Duration:
		return "timedelta", seconds(x)
	case codec.Date:
		return "date", textOf(x)
	case codec.TimeOfDay:
		return "time", textOf(x)
	case codec.Decimal:
		return "decimal", textOf(x)
	case uuid.UUID:
		return "uuid", textOf(x)
	case codec.Array:
		return "array", p.array(x)
	case codec.NDArray:
		return "ndarray", p.ndarray(x)
	case codec.Global:
		return "global", string(x)
	case codec.Object:
		return "instance", objectDict(x)
	case error:
		return "instance", exceptionDict(x)
	case pyro.URI:
		return "uri", x.String()
	case *service.Proxy:
		return "proxy", x.State().URI.String()
	default:
		return fmt.Sprintf("%T", v), literal.String(v)
	}
}

// textOf returns the text that v is sent as, or what Python would print of it if it cannot be sent.
func textOf(v encoding.TextMarshaler) string {
	text, err := v.MarshalText()
	if err != nil {
		return literal.String(v)
	}
	return string(text)
}

// isoTime is Python's isoformat: without an offset if t names no zone.
func isoTime(t time.Time) string {
	c := codec.TimeOfDayOf(t)
	if c.Zone != nil { // the offset of that day
		_, offset := t.Zone()
		c.Zone = time.FixedZone("", offset)
	}
	return codec.DateOf(t).String() + "T" + c.String()
}

// seconds are spelled with all digits that a duration has.
func seconds(d time.Duration) number {
	sign := ""
	if d < 0 {
		sign = "-"
	}
	ns := uint64(d.Abs()) //nolint:gosec // not negative
	if d == math.MinInt64 {
		ns = 1 << 63
	}
	fraction := strings.TrimRight(fmt.Sprintf("%09d", ns%1e9), "0")
	if fraction == "" {
		fraction = "0"
	}
	return number(fmt.Sprintf("%s%d.%s", sign, ns/1e9, fraction))
}

// array is the list that most serializers make of an array, or its text.
func (p valuePrinter) array(a codec.Array) any {
	var items any = elements(reflect.ValueOf(a.Values))
	if text, ok := a.Values.(string); ok {
		items = text
	}
	if !p.typed {
		return items
	}
	return codec.NewDict("code", string(rune(a.Code)), "items", items)
}

func elements(v reflect.Value) []any {
	items := []any{}
	if v.Kind() != reflect.Slice {
		return items
	}
	for i := range v.Len() {
		switch e := v.Index(i); {
		case e.CanInt():
			items = append(items, e.Int())
		case e.CanUint():
			items = append(items, new(big.Int).SetUint64(e.Uint()))
		case e.CanFloat():
			items = append(items, e.Float())
		}
	}
	return items
}

// maxNested is the number of elements of a numpy array that are shown as nested lists.
const maxNested = 1 << 20

// ndarray is nested lists of numbers. Where types are marked, and for an array that is too large for lists
// or holds no numbers, it is the parts that numpy keeps in files.
func (p valuePrinter) ndarray(a codec.NDArray) any {
	if !p.typed && canNest(a) {
		return nest(a)
	}
	var shape any // None for a scalar
	if a.Shape != nil {
		lengths := make([]any, len(a.Shape))
		for i, n := range a.Shape {
			lengths[i] = n
		}
		shape = lengths
	}
	data := base64.StdEncoding.EncodeToString(a.Data)
	return codec.NewDict("dtype", a.DType, "shape", shape, "fortran_order", a.FortranOrder, "data", data)
}

// canNest reports whether a holds the numbers that its shape says, and not too many.
func canNest(a codec.NDArray) bool {
	lists := 1 // a dimension of length 0 hides how many lists there are around it
	for _, n := range a.Shape {
		if n < 0 || lists > maxNested || n > maxNested {
			return false
		}
		lists *= max(n, 1)
	}
	if lists > maxNested || len(a.Shape) > codec.DefaultMaxDepth {
		return false
	}
	n := a.Len()
	if n == 0 {
		return len(a.Data) == 0
	}
	_, last := a.Item(n - 1)
	_, beyond := a.Item(n)
	return last == nil && beyond != nil
}

// nest returns the elements of a as nested lists; the number that a scalar is.
func nest(a codec.NDArray) any {
	strides := make([]int, len(a.Shape))
	n := 1
	for i := range strides {
		if !a.FortranOrder {
			i = len(strides) - 1 - i
		}
		strides[i] = n
		n *= a.Shape[i]
	}
	var dimension func(d, at int) any
	dimension = func(d, at int) any {
		if d == len(a.Shape) {
			v, err := a.Item(at)
			if err != nil { // not after canNest
				return err.Error()
			}
			return v
		}
		items := make([]any, a.Shape[d])
		for i := range items {
			items[i] = dimension(d+1, at+i*strides[d])
		}
		return items
	}
	return dimension(0, 0)
}

// objectDict gives an object the form that it travels in. What pickle has beyond attributes stands below
// __reduce__.
func objectDict(x codec.Object) instance {
	d := codec.NewDict(codec.ClassKey, x.Class)
	for k, v := range sortedDict(x.Attrs).All() {
		d.Set(k, v)
	}
	if r := x.Reduction; r != nil {
		d.Set("__reduce__", reductionDict(r))
	}
	return instance{d}
}

func reductionDict(r *codec.Reduction) *codec.Dict {
	d := codec.NewDict("call", r.Call, "args", []any(r.Args))
	if r.Kwargs.Len() > 0 {
		d.Set("kwargs", r.Kwargs)
	}
	if r.State != nil {
		d.Set("state", r.State)
	}
	if len(r.Items) > 0 {
		d.Set("items", r.Items)
	}
	if r.Pairs.Len() > 0 {
		d.Set("pairs", r.Pairs)
	}
	return d
}

func exceptionDict(err error) instance {
	e := transport.AsError(err)
	return instance{codec.NewDict(codec.ClassKey, e.Class, "__exception__", true, "args", e.Args, "attributes", e.Attrs)}
}
