package logging

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
	"github.com/pyrokit/pyrokit/middleware"
	"github.com/pyrokit/pyrokit/transport"
)

// Hidden stands in the log for what was hidden.
const Hidden = "[hidden]"

// Bounds of what is logged of a value.
const (
	maxText  = 256 // bytes of a text
	maxItems = 32  // items of a list or dict
	maxLevel = 6   // nesting
)

// A Redactor decides what is logged of an argument: what it returns. name is the argument's keyword, or empty for a
// positional one, whose position is then in the call of the method; of an attribute that is set, it is the
// attribute's name. v is as codec.Value's Any gives it on a server, what the caller gave on a client, and must not
// be changed.
type Redactor func(call *transport.Call, name string, position int, v any) any

// DefaultHiddenKeys are the patterns of [HideKeys] if it is given none.
var DefaultHiddenKeys = []string{
	"*password*", "*passwd*", "*secret*", "*token*", "*credential*", "*api_key*", "*apikey*", "*private*", "authorization",
}

// HideKeys returns a Redactor that shows keyword arguments, less those whose name fits one of the patterns (* and ?
// are wildcards, case does not count; default [DefaultHiddenKeys]), and less the values of such keys in dicts, at
// any depth. Arguments without a keyword have no name that could be judged: only their types are shown. Go
// structs and instances of classes are shown as their types, too.
func HideKeys(patterns ...string) Redactor { return hider(patterns, false) }

// HideKeysShowPositional is [HideKeys], but shows positional arguments, too.
func HideKeysShowPositional(patterns ...string) Redactor { return hider(patterns, true) }

func hider(patterns []string, positional bool) Redactor {
	if len(patterns) == 0 {
		patterns = DefaultHiddenKeys
	}
	keys := make(hiddenKeys, len(patterns))
	for i, p := range patterns {
		keys[i] = strings.ToLower(p)
	}
	return func(_ *transport.Call, name string, _ int, v any) any {
		if name == "" && !positional {
			return "<" + typeName(v) + ">"
		}
		if keys.hide(name) {
			return Hidden
		}
		return keys.shown(v, 0)
	}
}

// hiddenKeys are patterns in lower case.
type hiddenKeys []string

func (h hiddenKeys) hide(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(h, func(pattern string) bool { return middleware.Fits(pattern, name) })
}

// shown returns a copy of v without what is hidden, no larger than the bounds.
func (h hiddenKeys) shown(v any, level int) any {
	if level > maxLevel {
		return "..."
	}
	switch x := v.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		return v
	case string:
		return cut(x, maxText)
	case []byte:
		return "<" + strconv.Itoa(len(x)) + " bytes>"
	case []any:
		return h.items(x, level)
	case codec.Tuple:
		return codec.Tuple(h.items(x, level))
	case map[string]any:
		out := codec.NewDict()
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if !h.pair(out, k, x[k], level) {
				break
			}
		}
		return out
	case *codec.Dict:
		out := codec.NewDict()
		for k, v := range x.All() {
			if !h.pair(out, k, v, level) {
				break
			}
		}
		return out
	default:
		return "<" + typeName(v) + ">"
	}
}

func (h hiddenKeys) items(list []any, level int) []any {
	out := make([]any, 0, min(len(list), maxItems+1))
	for i, v := range list {
		if i == maxItems {
			return append(out, "...")
		}
		out = append(out, h.shown(v, level+1))
	}
	return out
}

// pair puts a pair into out; false says that there is no room for more.
func (h hiddenKeys) pair(out *codec.Dict, key, v any, level int) bool {
	if out.Len() == maxItems {
		out.Set("...", "...")
		return false
	}
	name, ok := key.(string)
	if !ok {
		out.Set(literalOf(h.shown(key, level+1)), h.shown(v, level+1))
		return true
	}
	if h.hide(name) {
		v = Hidden
	} else {
		v = h.shown(v, level+1)
	}
	out.Set(cut(name, maxText), v)
	return true
}

func typeName(v any) string {
	switch x := v.(type) {
	case nil:
		return "None"
	case codec.Object:
		return cut(x.Class, maxName)
	case map[string]any, *codec.Dict:
		return "dict"
	case []any:
		return "list"
	case codec.Tuple:
		return "tuple"
	}
	return fmt.Sprintf("%T", v)
}

// arguments returns the attributes of what redact leaves of a call's arguments.
func arguments(call *transport.Call, redact Redactor) []slog.Attr {
	positional, keywords, err := decoded(call)
	if err != nil {
		return []slog.Attr{slog.String("args", "<unreadable>")}
	}
	var attrs []slog.Attr
	if len(positional) > 0 {
		name, more := "", len(positional) > maxItems
		if call.Kind == transport.SetAttr {
			name = call.Method
		}
		shown := make([]any, 0, len(positional))
		for i, v := range positional[:min(len(positional), maxItems)] {
			shown = append(shown, redact(call, name, i, v))
		}
		if more {
			shown = append(shown, "...")
		}
		attrs = append(attrs, slog.String("args", cut(literalOf(shown), maxLine)))
	}
	if len(keywords) > 0 {
		shown := codec.NewDict()
		for i, name := range slices.Sorted(maps.Keys(keywords)) {
			if i == maxItems {
				shown.Set("...", "...")
				break
			}
			shown.Set(cut(name, maxText), redact(call, name, -1, keywords[name]))
		}
		attrs = append(attrs, slog.String("kwargs", cut(literalOf(shown), maxLine)))
	}
	return attrs
}

// maxLine bounds what is logged of all arguments.
const maxLine = 4096

// literalOf is v as Python writes it.
func literalOf(v any) string { return literal.String(v) }

// cut returns s, or its beginning where it is longer than n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}
