package pyregex

import (
	"math"
	"strings"
)

// A node is a part of an expression.
type node struct {
	op       op
	chars    set     // opChars
	subs     []*node // parts of a sequence, branches of an alternative; else what the node is about
	min, max int     // of a repeat
	mode     mode    // of a repeat
	group    int     // of a group, a backreference, a condition; 0: none
	negative bool    // of a look around
	behind   bool
	fixed    int  // characters that a look behind goes back
	ascii    bool // of a boundary
	ignore   bool // of a backreference: the case
}

type op uint8

const (
	opChars       op = iota // one of chars
	opSeq                   // subs, one after the other
	opAlt                   // one of subs
	opRepeat                // subs[0], min to max times
	opGroup                 // subs[0], captured as group if that is not 0
	opLook                  // whether subs[0] matches here
	opAtomic                // subs[0], the first way that it matches
	opBackref               // what group captured
	opIf                    // subs[0] if group captured something, else subs[1]
	opStart                 // ^ and \A
	opStartLine             // ^ in multi-line mode
	opEnd                   // \Z
	opEndOrLast             // $: at the end, or before a line break that is the last character
	opEndLine               // $ in multi-line mode
	opBoundary              // \b
	opNotBoundary           // \B
)

// mode says in which order a repeat tries how often.
type mode uint8

const (
	greedy mode = iota
	lazy
	possessive // as often as it goes, and not less often afterwards
)

// forever is a repeat's max when it has none.
const forever = math.MaxInt32

// isAnchor tells the nodes that Python refuses to repeat.
func (n *node) isAnchor() bool { return n.op >= opStart }

// width returns the least and the largest number of characters that n takes.
func (n *node) width(groups []*node) (low, high int) {
	switch n.op {
	case opChars:
		return 1, 1
	case opSeq:
		for _, s := range n.subs {
			l, h := s.width(groups)
			low, high = add(low, l), add(high, h)
		}
		return low, high
	case opAlt, opIf:
		low = forever
		for _, s := range n.subs {
			l, h := s.width(groups)
			low, high = min(low, l), max(high, h)
		}
		return low, high
	case opRepeat:
		l, h := n.subs[0].width(groups)
		return times(l, n.min), times(h, n.max)
	case opGroup, opAtomic:
		return n.subs[0].width(groups)
	case opBackref:
		if g := groups[n.group]; g != nil {
			return g.width(groups)
		}
	}
	return 0, 0
}

func add(a, b int) int { return min(a+b, forever) }

func times(a, b int) int {
	if a == 0 || b == 0 {
		return 0
	}
	if a > forever/b {
		return forever
	}
	return a * b
}

// size estimates the steps that Go's regexp takes for one character, which are the instructions that it makes.
func (n *node) size() int {
	total := 1
	for _, s := range n.subs {
		total = add(total, s.size())
	}
	if n.op == opRepeat {
		count := n.max
		if count == forever {
			count = max(n.min, 1)
		}
		return times(total, max(count, 1))
	}
	return total
}

// spans counts the ranges of all classes.
func (n *node) spans() int {
	total := len(n.chars)
	for _, s := range n.subs {
		total += s.spans()
	}
	return total
}

// any reports whether is holds for n or a part of it.
func (n *node) any(is func(*node) bool) bool {
	if is(n) {
		return true
	}
	for _, s := range n.subs {
		if s.any(is) {
			return true
		}
	}
	return false
}

// single returns the only character that n matches.
func (n *node) single() (r rune, ok bool) {
	if n.op != opChars || len(n.chars) != 1 || n.chars[0].lo != n.chars[0].hi {
		return 0, false
	}
	return n.chars[0].lo, true
}

// A needed is what every text has that an expression matches, as far as it is easily seen: most names that do not match
// are told by that alone.
type needed struct {
	inside string // the longest text that is in it
	end    string // what it ends with, but for a line break
}

func neededBy(root *node) needed {
	var d needed
	d.inside = longest(d.inside, d.look(root, nil))
	return d
}

// look takes note of n, before which text stands, and returns the text that stands before what follows n.
func (d *needed) look(n *node, text []rune) []rune {
	switch n.op {
	case opSeq, opGroup, opAtomic:
		for _, s := range n.subs {
			text = d.look(s, text)
		}
		return text
	case opChars:
		if r, ok := n.single(); ok {
			return append(text, r)
		}
	case opEnd, opEndOrLast:
		d.end = string(text)
	}
	d.inside = longest(d.inside, text)
	return nil
}

func longest(a string, b []rune) string {
	if text := string(b); len(text) > len(a) {
		return text
	}
	return a
}

// isIn tells whether name has what is needed.
func (d *needed) isIn(name string) bool {
	return strings.Contains(name, d.inside) &&
		(strings.HasSuffix(name, d.end) || strings.HasSuffix(strings.TrimSuffix(name, "\n"), d.end))
}

// prefix appends to b the text that everything n matches begins with; all tells that n matches only this text.
func (n *node) prefix(b []rune) (text []rune, all bool) {
	switch n.op {
	case opChars:
		if r, ok := n.single(); ok {
			return append(b, r), true
		}
	case opSeq:
		for _, s := range n.subs {
			if b, all = s.prefix(b); !all {
				return b, false
			}
		}
		return b, true
	case opGroup, opAtomic:
		return n.subs[0].prefix(b)
	case opStart, opStartLine:
		return b, len(b) == 0
	}
	return b, false
}
