package literal

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// DefaultWidth is the width that [Format] takes for a width below 1.
const DefaultWidth = 80

// Format appends v as Append does, but breaks what is wider than width characters into lines, in the
// manner of Python's pprint: what stands in brackets begins below what stands first in them. Entries of
// dicts, attributes, and elements that have elements themselves get a line each; other elements fill the
// lines. Order stays as it is, and strings stay whole, so that a line can be wider all the same. Below
// what is nested so deep that two thirds of the width are gone, lines are indented no further.
//
// The first line begins at column 0, and none ends with a line end. What Parse reads of Append's text it
// reads of this one, too.
func Format(b []byte, v any, width int) []byte {
	if width < 1 {
		width = DefaultWidth
	}
	text := Append(nil, v)
	groups, ok := scan(text)
	if !ok {
		return append(b, text...)
	}
	l := layout{b: b, text: text, groups: groups, width: width}
	l.write(0, len(text), 0)
	return l.b
}

// A group is a pair of brackets and what is between.
type group struct {
	open, end int  // places of the brackets
	width     int  // in characters, brackets included
	after     int  // index of the first group that is not inside
	nested    bool // it has groups inside that may take several lines
	keyed     bool // a dict, or attributes
	listed    bool // it has more than one element
	whole     bool // never broken into lines
	from      int  // the place of the opening bracket, in characters
}

// scan finds the groups in what Append wrote, in the order of their opening brackets. It reports false
// if brackets do not match, which can only be in text that a Stringer gave.
func scan(text []byte) (groups []group, ok bool) {
	var stack []int
	column := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\'', '"':
			n := quotedLen(text[i:])
			column += utf8.RuneCount(text[i : i+n])
			i += n - 1
			continue
		case '(', '[', '{':
			stack = append(stack, len(groups))
			groups = append(groups, group{open: i, from: column})
		case ')', ']', '}':
			if len(stack) == 0 {
				return nil, false
			}
			g := &groups[stack[len(stack)-1]]
			stack = stack[:len(stack)-1]
			g.end, g.after, g.width = i, len(groups), column+1-g.from
			g.whole = isWhole(text, g)
			if len(stack) > 0 && !g.whole {
				groups[stack[len(stack)-1]].nested = true
			}
		case ':', '=', ',':
			if len(stack) > 0 {
				g := &groups[stack[len(stack)-1]]
				g.keyed = g.keyed || c != ','
				g.listed = g.listed || c == ','
			}
		}
		if utf8.RuneStart(text[i]) {
			column++
		}
	}
	return groups, len(stack) == 0
}

// quotedLen returns the length of the string that b begins with, 1 if it is only a quote.
func quotedLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case b[0]:
			return i + 1
		case '\\':
			i++
		}
	}
	return 1
}

// isWhole reports whether g is best kept together: a complex number, a call with a single plain argument
// or none, or one of a date.
func isWhole(text []byte, g *group) bool {
	if text[g.open] != '(' {
		return false
	}
	start := g.open
	for start > 0 && (isWordByte(text[start-1]) || text[start-1] == '.') {
		start--
	}
	if bytes.HasPrefix(text[start:], []byte("datetime.")) {
		return true
	}
	emptyTuple := start == g.open && g.end == g.open+1
	return !g.nested && !g.listed && !emptyTuple
}

// A layout breaks a text into lines.
type layout struct {
	b      []byte
	text   []byte
	groups []group
	next   int // the group that comes next
	column int // in characters
	width  int
}

func (l *layout) put(from, to int) {
	l.b = append(l.b, l.text[from:to]...)
	l.column += utf8.RuneCount(l.text[from:to])
}

// write writes an element, which is between from and to; reserve is the room that what follows on its
// last line takes. A key stays on one line.
func (l *layout) write(from, to, reserve int) {
	for l.next < len(l.groups) && l.groups[l.next].open < to {
		g := &l.groups[l.next]
		l.put(from, g.open)
		from = g.end + 1
		if isKey := from < to && l.text[from] == ':'; isKey {
			l.next = g.after
			l.put(g.open, from)
		} else {
			l.group(g, reserve+to-from) // at most the comma of a tuple with one element follows
		}
	}
	l.put(from, to)
}

func (l *layout) group(g *group, reserve int) {
	if g.whole || l.column+g.width+reserve <= l.width {
		l.next = g.after
		l.put(g.open, g.end+1)
		return
	}
	l.next++
	l.put(g.open, g.open+1)
	indent := min(l.column, 2*l.width/3)
	fill := !g.nested && !g.keyed
	for from := g.open + 1; from < g.end; {
		to := l.elementEnd(from, g.end)
		room := 1
		if to == g.end {
			room += reserve
		}
		if from > g.open+1 {
			if fill && l.column+2+utf8.RuneCount(l.text[from:to])+room <= l.width {
				l.put(from-2, from)
			} else {
				l.b = append(append(l.b, ",\n"...), strings.Repeat(" ", indent)...)
				l.column = indent
			}
		}
		l.write(from, to, room)
		from = to + len(", ")
	}
	l.put(g.end, g.end+1)
}

// elementEnd returns where the element of a group that begins at from ends: at a comma and a blank, or
// at the end of the group.
func (l *layout) elementEnd(from, end int) int {
	next := l.next
	for i := from; i < end; i++ {
		switch c := l.text[i]; {
		case next < len(l.groups) && i == l.groups[next].open:
			i = l.groups[next].end
			next = l.groups[next].after
		case c == '\'' || c == '"':
			i += quotedLen(l.text[i:]) - 1
		case c == ',' && l.text[i+1] == ' ':
			return i
		}
	}
	return end
}
