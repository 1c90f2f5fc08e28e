package middleware

import (
	"slices"
	"strings"

	"github.com/pyrokit/pyrokit/transport"
)

// A Pattern fits calls by their object and method: OBJECT.METHOD, or a METHOD of any object. In either part
// a * stands for any number of characters and a ? for one; all else stands for itself, so that every text
// is a pattern. It is split at its last dot: names of objects hold dots, those of methods do not. The
// object is named as in the proxy's URI; an attribute is fitted by its name like a method.
type Pattern struct{ object, method string }

// ParsePattern reads a pattern.
func ParsePattern(text string) Pattern {
	if i := strings.LastIndexByte(text, '.'); i >= 0 {
		return Pattern{object: text[:i], method: text[i+1:]}
	}
	return Pattern{object: "*", method: text}
}

// ParsePatterns reads several patterns.
func ParsePatterns(texts ...string) []Pattern {
	patterns := make([]Pattern, len(texts))
	for i, text := range texts {
		patterns[i] = ParsePattern(text)
	}
	return patterns
}

// Fits reports whether p fits a method of an object.
func (p Pattern) Fits(object, method string) bool {
	return Fits(p.method, method) && Fits(p.object, object)
}

// FitsAny reports whether one of patterns fits a method of an object.
func FitsAny(patterns []Pattern, object, method string) bool {
	return slices.ContainsFunc(patterns, func(p Pattern) bool { return p.Fits(object, method) })
}

// FitsCall reports whether p fits all that call carries out: each entry of a client's batch. It fits no empty
// batch.
func (p Pattern) FitsCall(call *transport.Call) bool {
	if call.Kind != transport.Batch {
		return p.Fits(call.Object, call.Method)
	}
	for i := range call.Entries {
		if !p.Fits(call.Object, call.Entries[i].Method) {
			return false
		}
	}
	return len(call.Entries) > 0
}

// Fits reports whether the wildcard pattern fits text, in time bounded by the product of their lengths and
// without memory.
func Fits(pattern, text string) bool {
	if pattern == "*" {
		return true
	}
	p, t := 0, 0
	star, resume := -1, 0 // the last * and where the text goes on after what it stands for
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
