package main

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// completeMost is how many names are offered as they are. Of more, the shell is offered what they have in common.
const completeMost = 200

// stages returns what a shell is offered of many names that begin with typed: their parts up to the next dot, and if these
// are too many, too, as much of their beginnings as makes them few. names are in order. whole tells that they are names.
func stages(names []string, typed string) (offered []string, whole bool) {
	if len(names) <= completeMost {
		return names, true
	}
	parts := make([]string, 0, len(names))
	for _, name := range names {
		if dot := strings.IndexByte(name[len(typed):], '.'); dot >= 0 {
			name = name[:len(typed)+dot+1]
		}
		parts = append(parts, name)
	}
	parts = slices.Compact(parts)
	if len(parts) <= completeMost {
		return parts, false
	}
	length := utf8.RuneCountInString(typed) + 1
	offered = shortened(parts, length)
	for {
		length++
		longer := shortened(parts, length)
		if len(longer) > completeMost { // parts themselves are more
			return offered, false
		}
		offered = longer
	}
}

// shortened returns the beginnings of texts, each once.
func shortened(texts []string, characters int) []string {
	short := make([]string, 0, len(texts))
	for _, text := range texts {
		count := 0
		for at := range text {
			if count == characters {
				text = text[:at]
				break
			}
			count++
		}
		short = append(short, text)
	}
	return slices.Compact(short)
}
