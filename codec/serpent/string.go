package serpent

import (
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// stop has the bytes that end the quick way through a string.
var stop = func() (t [256]bool) {
	for _, c := range []byte{0, '\n', '\r', '\\', '\'', '"'} {
		t[c] = true
	}
	for c := 0x80; c < 256; c++ {
		t[c] = true
	}
	return t
}()

// text reads the str or bytes at pos, with whatever is joined to it. The result points into data, or
// is valid until the next call.
func (s *reader) text() (b []byte, isBytes bool, err error) {
	start := s.pos
	if q := s.data[s.pos]; q == '\'' || q == '"' {
		b, ok := s.plainText(q)
		if ok && !s.joins() {
			return b, false, nil
		}
		s.pos = start
	}
	return s.joinedText()
}

// plainText reads a string without escapes that is closed by a single q.
func (s *reader) plainText(q byte) ([]byte, bool) {
	data := s.data
	start := s.pos + 1
	i := start + bind.Plain(data[start:], '\'', '"')
	ascii := true
	for {
		for i < len(data) && !stop[data[i]] {
			i++
		}
		if i == len(data) {
			return nil, false
		}
		switch c := data[i]; {
		case c == q:
			if i == start && i+1 < len(data) && data[i+1] == q {
				return nil, false // triple quotes
			}
			if !ascii && !utf8.Valid(data[start:i]) {
				return nil, false
			}
			s.pos = i + 1
			return data[start:i], true
		case c >= 0x80:
			ascii = false
			i++
		case c == '\'' || c == '"':
			i++
		default:
			return nil, false
		}
	}
}

// joins reports whether another string follows, which Python joins to the one before, and goes to it.
func (s *reader) joins() bool {
	end := s.pos
	switch c := s.char(); c {
	case '\'', '"':
		return true
	case 'r', 'R', 'u', 'U', 'b', 'B', 'f', 'F':
		if _, _, quoted := s.prefix(); quoted {
			return true
		}
	}
	s.pos = end
	return false
}

// prefix looks at the letters before a string. n is how many there are; the string begins there if
// quoted is set.
func (s *reader) prefix() (n int, letters [2]byte, quoted bool) {
	for i := s.pos; i < len(s.data); i++ {
		c := s.data[i]
		if c == '\'' || c == '"' {
			return n, letters, true
		}
		switch c |= 0x20; c {
		case 'r', 'u', 'b', 'f':
			if n == len(letters) {
				return n, letters, false
			}
			letters[n] = c
			n++
		default:
			return n, letters, false
		}
	}
	return n, letters, false
}

// joinedText reads strings of any form that follow each other.
func (s *reader) joinedText() (b []byte, isBytes bool, err error) {
	s.scratch = s.scratch[:0]
	for first := true; first || s.joins(); first = false {
		n, letters, quoted := s.prefix()
		var raw, bytes bool
		switch string(letters[:n]) {
		case "", "u":
		case "r":
			raw = true
		case "b":
			bytes = true
		case "br", "rb":
			raw, bytes = true, true
		default:
			quoted = false
		}
		if !quoted {
			return nil, false, s.unexpected()
		}
		if !first && bytes != isBytes {
			return nil, false, s.fail("cannot mix bytes and str")
		}
		isBytes = bytes
		s.pos += n
		if err := s.literal(raw, bytes); err != nil {
			return nil, false, err
		}
	}
	return s.scratch, isBytes, nil
}

// literal appends the content of the quoted literal at pos to scratch.
func (s *reader) literal(raw, bytes bool) error {
	start := s.pos
	q := s.data[s.pos]
	triple := s.pos+2 < len(s.data) && s.data[s.pos+1] == q && s.data[s.pos+2] == q
	if triple {
		s.pos += 3
	} else {
		s.pos++
	}
	for {
		from := s.pos
		for s.pos < len(s.data) && !stop[s.data[s.pos]] {
			s.pos++
		}
		s.scratch = append(s.scratch, s.data[from:s.pos]...)
		if s.pos == len(s.data) {
			return s.failAt(start, "unterminated string")
		}
		done, err := s.special(q, triple, raw, bytes)
		if done || err != nil {
			return err
		}
		if s.pos > len(s.data) {
			return s.failAt(start, "unterminated string")
		}
	}
}

// special deals with the byte at pos that ended the quick way.
func (s *reader) special(q byte, triple, raw, bytes bool) (done bool, err error) {
	c := s.data[s.pos]
	switch {
	case c == q:
		if !triple {
			s.pos++
			return true, nil
		}
		if s.pos+2 < len(s.data) && s.data[s.pos+1] == q && s.data[s.pos+2] == q {
			s.pos += 3
			return true, nil
		}
		s.scratch = append(s.scratch, c)
		s.pos++
	case c == 0:
		return false, s.fail("a 0-byte")
	case c == '\n' || c == '\r':
		if !triple {
			return false, s.fail("unterminated string")
		}
		s.pos += lineEnd(s.data[s.pos:])
		s.scratch = append(s.scratch, '\n')
	case c >= 0x80:
		if bytes {
			return false, s.fail("bytes can only contain ASCII literal characters")
		}
		r, n := utf8.DecodeRune(s.data[s.pos:])
		if r == utf8.RuneError && n == 1 {
			return false, s.fail("not UTF-8")
		}
		s.scratch = append(s.scratch, s.data[s.pos:s.pos+n]...)
		s.pos += n
	case c == '\\' && raw:
		return false, s.rawEscape()
	case c == '\\':
		return false, s.escape(bytes)
	default:
		s.scratch = append(s.scratch, c)
		s.pos++
	}
	return false, nil
}

// rawEscape keeps a backslash and what follows, which may be the quote.
func (s *reader) rawEscape() error {
	s.scratch = append(s.scratch, '\\')
	s.pos++
	if s.pos == len(s.data) {
		return s.fail("unterminated string")
	}
	switch c := s.data[s.pos]; {
	case c == '\n' || c == '\r':
		s.pos += lineEnd(s.data[s.pos:])
		s.scratch = append(s.scratch, '\n')
	case c < 0x80 && c != 0:
		s.scratch = append(s.scratch, c)
		s.pos++
	}
	return nil
}

// plainLiteral returns the text of data that is nothing but the usual header and a string of printable
// ASCII characters without escapes.
func plainLiteral(data []byte) (text []byte, ok bool) {
	if len(data) < len(header)+2 || string(data[:len(header)]) != header {
		return nil, false
	}
	quote := data[len(header)]
	text = data[len(header)+1 : len(data)-1]
	if quote != '\'' && quote != '"' || data[len(data)-1] != quote {
		return nil, false
	}
	for i := bind.Plain(text, quote, quote); i < len(text); i++ {
		if c := text[i]; c < ' ' || c >= 0x7f || c == quote || c == '\\' {
			return nil, false
		}
	}
	return text, true
}
