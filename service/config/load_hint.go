package config

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/internal/configtree"
	"github.com/pyrokit/pyrokit/internal/nearest"
)

// maxListed bounds how many names a hint lists.
const maxListed = 12

// unknownHint says which field may have been meant: one with a similar name, one of the same name elsewhere, or which
// ones there are.
func unknownHint(md protoreflect.MessageDescriptor, key string) string {
	names := fieldNames(md)
	if name := nearest.Name(key, names); name != "" {
		return "did you mean " + name + "?"
	}
	if path := inside(md, key); path != "" {
		return "did you mean " + path + "?"
	}
	return listHintOf("fields", names)
}

func listHintOf(what string, names []string) string {
	switch {
	case len(names) == 0:
		return "there are no " + what
	case len(names) > maxListed:
		return ""
	default:
		return "the " + what + " are " + list(names, "and")
	}
}

func fieldsHint(md protoreflect.MessageDescriptor) string {
	return listHintOf("fields", fieldNames(md))
}

// inside looks for a field in the messages that a message has.
func inside(md protoreflect.MessageDescriptor, key string) string {
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if fd.Message() == nil || fd.Cardinality() == protoreflect.Repeated {
			continue
		}
		if in := fieldNamed(fd.Message(), key); in != nil {
			return string(fd.Name()) + "." + string(in.Name())
		}
	}
	return ""
}

// listHint shows how a single value is written as a list.
func listHint(n *configtree.Node, fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.Message() != nil && fd.Message().FullName() == middlewareName && n.Kind == configtree.String:
		return "write [" + shorten(n.Text) + "]"
	case fd.Message() != nil:
		return "begin each item with a dash"
	case n.Kind == configtree.Plain || n.Kind == configtree.String && !strings.Contains(n.Text, "${"):
		return "write [" + found(n) + "]"
	default:
		return ""
	}
}

// found says what a node is, for errors.
func found(n *configtree.Node) string {
	switch n.Kind {
	case configtree.Plain:
		return shorten(n.Text)
	case configtree.String:
		return quote(n.Text)
	case configtree.Null:
		return "null"
	default:
		return "a " + n.Kind.String()
	}
}

const maxShown = 60

// shorten cuts what is shown of a text in an error.
func shorten(s string) string {
	if runes := []rune(s); len(runes) > maxShown {
		s = string(runes[:maxShown]) + "..."
	}
	return printable(s)
}

func quote(s string) string { return `"` + strings.ReplaceAll(shorten(s), `"`, `\"`) + `"` }

// printable escapes what does not belong on a line.
func printable(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(strconv.Quote(s), `\"`, `"`), `"`), `"`)
}

// plural writes a number of things: "1 item", "3 items".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
