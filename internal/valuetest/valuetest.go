// Package valuetest writes decoded values in one form, for tests that compare them.
package valuetest

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

// Describe writes a decoded value in one form: what has no order in Python is sorted, and of tracebacks
// only the presence counts.
func Describe(v any) string {
	switch x := v.(type) {
	case string:
		return fmt.Sprintf("%q", x)
	case []byte:
		return fmt.Sprintf("bytes %x", x)
	case int64, bool, nil:
		return fmt.Sprint(x)
	case *big.Int:
		return x.String()
	case float64:
		return fmt.Sprintf("float %v", x)
	case []any:
		return "[" + strings.Join(DescribeAll(x), " ") + "]"
	case codec.Tuple:
		return "(" + strings.Join(DescribeAll(x), " ") + ")"
	case codec.Set:
		members := DescribeAll(slices.Collect(x.All()))
		slices.Sort(members)
		return "{" + strings.Join(members, " ") + "}"
	case map[string]any:
		return describeMap(x)
	case *codec.Dict:
		var pairs []string
		for k, v := range x.All() {
			pairs = append(pairs, Describe(k)+":"+Describe(v))
		}
		slices.Sort(pairs)
		return "dict{" + strings.Join(pairs, " ") + "}"
	case codec.Object:
		return "instance " + x.Class + Describe(x.Attrs)
	case pyro.URI:
		return "URI " + x.String()
	case interface{ State() pyro.ProxyState }:
		return describeProxy(x.State())
	case pyro.ProxyState:
		return describeProxy(x)
	case *transport.BatchError:
		return "batch " + Describe(x.Err)
	case *transport.Error:
		return fmt.Sprintf("%s attributes%s traceback:%t", describeException(x), Describe(x.Attrs), x.Traceback != nil)
	default:
		return fmt.Sprintf("%T(%v)", v, v)
	}
}

// describeException leaves out all but class and arguments.
func describeException(e *transport.Error) string {
	return "exception " + e.Class + "(" + strings.Join(DescribeAll(e.Args), " ") + ")"
}

// describeProxy leaves out what readers ignore.
func describeProxy(s pyro.ProxyState) string {
	parts := []string{s.URI.String()}
	for _, names := range [...][]string{s.Methods, s.Oneway, s.Attrs} {
		parts = append(parts, fmt.Sprint(slices.Sorted(slices.Values(names))))
	}
	return fmt.Sprintf("proxy %s handshake %s serializer %q key %x",
		strings.Join(parts, " "), Describe(s.Handshake), s.Serializer, []byte(s.HMACKey))
}

// DescribeAll describes each of items.
func DescribeAll(items []any) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = Describe(item)
	}
	return out
}

// unordered are the entries of metadata, which are lists in Pyro4's handshake and sets elsewhere.
var unordered = map[string]bool{"methods": true, "oneway": true, "attrs": true}

func describeMap(m map[string]any) string {
	pairs := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list, ok := m[k].([]any)
		if ok && unordered[k] {
			names := DescribeAll(list)
			slices.Sort(names)
			pairs = append(pairs, k+":["+strings.Join(names, " ")+"]")
			continue
		}
		pairs = append(pairs, k+":"+Describe(m[k]))
	}
	return "{" + strings.Join(pairs, " ") + "}"
}
