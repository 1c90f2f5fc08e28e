// Package completion finds what a shell offers of very many names: a name server does it for its own, pyroctl for those of
// name servers that cannot.
package completion

import (
	"errors"
	"sort"
	"strings"
	"unicode/utf8"
)

// Most is how many names are offered as they are. Of more, a shell offers what they have in common.
const Most = 200

// ErrNone is the error of a Between that finds nothing.
var ErrNone = errors.New("no such name")

// Between returns the first and the last name that are not before from, and before to, in the order of their bytes.
type Between func(from, to string) (first, last string, err error)

// Among is a Between of names that are in order.
func Among(names []string) Between {
	return func(from, to string) (first, last string, err error) {
		begin, end := sort.SearchStrings(names, from), sort.SearchStrings(names, to)
		if begin >= end {
			return "", "", ErrNone
		}
		return names[begin], names[end-1], nil
	}
}

// Of returns what is offered of the names that begin with typed: their parts up to the next dot, and if these are too many, too,
// as much of their beginnings as makes them few. whole tells that they are names. It looks at what it offers, however many
// names there are.
func Of(between Between, typed string) (offered []string, whole bool, err error) {
	t := tree{between: between, typed: typed}
	if offered = t.names(); len(offered) <= Most {
		return offered, true, t.err
	}
	if offered = t.parts(); len(offered) <= Most {
		return offered, false, t.err
	}
	return t.beginnings(), false, t.err
}

// A tree is the names that begin with typed, and what they begin with.
type tree struct {
	between Between
	typed   string
	err     error // of between, but for ErrNone; it finds nothing then
}

// behind is behind all names that begin with a text: no text in UTF-8 has this byte.
const behind = "\xff"

// within returns the first and the last name from one on that begin with beginning.
func (t *tree) within(beginning, from string) (first, last string, ok bool) {
	if t.err != nil {
		return "", "", false
	}
	first, last, err := t.between(from, beginning+behind)
	if err != nil && !errors.Is(err, ErrNone) {
		t.err = err
	}
	return first, last, err == nil
}

// names returns the first names, one more than Most at most.
func (t *tree) names() (names []string) {
	name, _, ok := t.within(t.typed, t.typed)
	for ok && len(names) <= Most {
		names = append(names, name)
		name, _, ok = t.within(t.typed, name+"\x00")
	}
	return names
}

// parts returns the first parts of names up to the next dot, one more than Most at most.
func (t *tree) parts() (parts []string) {
	name, _, ok := t.within(t.typed, t.typed)
	for ok && len(parts) <= Most {
		part := t.upToDot(name)
		parts = append(parts, part)
		name, _, ok = t.within(t.typed, t.after(part))
	}
	return parts
}

// A beginning is what several parts begin with, or a whole one.
type beginning struct {
	text  string
	whole bool
}

// beginnings returns what parts begin with, of more than Most: as far as these beginnings are few, and at least what comes
// after typed.
func (t *tree) beginnings() (offered []string) {
	found := t.branches(nil, t.typed)
	for {
		longer, more := t.longer(found)
		if !more || len(longer) > Most {
			break
		}
		found = longer
	}
	for _, b := range found {
		offered = append(offered, b.text)
	}
	return offered
}

// longer returns the branches of beginnings, one more than Most at most; more is false when all are whole parts.
func (t *tree) longer(found []beginning) (longer []beginning, more bool) {
	for _, b := range found {
		if b.whole {
			longer = append(longer, b)
			continue
		}
		longer, more = t.branches(longer, b.text), true
	}
	return longer, more
}

// branches appends what the parts that begin with a text begin with, each at least a character longer, but for the part that is
// the text itself; as long as there are not more than Most.
func (t *tree) branches(to []beginning, from string) []beginning {
	name, _, ok := t.within(from, from)
	for ok && len(to) <= Most {
		_, size := utf8.DecodeRuneInString(name[len(from):])
		branch := name[:len(from)+size]
		if size == 0 {
			to = append(to, beginning{name, true})
			name, _, ok = t.within(from, name+"\x00")
			continue
		}
		first, last, _ := t.within(branch, branch)
		text := t.upToDot(max(inCommon(first, last), branch))
		to = append(to, beginning{text, t.isWhole(text) || first == last})
		name, _, ok = t.within(from, branch+behind)
	}
	return to
}

// isWhole tells a part that ends with its dot.
func (t *tree) isWhole(part string) bool {
	return len(part) > len(t.typed) && strings.HasSuffix(part, ".")
}

// after is before all that come after a part.
func (t *tree) after(part string) string {
	if t.isWhole(part) {
		return part + behind
	}
	return part + "\x00"
}

func (t *tree) upToDot(name string) string {
	if dot := strings.IndexByte(name[len(t.typed):], '.'); dot >= 0 {
		return name[:len(t.typed)+dot+1]
	}
	return name
}

// inCommon returns the characters that two texts begin with.
func inCommon(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return a[:n]
}
