package main

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

// yaml returns v as a YAML node. YAML has bytes, NaN and keys of any type by itself; all else that JSON
// does not have gets a local tag if types are to be marked.
func (p valuePrinter) yaml(v any) *yaml.Node {
	switch x := v.(type) {
	case nil:
		return scalar("!!null", "null")
	case bool:
		return scalar("!!bool", strconv.FormatBool(x))
	case int, int64, *big.Int:
		return scalar("!!int", fmt.Sprint(x))
	case float64:
		return scalar("!!float", yamlFloat(x))
	case number:
		return scalar("!!float", string(x))
	case string:
		return yamlString(x)
	case []byte:
		return scalar("!!binary", base64.StdEncoding.EncodeToString(x))
	case []any:
		return p.yamlList(x)
	case []string:
		return p.yamlList(anys(x))
	case map[string]any:
		return p.yamlDict(sortedDict(x))
	case *codec.Dict:
		return p.yamlDict(x)
	case instance:
		return p.yamlDict(x.Dict)
	default:
		kind, plain := p.plain(v)
		return p.tagged(p.yaml(plain), kind)
	}
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

func yamlString(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

func (p valuePrinter) tagged(n *yaml.Node, tag string) *yaml.Node {
	if p.typed {
		n.Tag = "!" + tag
		n.Style = yaml.TaggedStyle
	}
	return n
}

func yamlFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	return literal.String(f)
}

func (p valuePrinter) yamlList(items []any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, item := range items {
		n.Content = append(n.Content, p.yaml(item))
	}
	return n
}

func (p valuePrinter) yamlDict(d *codec.Dict) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for k, v := range d.All() {
		n.Content = append(n.Content, p.yaml(k), p.yaml(v))
	}
	return n
}
