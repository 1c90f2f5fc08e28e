package serpent

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/runenames"
)

// runeNamed returns the character with the given Unicode name, as in \N{SNOWMAN}.
func runeNamed(name string) (rune, bool) {
	name = strings.ToUpper(name)
	if r, ok := computedName(name); ok {
		return r, true
	}
	r, ok := byName()[name]
	return r, ok
}

//go:embed aliases.txt
var aliases string

// byName is built when the first name is looked up: it takes some megabytes, and hardly any program
// ever needs it.
var byName = sync.OnceValue(func() map[string]rune {
	m := make(map[string]rune, 40000)
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if n := runenames.Name(r); n != "" && n[0] != '<' {
			m[n] = r
		}
	}
	for line := range strings.Lines(aliases) {
		code, names, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		r, err := strconv.ParseUint(code, 16, 32)
		if err != nil {
			continue // a comment
		}
		for name := range strings.SplitSeq(names, ";") {
			m[name] = rune(r)
		}
	}
	return m
})

// numberedNames are the beginnings of names that end in the character's number.
var numberedNames = [...]string{
	"CJK UNIFIED IDEOGRAPH-", "TANGUT IDEOGRAPH-", "NUSHU CHARACTER-", "KHITAN SMALL SCRIPT CHARACTER-",
}

// computedName handles the names that are made by rule: ideographs, which end in their number, Hangul
// syllables, which are spelled, and the aliases of variation selectors.
func computedName(name string) (rune, bool) {
	for _, prefix := range numberedNames {
		if digits, ok := strings.CutPrefix(name, prefix); ok {
			return ideograph(digits, prefix)
		}
	}
	if spelling, ok := strings.CutPrefix(name, "HANGUL SYLLABLE "); ok {
		return hangul(spelling)
	}
	if digits, ok := strings.CutPrefix(name, "VS"); ok {
		return variationSelector(digits)
	}
	return 0, false
}

// variationSelector returns selector 1 to 256, of which 16 stand apart.
func variationSelector(digits string) (rune, bool) {
	n, err := strconv.ParseUint(digits, 10, 16)
	switch {
	case err != nil || n == 0 || n > 256 || digits[0] == '0':
		return 0, false
	case n <= 16:
		return 0xfe00 + rune(n) - 1, true
	}
	return 0xe0100 + rune(n) - 17, true
}

func ideograph(digits, prefix string) (rune, bool) {
	if len(digits) < 4 || len(digits) > 5 {
		return 0, false
	}
	r := rune(0)
	for i := range len(digits) {
		v := digitValue(digits[i])
		if v > 15 {
			return 0, false
		}
		r = r<<4 | rune(v) //nolint:gosec // at most 15
	}
	n := runenames.Name(r)
	kind, _, _ := strings.Cut(prefix, " ")
	return r, strings.HasPrefix(n, "<"+kind) || strings.HasPrefix(strings.ToUpper(n), "<"+kind) || n == prefix+digits
}

var (
	hangulLeads  = strings.Split("G,GG,N,D,DD,R,M,B,BB,S,SS,,J,JJ,C,K,T,P,H", ",")
	hangulVowels = strings.Split("A,AE,YA,YAE,EO,E,YEO,YE,O,WA,WAE,OE,YO,U,WEO,WE,WI,YU,EU,YI,I", ",")
	hangulTails  = strings.Split(",G,GG,GS,N,NJ,NH,D,L,LG,LM,LB,LS,LT,LP,LH,M,B,BS,S,SS,NG,J,C,K,T,P,H", ",")
)

// hangul composes the syllable U+AC00 + (lead*21 + vowel)*28 + tail.
func hangul(spelling string) (rune, bool) {
	for l, lead := range hangulLeads {
		rest, ok := strings.CutPrefix(spelling, lead)
		if !ok {
			continue
		}
		for v, vowel := range hangulVowels {
			tail, ok := strings.CutPrefix(rest, vowel)
			if !ok {
				continue
			}
			for t, want := range hangulTails {
				if tail == want {
					return 0xac00 + rune((l*21+v)*28+t), true // below 11172
				}
			}
		}
	}
	return 0, false
}
