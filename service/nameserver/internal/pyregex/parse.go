package pyregex

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode"
)

// A SyntaxError says what is wrong with an expression, in the words of Python's re.error.
type SyntaxError struct {
	Msg string
	Pos int // in characters
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at position %d", e.Msg, e.Pos) }

// maxNesting is how deep groups may be nested.
const maxNesting = 200

// flags are the modes of an expression or of a group in it.
type flags struct{ ignore, lines, dotAll, verbose, ascii bool }

// A parser reads an expression. Its methods panic with the error.
type parser struct {
	text   []rune
	at     int
	depth  int
	groups []*node // by number; nil while a group is open
	names  map[string]int
	conds  []cond // conditions on groups by number
	behind int    // groups there were when the outermost look behind began; 0 outside of one
	varies bool   // a look behind is about text of no fixed length
	spans  int    // in all classes so far
}

type cond struct{ group, pos int }

// parse returns what the expression says, and how many groups it has.
func parse(expr string) (root *node, groups int, err error) {
	p := &parser{text: []rune(expr), groups: []*node{nil}, names: map[string]int{}}
	defer func() {
		if r := recover(); r != nil {
			bad, ok := r.(error)
			if _, bug := r.(runtime.Error); bug || !ok {
				panic(r)
			}
			root, groups, err = nil, 0, bad
		}
	}()
	var f flags
	root = p.alternatives(&f, true)
	if p.at < len(p.text) {
		p.failf(p.at, "unbalanced parenthesis")
	}
	for _, c := range p.conds {
		if c.group >= len(p.groups) {
			p.failf(c.pos, "invalid group reference %d", c.group)
		}
	}
	if p.varies {
		return nil, 0, errVaries
	}
	return root, len(p.groups) - 1, nil
}

var errVaries = errors.New("look-behind requires fixed-width pattern")

func (p *parser) failf(pos int, format string, args ...any) {
	panic(&SyntaxError{fmt.Sprintf(format, args...), pos})
}

// none is what peek and next return at the end.
const none = rune(-1)

func (p *parser) peek() rune {
	if p.at == len(p.text) {
		return none
	}
	return p.text[p.at]
}

func (p *parser) next() rune {
	r := p.peek()
	if r != none {
		p.at++
	}
	return r
}

func (p *parser) accept(r rune) bool {
	if p.peek() != r {
		return false
	}
	p.at++
	return true
}

// while reads at most n characters that are in chars; n < 0: any number.
func (p *parser) while(n int, chars string) string {
	from := p.at
	for p.peek() != none && strings.ContainsRune(chars, p.peek()) && p.at-from != n {
		p.at++
	}
	return string(p.text[from:p.at])
}

// until reads what is called what up to end, and end.
func (p *parser) until(end rune, what string) string {
	from := p.at
	for {
		switch r := p.next(); {
		case r == none && p.at == from:
			p.failf(from, "missing %s", what)
		case r == none:
			p.failf(from, "missing %c, unterminated name", end)
		case r == end && p.at-1 == from:
			p.failf(from, "missing %s", what)
		case r == end:
			return string(p.text[from : p.at-1])
		}
	}
}

// alternatives reads branches up to a closing parenthesis or the end. Flags for all that the expression begins with
// go to f.
func (p *parser) alternatives(f *flags, first bool) *node {
	if p.depth++; p.depth > maxNesting {
		p.failf(p.at, "groups are nested too deeply")
	}
	defer func() { p.depth-- }()
	branches := []*node{p.sequence(f, first)}
	for p.accept('|') {
		branches = append(branches, p.sequence(f, false))
	}
	if len(branches) == 1 {
		return branches[0]
	}
	return &node{op: opAlt, subs: branches}
}

func (p *parser) sequence(f *flags, first bool) *node {
	seq := &node{op: opSeq}
	for {
		start := p.at
		r := p.peek()
		switch {
		case r == none || r == '|' || r == ')':
			return seq
		case f.verbose && p.skipVerbose():
			continue
		}
		p.at++
		switch r {
		case '\\':
			seq.subs = append(seq.subs, p.escape(f))
		case '[':
			seq.subs = append(seq.subs, p.class(f))
		case '*', '+', '?', '{':
			p.repeat(seq, r, start, f)
		case '.':
			seq.subs = append(seq.subs, dot(f))
		case '^':
			seq.subs = append(seq.subs, anchor(f.lines, opStartLine, opStart))
		case '$':
			seq.subs = append(seq.subs, anchor(f.lines, opEndLine, opEndOrLast))
		case '(':
			if n := p.group(f, start, first && len(seq.subs) == 0); n != nil {
				seq.subs = append(seq.subs, n)
			}
		default:
			seq.subs = append(seq.subs, p.literal(r, f))
		}
	}
}

// skipVerbose skips white space or a comment, if there is one.
func (p *parser) skipVerbose() bool {
	r := p.peek()
	if strings.ContainsRune(" \t\n\r\v\f", r) {
		p.at++
		return true
	}
	if r != '#' {
		return false
	}
	for r = p.next(); r != none && r != '\n'; r = p.next() { //nolint:revive // all is in the head
	}
	return true
}

func dot(f *flags) *node {
	if f.dotAll {
		return &node{op: opChars, chars: everything}
	}
	return &node{op: opChars, chars: notNewline}
}

func anchor(lines bool, inLines, plain op) *node {
	if lines {
		return &node{op: inLines}
	}
	return &node{op: plain}
}

func (p *parser) literal(r rune, f *flags) *node { return p.chars(newSet(span{r, r}), f) }

// maxSpans limits the ranges of all classes together: a few characters stand for hundreds.
const maxSpans = 100_000

// charge counts ranges, or work that is like theirs.
func (p *parser) charge(spans int) {
	if p.spans += spans; p.spans > maxSpans {
		panic(errTooLarge)
	}
}

func (p *parser) chars(s set, f *flags) *node {
	return &node{op: opChars, chars: p.folded(s, f)}
}

// folded is s with what is the same where case is ignored.
func (p *parser) folded(s set, f *flags) set {
	if f.ignore {
		if !f.ascii && !s.isSmall() {
			p.charge(foldCost)
		}
		s = s.fold(f.ascii)
	}
	p.charge(len(s))
	return s
}

const (
	decimals = "0123456789"
	octals   = "01234567"
	hexes    = "0123456789abcdefABCDEF"
)

// repeat makes of the last part of seq a repeat of it.
func (p *parser) repeat(seq *node, r rune, start int, f *flags) {
	low, high := 0, forever
	switch r {
	case '?':
		high = 1
	case '+':
		low = 1
	case '{':
		var ok bool
		if low, high, ok = p.counts(start); !ok {
			seq.subs = append(seq.subs, p.literal('{', f))
			return
		}
	}
	n := len(seq.subs)
	if n == 0 || seq.subs[n-1].isAnchor() {
		p.failf(start, "nothing to repeat")
	}
	item := seq.subs[n-1]
	if item.op == opRepeat {
		p.failf(start, "multiple repeat")
	}
	m := greedy
	if p.accept('?') {
		m = lazy
	} else if p.accept('+') {
		m = possessive
	}
	seq.subs[n-1] = &node{op: opRepeat, subs: []*node{item}, min: low, max: high, mode: m}
}

// counts reads {m,n}; ok is false if it is only text.
func (p *parser) counts(start int) (low, high int, ok bool) {
	if p.peek() == '}' {
		return 0, 0, false
	}
	from := p.at
	lo := p.while(-1, decimals)
	hi := lo
	if p.accept(',') {
		hi = p.while(-1, decimals)
	}
	if !p.accept('}') {
		p.at = from
		return 0, 0, false
	}
	low, high = 0, forever
	if lo != "" {
		low = p.count(lo, start)
	}
	if hi != "" {
		high = p.count(hi, start)
		if high < low {
			p.failf(start+1, "min repeat greater than max repeat")
		}
	}
	return low, high, true
}

func (p *parser) count(text string, start int) int {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n >= forever {
		p.failf(start, "the repetition number is too large")
	}
	return int(n)
}

// codePoint reads an escape of exactly digits hexadecimal digits.
func (p *parser) codePoint(start, digits int) rune {
	hex := p.while(digits, hexes)
	n, err := strconv.ParseUint(hex, 16, 32)
	if len(hex) != digits || err != nil {
		p.failf(start, "incomplete escape %s", string(p.text[start:p.at]))
	}
	if n > unicode.MaxRune {
		p.failf(start, "bad escape %s", string(p.text[start:p.at]))
	}
	return rune(n)
}

// plainEscape reads those escapes that are one character in classes, too, after the backslash and r.
func (p *parser) plainEscape(start int, r rune) (rune, bool) {
	const letters, meanings = "afnrtv", "\a\f\n\r\t\v"
	if i := strings.IndexRune(letters, r); i >= 0 {
		return rune(meanings[i]), true
	}
	switch r {
	case 'x':
		return p.codePoint(start, 2), true
	case 'u':
		return p.codePoint(start, 4), true
	case 'U':
		return p.codePoint(start, 8), true
	case 'N':
		p.failf(start, "characters by their names are not supported here")
	case none:
		p.failf(start, "bad escape (end of pattern)")
	}
	if r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return 0, false
	}
	return r, true
}

// category returns the set of \d, \s, \w and their opposites, or nil.
func category(r rune, ascii bool) set {
	if ascii {
		return asciiCategory(r)
	}
	switch r {
	case 'd':
		return digits()
	case 'D':
		return notDigits()
	case 's':
		return spaces
	case 'S':
		return notSpaces
	case 'w':
		return words()
	case 'W':
		return notWords()
	}
	return nil
}

func asciiCategory(r rune) set {
	switch r {
	case 'd':
		return asciiDigits
	case 'D':
		return asciiDigits.negated()
	case 's':
		return asciiSpaces
	case 'S':
		return asciiSpaces.negated()
	case 'w':
		return asciiWords
	case 'W':
		return asciiWords.negated()
	}
	return nil
}

// escape reads what follows a backslash outside of classes.
func (p *parser) escape(f *flags) *node {
	start := p.at - 1
	r := p.next()
	switch r {
	case 'A':
		return &node{op: opStart}
	case 'Z':
		return &node{op: opEnd}
	case 'b':
		return &node{op: opBoundary, ascii: f.ascii}
	case 'B':
		return &node{op: opNotBoundary, ascii: f.ascii}
	case '0':
		n, _ := strconv.ParseUint("0"+p.while(2, octals), 8, 32)
		return p.literal(rune(n), f) //nolint:gosec // three digits
	}
	if s := category(r, f.ascii); s != nil {
		p.charge(len(s))
		return &node{op: opChars, chars: s}
	}
	if r >= '1' && r <= '9' {
		return p.numbered(start, f)
	}
	c, ok := p.plainEscape(start, r)
	if !ok {
		p.failf(start, "bad escape \\%c", r)
	}
	return p.literal(c, f)
}

// numbered reads a backreference, or an octal number of three digits.
func (p *parser) numbered(start int, f *flags) *node {
	isOctal := func(i int) bool { return i < len(p.text) && p.text[i] >= '0' && p.text[i] <= '7' }
	if p.peek() >= '0' && p.peek() <= '9' {
		p.at++
		if isOctal(start+1) && isOctal(start+2) && isOctal(start+3) {
			p.at++
			n, _ := strconv.ParseUint(string(p.text[start+1:p.at]), 8, 32)
			if n > 0o377 {
				p.failf(start, "octal escape value %s outside of range 0-0o377", string(p.text[start:p.at]))
			}
			return p.literal(rune(n), f)
		}
	}
	group, _ := strconv.Atoi(string(p.text[start+1 : p.at]))
	if group >= len(p.groups) {
		p.failf(start+1, "invalid group reference %d", group)
	}
	return p.backref(group, start, f)
}

func (p *parser) backref(group, pos int, f *flags) *node {
	p.checkRef(group, pos)
	return &node{op: opBackref, group: group, ignore: f.ignore}
}

// checkRef refuses a reference to a group that is not complete.
func (p *parser) checkRef(group, pos int) {
	if group >= len(p.groups) || p.groups[group] == nil {
		p.failf(pos, "cannot refer to an open group")
	}
	if p.behind > 0 && group >= p.behind {
		p.failf(p.at, "cannot refer to group defined in the same lookbehind subpattern")
	}
}

// class reads a set in brackets. To ignore case is about its characters and ranges: categories stay what they are.
func (p *parser) class(f *flags) *node {
	start := p.at - 1
	negative := p.accept('^')
	var spans, categories []span
	for first := true; first || !p.accept(']'); first = false {
		from := p.at
		r, s := p.classItem(start, f)
		end := r
		if p.accept('-') {
			if p.peek() == ']' {
				p.at-- // it stands for itself
			} else {
				end, _ = p.classItem(start, f)
				if r == none || end < r { // none, of a category, is less than any
					p.failf(from, "bad character range %s", string(p.text[from:p.at]))
				}
			}
		}
		if s != nil {
			p.charge(len(s))
			categories = append(categories, s...)
			continue
		}
		spans = append(spans, span{r, end})
	}
	chars := p.folded(newSet(spans...), f)
	if categories != nil {
		chars = newSet(append(categories, chars...)...)
	}
	if negative {
		chars = chars.negated()
	}
	return &node{op: opChars, chars: chars}
}

// classItem reads a character of a class, or else a category, beside which the character is none.
func (p *parser) classItem(start int, f *flags) (rune, set) {
	from := p.at
	r := p.next()
	if r == none {
		p.failf(start, "unterminated character set")
	}
	if r != '\\' {
		return r, nil
	}
	r = p.next()
	if s := category(r, f.ascii); s != nil {
		return none, s
	}
	switch {
	case r == 'b':
		r = '\b'
	case r >= '0' && r <= '7':
		n, _ := strconv.ParseUint(string(r)+p.while(2, octals), 8, 32)
		if n > 0o377 {
			p.failf(from, "octal escape value %s outside of range 0-0o377", string(p.text[from:p.at]))
		}
		r = rune(n)
	default:
		c, ok := p.plainEscape(from, r)
		if !ok {
			p.failf(from, "bad escape \\%c", r)
		}
		r = c
	}
	return r, nil
}
