package pyregex

import (
	"errors"
	"math"
	"slices"
	"time"
	"unicode"
)

// Limits of the machine.
const (
	maxStack   = 1 << 21 // entries
	checkEvery = 1 << 13 // steps between looks at the clock
)

// A machine carries a program out on one text after the other. It keeps what it has to come back to on a stack of its
// own, so that text of any length is no danger.
type machine struct {
	prog     *program
	text     []rune
	marks    []int // positions; -1: none
	loops    []loop
	stack    []entry
	steps    int
	halt     int // steps after which the limits are looked at
	most     int // steps that may be taken
	deadline time.Time
}

// A loop is how far a repeat is.
type loop struct{ count, last int } // rounds begun; where the last one began

// An entry of the stack says what to try when what is being tried fails, or what to put back then.
type entry struct {
	kind     entryKind
	at       int // an instruction, a mark or a loop
	pos, end int // positions
}

type entryKind uint8

const (
	tryAt    entryKind = iota // the instruction at, at pos
	tryLess                   // the instruction at, with a repeat's end one less than end, down to pos
	tryMore                   // the instruction at, a repeat of one more, at pos, that has end left
	tryRound                  // one more round of the loop at, from pos
	backMark                  // mark at was pos
	backLoop                  // loop at was pos, end
)

// errTooMany is the error when a machine would need more steps than it may take.
var errTooMany = errors.New("too many steps")

// match tells whether the program matches the beginning of name, in so many steps.
func (m *machine) match(name string, steps int) (bool, error) {
	m.steps, m.halt, m.most = 0, min(checkEvery, steps), steps
	m.text = m.text[:0]
	for _, r := range name {
		m.text = append(m.text, r)
	}
	m.stack = m.stack[:0]
	m.marks = slices.Grow(m.marks[:0], m.prog.marks)[:m.prog.marks]
	for i := range m.marks {
		m.marks[i] = -1
	}
	m.loops = slices.Grow(m.loops[:0], m.prog.loops)[:m.prog.loops]
	_, ok, err := m.run(0, 0)
	return ok, err
}

// run carries out the code at pc up to its codeAccept, and returns where the match ends. Afterwards the stack has
// nothing to try above where it was.
func (m *machine) run(pc, pos int) (end int, matched bool, err error) {
	base := len(m.stack)
	for {
		if err := m.tick(1); err != nil {
			return 0, false, err
		}
		i := &m.prog.code[pc]
		var ok bool
		switch i.op {
		case codeAccept:
			m.commit(base)
			return pos, true, nil
		case codeChars: // here, because most are
			if ok = pos < len(m.text) && i.has(m.text[pos]); ok {
				pc, pos = i.next, pos+1
			}
		default:
			if pc, pos, ok, err = m.step(i, pc, pos); err != nil {
				return 0, false, err
			}
		}
		if ok {
			continue
		}
		if pc, pos, ok = m.back(base); !ok {
			return 0, false, nil
		}
	}
}

// tick counts n steps and looks at the limits now and then.
func (m *machine) tick(n int) error {
	if m.steps += n; m.steps <= m.halt {
		return nil
	}
	return m.limits()
}

func (m *machine) limits() error {
	full := len(m.stack) > maxStack
	switch {
	case m.steps > m.most, full && m.most < math.MaxInt:
		return errTooMany
	case full, !m.deadline.IsZero() && time.Now().After(m.deadline):
		return ErrTimeout
	}
	m.halt = min(m.steps+checkEvery, m.most)
	return nil
}

// step carries out one instruction; ok is false when it fails.
func (m *machine) step(i *inst, pc, pos int) (nextPC, nextPos int, ok bool, err error) {
	switch i.op {
	case codeText:
		n := len(i.text)
		return i.next, pos + n, len(m.text)-pos >= n && slices.Equal(m.text[pos:pos+n], i.text), m.tick(n / 8)
	case codeRepeat:
		nextPos, ok, err = m.repeat(i, pc, pos)
		return i.next, nextPos, ok, err
	case codeSplit:
		m.push(entry{kind: tryAt, at: i.other, pos: pos})
	case codeMark:
		m.push(entry{kind: backMark, at: i.slot, pos: m.marks[i.slot]})
		m.marks[i.slot] = pos
	case codeEnter:
		m.setLoop(i.slot, loop{0, -1})
	case codeLoop:
		return m.loop(i, pc, pos), pos, true, nil
	case codeLook:
		ok, err = m.look(i, pos)
		return i.other, pos, ok, err
	case codeAtomic:
		nextPos, ok, err = m.run(i.next, pos)
		return i.other, nextPos, ok, err
	case codeIf:
		if begin, end := m.marks[i.slot], m.marks[i.slot+1]; begin < 0 || end < begin {
			return i.other, pos, true, nil
		}
	case codeBackref:
		n, same := m.backref(i, pos)
		return i.next, pos + n, same, m.tick(n)
	case codeAnchor:
		return i.next, pos, m.anchor(i.node, pos), nil
	}
	return i.next, pos, true, nil
}

func (m *machine) push(e entry) { m.stack = append(m.stack, e) }

func (m *machine) setLoop(slot int, l loop) {
	old := m.loops[slot]
	m.push(entry{kind: backLoop, at: slot, pos: old.count, end: old.last})
	m.loops[slot] = l
}

// back takes from the stack what is to be tried next, and puts back what was before; ok is false if nothing is left
// above base.
func (m *machine) back(base int) (pc, pos int, ok bool) {
	for len(m.stack) > base {
		top := len(m.stack) - 1
		e := &m.stack[top]
		switch e.kind {
		case tryLess:
			pc = m.prog.code[e.at].next
			pos = m.less(e, &m.prog.code[pc])
			if e.end = pos; pos <= e.pos {
				m.stack = m.stack[:top]
			}
			if pos >= e.pos {
				return pc, pos, true
			}
			continue
		case tryMore:
			i := &m.prog.code[e.at]
			if e.end == 0 || e.pos == len(m.text) || !i.has(m.text[e.pos]) {
				m.stack = m.stack[:top]
				continue
			}
			e.pos++
			e.end--
			return i.next, e.pos, true
		}
		m.stack = m.stack[:top]
		switch e.kind {
		case tryAt:
			return e.at, e.pos, true
		case tryRound:
			i := &m.prog.code[e.at]
			pos = e.pos
			m.setLoop(i.slot, loop{m.loops[i.slot].count + 1, pos})
			return i.next, pos, true
		case backMark:
			m.marks[e.at] = e.pos
		case backLoop:
			m.loops[e.at] = loop{e.pos, e.end}
		}
	}
	return 0, 0, false
}

// less returns the next end to try of a repeat, where what follows it may match; one below its least if there is none.
func (m *machine) less(e *entry, follows *inst) int {
	end := e.end - 1
	if follows.op != codeChars && follows.op != codeText {
		return end
	}
	for end >= e.pos && (end == len(m.text) || !follows.has(m.text[end])) {
		end--
	}
	m.steps += (e.end - end) / 4
	return end
}

// commit gives up what could be tried instead of what has matched since base. What is to be put back stays.
func (m *machine) commit(base int) {
	kept := m.stack[:base]
	for _, e := range m.stack[base:] {
		if e.kind >= backMark {
			kept = append(kept, e)
		}
	}
	m.stack = kept
}

func (m *machine) repeat(i *inst, pc, pos int) (end int, ok bool, err error) {
	most := min(i.max, len(m.text)-pos)
	if i.mode == lazy {
		most = min(most, i.min)
	}
	n := 0
	for n < most && i.has(m.text[pos+n]) {
		n++
	}
	if n < i.min {
		return pos, false, m.tick(n)
	}
	switch {
	case i.mode == lazy:
		m.push(entry{kind: tryMore, at: pc, pos: pos + n, end: i.max - n})
	case i.mode == greedy && n > i.min:
		m.push(entry{kind: tryLess, at: pc, pos: pos + i.min, end: pos + n})
	}
	return pos + n, true, m.tick(n)
}

// loop decides on another round of a repeat.
func (m *machine) loop(i *inst, pc, pos int) (next int) {
	l := m.loops[i.slot]
	empty := l.last == pos // the last round matched nothing, so others need not be tried
	again := loop{l.count + 1, pos}
	if i.exact && l.count < i.min {
		again.last = -1 // what has to be is no reason to stop, as in Python
	}
	switch {
	case l.count < i.min && (!empty || i.exact):
		m.setLoop(i.slot, again)
		return i.next
	case empty, l.count >= i.max:
		return i.other
	case i.mode == lazy:
		m.push(entry{kind: tryRound, at: pc, pos: pos})
		return i.other
	default:
		m.push(entry{kind: tryAt, at: i.other, pos: pos})
		m.setLoop(i.slot, again)
		return i.next
	}
}

func (m *machine) look(i *inst, pos int) (ok bool, err error) {
	base := len(m.stack)
	if pos >= i.behind {
		if _, ok, err = m.run(i.next, pos-i.behind); err != nil {
			return false, err
		}
	}
	if i.node.negative {
		m.back(base) // what it captured does not count; there is nothing to try among it
		return !ok, nil
	}
	return ok, nil
}

func (m *machine) backref(i *inst, pos int) (n int, same bool) {
	begin, end := m.marks[i.slot], m.marks[i.slot+1]
	if begin < 0 || end < begin {
		return 0, false
	}
	n = end - begin
	if n > len(m.text)-pos {
		return 0, false
	}
	if !i.node.ignore {
		return n, slices.Equal(m.text[begin:end], m.text[pos:pos+n])
	}
	for j := range n {
		if lower(m.text[begin+j], i.node.ascii) != lower(m.text[pos+j], i.node.ascii) {
			return 0, false
		}
	}
	return n, true
}

func lower(r rune, ascii bool) rune {
	if ascii && r > unicode.MaxASCII {
		return r
	}
	return unicode.ToLower(r)
}

func (m *machine) anchor(n *node, pos int) bool {
	last := len(m.text)
	switch n.op {
	case opStart:
		return pos == 0
	case opStartLine:
		return pos == 0 || m.text[pos-1] == '\n'
	case opEnd:
		return pos == last
	case opEndOrLast:
		return pos == last || pos == last-1 && m.text[pos] == '\n'
	case opEndLine:
		return pos == last || m.text[pos] == '\n'
	}
	chars := words()
	if n.ascii {
		chars = asciiWords
	}
	before := pos > 0 && chars.has(m.text[pos-1])
	after := pos < last && chars.has(m.text[pos])
	if n.op == opBoundary {
		return before != after
	}
	return before == after && last > 0 // an empty text has no \B in Python before 3.14
}
