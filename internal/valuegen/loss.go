package valuegen

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
)

// Sent returns the description of what Python reads when Go writes the value that d describes.
func (c Carrier) Sent(d any) any {
	if c.Pickles() {
		return c.Renamed(d)
	}
	return rewrite(d, c.sent)
}

// Renamed returns the description of the value that d describes with the names that c's dialect has for
// Pyro's own classes.
func (c Carrier) Renamed(d any) any {
	return rewrite(d, func(m map[string]any) any {
		c.rename(m)
		return m
	})
}

// rewrite returns d with fn applied to every object in it, the innermost first.
func rewrite(d any, fn func(map[string]any) any) any {
	switch x := d.(type) {
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = rewrite(x[i], fn)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			out[k] = rewrite(v, fn)
		}
		return fn(out)
	}
	return d
}

func (c Carrier) rename(m map[string]any) {
	const pyro4, pyro5 = "Pyro4.errors.", "Pyro5.errors."
	class, _ := m["class"].(string)
	switch {
	case m["t"] == "uri":
		m["class"] = c.module("core") + "URI"
	case m["t"] == "proxy" && c.Dialect == codec.Pyro4:
		m["class"] = "Pyro4.core.Proxy"
	case m["t"] == "proxy":
		m["class"] = "Pyro5.client.Proxy"
	case m["t"] == "exceptionwrapper" && c.Dialect == codec.Pyro4:
		m["class"] = "Pyro4.futures._ExceptionWrapper"
	case m["t"] == "exceptionwrapper":
		m["class"] = "Pyro5.core._ExceptionWrapper"
	case m["t"] != "exception":
	case strings.HasPrefix(class, pyro4), strings.HasPrefix(class, pyro5):
		m["class"] = c.module("errors") + class[len(pyro4):]
	case c.Protocol == 2 && python2Names[class] != "":
		m["class"] = python2Names[class]
	}
}

// python2Names are what Python 3 itself calls its newer exceptions in pickles that Python 2 can read.
var python2Names = map[string]string{
	"builtins.ModuleNotFoundError": "builtins.ImportError",
	"builtins.FileNotFoundError":   "builtins.OSError",
	"builtins.TimeoutError":        "builtins.OSError",
}

func (c Carrier) module(name string) string {
	if c.Dialect == codec.Pyro4 {
		return "Pyro4." + name + "."
	}
	return "Pyro5." + name + "."
}

func (c Carrier) sent(m map[string]any) any {
	c.rename(m)
	items, _ := m["v"].([]any)
	switch m["t"] {
	case "tuple":
		if c.listsOnly() {
			m["t"] = "list"
		}
	case "set", "frozenset":
		return c.sentSet(m, items)
	case "bytes":
		if c.Serializer == "serpent" && !c.BytesRepr {
			return base64Dict(m)
		}
	case "dict":
		switch c.Serializer {
		case "json":
			return jsonDict(items)
		case "serpent":
			for _, item := range items {
				pair, _ := item.([]any)
				pair[0] = literalBytes(pair[0])
			}
		}
	case "datetime":
		if c.Serializer != "msgpack" || !isNaive(m) {
			return m["v"]
		}
	case "date":
		if c.Serializer != "msgpack" {
			return m["v"]
		}
	case "time", "decimal", "uuid":
		return m["v"]
	case "timedelta":
		return describeFloat(totalSeconds(m))
	case "array":
		if text, ok := m["v"].(string); ok {
			return text
		}
		return tagged("list", "v", items)
	}
	return m
}

// totalSeconds is Python's timedelta.total_seconds.
func totalSeconds(m map[string]any) float64 {
	days, _ := m["days"].(float64)
	seconds, _ := m["seconds"].(float64)
	micros, _ := m["microseconds"].(float64)
	f, _ := new(big.Rat).SetFrac64(int64(days)*86400e6+int64(seconds)*1e6+int64(micros), 1e6).Float64()
	return f
}

// listsOnly tells that sequences are lists, whatever they were.
func (c Carrier) listsOnly() bool { return c.Serializer == "json" || c.Serializer == "msgpack" }

func (c Carrier) sentSet(m map[string]any, members []any) any {
	switch {
	case c.listsOnly():
		return tagged("list", "v", members)
	case c.Serializer == "serpent" && len(members) == 0:
		return tagged("tuple", "v", []any{})
	case c.Serializer == "serpent":
		for i := range members {
			members[i] = literalBytes(members[i])
		}
		m["t"] = "set"
	}
	return m
}

// literalBytes gives bytes in keys the form of a literal: a dict is no key.
func literalBytes(key any) any { return rewrite(key, bytesOfDict) }

func isNaive(datetime map[string]any) bool {
	text, _ := datetime["v"].(string)
	const clock = len("2006-01-02T15:04:05")
	return !strings.ContainsAny(text[clock:], "+-")
}

func base64Dict(m map[string]any) any {
	b, _ := hex.DecodeString(m["hex"].(string)) //nolint:forcetypeassert // as Describe wrote it
	data := base64.StdEncoding.EncodeToString(b)
	return tagged("dict", "v", []any{[]any{"data", data}, []any{"encoding", "base64"}})
}

// jsonDict makes text of keys; of equal ones the last value counts, in the place of the first.
func jsonDict(pairs []any) any {
	out, at := []any{}, map[string]int{}
	for _, p := range pairs {
		pair, _ := p.([]any)
		key := jsonKey(pair[0])
		i, known := at[text(key)]
		if known {
			out[i] = []any{key, pair[1]}
			continue
		}
		at[text(key)] = len(out)
		out = append(out, []any{key, pair[1]})
	}
	return tagged("dict", "v", out)
}

func jsonKey(key any) any {
	switch k := key.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(k)
	case map[string]any:
		if digits, ok := k["hex"].(string); ok && k["t"] == "int" {
			n, _ := new(big.Int).SetString(digits, 0)
			return n.String()
		}
		if bits, ok := k["bits"].(string); ok {
			return jsonFloat(bits)
		}
	}
	return key
}

func jsonFloat(bits string) string {
	u, _ := strconv.ParseUint(bits, 16, 64) // NaN gives 0 and is caught below
	f := math.Float64frombits(u)
	switch {
	case bits == "nan":
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return pythonFloat(f)
}

// pythonFloat is Python's repr of a finite float: shortest digits, an exponent below -4 and above 15.
func pythonFloat(f float64) string {
	shortest := strconv.FormatFloat(f, 'e', -1, 64)
	exponent, _ := strconv.Atoi(shortest[strings.IndexByte(shortest, 'e')+1:])
	if exponent < -4 || exponent > 15 {
		return shortest
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// Arrives returns the description of what Go reads into an any when Python sends the value that d
// describes: what Python itself reads of it.
func (c Carrier) Arrives(d any) any {
	return rewrite(d, func(m map[string]any) any {
		switch m["t"] {
		case "bytearray", "memoryview":
			m["t"] = "bytes"
		case "uri", "proxy", "exceptionwrapper":
			delete(m, "class")
		case "dict":
			if c.Serializer == "serpent" {
				return bytesOfDict(m)
			}
		}
		if c.Pickles() {
			return unpickled(m)
		}
		return m
	})
}

// someObject stands for an instance that only pickles carry.
const someObject = "some object"

// unpickled returns what Go reads of an object in a pickle.
func unpickled(m map[string]any) any {
	class, _ := m["class"].(string)
	base, hasBase := m["base"]
	switch m["t"] {
	case "enum", "fraction", "timezone", "range", "slice", "dtype":
		return tagged(someObject)
	case "timedelta":
		if days, _ := m["days"].(float64); math.Abs(days) > 106751 { // Go has 292 years
			return tagged(someObject)
		}
	case "ndarray", "npscalar":
		if name, plain := m["dtype"].(string); !plain || name == "|O" || strings.HasPrefix(name, "|T") {
			return tagged(someObject)
		}
	case "exception":
		if isOwnClass(class) {
			return tagged(someObject)
		}
	case "object":
		switch class {
		case "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "collections.deque":
			return base
		case ItemClass, StrangerClass:
			return m
		}
		return tagged(someObject)
	}
	if hasBase {
		return tagged(someObject)
	}
	return m
}

// bytesOfDict makes bytes of the dict that serpent writes for them.
func bytesOfDict(m map[string]any) any {
	if m["t"] != "dict" {
		return m
	}
	pairs := map[string]any{}
	items, _ := m["v"].([]any)
	for _, item := range items {
		pair, _ := item.([]any)
		if key, ok := pair[0].(string); ok {
			pairs[key] = pair[1]
		}
	}
	data, ok := pairs["data"].(string)
	if !ok || len(items) != 2 || pairs["encoding"] != "base64" {
		return m
	}
	b, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return m
	}
	return tagged("bytes", "hex", hex.EncodeToString(b))
}

// Parse reads a description as Python wrote it. The name of a zone, and the fold of a datetime, which
// is in its offset if it has one, are left out: Go keeps offsets.
func Parse(raw json.RawMessage) (any, error) {
	var d any
	err := json.Unmarshal(raw, &d)
	return rewrite(d, func(m map[string]any) any {
		delete(m, "zone")
		if m["t"] == "datetime" {
			delete(m, "fold")
		}
		return m
	}), err
}
