package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"go.yaml.in/yaml/v3"

	"github.com/pyrokit/pyrokit/codec"
)

// document is what a command has to say: one value for programs.
type document = *codec.Dict

// printDocument prints doc, or, for people, what forPeople writes.
func (f *factory) printDocument(doc any, forPeople func(w io.Writer)) error {
	if f.flags.output == outputText {
		var b bytes.Buffer
		forPeople(&b)
		return f.write(b.Bytes())
	}
	return f.printValue(valuePrinter{}, doc)
}

// printValue prints a Python value on a line of its own; in a stream of YAML each is a document. On a
// terminal text that is wider is broken into lines.
func (f *factory) printValue(p valuePrinter, v any) error {
	switch f.flags.output {
	case outputJSON:
		return f.write(append(p.json(nil, v), '\n'))
	case outputYAML:
		return f.printYAML(p, v)
	default:
		p.width = f.io.width
		return f.write(append(p.text(v), '\n'))
	}
}

// yamlItems is how many items of a list are turned into YAML at a time: nodes take 100 times the memory of their text.
const yamlItems = 1000

func (f *factory) printYAML(p valuePrinter, v any) error {
	items, isList := v.([]any)
	if !isList || len(items) <= yamlItems {
		b, err := yaml.Marshal(p.yaml(v))
		if err != nil {
			return fmt.Errorf("print the result: %w", err)
		}
		return f.write(b)
	}
	for some := range slices.Chunk(items, yamlItems) {
		if err := f.printYAML(p, some); err != nil {
			return err
		}
	}
	return nil
}

// printItem prints a value that others follow.
func (f *factory) printItem(p valuePrinter, v any) error {
	if f.flags.output == outputYAML {
		if err := f.write([]byte("---\n")); err != nil {
			return err
		}
	}
	return f.printValue(p, v)
}

func (f *factory) write(b []byte) error {
	if _, err := f.io.out.Write(b); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// shown returns a text of others, such as a name, as it can be shown on a line: what would move a terminal's cursor, or
// have it do something, is written as in Go.
func shown(s string) string {
	if strings.IndexFunc(s, isUnprintable) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isUnprintable(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isUnprintable(r rune) bool { return !unicode.IsPrint(r) }

// newTable returns a table without lines, as tools print them that are read by people and by awk.
func (f *factory) newTable(w io.Writer, header ...string) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	if f.io.colour {
		style.Color.Header = text.Colors{text.Bold}
	}
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	row := make(table.Row, len(header))
	for i, h := range header {
		row[i] = h
	}
	if len(row) > 0 {
		t.AppendHeader(row)
	}
	return t
}
