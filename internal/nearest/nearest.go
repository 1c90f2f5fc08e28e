// Package nearest guesses which of some names was meant by one that is none of them, for errors that say "did you mean".
package nearest

import "strings"

// longest is the length of names beyond which nothing is guessed.
const longest = 60

// Name returns the one of names that is most like name, or "" if none is. Case, hyphens and underscores do not count.
func Name(name string, names []string) string {
	plain := func(s string) []rune {
		return []rune(strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)))
	}
	wrong := plain(name)
	if len(wrong) > longest {
		return ""
	}
	best, limit := "", max(1, min(3, len(wrong)/3))+1
	for _, candidate := range names {
		if d := distance(wrong, plain(candidate)); d < limit {
			best, limit = candidate, d
		}
	}
	return best
}

// distance counts the characters to be inserted, deleted, replaced or swapped with their neighbour that lie between
// two texts (optimal string alignment).
func distance(a, b []rune) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	before, last, row := rows[0], rows[1], rows[2]
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
