package config

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pyrokit/pyrokit/internal/configtree"
)

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// yaml writes a value in YAML.
func (d *dumped) yaml() ([]byte, error) { return encodeYAML(d.node()) }

func encodeYAML(n *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	e.CompactSeqIndent()
	if err := e.Encode(n); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (d *dumped) node() *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: d.text, LineComment: comment(d.comment)}
	switch d.kind {
	case configtree.Null:
		n.Tag, n.Value = "!!null", "null"
	case configtree.Plain:
		n.Value = yamlNumber(d.text)
	case configtree.String:
		n.SetString(d.text)
		n.LineComment = comment(d.comment)
	case configtree.Map:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, c := range d.children {
			key := &yaml.Node{}
			key.SetString(c.key)
			key.HeadComment = comment(c.head)
			value := c.node()
			n.Content = append(n.Content, key, value)
		}
		if len(d.children) == 0 {
			n.Style = yaml.FlowStyle
		}
	case configtree.List:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		simple := true
		for _, c := range d.children {
			n.Content = append(n.Content, c.node())
			simple = simple && c.kind != configtree.Map && c.kind != configtree.List
		}
		if simple {
			n.Style = yaml.FlowStyle
		}
	}
	return n
}

func comment(s string) string {
	if s == "" {
		return ""
	}
	return "# " + s
}

// yamlNumber writes what is no number in decimal as YAML has it.
func yamlNumber(text string) string {
	switch text {
	case "+Inf":
		return ".inf"
	case "-Inf":
		return "-.inf"
	case "NaN":
		return ".nan"
	default:
		return text
	}
}

// json writes a value in JSON, in the order of its fields.
func (d *dumped) json() ([]byte, error) {
	data, err := d.appendJSON(nil)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func (d *dumped) appendJSON(b []byte) ([]byte, error) {
	var err error
	switch d.kind {
	case configtree.Null:
		return append(b, "null"...), nil
	case configtree.Plain:
		if yamlNumber(d.text) != d.text {
			return appendText(b, strings.TrimPrefix(d.text, "+"))
		}
		return append(b, d.text...), nil
	case configtree.String:
		return appendText(b, d.text)
	case configtree.List:
		b = append(b, '[')
		for i, c := range d.children {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = c.appendJSON(b); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	b = append(b, '{')
	for i, c := range d.children {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendText(b, c.key); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = c.appendJSON(b); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendText writes a text as JSON, with < and > as they are.
func appendText(b []byte, s string) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

// textproto writes the fields of a message in protobuf's text format.
func (d *dumped) textproto() []byte {
	var b strings.Builder
	for _, c := range d.children {
		c.writeTextproto(&b, "")
	}
	return []byte(b.String())
}

func (d *dumped) writeTextproto(b *strings.Builder, indent string) {
	note := func(s string) {
		if s != "" {
			b.WriteString("  # " + s)
		}
		b.WriteByte('\n')
	}
	switch d.kind {
	case configtree.List:
		for _, c := range d.children {
			item := *c
			item.key = d.key
			if item.comment == "" {
				item.comment = d.comment
			}
			item.writeTextproto(b, indent)
		}
	case configtree.Map:
		b.WriteString(indent + d.key + " {")
		if len(d.children) == 0 {
			b.WriteString("}")
			note(d.comment)
			return
		}
		note(d.comment)
		for _, c := range d.children {
			c.writeTextproto(b, indent+"  ")
		}
		b.WriteString(indent + "}\n")
	default:
		b.WriteString(indent + d.key + ": ")
		switch {
		case d.kind == configtree.String:
			b.WriteString(strconv.Quote(d.text))
		case yamlNumber(d.text) != d.text:
			b.WriteString(strings.ToLower(strings.TrimPrefix(d.text, "+")))
		default:
			b.WriteString(d.text)
		}
		note(d.comment)
	}
}
