package pyregex

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A writer writes an expression for Go's regexp. Characters are always written as what they are, never as \w or in a
// mode, because Go's notion is another one.
type writer struct{ strings.Builder }

func (w *writer) node(n *node) {
	switch n.op {
	case opChars:
		w.chars(n.chars)
	case opSeq:
		for _, s := range n.subs {
			w.node(s)
		}
	case opAlt:
		w.WriteString("(?:")
		for i, s := range n.subs {
			if i > 0 {
				w.WriteByte('|')
			}
			w.node(s)
		}
		w.WriteByte(')')
	case opGroup:
		w.wrapped(n.subs[0])
	case opRepeat: // in which order it is tried makes no difference to whether there is a match
		w.wrapped(n.subs[0])
		fmt.Fprintf(w, "{%d,", n.min)
		if n.max != forever {
			w.WriteString(strconv.Itoa(n.max))
		}
		w.WriteByte('}')
	case opStart:
		w.WriteString(`\A`)
	case opStartLine:
		w.WriteString(`(?m:^)`)
	case opEnd, opEndOrLast: // Go's part are names that do not end with a line break
		w.WriteString(`\z`)
	case opEndLine:
		w.WriteString(`(?m:$)`)
	case opBoundary: // and names in ASCII
		w.WriteString(`\b`)
	case opNotBoundary:
		w.WriteString(`\B`)
	}
}

func (w *writer) wrapped(n *node) {
	w.WriteString("(?:")
	w.node(n)
	w.WriteByte(')')
}

// chars writes a set as a class.
func (w *writer) chars(s set) {
	switch {
	case len(s) == 0:
		w.WriteString(`[^\x00-\x{10FFFF}]`)
	case slices.Equal(s, digits()):
		w.WriteString(`\p{Nd}`)
	case slices.Equal(s, words()):
		w.WriteString(`[\p{L}\p{N}_]`)
	case slices.Equal(s, words().negated()):
		w.WriteString(`[^\p{L}\p{N}_]`)
	default:
		w.WriteByte('[')
		for _, r := range s {
			fmt.Fprintf(w, `\x{%X}-\x{%X}`, r.lo, r.hi)
		}
		w.WriteByte(']')
	}
}
