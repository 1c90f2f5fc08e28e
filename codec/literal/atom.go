package literal

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/serpent"
)

// number reads the number at pos, which has no sign.
func (r *reader) number() (any, error) {
	rest := r.src[r.pos:]
	based := len(rest) > 1 && rest[0] == '0' && strings.IndexByte("xXoObB", rest[1]) >= 0
	n := 0
	for n < len(rest) && (isWordByte(rest[n]) || rest[n] == '.') {
		exponent := rest[n]|0x20 == 'e' && !based
		n++
		if exponent && n+1 < len(rest) && (rest[n] == '+' || rest[n] == '-') && rest[n+1]-'0' <= 9 {
			n++
		}
	}
	if i, err := strconv.ParseInt(rest[:n], 10, 64); err == nil && (rest[0] != '0' || n == 1) { // as most are
		r.pos += n
		return i, nil
	}
	var v any
	if err := serpent.Codec.Unmarshal([]byte(rest[:n]), &v, nil); err != nil {
		if syntax, ok := errors.AsType[*codec.SyntaxError](err); ok && !strings.HasPrefix(syntax.Msg, "invalid") {
			return nil, r.fail(r.pos, nil, "expected a number, found %s: %s", excerpt(rest[:n]), syntax.Msg)
		}
		return nil, r.fail(r.pos, nil, "expected a number, found %s", excerpt(rest[:n]))
	}
	r.pos += n
	return v, nil
}

// quoted returns the length of what stands before the text of the string at pos: letters and a quote; 0
// if there is no string.
func (r *reader) quoted() int {
	rest := r.src[r.pos:]
	for i := range min(len(rest), 3) {
		switch c := rest[i]; {
		case c == '\'' || c == '"':
			return i + 1
		case strings.IndexByte("rRbBuUfFtT", c) < 0:
			return 0
		}
	}
	return 0
}

// prefixes are the letters that may stand before a string, in lower case.
var prefixes = []string{"", "r", "u", "b", "br", "rb"}

// text reads the strings at pos, which Python joins.
func (r *reader) text() (any, error) {
	start := r.pos
	end := start
	for n := r.quoted(); n > 0; n = r.quoted() {
		if prefix := r.src[r.pos : r.pos+n-1]; !slices.Contains(prefixes, strings.ToLower(prefix)) {
			return nil, r.fail(r.pos, nil, "expected a string, found one with the prefix %s, not with r, b, br or u", prefix)
		}
		length, ok := stringLen(r.src[r.pos+n-1:])
		if !ok {
			return nil, r.fail(r.pos, nil, "expected a closing quote to the string that begins here")
		}
		r.pos += n - 1 + length
		end = r.pos
		r.blanks()
	}
	r.pos = end
	literal := "(" + r.src[start:end] + ")" // in which a line may end between two of them
	var v any
	if err := serpent.Codec.Unmarshal([]byte(literal), &v, nil); err != nil {
		if syntax, ok := errors.AsType[*codec.SyntaxError](err); ok {
			return nil, r.fail(min(start+max(syntax.Offset-1, 0), end), nil, "expected a string, found this: %s", syntax.Msg)
		}
		return nil, r.fail(start, err, "expected a string: %s", err)
	}
	return v, nil
}

// stringLen returns the length of the string whose quote s begins with, up to the quote that closes it.
func stringLen(s string) (int, bool) {
	quote := s[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s, triple) {
		quote = triple
	}
	for i := len(quote); i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote), true
		case s[i] == '\\':
			i++
			i += max(1, lineEnd(s[min(i, len(s)):]))
		case lineEnd(s[i:]) > 0 && len(quote) == 1:
			return 0, false
		default:
			i++
		}
	}
	return 0, false
}
