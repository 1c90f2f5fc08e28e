package pyregex

import (
	"strconv"
	"strings"
	"unicode"
)

// group reads what follows an opening parenthesis, which is at start. It returns nil for what matches nothing:
// comments, and flags for the whole expression, which may stand only where atStart says.
func (p *parser) group(f *flags, start int, atStart bool) *node {
	if !p.accept('?') {
		return p.capture(f, start, "")
	}
	r := p.next()
	switch r {
	case none:
		p.failf(p.at, "unexpected end of pattern")
	case 'P':
		return p.named(f, start)
	case ':':
		return &node{op: opGroup, subs: []*node{p.inner(*f, start)}}
	case '>':
		return &node{op: opAtomic, subs: []*node{p.inner(*f, start)}}
	case '#':
		p.comment(start)
		return nil
	case '=', '!', '<':
		return p.look(f, r, start)
	case '(':
		return p.condition(f, start)
	}
	if r != '-' && !strings.ContainsRune(flagLetters, r) {
		p.failf(start+1, "unknown extension ?%c", r)
	}
	own, scoped := p.flags(*f, r)
	if scoped {
		return &node{op: opGroup, subs: []*node{p.inner(own, start)}}
	}
	if !atStart {
		p.failf(start, "global flags not at the start of the expression")
	}
	*f = own
	return nil
}

// inner reads what a group holds, with flags of its own, and its end.
func (p *parser) inner(f flags, start int) *node {
	n := p.alternatives(&f, false)
	p.end(start)
	return n
}

func (p *parser) end(start int) {
	if !p.accept(')') {
		p.failf(start, "missing ), unterminated subpattern")
	}
}

func (p *parser) capture(f *flags, start int, name string) *node {
	number := len(p.groups)
	p.groups = append(p.groups, nil)
	if name != "" {
		if other, known := p.names[name]; known {
			p.failf(p.at-len([]rune(name))-1, "redefinition of group name '%s' as group %d; was group %d", name, number, other)
		}
		p.names[name] = number
	}
	n := p.inner(*f, start)
	p.groups[number] = n
	return &node{op: opGroup, group: number, subs: []*node{n}}
}

// named reads what begins with (?P.
func (p *parser) named(f *flags, start int) *node {
	switch r := p.next(); r {
	case '<':
		name := p.name('>')
		return p.capture(f, start, name)
	case '=':
		name := p.name(')')
		pos := p.at - len([]rune(name)) - 1
		group, ok := p.names[name]
		if !ok {
			p.failf(pos, "unknown group name '%s'", name)
		}
		return p.backref(group, pos, f)
	case none:
		p.failf(p.at, "unexpected end of pattern")
	default:
		p.failf(start+1, "unknown extension ?P%c", r)
	}
	return nil
}

func (p *parser) name(end rune) string {
	from := p.at
	name := p.until(end, "group name")
	if !isIdentifier(name) {
		p.failf(from, "bad character in group name '%s'", name)
	}
	return name
}

func isIdentifier(s string) bool {
	for i, r := range s {
		letter := r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r)
		if !letter && (i == 0 || !unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc)) {
			return false
		}
	}
	return s != ""
}

func (p *parser) comment(start int) {
	for r := p.next(); r != ')'; r = p.next() {
		if r == none {
			p.failf(start, "missing ), unterminated comment")
		}
	}
}

// look reads (?=, (?!, (?<= and (?<!.
func (p *parser) look(f *flags, r rune, start int) *node {
	n := &node{op: opLook}
	if r == '<' {
		r = p.next()
		if r == none {
			p.failf(p.at, "unexpected end of pattern")
		}
		if r != '=' && r != '!' {
			p.failf(start+1, "unknown extension ?<%c", r)
		}
		n.behind = true
		if p.behind == 0 {
			p.behind = len(p.groups)
			defer func() { p.behind = 0 }()
		}
	}
	n.negative = r == '!'
	n.subs = []*node{p.inner(*f, start)}
	if n.behind {
		low, high := n.subs[0].width(p.groups)
		n.fixed = low
		p.varies = p.varies || low != high
	}
	return n
}

// condition reads (?(group)yes|no).
func (p *parser) condition(f *flags, start int) *node {
	from := p.at
	name := p.until(')', "group name")
	group, known := p.names[name]
	switch {
	case known:
	case isIdentifier(name):
		p.failf(from, "unknown group name '%s'", name)
	default:
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 {
			p.failf(from, "bad character in group name '%s'", name)
		}
		if n == 0 {
			p.failf(from, "bad group number")
		}
		group = n
		p.conds = append(p.conds, cond{n, from})
	}
	if p.behind > 0 {
		p.checkRef(group, p.at)
	}
	own := *f
	n := &node{op: opIf, group: group, subs: []*node{p.sequence(&own, false), {op: opSeq}}}
	if p.accept('|') {
		n.subs[1] = p.sequence(&own, false)
		if p.peek() == '|' {
			p.failf(p.at, "conditional backref with more than two branches")
		}
	}
	p.end(start)
	return n
}

const flagLetters = "aiLmsux"

// flags reads the letters of flags, of which r is the first, or a minus sign, and what ends them; scoped tells
// whether they are for a group, which follows.
func (p *parser) flags(f flags, r rune) (own flags, scoped bool) {
	on, off := "", ""
	if r != '-' {
		var end rune
		if on, end = p.flagLetters(r, "-:)", "missing -, : or )"); end == ')' {
			return p.switchFlags(f, on, off), false
		} else if end == ':' {
			return p.switchFlags(f, on, off), true
		}
	}
	r = p.next()
	if r == none || !strings.ContainsRune(flagLetters, r) {
		p.unknownFlag(r, "missing flag")
	}
	off, _ = p.flagLetters(r, ":", "missing :")
	if strings.ContainsAny(off, "auL") {
		p.failf(p.at-1, "bad inline flags: cannot turn off flags 'a', 'u' and 'L'")
	}
	if strings.ContainsAny(on, off) {
		p.failf(p.at-1, "bad inline flags: flag turned on and off")
	}
	return p.switchFlags(f, on, off), true
}

// flagLetters reads letters, of which r is the first, up to one of ends.
func (p *parser) flagLetters(r rune, ends, missing string) (letters string, end rune) {
	for {
		letters += string(r)
		if r == 'L' {
			p.failf(p.at, "bad inline flags: cannot use 'L' flag with a str pattern")
		}
		if strings.ContainsRune(letters, 'a') && strings.ContainsRune(letters, 'u') {
			p.failf(p.at, "bad inline flags: flags 'a', 'u' and 'L' are incompatible")
		}
		r = p.next()
		if r != none && strings.ContainsRune(ends, r) {
			return letters, r
		}
		if r == none || !strings.ContainsRune(flagLetters, r) {
			p.unknownFlag(r, missing)
		}
	}
}

func (p *parser) unknownFlag(r rune, missing string) {
	switch {
	case r == none:
		p.failf(p.at, "%s", missing)
	case unicode.IsLetter(r):
		p.failf(p.at-1, "unknown flag")
	default:
		p.failf(p.at-1, "%s", missing)
	}
}

func (p *parser) switchFlags(f flags, on, off string) flags {
	set := func(letters string, value bool) {
		for _, r := range letters {
			switch r {
			case 'i':
				f.ignore = value
			case 'm':
				f.lines = value
			case 's':
				f.dotAll = value
			case 'x':
				f.verbose = value
			case 'a':
				f.ascii = true
			case 'u':
				f.ascii = false
			}
		}
	}
	set(on, true)
	set(off, false)
	return f
}
