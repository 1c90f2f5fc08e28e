package literal

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
)

// An Error says where a text stops being a literal, and why. Beneath it is the *codec.SyntaxError,
// *codec.LimitError (too many nested brackets) or *codec.TypeError (what cannot be a key, a date that
// does not exist) that a serializer would have returned.
type Error struct {
	Offset       int    // of the place in the text, in bytes
	Line, Column int    // of the same place, from 1; a column is a character
	Msg          string // as in "expected ',' or ']', found 'x'"
	Err          error
}

func (e *Error) Error() string { return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Msg) }

// Unwrap returns the error beneath.
func (e *Error) Unwrap() error { return e.Err }

// fail returns an error at pos. Without a cause it is one of syntax.
func (r *reader) fail(pos int, cause error, format string, args ...any) error {
	e := &Error{Offset: pos, Msg: fmt.Sprintf(format, args...), Err: cause}
	if cause == nil {
		e.Err = &codec.SyntaxError{Codec: "literal", Offset: pos, Msg: e.Msg}
	}
	before := r.src[:pos]
	start := 0
	for i := 0; i < len(before); {
		n := lineEnd(before[i:])
		i += max(n, 1)
		if n > 0 {
			e.Line++
			start = i
		}
	}
	e.Line++
	e.Column = utf8.RuneCountInString(before[start:]) + 1
	return e
}

// expected returns an error that says what stands at pos instead of something.
func (r *reader) expected(what string) error {
	return r.fail(r.pos, nil, "expected %s, found %s", what, r.found())
}

// found shows what stands at pos.
func (r *reader) found() string {
	rest := r.src[r.pos:]
	if rest == "" {
		return "the end"
	}
	if lineEnd(rest) > 0 {
		return "the end of the line"
	}
	n := 0
	for n < len(rest) && isWordByte(rest[n]) {
		n++
	}
	if n == 0 {
		_, n = utf8.DecodeRuneInString(rest)
	}
	return excerpt(rest[:n])
}

// maxExcerpt is the length of what an error shows of the text, in characters.
const maxExcerpt = 40

// excerpt shows the beginning of s in quotes.
func excerpt(s string) string {
	if short := cut(s); short != s {
		return String(short) + "..."
	}
	return String(s)
}

// shown shows the beginning of what v is printed as.
func shown(v any) string {
	s := String(v)
	if short := cut(s); short != s {
		return short + "..."
	}
	return s
}

func cut(s string) string {
	n := 0
	for i := range s {
		if n == maxExcerpt {
			return s[:i]
		}
		n++
	}
	return s
}

// lineEnd returns the length of the line end that s begins with, 0 if there is none.
func lineEnd(s string) int {
	switch {
	case strings.HasPrefix(s, "\r\n"):
		return 2
	case s != "" && (s[0] == '\n' || s[0] == '\r'):
		return 1
	}
	return 0
}

// isWordByte reports whether c can be part of a number or a name; all that is not ASCII might be.
func isWordByte(c byte) bool {
	return c == '_' || c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf
}
