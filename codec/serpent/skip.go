package serpent

import (
	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// Skip passes over the next value. Brackets and the tokens between them are checked, not the order
// they stand in.
func (s *reader) Skip() error {
	if s.held.is(s.pos) {
		s.held.take(s)
		return nil
	}
	return s.skip(len(s.frames))
}

// skip reads tokens until a value is complete and the brackets are as they were.
func (s *reader) skip(base int) error {
	for {
		c := s.char()
		number := false
		switch {
		case c == '\'' || c == '"':
			if _, _, err := s.text(); err != nil {
				return err
			}
		case isDigit(c) || c == '.':
			if _, err := s.numberToken(); err != nil {
				return err
			}
			number = true
		case c == '(' || c == '[' || c == '{':
			if err := s.open(); err != nil {
				return err
			}
			s.frames = append(s.frames, frame{closer: closerOf(c)})
			s.pos++
			continue
		case len(s.frames) > base && c == s.frames[len(s.frames)-1].closer:
			s.leave()
			s.pos++
			number = c == ')'
		case c == '+' || c == '-':
			s.pos++
			continue
		case (c == ',' || c == ':') && len(s.frames) > base:
			s.pos++
			continue
		default:
			if err := s.skipWord(); err != nil {
				return err
			}
		}
		if len(s.frames) > base {
			continue
		}
		if number && s.sumGoesOn() {
			continue
		}
		return nil
	}
}

// sumGoesOn reports whether a sign follows a number, and goes to it.
func (s *reader) sumGoesOn() bool {
	end := s.pos
	if c := s.char(); c == '+' || c == '-' {
		return true
	}
	s.pos = end
	return false
}

func closerOf(c byte) byte {
	if c == '(' {
		return ')'
	}
	return c + 2
}

func (s *reader) numberToken() (number, error) {
	if s.data[s.pos] == '.' && !(s.pos+1 < len(s.data) && isDigit(s.data[s.pos+1])) {
		return number{}, s.unexpected()
	}
	return s.number()
}

func (s *reader) skipWord() error {
	kind, err := s.peekWordKind()
	if err != nil {
		return err
	}
	if kind == bind.Str || kind == bind.Bytes {
		_, _, err := s.text()
		return err
	}
	_, n := s.peekWord()
	s.pos += n
	return nil
}

// parens knows which parentheses hold a single value and are no tuple, in the part of the text that
// was searched for that. Each part is searched once, however deep they nest.
type parens struct {
	searched int // up to here
	groups   map[int]struct{}
}

func (p *parens) reset() {
	p.searched = 0
	p.groups = nil
}

// isTuple reports whether the parenthesis at pos begins a tuple, where something of kind w is wanted.
// That a value in parentheses is no tuple need only be found out if it could be what is wanted.
func (s *reader) isTuple(w bind.Want) (bool, error) {
	start := s.pos
	defer func() { s.pos = start }()
	s.pos++
	s.depth++
	c := s.char()
	s.depth--
	switch {
	case c == ')':
		return true, nil
	case c != '(' && c != '[' && c != '{' && c != 'b' && c != 'B' && c != 's':
		return true, nil
	case w == bind.Mapping:
		return false, nil
	}
	if start >= s.parens.searched {
		s.pos = start
		if err := s.searchParens(); err != nil {
			return false, err
		}
	}
	_, group := s.parens.groups[start]
	return !group, nil
}

// searchParens looks at the text from the parenthesis at pos to its first comma or its end, and
// finds out about all parentheses in between.
func (s *reader) searchParens() error {
	type open struct {
		pos   int
		paren bool
		comma bool
	}
	var stack []open
	depth := s.depth
	defer func() { s.depth = depth }()
	for {
		c := s.char()
		switch {
		case c == '\'' || c == '"':
			if _, _, err := s.text(); err != nil {
				return err
			}
		case c == '(' || c == '[' || c == '{':
			if err := s.open(); err != nil {
				return err
			}
			stack = append(stack, open{pos: s.pos, paren: c == '('})
			s.pos++
		case c == ')' || c == ']' || c == '}':
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if top.paren && !top.comma {
				s.group(top.pos)
			}
			s.pos++
			s.depth--
		case c == ',':
			stack[len(stack)-1].comma = true
			s.pos++
			if len(stack) == 1 {
				s.parens.searched = s.pos
				return nil
			}
		case s.pos >= len(s.data):
			return s.unexpected()
		default:
			s.pos++
			for s.pos < len(s.data) && !ends[s.data[s.pos]] {
				s.pos++
			}
		}
		if len(stack) == 0 {
			s.parens.searched = s.pos
			return nil
		}
	}
}

func (s *reader) group(pos int) {
	if s.parens.groups == nil {
		s.parens.groups = map[int]struct{}{}
	}
	s.parens.groups[pos] = struct{}{}
}
