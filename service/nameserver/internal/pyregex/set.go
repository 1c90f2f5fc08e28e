package pyregex

import (
	"slices"
	"sync"
	"unicode"
)

// A set is a set of characters: ranges, both ends included, in order and apart from each other. Surrogates, which no
// name holds, are left out.
type set []span

type span struct{ lo, hi rune }

// newSet puts ranges in order.
func newSet(spans ...span) set {
	slices.SortFunc(spans, func(a, b span) int { return int(a.lo - b.lo) })
	var s set
	for _, r := range spans {
		if n := len(s); n > 0 && r.lo <= s[n-1].hi+1 {
			s[n-1].hi = max(s[n-1].hi, r.hi)
			continue
		}
		s = append(s, r)
	}
	return s.withoutSurrogates()
}

func (s set) withoutSurrogates() set {
	const first, last = 0xD800, 0xDFFF
	var out set
	for _, r := range s {
		if r.lo < first {
			out = append(out, span{r.lo, min(r.hi, first-1)})
		}
		if r.hi > last {
			out = append(out, span{max(r.lo, last+1), r.hi})
		}
	}
	return out
}

func (s set) negated() set {
	next := rune(0)
	var out []span
	for _, r := range s {
		if r.lo > next {
			out = append(out, span{next, r.lo - 1})
		}
		next = r.hi + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, span{next, unicode.MaxRune})
	}
	return newSet(out...)
}

func (s set) has(r rune) bool {
	if len(s) <= 4 {
		for _, x := range s {
			if r <= x.hi {
				return r >= x.lo
			}
		}
		return false
	}
	low, high := 0, len(s)
	for low < high {
		if middle := (low + high) / 2; s[middle].hi < r {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(s) && r >= s[low].lo
}

func ofTables(tables ...*unicode.RangeTable) []span {
	var spans []span
	for _, t := range tables {
		for _, r := range t.R16 {
			spans = appendStride(spans, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			spans = appendStride(spans, rune(r.Lo), rune(r.Hi), rune(r.Stride)) //nolint:gosec // code points
		}
	}
	return spans
}

func appendStride(spans []span, lo, hi, stride rune) []span {
	if stride == 1 {
		return append(spans, span{lo, hi})
	}
	for r := lo; r <= hi; r += stride {
		spans = append(spans, span{r, r})
	}
	return spans
}

// What \d, \s and \w are for text, and with the flag a: the properties of Python's str.isdecimal, isspace and
// isalnum. What \D, \S and \W are is made once, too: an expression may name them thousands of times.
var (
	digits      = sync.OnceValue(func() set { return newSet(ofTables(unicode.Nd)...) })
	notDigits   = sync.OnceValue(func() set { return digits().negated() })
	words       = sync.OnceValue(func() set { return newSet(append(ofTables(unicode.L, unicode.N), span{'_', '_'})...) })
	notWords    = sync.OnceValue(func() set { return words().negated() })
	spaces      = newSet(append(ofTables(unicode.White_Space), span{0x1c, 0x1f})...)
	notSpaces   = spaces.negated()
	asciiDigits = newSet(span{'0', '9'})
	asciiSpaces = newSet(span{'\t', '\r'}, span{' ', ' '})
	asciiWords  = newSet(span{'0', '9'}, span{'A', 'Z'}, span{'_', '_'}, span{'a', 'z'})
	everything  = newSet(span{0, unicode.MaxRune})
	notNewline  = newSet(span{'\n', '\n'}).negated()
)

// sameLetters are lower-case letters that are the same to Python when case is ignored although neither is the
// other's lower case: they have one upper case, or one in full case mapping.
var sameLetters = [][]rune{
	{0x69, 0x131},
	{0x73, 0x17f},
	{0xb5, 0x3bc},
	{0x345, 0x3b9, 0x1fbe},
	{0x390, 0x1fd3},
	{0x3b0, 0x1fe3},
	{0x3b2, 0x3d0},
	{0x3b5, 0x3f5},
	{0x3b8, 0x3d1},
	{0x3ba, 0x3f0},
	{0x3c0, 0x3d6},
	{0x3c1, 0x3f1},
	{0x3c2, 0x3c3},
	{0x3c6, 0x3d5},
	{0x432, 0x1c80},
	{0x434, 0x1c81},
	{0x43e, 0x1c82},
	{0x441, 0x1c83},
	{0x442, 0x1c84, 0x1c85},
	{0x44a, 0x1c86},
	{0x463, 0x1c87},
	{0x1c88, 0xa64b},
	{0x1e61, 0x1e9b},
	{0xfb05, 0xfb06},
}

// cases are what ignoring case takes: all letters that are the same as a letter, by that letter.
var cases = sync.OnceValue(func() map[rune][]rune {
	byLower := map[rune][]rune{}
	for _, c := range unicode.CaseRanges {
		for r := rune(c.Lo); r <= rune(c.Hi); r++ {
			l := unicode.ToLower(r)
			if l != r {
				byLower[l] = append(byLower[l], r)
			}
		}
	}
	for _, same := range sameLetters {
		var all []rune
		for _, l := range same {
			all = append(append(all, l), byLower[l]...)
		}
		for _, l := range same {
			byLower[l] = all
		}
	}
	out := map[rune][]rune{}
	for l, others := range byLower {
		all := others
		if !slices.Contains(all, l) {
			all = append([]rune{l}, others...)
		}
		for _, r := range all {
			out[r] = all
		}
	}
	return out
})

// foldCost is what it takes to fold a set that is not small, in ranges of maxSpans.
const foldCost = 250

// isSmall tells the sets that are folded with little work.
func (s set) isSmall() bool {
	chars := 0
	for _, r := range s {
		if chars += int(r.hi-r.lo) + 1; chars > 64 {
			return false
		}
	}
	return true
}

// fold adds what is the same when case is ignored; with ascii among ASCII's letters only.
func (s set) fold(ascii bool) set {
	spans := slices.Clone(s)
	if ascii {
		for r := 'A'; r <= 'Z'; r++ {
			for _, c := range [...]rune{r, r + 'a' - 'A'} {
				if s.has(c) {
					spans = append(spans, span{r, r}, span{r + 'a' - 'A', r + 'a' - 'A'})
				}
			}
		}
		return newSet(spans...)
	}
	if s.isSmall() { // the usual case
		for _, x := range s {
			for r := x.lo; r <= x.hi; r++ {
				for _, c := range cases()[r] {
					spans = append(spans, span{c, c})
				}
			}
		}
		return newSet(spans...)
	}
	for r, all := range cases() {
		if !s.has(r) {
			continue
		}
		for _, c := range all {
			spans = append(spans, span{c, c})
		}
	}
	return newSet(spans...)
}
