package pyregex

import (
	"fmt"
	"slices"
	"strconv"
)

// A writer writes an expression for Go's regexp. Characters are always written as what they are, never as \w or in a
// mode, because Go's notion is another one.
type writer struct{ text []byte }

func (w *writer) put(s string) { w.text = append(w.text, s...) }

func (w *writer) node(n *node) {
	switch n.op {
	case opChars:
		w.chars(n.chars)
	case opSeq:
		for _, s := range n.subs {
			w.node(s)
		}
	case opAlt:
		w.put("(?:")
		for i, s := range n.subs {
			if i > 0 {
				w.put("|")
			}
			w.node(s)
		}
		w.put(")")
	case opGroup:
		w.wrapped(n.subs[0])
	case opRepeat: // in which order it is tried makes no difference to whether there is a match
		w.wrapped(n.subs[0])
		w.text = fmt.Appendf(w.text, "{%d,", n.min)
		if n.max != forever {
			w.put(strconv.Itoa(n.max))
		}
		w.put("}")
	case opStart:
		w.put(`\A`)
	case opStartLine:
		w.put(`(?m:^)`)
	case opEnd, opEndOrLast: // Go's part are names that do not end with a line break
		w.put(`\z`)
	case opEndLine:
		w.put(`(?m:$)`)
	case opBoundary: // and names in ASCII
		w.put(`\b`)
	case opNotBoundary:
		w.put(`\B`)
	}
}

func (w *writer) wrapped(n *node) {
	w.put("(?:")
	w.node(n)
	w.put(")")
}

// chars writes a set as a class.
func (w *writer) chars(s set) {
	switch {
	case len(s) == 0:
		w.put(`[^\x00-\x{10FFFF}]`)
	case slices.Equal(s, digits()):
		w.put(`\p{Nd}`)
	case slices.Equal(s, words()):
		w.put(`[\p{L}\p{N}_]`)
	case slices.Equal(s, notWords()):
		w.put(`[^\p{L}\p{N}_]`)
	default:
		w.put("[")
		for _, r := range s {
			w.text = fmt.Appendf(w.text, `\x{%X}-\x{%X}`, r.lo, r.hi)
		}
		w.put("]")
	}
}
