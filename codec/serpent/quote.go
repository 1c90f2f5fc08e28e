package serpent

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec/internal/bind"
)

// escaped has the bytes that a string may not hold as they are, both quotes included.
var escaped = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c >= 0x7f || c == '\'' || c == '\\'
	}
	return t
}()

// appendEscaped appends s, whose first i bytes need no escape, as Python's repr writes it. It reports false if s is not UTF-8,
// lone surrogates aside.
func appendEscaped(b []byte, s string, i int) ([]byte, bool) {
	q := byte('\'')
	if strings.IndexByte(s[i:], '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		q = '"'
	}
	b = append(append(b, q), s[:i]...)
	for i < len(s) {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			var n int
			if b, n = appendRune(b, s[i:]); n == 0 {
				return b, false
			}
			i += n
			continue
		case c == q || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = appendControl(b, c)
		default:
			b = append(b, c)
		}
		i++
		n := plainLen(s[i:])
		b = append(b, s[i:i+n]...)
		i += n
	}
	return append(b, q), true
}

// plainLen returns the length of what at the beginning of s needs no escape.
func plainLen(s string) int {
	i := bind.PlainString(s, '\'', 0x7f)
	for i < len(s) && !escaped[s[i]] {
		i++
	}
	return i
}

const hexDigits = "0123456789abcdef"

func appendControl(b []byte, c byte) []byte {
	switch c {
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

// appendRune appends the character that s begins with, which takes n bytes; 0 if s does not begin
// with one.
func appendRune(b []byte, s string) (out []byte, n int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		if r, n = surrogate(s); n == 0 {
			return b, 0
		}
	} else if unicode.IsPrint(r) {
		return append(b, s[:n]...), n
	}
	switch {
	case r < 0x100:
		return append(b, '\\', 'x', hexDigits[r>>4&15], hexDigits[r&15]), n
	case r < 0x10000:
		b = append(b, '\\', 'u')
		return appendHex(b, r, 4), n
	}
	b = append(b, '\\', 'U')
	return appendHex(b, r, 8), n
}

func appendHex(b []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[r>>shift&15])
	}
	return b
}

// surrogate decodes the three bytes that stand for a lone surrogate.
func surrogate(s string) (rune, int) {
	if len(s) < 3 || s[0] != 0xed || s[1]&0xe0 != 0xa0 || s[2]&0xc0 != 0x80 {
		return 0, 0
	}
	return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
}

// appendBytes appends v as a bytes literal.
func appendBytes(b, v []byte) []byte {
	q := byte('\'')
	for _, c := range v {
		if c == '"' {
			q = '\''
			break
		}
		if c == '\'' {
			q = '"'
		}
	}
	b = append(b, 'b', q)
	for _, c := range v {
		switch {
		case c == q || c == '\\':
			b = append(b, '\\', c)
		case c >= 0x80:
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		case c < 0x20 || c == 0x7f:
			b = appendControl(b, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, q)
}
