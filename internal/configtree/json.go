package configtree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

func parseJSON(data []byte) (*Node, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errorAt(Position{1, 1}, "empty: want {}")
	}
	r := &jsonReader{data: data, d: json.NewDecoder(bytes.NewReader(data))}
	r.d.UseNumber()
	root, err := r.value(0)
	if err != nil {
		return nil, err
	}
	pos := r.next()
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, errorAt(pos, "more text after the end of the value")
	}
	return root, nil
}

type jsonReader struct {
	budget
	tracker

	data []byte
	d    *json.Decoder
}

// next returns where the next token begins.
func (r *jsonReader) next() Position {
	at := int(r.d.InputOffset())
	for at < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[at]) >= 0 {
		at++
	}
	return r.at(r.data, at)
}

func (r *jsonReader) token() (json.Token, Position, error) {
	pos := r.next()
	t, err := r.d.Token()
	if err != nil {
		return nil, pos, r.fail(pos, err)
	}
	return t, pos, nil
}

func (r *jsonReader) fail(pos Position, err error) error {
	var e *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errorAt(r.at(r.data, len(r.data)), "the text ends too early")
	case errors.As(err, &e):
		var t tracker
		return errorAt(t.at(r.data, r.offender(e)), "%s", strings.TrimPrefix(e.Error(), "json: "))
	default:
		return errorAt(pos, "%v", err)
	}
}

// offender returns the offset of the character that an error complains of. That of the error is behind it, or, between
// tokens, somewhere in front of it.
func (r *jsonReader) offender(e *json.SyntaxError) int {
	at := max(0, min(int(e.Offset)-1, len(r.data)))
	_, after, _ := strings.Cut(e.Error(), "invalid character ")
	quoted, err := strconv.QuotedPrefix(after)
	if err != nil {
		return at
	}
	char, _ := strconv.Unquote(quoted) // it is quoted well
	if i := bytes.Index(r.data[at:], []byte(char)); i >= 0 {
		return at + i
	}
	return at
}

func (r *jsonReader) value(depth int) (*Node, error) {
	t, pos, err := r.token()
	if err != nil {
		return nil, err
	}
	if err := r.take(pos, depth); err != nil {
		return nil, err
	}
	n := &Node{Pos: pos}
	switch t := t.(type) {
	case nil:
		n.Kind = Null
	case bool:
		n.Kind, n.Text = Plain, strconv.FormatBool(t)
	case json.Number:
		n.Kind, n.Text = Plain, t.String()
	case string:
		n.Kind, n.Text = String, t
	case json.Delim:
		if t == '[' {
			n.Kind = List
			return n, r.list(n, depth)
		}
		n.Kind = Map
		return n, r.object(n, depth)
	}
	return n, nil
}

func (r *jsonReader) list(n *Node, depth int) error {
	for r.d.More() {
		c, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Children = append(n.Children, c)
	}
	_, _, err := r.token()
	return err
}

func (r *jsonReader) object(n *Node, depth int) error {
	for r.d.More() {
		key, pos, err := r.token()
		if err != nil {
			return err
		}
		c, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		c.Key, c.KeyPos = fmt.Sprint(key), pos
		n.Children = append(n.Children, c)
	}
	if _, _, err := r.token(); err != nil {
		return err
	}
	return distinct(n.Children)
}
