package vectors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
)

// An Unknown is a described value that has no counterpart in Go. T is its type.
type Unknown struct{ T string }

// A described value as it stands in the file.
type description struct {
	T          string            `json:"t"`
	V          json.RawMessage   `json:"v"`
	Bits       string            `json:"bits"`
	Hex        string            `json:"hex"`
	Re         json.RawMessage   `json:"re"`
	Im         json.RawMessage   `json:"im"`
	Codepoints []rune            `json:"codepoints"`
	Class      string            `json:"class"`
	Args       []json.RawMessage `json:"args"`
	Attributes json.RawMessage   `json:"attributes"`
	Attrs      json.RawMessage   `json:"attrs"`
	State      json.RawMessage   `json:"state"`
	Base       json.RawMessage   `json:"base"`
	Value      json.RawMessage   `json:"value"`
	Exception  json.RawMessage   `json:"exception"`
	Days       float64           `json:"days"`
	Seconds    float64           `json:"seconds"`
	Micros     float64           `json:"microseconds"`
}

// describe returns the value that Go would send in the place of a Python value: dicts are *codec.Dict,
// instances too, with the keys in Python's order.
func describe(tb testing.TB, raw json.RawMessage) any {
	tb.Helper()
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if raw[0] != '{' {
		var v any
		check(tb, json.Unmarshal(raw, &v))
		return v
	}
	var d description
	check(tb, json.Unmarshal(raw, &d))
	switch d.T {
	case "int":
		return intOf(d)
	case "float":
		return math.Float64frombits(binary.BigEndian.Uint64(unhex(tb, d.Bits)))
	case "complex":
		return complex(describe(tb, d.Re).(float64), describe(tb, d.Im).(float64))
	case "str":
		return textOf(d.Codepoints)
	case "bytes", "bytearray", "memoryview":
		return unhex(tb, d.Hex)
	case "list":
		return listOf(tb, d.V)
	case "tuple", "namedtuple":
		return codec.Tuple(listOf(tb, d.V))
	case "set":
		return codec.NewSet(listOf(tb, d.V)...)
	case "frozenset":
		return codec.NewFrozenSet(listOf(tb, d.V)...)
	case "dict":
		return dictOf(tb, d.V)
	case "array":
		if d.V[0] == '"' {
			return describe(tb, d.V)
		}
		return listOf(tb, d.V)
	case "decimal", "uuid", "datetime", "date", "time":
		return describe(tb, d.V)
	case "timedelta":
		return d.Days*86400 + d.Seconds + d.Micros/1e6
	case "enum":
		return describe(tb, d.Value)
	}
	return describeClass(tb, d)
}

func describeClass(tb testing.TB, d description) any {
	tb.Helper()
	switch d.T {
	case "exception":
		args := codec.Tuple{}
		for _, a := range d.Args {
			args = append(args, describe(tb, a))
		}
		return codec.NewDict("__class__", d.Class, "__exception__", true, "args", args, "attributes", describe(tb, d.Attributes))
	case "exceptionwrapper":
		return codec.NewDict("__class__", d.Class, "exception", describe(tb, d.Exception))
	case "uri", "proxy":
		return codec.NewDict("__class__", d.Class, "state", tuples(describe(tb, d.State)))
	case "object":
		dict, _ := describe(tb, d.Attrs).(*codec.Dict)
		dict.Set("__class__", d.Class)
		return dict
	case "subclass":
		switch base := describe(tb, d.Base).(type) {
		case []any, *codec.Dict:
			return base
		}
		return codec.NewDict("__class__", d.Class)
	}
	return Unknown{d.T}
}

// tuples makes tuples of the lists in v: states are described as lists.
func tuples(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	for i := range list {
		list[i] = tuples(list[i])
	}
	return codec.Tuple(list)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func intOf(d description) any {
	digits, base := strings.Trim(string(d.V), `"`), 10
	if d.Hex != "" {
		digits, base = d.Hex, 0
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return Unknown{"int"}
	}
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

func textOf(codepoints []rune) string {
	var b []byte
	for _, r := range codepoints {
		if r >= 0xd800 && r < 0xe000 {
			b = append(b, 0xed, 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}

func listOf(tb testing.TB, raw json.RawMessage) []any {
	tb.Helper()
	var items []json.RawMessage
	check(tb, json.Unmarshal(raw, &items))
	out := []any{}
	for _, item := range items {
		out = append(out, describe(tb, item))
	}
	return out
}

func dictOf(tb testing.TB, raw json.RawMessage) *codec.Dict {
	tb.Helper()
	var pairs [][2]json.RawMessage
	check(tb, json.Unmarshal(raw, &pairs))
	d := codec.NewDict()
	for _, p := range pairs {
		d.Set(describe(tb, p[0]), describe(tb, p[1]))
	}
	return d
}

// Text spells a value so that values are equal exactly when their texts are: by type, with the bits of
// floats, and without regard to the order of dicts and sets. An Object is the dict it travels as.
func Text(v any) string {
	switch x := v.(type) {
	case nil:
		return "None"
	case bool:
		return fmt.Sprintf("bool:%v", x)
	case int64:
		return fmt.Sprintf("int:%d", x)
	case *big.Int:
		return "int:" + x.String()
	case float64:
		if x != x {
			return "float:nan"
		}
		return fmt.Sprintf("float:%x", math.Float64bits(x))
	case complex128:
		return "complex:" + Text(real(x)) + "," + Text(imag(x))
	case string:
		return fmt.Sprintf("str:%q", []byte(x))
	case []byte:
		return fmt.Sprintf("bytes:%x", x)
	case []any:
		return "list[" + texts(x) + "]"
	case codec.Tuple:
		return "tuple(" + texts(x) + ")"
	case codec.Set:
		var items []string
		for m := range x.All() {
			items = append(items, Text(m))
		}
		slices.Sort(items)
		kind := "set"
		if x.Frozen {
			kind = "frozenset"
		}
		return kind + "{" + strings.Join(items, ",") + "}"
	case map[string]any:
		d := codec.NewDict()
		for k, v := range x {
			d.Set(k, v)
		}
		return Text(d)
	case codec.Object:
		d := codec.NewDict("__class__", x.Class)
		for k, v := range x.Attrs {
			d.Set(k, v)
		}
		return Text(d)
	case *codec.Dict:
		var items []string
		for k, v := range x.All() {
			items = append(items, Text(k)+"="+Text(v))
		}
		slices.Sort(items)
		return "dict{" + strings.Join(items, ",") + "}"
	}
	return fmt.Sprintf("%T:%v", v, v)
}

func texts(items []any) string {
	var out []string
	for _, v := range items {
		out = append(out, Text(v))
	}
	return strings.Join(out, ",")
}

// Has reports whether a value of one of the types named occurs in v.
func Has(v any, types ...string) bool {
	t := Text(v)
	for _, name := range types {
		if strings.Contains(t, name) {
			return true
		}
	}
	return false
}
