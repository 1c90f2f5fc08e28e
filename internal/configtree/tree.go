package configtree

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Limits of a text. They keep what is read in proportion, and are far beyond what a configuration needs.
const (
	MaxSize  = 1 << 20 // bytes
	MaxDepth = 100     // maps and lists inside each other
	MaxNodes = 100_000 // aliases of YAML counted as often as they are used
)

// A Kind tells what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Null   Kind = iota // nothing: null in JSON, ~ or an empty value in YAML
	Plain              // a scalar without quotes that reads as a number or a bool, or, in textproto, a word
	String             // a text
	Map
	List
)

// String returns what a node is called in errors.
func (k Kind) String() string { return [...]string{"null", "value", "text", "map", "list"}[k] }

// A Position is where something stands: line and column from 1, the column in characters. The zero Position is
// unknown.
type Position struct{ Line, Column int }

// A Node is one value.
type Node struct {
	Kind Kind
	// Text of a scalar: what quotes and escapes stand for, numbers as they are written.
	Text string
	Pos  Position
	// Key and KeyPos belong to the entries of a Map.
	Key    string
	KeyPos Position
	// Children of a Map, or a List, in order. The keys of a Map differ, but for textproto, where a repeated field
	// may be a key that is repeated.
	Children []*Node
}

// A Format is a syntax.
type Format uint8

// The formats.
const (
	YAML Format = iota + 1
	JSON
	Textproto
)

// String returns the format's name.
func (f Format) String() string {
	switch f {
	case YAML:
		return "yaml"
	case JSON:
		return "json"
	case Textproto:
		return "textproto"
	default:
		return fmt.Sprintf("format %d", uint8(f))
	}
}

// FormatOf tells the format of a file by the end of its name.
func FormatOf(name string) (Format, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return YAML, nil
	case ".json":
		return JSON, nil
	case ".textproto", ".txtpb", ".textpb", ".pbtxt":
		return Textproto, nil
	default:
		return 0, errors.New("the name has to end in .yaml, .yml, .json, .textproto or .txtpb")
	}
}

// A SyntaxError says where a text is not what its format asks for.
type SyntaxError struct {
	Pos Position
	Msg string
}

// Error returns the message with the position.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Pos.Line, e.Pos.Column, e.Msg)
}

func errorAt(p Position, format string, args ...any) error {
	return &SyntaxError{Pos: p, Msg: fmt.Sprintf(format, args...)}
}

// Parse reads a text. The result is a Map or Null, Null for a text that says nothing. Each error is a *SyntaxError.
func Parse(data []byte, format Format) (*Node, error) {
	root, err := parse(data, format)
	if err != nil {
		return nil, err
	}
	if root.Kind != Map && root.Kind != Null {
		return nil, errorAt(root.Pos, "want fields and their values, found a %s", root.Kind)
	}
	return root, nil
}

// ParseValue reads a value in YAML: of any kind, on one line as a rule.
func ParseValue(text string) (*Node, error) { return parse([]byte(text), YAML) }

func parse(data []byte, format Format) (*Node, error) {
	if len(data) > MaxSize {
		return nil, errorAt(Position{1, 1}, "larger than %d MiB", MaxSize>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, errorAt(invalidUTF8(data), "not UTF-8")
	}
	switch format {
	case YAML:
		return parseYAML(data)
	case JSON:
		return parseJSON(data)
	case Textproto:
		return parseTextproto(data)
	default:
		return nil, errorAt(Position{1, 1}, "%s: unknown", format)
	}
}

func invalidUTF8(data []byte) Position {
	at := 0
	for r, size := utf8.DecodeRune(data); r != utf8.RuneError || size != 1; r, size = utf8.DecodeRune(data[at:]) {
		at += size
	}
	var t tracker
	return t.at(data, at)
}

// A tracker turns offsets that only grow into positions.
type tracker struct {
	offset int
	pos    Position
}

func (t *tracker) at(data []byte, offset int) Position {
	if t.pos.Line == 0 {
		t.pos = Position{1, 1}
	}
	for t.offset < offset && t.offset < len(data) {
		r, size := utf8.DecodeRune(data[t.offset:])
		t.offset += size
		t.pos.Column++
		if r == '\n' {
			t.pos = Position{t.pos.Line + 1, 1}
		}
	}
	return t.pos
}

// A budget bounds the nodes of a tree.
type budget struct{ nodes int }

// take accounts for a node at a depth.
func (b *budget) take(p Position, depth int) error {
	if b.nodes++; b.nodes > MaxNodes {
		return errorAt(p, "more than %d values", MaxNodes)
	}
	if depth > MaxDepth {
		return errorAt(p, "nested deeper than %d levels", MaxDepth)
	}
	return nil
}

// distinct looks for keys that occur twice.
func distinct(entries []*Node) error {
	seen := make(map[string]Position, len(entries))
	for _, e := range entries {
		if first, twice := seen[e.Key]; twice {
			return errorAt(e.KeyPos, "%s is here for the second time, the first is at %d:%d", e.Key, first.Line, first.Column)
		}
		seen[e.Key] = e.KeyPos
	}
	return nil
}
