package nameserver

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/discovery/nameserver/storage"
	"github.com/pyrokit/pyrokit/transport"
	"github.com/pyrokit/pyrokit/transport/pyro"
)

func typeError(text string) error { return transport.NewError("TypeError", text) }

func namingError(text string) error { return transport.NewError("NamingError", text) }

// stringOf reads a str. Where Java's serpent means a character beyond U+FFFF it writes two surrogates, which are the
// character here: it would be no text.
func stringOf(v any) (string, bool) {
	s, ok := v.(string)
	if utf8.ValidString(s) {
		return s, ok
	}
	var whole strings.Builder
	for i := 0; i < len(s); {
		if c := utf16.DecodeRune(surrogate(s[i:]), surrogate(s[min(i+3, len(s)):])); c != utf8.RuneError {
			whole.WriteRune(c)
			i += 6
			continue
		}
		whole.WriteByte(s[i])
		i++
	}
	return whole.String(), ok
}

// surrogate returns the surrogate with which a text begins, see package codec/serpent, or 0.
func surrogate(s string) rune {
	if len(s) < 3 || s[0] != 0xed || s[1] < 0xa0 {
		return 0
	}
	return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f)
}

// nameOf reads the name of something that is registered.
func nameOf(v any) (string, error) {
	name, ok := stringOf(v)
	switch {
	case !ok:
		return "", typeError("name must be a str")
	case name == codec.ClassKey: // in a list of names it would make an instance of what it holds
		return "", namingError("the name " + name + " cannot be registered")
	}
	return name, nil
}

// prefixOf reads a prefix. None, and what else is false in Python, is none.
func prefixOf(v any) (string, error) {
	text, ok := stringOf(v)
	if ok || !isTrue(v) {
		return text, nil
	}
	if _, is := v.(codec.Tuple); is { // several prefixes for startswith; SQLite's LIKE knows one
		return "", typeError(`can only concatenate tuple (not "str") to tuple`)
	}
	return "", typeError("startswith first arg must be str or a tuple of str, not " + typeName(v))
}

// regexOf reads a regular expression. None, and what else is false in Python, is none.
func regexOf(v any) (string, error) {
	text, ok := stringOf(v)
	if ok || !isTrue(v) {
		return text, nil
	}
	if err := checkHashable(v); err != nil {
		return "", err
	}
	return "", typeError("first argument must be string or compiled pattern")
}

// checkHashable refuses what cannot be the key of a dict in Python, as what is looked up there has to be.
func checkHashable(v any) error {
	switch v.(type) {
	case []any, codec.Set, map[string]any, *codec.Dict:
		return typeError("unhashable type: '" + typeName(v) + "'")
	}
	return nil
}

// numberOf reads a number.
func numberOf(what string, v any) (float64, error) {
	switch x := v.(type) {
	case int64:
		return float64(x), nil
	case float64:
		return x, nil
	case *big.Int:
		s, _ := new(big.Float).SetInt(x).Float64()
		return s, nil
	}
	return 0, typeError(what + " must be a number, not " + typeName(v))
}

// isIterable tells whether v may be metadata.
func isIterable(v any) bool {
	switch v.(type) {
	case []any, codec.Tuple, codec.Set, map[string]any, *codec.Dict:
		return true
	}
	return false
}

// checkText refuses lone surrogates, whichever storage it is: one such name, and nobody gets a list with msgpack.
func checkText(r storage.Record) error {
	if err := storage.CheckText(r); err != nil {
		return namingError(err.Error())
	}
	return nil
}

// uriOf reads a URI. Text is kept as it is, as long as it is one.
func uriOf(v any) (string, error) {
	if u, ok := v.(pyro.URI); ok {
		return u.String(), nil
	}
	x, ok := stringOf(v)
	if !ok {
		return "", typeError("only URIs or strings can be registered")
	}
	_, err := pyro.ParseURI(x)
	if bad, ok := errors.AsType[*pyro.URIError](err); ok {
		return "", transport.NewError("PyroError", bad.Reason)
	}
	return x, nil
}

// tagsOf reads metadata: any iterable of texts, but not a text, or what counts as nothing in Python.
func tagsOf(what string, v any) ([]string, error) {
	var items []any
	switch x := v.(type) {
	case []any:
		items = x
	case codec.Tuple:
		items = x
	case codec.Set:
		items = slices.Collect(x.All())
	case map[string]any: // iterating over a dict gives its keys
		for key := range x {
			items = append(items, key)
		}
	case *codec.Dict:
		items = slices.Collect(x.Keys())
	case string:
		return nil, typeError(what + " should not be a str, but another iterable (set, list, etc)")
	default:
		if !isTrue(v) {
			return nil, nil
		}
		return nil, typeError("'" + typeName(v) + "' object is not iterable")
	}
	tags := make([]string, 0, len(items))
	for _, item := range items {
		if err := checkHashable(item); err != nil {
			return nil, err
		}
		tag, ok := stringOf(item)
		if !ok {
			return nil, typeError(what + " should hold str only, not " + typeName(item))
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

// searchedTags is tagsOf for a search, which an empty text leaves out as None does.
func searchedTags(what string, v any) ([]string, error) {
	if v == "" {
		return nil, nil
	}
	return tagsOf(what, v)
}

// isTrue is Python's bool(): Pyro5 itself passes a number, its lookup delay, for return_metadata.
func isTrue(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case int64:
		return x != 0
	case float64:
		return x != 0
	case string:
		return x != ""
	case []byte:
		return len(x) > 0
	case []any:
		return len(x) > 0
	case codec.Tuple:
		return len(x) > 0
	case codec.Set:
		return x.Len() > 0
	case map[string]any:
		return len(x) > 0
	default:
		return true
	}
}

// typeName is what Python calls the type of v.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case complex128:
		return "complex"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case []any:
		return "list"
	case codec.Tuple:
		return "tuple"
	case codec.Set:
		return "set"
	case map[string]any, *codec.Dict:
		return "dict"
	case pyro.URI:
		return "URI"
	default:
		return "object"
	}
}
