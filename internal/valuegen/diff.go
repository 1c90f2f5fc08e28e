package valuegen

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference says where two descriptions differ, and how; it is empty if they do not. Sets have no
// order; the order of dicts counts if ordered is set.
func Difference(want, got any, ordered bool) string {
	return difference("", arranged(want, ordered), arranged(got, ordered))
}

func difference(path string, want, got any) string {
	switch w := want.(type) {
	case []any:
		if g, ok := got.([]any); ok && len(g) == len(w) {
			for i := range w {
				if d := difference(fmt.Sprintf("%s[%d]", path, i), w[i], g[i]); d != "" {
					return d
				}
			}
			return ""
		}
	case map[string]any:
		if g, ok := got.(map[string]any); ok && w["t"] == g["t"] && len(w) == len(g) {
			return memberDifference(path, w, g)
		}
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("at %q: want %s, got %s", path, Text(want), Text(got))
}

func memberDifference(path string, want, got map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		at := path
		if name != "v" {
			at += "." + name
		}
		if _, ok := got[name]; !ok {
			return fmt.Sprintf("at %q: want %s, got %s", path, Text(want), Text(got))
		}
		if d := difference(at, want[name], got[name]); d != "" {
			return d
		}
	}
	return ""
}

// arranged returns d with all that has no order sorted, the innermost first.
func arranged(d any, ordered bool) any {
	return rewrite(d, func(m map[string]any) any {
		items, _ := m["v"].([]any)
		if m["t"] == "set" || m["t"] == "frozenset" || m["t"] == "dict" && !ordered {
			m["v"] = sortByText(items)
		}
		return m
	})
}

// sortByText sorts descriptions.
func sortByText(items []any) []any {
	type written struct {
		item any
		text string
	}
	all := make([]written, len(items))
	for i, item := range items {
		all[i] = written{item, text(item)}
	}
	slices.SortFunc(all, func(a, b written) int { return strings.Compare(a.text, b.text) })
	out := make([]any, len(items))
	for i := range all {
		out[i] = all[i].item
	}
	return out
}

// Text is a description as JSON, cut to what a message can show.
func Text(d any) string {
	s := text(d)
	const longest = 600
	if len(s) > longest {
		s = s[:longest] + "..."
	}
	return s
}

func text(d any) string {
	b, err := json.Marshal(d)
	if err != nil {
		return err.Error() // of something that is no description
	}
	return string(b)
}
