package serpent

import "unicode/utf8"

// escape reads the escape at pos and appends what it stands for to scratch.
func (s *reader) escape(bytes bool) error {
	if s.pos+1 >= len(s.data) {
		return s.fail("unterminated string")
	}
	c := s.data[s.pos+1]
	if r := simpleEscapes[c]; r != 0 {
		s.scratch = append(s.scratch, r)
		s.pos += 2
		return nil
	}
	switch c {
	case '\n', '\r':
		s.pos += 1 + lineEnd(s.data[s.pos+1:])
		return nil
	case '0', '1', '2', '3', '4', '5', '6', '7':
		s.octal(bytes)
		return nil
	case 'x':
		return s.hex(2, bytes)
	}
	if !bytes {
		switch c {
		case 'u':
			return s.hex(4, false)
		case 'U':
			return s.hex(8, false)
		case 'N':
			return s.named()
		}
	}
	s.scratch = append(s.scratch, '\\') // an unknown escape is none
	s.pos++
	return nil
}

var simpleEscapes = [256]byte{
	'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\', '\'': '\'', '"': '"',
}

func (s *reader) octal(bytes bool) {
	s.pos++
	n := rune(0)
	for i := 0; i < 3 && s.pos < len(s.data) && s.data[s.pos]-'0' < 8; i++ {
		n = n*8 + rune(s.data[s.pos]-'0')
		s.pos++
	}
	s.appendChar(n, bytes)
}

func (s *reader) hex(digits int, bytes bool) error {
	start := s.pos
	s.pos += 2
	n := rune(0)
	for range digits {
		if s.pos == len(s.data) || digitValue(s.data[s.pos]) > 15 {
			return s.failAt(start, "truncated escape")
		}
		n = n<<4 | rune(digitValue(s.data[s.pos])) //nolint:gosec // at most 15
		s.pos++
	}
	if n < 0 || n > utf8.MaxRune {
		return s.failAt(start, "illegal Unicode character")
	}
	s.appendChar(n, bytes)
	return nil
}

func (s *reader) named() error {
	start := s.pos
	s.pos += 2
	if !s.at('{') {
		return s.failAt(start, `malformed \N escape`)
	}
	end := s.pos
	for end < len(s.data) && s.data[end] != '}' && end-s.pos < 100 {
		end++
	}
	if end == len(s.data) || s.data[end] != '}' {
		return s.failAt(start, `malformed \N escape`)
	}
	r, ok := runeNamed(string(s.data[s.pos+1 : end]))
	if !ok {
		return s.failAt(start, "unknown Unicode character name")
	}
	s.pos = end + 1
	s.appendChar(r, false)
	return nil
}

// appendChar appends a character, or a byte of bytes. A surrogate becomes the three bytes that UTF-8
// would have for it.
func (s *reader) appendChar(r rune, bytes bool) {
	switch {
	case bytes:
		s.scratch = append(s.scratch, byte(r)) //nolint:gosec // as Python: what is beyond a byte is cut
	case r >= 0xd800 && r < 0xe000:
		s.scratch = append(s.scratch, 0xed, 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
	default:
		s.scratch = utf8.AppendRune(s.scratch, r)
	}
}
