package pyregex

import "unicode"

// A program is an expression for the machine that tries one way after the other.
type program struct {
	code  []inst
	marks int // where groups begin and end
	loops int
	asked bool // some part depends on what was captured
}

type inst struct {
	op     code
	chars  set
	ascii  [2]uint64 // chars, as far as they are in ASCII: a bit each
	text   []rune    // of codeText
	next   int       // where it goes on; of codeSplit what is tried first
	other  int       // what is tried second; of a look or an atomic group what follows it
	slot   int       // a mark, a loop, a group
	min    int
	max    int
	mode   mode
	node   *node // of an assertion or a backreference
	behind int   // characters that a look behind goes back
	exact  bool  // of a loop: a round that matched nothing may be followed by one that differs
}

type code uint8

const (
	codeChars  code = iota // one character of chars
	codeText               // some characters, which text says
	codeRepeat             // min to max characters of chars
	codeSplit              // next, else other
	codeJump
	codeMark   // notes the position in slot
	codeEnter  // a loop begins
	codeLoop   // another round at next, or on at other
	codeLook   // the code at next, up to codeAccept, matches here, or does not
	codeAtomic // the first way that the code at next matches
	codeIf     // next if the group captured something, else other
	codeBackref
	codeAnchor
	codeAccept
)

// has tells whether r is one of the instruction's characters.
func (i *inst) has(r rune) bool {
	if r <= unicode.MaxASCII {
		return i.ascii[r>>6&1]>>(r&63)&1 != 0
	}
	return i.chars.has(r)
}

// setChars has the instruction be about characters of s.
func (i *inst) setChars(s set) {
	i.chars = s
	for _, x := range s {
		for r := x.lo; r <= min(x.hi, unicode.MaxASCII); r++ {
			i.ascii[r>>6] |= 1 << (r & 63)
		}
	}
}

func compile(root *node, groups int) *program {
	p := &program{marks: 2 * groups, asked: root.any(asksGroups)}
	p.node(root)
	p.emit(inst{op: codeAccept})
	return p
}

// emit appends an instruction that is followed by the next one, and returns where it is.
func (p *program) emit(i inst) int {
	at := len(p.code)
	if i.next == 0 {
		i.next = at + 1
	}
	p.code = append(p.code, i)
	return at
}

func (p *program) node(n *node) {
	switch n.op {
	case opChars:
		i := inst{op: codeChars}
		i.setChars(n.chars)
		p.emit(i)
	case opSeq:
		p.sequence(n.subs)
	case opAlt:
		p.branches(n.subs)
	case opRepeat:
		p.repeat(n)
	case opGroup:
		p.group(n)
	case opLook:
		i := inst{op: codeLook, node: n}
		if n.behind {
			i.behind = n.fixed
		}
		p.apart(i, n.subs[0])
	case opAtomic:
		p.apart(inst{op: codeAtomic}, n.subs[0])
	case opBackref:
		p.emit(inst{op: codeBackref, slot: 2 * (n.group - 1), node: n})
	case opIf:
		at := p.emit(inst{op: codeIf, slot: 2 * (n.group - 1)})
		p.node(n.subs[0])
		jump := p.emit(inst{op: codeJump})
		p.code[at].other = len(p.code)
		p.node(n.subs[1])
		p.code[jump].next = len(p.code)
	default:
		p.emit(inst{op: codeAnchor, node: n})
	}
}

// sequence emits what follows each other, single characters together.
func (p *program) sequence(subs []*node) {
	for len(subs) > 0 {
		var text []rune
		for _, s := range subs {
			r, ok := s.single()
			if !ok {
				break
			}
			text = append(text, r)
		}
		if len(text) < 2 {
			p.node(subs[0])
			subs = subs[1:]
			continue
		}
		i := inst{op: codeText, text: text}
		i.setChars(set{{text[0], text[0]}})
		p.emit(i)
		subs = subs[len(text):]
	}
}

func (p *program) branches(branches []*node) {
	var jumps []int
	for _, b := range branches[:len(branches)-1] {
		at := p.emit(inst{op: codeSplit})
		p.node(b)
		jumps = append(jumps, p.emit(inst{op: codeJump}))
		p.code[at].other = len(p.code)
	}
	p.node(branches[len(branches)-1])
	for _, j := range jumps {
		p.code[j].next = len(p.code)
	}
}

func (p *program) group(n *node) {
	if n.group == 0 {
		p.node(n.subs[0])
		return
	}
	p.emit(inst{op: codeMark, slot: 2 * (n.group - 1)})
	p.node(n.subs[0])
	p.emit(inst{op: codeMark, slot: 2*(n.group-1) + 1})
}

// apart emits what matches by itself, with an end of its own.
func (p *program) apart(i inst, body *node) {
	at := p.emit(i)
	p.node(body)
	p.emit(inst{op: codeAccept})
	p.code[at].other = len(p.code)
}

func (p *program) repeat(n *node) {
	body := n.subs[0]
	switch {
	case body.op == opChars:
		i := inst{op: codeRepeat, min: n.min, max: n.max, mode: n.mode}
		i.setChars(body.chars)
		p.emit(i)
	case n.mode == possessive:
		all := *n
		all.mode = greedy
		p.apart(inst{op: codeAtomic}, &all)
	default:
		slot := p.loops
		p.loops++
		p.emit(inst{op: codeEnter, slot: slot})
		at := p.emit(inst{op: codeLoop, slot: slot, min: n.min, max: n.max, mode: n.mode, exact: body.any(p.differs)})
		p.node(body)
		p.emit(inst{op: codeJump, next: at})
		p.code[at].other = len(p.code)
	}
}

// differs tells what makes a round of a loop another one than those before, although it begins at the same place: the
// place counts, where the loop goes on later, or what was captured.
func (p *program) differs(n *node) bool {
	return n.op == opLook || n.op >= opStart || p.asked && (n.group > 0 || asksGroups(n))
}

// asksGroups tells what depends on what was captured before.
func asksGroups(n *node) bool { return n.op == opIf || n.op == opBackref }
