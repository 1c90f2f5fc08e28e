package valuegen

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// tagged returns the description of a value of kind t. pairs are names and contents in turn.
func tagged(t string, pairs ...any) map[string]any {
	d := map[string]any{"t": t}
	for i := 0; i < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		d[name] = pairs[i+1] //nolint:gosec // they come in twos
	}
	return d
}

// Describe returns the description of v, which may be of any type that codec writes. Maps are in the
// order of their keys.
func Describe(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
		return nil
	}
	switch x := v.(type) {
	case nil:
		return nil
	case bool:
		return x
	case string:
		return describeText(x)
	case []byte:
		return tagged("bytes", "hex", hex.EncodeToString(x))
	case *big.Int:
		return describeInt(x)
	case float64:
		return describeFloat(x)
	case complex128:
		return tagged("complex", "re", describeFloat(real(x)), "im", describeFloat(imag(x)))
	case []any:
		return tagged("list", "v", describeAll(x))
	case codec.Tuple:
		return tagged("tuple", "v", describeAll(x))
	case codec.Set:
		return tagged(setKind(x), "v", describeAll(slices.Collect(x.All())))
	case *codec.Dict:
		pairs := make([]any, 0, x.Len())
		for k, v := range x.All() {
			pairs = append(pairs, []any{Describe(k), Describe(v)})
		}
		return tagged("dict", "v", pairs)
	case codec.Object:
		return describeObject(x)
	case *transport.Error:
		return describeError(x)
	case *transport.BatchError:
		return tagged("exceptionwrapper", "exception", describeError(x.Err))
	case pyro.URI:
		return describeURI(x)
	case pyro.ProxyState:
		return describeProxy(x)
	case interface{ State() pyro.ProxyState }:
		return describeProxy(x.State())
	default:
		return describeSpecial(v)
	}
}

func setKind(s codec.Set) string {
	if s.Frozen {
		return "frozenset"
	}
	return "set"
}

func describeSpecial(v any) any {
	switch x := v.(type) {
	case time.Time:
		return tagged("datetime", "v", iso(x))
	case time.Duration:
		return describeDuration(x)
	case codec.Date:
		return tagged("date", "v", fmt.Sprintf("%04d-%02d-%02d", x.Year, x.Month, x.Day))
	case codec.TimeOfDay:
		return tagged("time", "v", isoTime(x), "fold", fold(x.Fold))
	case codec.Decimal:
		return tagged("decimal", "v", string(x))
	case uuid.UUID:
		return tagged("uuid", "v", x.String())
	case codec.Global:
		return tagged("global", "v", string(x))
	case codec.Array:
		return describeArray(x)
	case codec.NDArray:
		return describeNDArray(x)
	default:
		return describeTyped(reflect.ValueOf(v))
	}
}

func describeAll(items []any) []any {
	out := make([]any, len(items))
	for i, v := range items {
		out[i] = Describe(v)
	}
	return out
}

func describeInt(n *big.Int) any {
	if n.Sign() < 0 {
		return tagged("int", "hex", "-0x"+new(big.Int).Neg(n).Text(16))
	}
	return tagged("int", "hex", "0x"+n.Text(16))
}

func describeFloat(f float64) any {
	if f != f {
		return tagged("float", "bits", "nan")
	}
	return tagged("float", "bits", fmt.Sprintf("%016x", math.Float64bits(f)))
}

// describeText tells text with lone surrogates, which Go holds as three bytes each, by its code points.
func describeText(s string) any {
	if utf8.ValidString(s) {
		return s
	}
	var points []any
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			if len(s)-i < 3 || s[i] != 0xed || s[i+1]&0xe0 != 0xa0 || s[i+2]&0xc0 != 0x80 {
				return tagged("str that is not UTF-8", "hex", hex.EncodeToString([]byte(s)))
			}
			r, n = 0xd000|rune(s[i+1]&0x3f)<<6|rune(s[i+2]&0x3f), 3
		}
		points = append(points, float64(r))
		i += n
	}
	return tagged("str", "codepoints", points)
}

func iso(t time.Time) string {
	s := fmt.Sprintf("%04d-%02d-%02dT", t.Year(), t.Month(), t.Day()) + isoClock(t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1000)
	if t.Location() == codec.Naive {
		return s
	}
	_, offset := t.Zone()
	return s + isoOffset(offset)
}

func isoTime(c codec.TimeOfDay) string {
	s := isoClock(c.Hour, c.Minute, c.Second, c.Microsecond)
	if c.Zone == nil {
		return s
	}
	_, offset := time.Date(2000, 1, 1, 0, 0, 0, 0, c.Zone).Zone()
	return s + isoOffset(offset)
}

func fold(second bool) float64 {
	if second {
		return 1
	}
	return 0
}

func isoClock(h, m, s, micro int) string {
	if micro == 0 {
		return fmt.Sprintf("%02d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%02d:%02d:%02d.%06d", h, m, s, micro)
}

func isoOffset(offset int) string {
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	s := fmt.Sprintf("%c%02d:%02d", sign, offset/3600, offset/60%60)
	if offset%60 != 0 {
		s += fmt.Sprintf(":%02d", offset%60)
	}
	return s
}

// describeDuration tells days, seconds and microseconds as Python normalises them: only days may be
// negative.
func describeDuration(d time.Duration) any {
	micros := d.Microseconds()
	seconds, micros := floorDiv(micros, 1e6)
	days, seconds := floorDiv(seconds, 86400)
	return tagged("timedelta", "days", float64(days), "seconds", float64(seconds), "microseconds", float64(micros))
}

func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient, rest = quotient-1, rest+b
	}
	return quotient, rest
}

func describeArray(a codec.Array) any {
	if s, ok := a.Values.(string); ok {
		return tagged("array", "code", string(a.Code), "v", describeText(s))
	}
	var items []any
	values := reflect.ValueOf(a.Values)
	for i := range values.Len() {
		items = append(items, Describe(values.Index(i).Interface()))
	}
	return tagged("array", "code", string(a.Code), "v", orEmpty(items))
}

func orEmpty(items []any) []any {
	if items == nil {
		return []any{}
	}
	return items
}

func describeNDArray(a codec.NDArray) any {
	if strings.HasPrefix(a.DType, "[") || strings.HasPrefix(a.DType, "{") {
		return tagged(someObject) // its records have many spellings
	}
	if a = littleEndian(a); a.Shape == nil {
		return tagged("npscalar", "dtype", a.DType, "hex", hex.EncodeToString(a.Data))
	}
	order, shape, long := "c", []any{}, 0
	for _, n := range a.Shape {
		shape = append(shape, float64(n))
		if n > 1 {
			long++
		}
	}
	if a.FortranOrder && long > 1 && a.Len() > 0 { // else there is one order only
		order = "fortran"
	}
	return tagged("ndarray", "dtype", a.DType, "shape", shape, "order", order, "hex", hex.EncodeToString(a.Data))
}

// littleEndian turns the elements of an array round, as numpy does when it reads one.
func littleEndian(a codec.NDArray) codec.NDArray {
	if !strings.HasPrefix(a.DType, ">") {
		return a
	}
	size, _ := strconv.Atoi(strings.TrimLeft(a.DType[2:3], "Mm")) // of times nothing is left
	switch a.DType[1] {
	case 'c':
		size = len(a.DType[2:]) * 4 // 8 or 16, in halves
	case 'U':
		size = 4
	case 'M', 'm':
		size = 8
	}
	a.DType = "<" + a.DType[1:]
	a.Data = slices.Clone(a.Data)
	for i := 0; i+size <= len(a.Data); i += size {
		slices.Reverse(a.Data[i : i+size])
	}
	return a
}

// StrangerClass is the class of instances that Python makes and no serializer but pickle reads there.
const StrangerClass = "values_classes.Stranger"

// describeObject describes instances of the two classes that all serializers carry. Of others it says no
// more than that there is one: what Python makes of it, Python has to say.
func describeObject(o codec.Object) any {
	if o.Class != ItemClass && o.Class != StrangerClass || o.Reduction != nil {
		return tagged(someObject)
	}
	return tagged("object", "class", o.Class, "attrs", describeAttrs(o.Attrs))
}

func describeAttrs(attrs map[string]any) []any {
	out := []any{}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		out = append(out, []any{name, Describe(attrs[name])})
	}
	return out
}

// isOwnClass tells whether a class is one of integration/peers.
func isOwnClass(class string) bool { return strings.HasPrefix(class, "values_classes.") }

// describeError leaves out the message, which is made of the arguments, and an absent traceback.
func describeError(e *transport.Error) any {
	if isOwnClass(e.Class) {
		return tagged(someObject)
	}
	attrs := maps.Clone(e.Attrs)
	if e.Traceback != nil {
		if attrs == nil {
			attrs = map[string]any{}
		}
		lines := []any{}
		for _, line := range e.Traceback {
			lines = append(lines, line)
		}
		attrs["_pyroTraceback"] = lines
	}
	return tagged("exception", "class", e.Class, "args", describeAll(e.Args), "attributes", describeAttrs(attrs))
}

func describeURI(u pyro.URI) any {
	state := []any{u.Protocol, u.Object, nil, nil, nil}
	if u.Protocol == pyro.ProtocolPyroMeta {
		state[1] = describeNames(u.Tags)
	}
	if u.Socket != "" {
		state[2] = u.Socket
	}
	if u.Host != "" {
		state[3], state[4] = u.Host, describeInt(big.NewInt(int64(u.Port)))
	}
	return tagged("uri", "state", state)
}

func describeProxy(s pyro.ProxyState) any {
	return tagged("proxy", "uri", describeURI(s.URI), "oneway", describeNames(s.Oneway), "methods", describeNames(s.Methods),
		"attrs", describeNames(s.Attrs), "handshake", Describe(s.Handshake))
}

func describeNames(names []string) []any {
	out := []any{}
	for _, name := range slices.Sorted(slices.Values(names)) {
		out = append(out, name)
	}
	return out
}

// describeTyped describes what is of another type than values are read into an any.
func describeTyped(v reflect.Value) any {
	switch {
	case v.Type() == reflect.TypeFor[big.Int]():
		n, _ := reflect.TypeAssert[big.Int](v)
		return describeInt(&n)
	case v.CanInt():
		return describeInt(big.NewInt(v.Int()))
	case v.CanUint():
		return describeInt(new(big.Int).SetUint64(v.Uint()))
	case v.CanFloat():
		return describeFloat(v.Float())
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return describeText(v.String())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return Describe(v.Elem().Interface())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return Describe(v.Bytes())
		}
		items := []any{}
		for i := range v.Len() {
			items = append(items, Describe(v.Index(i).Interface()))
		}
		return tagged("list", "v", items)
	case reflect.Map:
		return describeMap(v)
	case reflect.Struct:
		return describeStruct(v)
	}
	return tagged("Go's " + v.Type().String())
}

// describeMap describes a map as a dict, and one without values as a set.
func describeMap(v reflect.Value) any {
	pairs, members := []any{}, []any{}
	for it := v.MapRange(); it.Next(); {
		key := Describe(it.Key().Interface())
		members = append(members, key)
		pairs = append(pairs, []any{key, Describe(it.Value().Interface())})
	}
	if v.Type().Elem() == reflect.TypeFor[struct{}]() {
		return tagged("set", "v", sortByText(members))
	}
	return tagged("dict", "v", sortByText(pairs))
}

// describeStruct knows the structs that this package makes: every field has a tag.
func describeStruct(v reflect.Value) any {
	pairs, items, tuple := []any{}, []any{}, false
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("pyro")
		if name == ",tuple" {
			tuple = true
			continue
		}
		value := Describe(v.Field(i).Interface())
		items = append(items, value)
		pairs = append(pairs, []any{name, value})
	}
	if tuple {
		return tagged("tuple", "v", items)
	}
	return tagged("dict", "v", pairs)
}
