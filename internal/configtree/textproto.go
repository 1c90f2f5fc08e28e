package configtree

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseTextproto reads the text format of protobuf. The parsers there are either need the message's type and give no
// positions, or are those of formatters, which let much pass.
//
// A name in brackets, of an extension or of the message in an Any, is a key with its brackets.
func parseTextproto(data []byte) (*Node, error) {
	r := &textReader{data: data}
	r.skip()
	n := &Node{Kind: Map, Pos: Position{1, 1}}
	if r.offset == len(data) {
		n.Kind = Null
		return n, nil
	}
	return n, r.fields(n, 0, 0)
}

type textReader struct {
	budget

	data   []byte
	offset int
	t      tracker
}

func (r *textReader) pos() Position { return r.t.at(r.data, r.offset) }

// peek returns the next byte, 0 at the end.
func (r *textReader) peek() byte {
	if r.offset == len(r.data) {
		return 0
	}
	return r.data[r.offset]
}

// skip passes white space and comments.
func (r *textReader) skip() {
	for r.offset < len(r.data) {
		switch c := r.data[r.offset]; {
		case strings.IndexByte(" \t\r\n\v\f", c) >= 0:
			r.offset++
		case c == '#':
			for r.offset < len(r.data) && r.data[r.offset] != '\n' {
				r.offset++
			}
		default:
			return
		}
	}
}

// accept passes one of some bytes, and what follows it and means nothing.
func (r *textReader) accept(some string) bool {
	if r.offset == len(r.data) || strings.IndexByte(some, r.peek()) < 0 {
		return false
	}
	r.offset++
	r.skip()
	return true
}

// unexpected says what stands where something else should.
func (r *textReader) unexpected(want string) error {
	if r.offset == len(r.data) {
		return errorAt(r.pos(), "want %s, found the end of the text", want)
	}
	c, _ := utf8.DecodeRune(r.data[r.offset:])
	return errorAt(r.pos(), "want %s, found %q", want, c)
}

// fields reads the fields of a message until what ends it: 0 is the end of the text.
func (r *textReader) fields(n *Node, end byte, depth int) error {
	for {
		switch c := r.peek(); {
		case c == end && (end != 0 || r.offset == len(r.data)):
			return nil
		case r.offset == len(r.data):
			return r.unexpected(string(end))
		}
		if err := r.field(n, depth); err != nil {
			return err
		}
		r.accept(",;")
	}
}

func (r *textReader) field(n *Node, depth int) error {
	pos := r.pos()
	key, err := r.name()
	if err != nil {
		return err
	}
	r.skip()
	var c *Node
	if r.accept(":") {
		c, err = r.value(depth + 1)
	} else {
		c, err = r.message(depth+1, "a colon or {")
	}
	if err != nil {
		return err
	}
	c.Key, c.KeyPos = key, pos
	n.Children = append(n.Children, c)
	return nil
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (r *textReader) name() (string, error) {
	start := r.offset
	if r.peek() == '[' {
		for r.offset < len(r.data) && r.peek() != ']' {
			r.offset++
		}
		if r.offset == len(r.data) {
			return "", r.unexpected("]")
		}
		r.offset++
		return "[" + strings.Join(strings.Fields(string(r.data[start+1:r.offset-1])), "") + "]", nil
	}
	for r.offset < len(r.data) && isWord(r.peek()) {
		r.offset++
	}
	if r.offset == start || r.data[start] >= '0' && r.data[start] <= '9' {
		r.offset = start
		return "", r.unexpected("the name of a field")
	}
	return string(r.data[start:r.offset]), nil
}

func (r *textReader) message(depth int, want string) (*Node, error) {
	n := &Node{Kind: Map, Pos: r.pos()}
	if err := r.take(n.Pos, depth); err != nil {
		return nil, err
	}
	end := byte('}')
	switch {
	case r.accept("{"):
	case r.accept("<"):
		end = '>'
	default:
		return nil, r.unexpected(want)
	}
	if err := r.fields(n, end, depth); err != nil {
		return nil, err
	}
	r.accept(string(end))
	return n, nil
}

func (r *textReader) value(depth int) (*Node, error) {
	switch r.peek() {
	case '{', '<':
		return r.message(depth, "{")
	case '[':
		return r.list(depth)
	}
	n := &Node{Pos: r.pos()}
	if err := r.take(n.Pos, depth); err != nil {
		return nil, err
	}
	var err error
	if c := r.peek(); c == '"' || c == '\'' {
		n.Kind = String
		n.Text, err = r.texts()
	} else {
		n.Kind = Plain
		n.Text, err = r.word()
	}
	return n, err
}

func (r *textReader) list(depth int) (*Node, error) {
	n := &Node{Kind: List, Pos: r.pos()}
	if err := r.take(n.Pos, depth); err != nil {
		return nil, err
	}
	r.accept("[")
	for !r.accept("]") {
		if len(n.Children) > 0 && !r.accept(",") {
			return nil, r.unexpected("a comma or ]")
		}
		if r.peek() == '[' {
			return nil, r.unexpected("a value")
		}
		c, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Children = append(n.Children, c)
	}
	return n, nil
}

// word reads a number, or a name of an enum.
func (r *textReader) word() (string, error) {
	start := r.offset
	sign := ""
	if r.accept("-") { // white space may follow
		sign = "-"
	}
	from := r.offset
	for r.offset < len(r.data) {
		c := r.peek()
		exponent := r.offset > from && (r.data[r.offset-1]|0x20) == 'e' && isDigitOrDot(r.data[from])
		if !isWord(c) && c != '.' && (!exponent || c != '-' && c != '+') {
			break
		}
		r.offset++
	}
	if r.offset == from {
		r.offset = start
		return "", r.unexpected("a value")
	}
	text := sign + string(r.data[from:r.offset])
	r.skip()
	return text, nil
}

func isDigitOrDot(c byte) bool { return c == '.' || c >= '0' && c <= '9' }

// texts reads quoted texts that follow each other: they are one.
func (r *textReader) texts() (string, error) {
	var b strings.Builder
	for c := r.peek(); c == '"' || c == '\''; c = r.peek() {
		if err := r.quoted(&b, c); err != nil {
			return "", err
		}
		r.skip()
	}
	return b.String(), nil
}

func (r *textReader) quoted(b *strings.Builder, quote byte) error {
	start := r.pos()
	r.offset++
	for r.offset < len(r.data) {
		switch c := r.data[r.offset]; c {
		case quote:
			r.offset++
			return nil
		case '\n':
			return errorAt(start, "the text has no end on its line")
		case '\\':
			if err := r.escape(b); err != nil {
				return err
			}
		default:
			b.WriteByte(c)
			r.offset++
		}
	}
	return errorAt(start, "the text has no end")
}

// simple are the escapes of one character.
var simple = map[byte]byte{
	'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '?': '?', '\\': '\\', '\'': '\'', '"': '"',
}

func (r *textReader) escape(b *strings.Builder) error {
	start := r.pos()
	r.offset++
	c := r.peek()
	if s, known := simple[c]; known {
		b.WriteByte(s)
		r.offset++
		return nil
	}
	switch {
	case c >= '0' && c <= '7':
		return r.number(b, start, 8, 3, 0)
	case c == 'x' || c == 'X':
		r.offset++
		return r.number(b, start, 16, 2, 0)
	case c == 'u':
		r.offset++
		return r.number(b, start, 16, 4, 4)
	case c == 'U':
		r.offset++
		return r.number(b, start, 16, 8, 8)
	default:
		return errorAt(start, "unknown escape")
	}
}

// number reads an escape by its number: a byte, or, where all digits are wanted, a character.
func (r *textReader) number(b *strings.Builder, start Position, base, most, least int) error {
	from := r.offset
	for r.offset < len(r.data) && r.offset-from < most {
		if _, err := strconv.ParseUint(string(r.peek()), base, 8); err != nil {
			break
		}
		r.offset++
	}
	v, err := strconv.ParseUint(string(r.data[from:r.offset]), base, 32)
	switch {
	case err != nil, r.offset-from < least:
		return errorAt(start, "an escape without its digits")
	case least == 0 && v > 0xff:
		return errorAt(start, "the escape \\%o is no byte", v)
	case least == 0:
		b.WriteByte(byte(v)) //nolint:gosec // 255 at most, or it is the case above
		return nil
	}
	if char := rune(v); utf8.ValidRune(char) { //nolint:gosec // 32 bits at most, and what is negative is not valid
		b.WriteRune(char)
		return nil
	}
	return r.surrogate(b, start, v)
}

// surrogate reads the second half of a character that is written in two, as in JSON.
func (r *textReader) surrogate(b *strings.Builder, start Position, high uint64) error {
	var low uint64
	if rest := r.data[r.offset:]; high >= 0xd800 && high < 0xdc00 && len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		low, _ = strconv.ParseUint(string(rest[2:6]), 16, 32)
	}
	if low < 0xdc00 || low > 0xdfff {
		return errorAt(start, "the escape %s is no character", fmt.Sprintf("U+%04X", high))
	}
	r.offset += 6
	b.WriteRune(rune(0x10000 + (high-0xd800)<<10 + (low - 0xdc00))) //nolint:gosec // 21 bits
	return nil
}
