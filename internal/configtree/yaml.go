package configtree

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

func parseYAML(data []byte) (*Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(withoutVersion(data)))
	var doc yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return &Node{Kind: Null, Pos: Position{1, 1}}, nil
	case err != nil:
		return nil, yamlError(data, err)
	case len(doc.Content) == 0:
		return &Node{Kind: Null, Pos: Position{1, 1}}, nil
	}
	var second yaml.Node
	switch err := d.Decode(&second); {
	case err == nil:
		return nil, errorAt(yamlPosition(&second), "a second document: only one a file")
	case !errors.Is(err, io.EOF):
		return nil, yamlError(data, err)
	}
	r := yamlReader{open: map[*yaml.Node]bool{}}
	return r.node(doc.Content[0], 0)
}

// version12 is how a file of YAML 1.2 may begin: with its version, after comments and other directives. The parser reads such
// files, but refuses the version.
var version12 = regexp.MustCompile(`\A(?:[ \t\r]*(?:#.*)?\n|%TAG.*\n)*(%)YAML[ \t]+1\.2(?:[ \t\r].*)?\n`)

// withoutVersion returns data with that version as a comment. Nothing else changes, nor does any position.
func withoutVersion(data []byte) []byte {
	found := version12.FindSubmatchIndex(data)
	if found == nil {
		return data
	}
	data = bytes.Clone(data)
	data[found[2]] = '#'
	return data
}

// yamlError finds the place of an error, and says what is usually meant by it.
func yamlError(data []byte, err error) error {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return errorAt(Position{1, 1}, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	pos, msg := Position{max(1, e.Mark.Line), max(1, e.Mark.Column)}, e.Message
	switch {
	case charAt(data, pos) == '\t' && (strings.Contains(msg, "tab character") || strings.Contains(msg, "cannot start any token")):
		msg = "a tab: indent with spaces"
	case strings.Contains(msg, "cannot start any token"):
		msg = fmt.Sprintf("no value begins with %q: quote the text", charAt(data, pos))
	case strings.Contains(msg, "unknown anchor"): // its name may be what somebody wrote for a password
		msg = "nothing has the name that follows the *: quote a text that begins with it"
	case strings.Contains(msg, "did not find expected key"):
		msg += ": is the line indented like those that it belongs to?"
	case strings.Contains(msg, "did not find expected ',' or") && strings.Contains(lineAt(data, pos.Line), "${"):
		msg += ": within {} and [] write \"${NAME}\" with quotes"
	case strings.Contains(msg, "mapping values are not allowed"):
		msg += ": quote a text with a colon in it, or begin a new line"
	}
	return errorAt(pos, "%s", msg)
}

// charAt returns the character at a position, 0 if there is none.
func charAt(data []byte, p Position) rune {
	chars := []rune(lineAt(data, p.Line))
	if p.Column > len(chars) {
		return 0
	}
	return chars[p.Column-1]
}

// lineAt returns the line of a number, which begins with 1; "" if there is none.
func lineAt(data []byte, number int) string {
	line := 1
	for text := range bytes.Lines(data) {
		if line == number {
			return string(text)
		}
		line++
	}
	return ""
}

func yamlPosition(n *yaml.Node) Position { return Position{max(1, n.Line), max(1, n.Column)} }

// A yamlReader follows aliases, which may mean more nodes than the text has, or go round in a circle.
type yamlReader struct {
	budget

	open map[*yaml.Node]bool // targets of aliases that are being read
}

func (r *yamlReader) node(y *yaml.Node, depth int) (*Node, error) {
	pos := yamlPosition(y)
	if err := r.take(pos, depth); err != nil {
		return nil, err
	}
	switch tag := y.ShortTag(); {
	case y.Kind == yaml.MappingNode && tag != "!!map", y.Kind == yaml.SequenceNode && tag != "!!seq":
		return nil, errorAt(pos, "the tag %s means nothing here", tag)
	}
	switch y.Kind {
	case yaml.AliasNode:
		return r.alias(y, depth)
	case yaml.MappingNode:
		return r.mapping(y, depth)
	case yaml.SequenceNode:
		n := &Node{Kind: List, Pos: pos}
		for _, item := range y.Content {
			c, err := r.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.Children = append(n.Children, c)
		}
		return n, nil
	default:
		return yamlScalar(y)
	}
}

func (r *yamlReader) alias(y *yaml.Node, depth int) (*Node, error) {
	if r.open[y.Alias] {
		return nil, errorAt(yamlPosition(y), "*%s is inside of what it stands for", y.Value)
	}
	r.open[y.Alias] = true
	defer delete(r.open, y.Alias)
	return r.node(y.Alias, depth+1)
}

func (r *yamlReader) mapping(y *yaml.Node, depth int) (*Node, error) {
	n := &Node{Kind: Map, Pos: yamlPosition(y)}
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		c, err := r.node(v, depth+1)
		if err != nil {
			return nil, err
		}
		if k.ShortTag() == "!!merge" {
			from, err := mergeSources(c)
			if err != nil {
				return nil, err
			}
			merged = append(merged, from...)
			continue
		}
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			return nil, errorAt(yamlPosition(y.Content[i]), "a key has to be a text")
		}
		keyed := *c // what an alias stands for has several keys
		keyed.Key, keyed.KeyPos = k.Value, yamlPosition(y.Content[i])
		n.Children = append(n.Children, &keyed)
	}
	if err := distinct(n.Children); err != nil {
		return nil, err
	}
	n.merge(merged)
	return n, nil
}

// mergeSources returns the maps that the value of a merge key names.
func mergeSources(v *Node) ([]*Node, error) {
	maps := []*Node{v}
	if v.Kind == List {
		maps = v.Children
	}
	for _, m := range maps {
		if m.Kind != Map {
			return nil, errorAt(m.Pos, "<< wants a map or a list of maps, found a %s", m.Kind)
		}
	}
	return maps, nil
}

// merge adds the entries that are not there yet; earlier maps count more.
func (n *Node) merge(maps []*Node) {
	if len(maps) == 0 {
		return
	}
	known := map[string]bool{}
	for _, c := range n.Children {
		known[c.Key] = true
	}
	for _, m := range maps {
		for _, c := range m.Children {
			if !known[c.Key] {
				known[c.Key] = true
				n.Children = append(n.Children, c)
			}
		}
	}
}

func yamlScalar(y *yaml.Node) (*Node, error) {
	n := &Node{Kind: String, Text: y.Value, Pos: yamlPosition(y)}
	switch tag := y.ShortTag(); tag {
	case "!!str", "!!timestamp":
	case "!!null":
		n.Kind = Null
	case "!!bool", "!!int", "!!float":
		n.Kind = Plain
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(y.Value), ""))
		if err != nil {
			return nil, errorAt(n.Pos, "!!binary: %v", err)
		}
		n.Text = base64.StdEncoding.EncodeToString(data)
	default:
		return nil, errorAt(n.Pos, "the tag %s means nothing here", tag)
	}
	return n, nil
}
