package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/internal/configtree"
)

// A step leads from a value into it: a field, or what stands in brackets.
type step struct {
	name    string
	bracket bool // an index, or a key
}

var errPath = errors.New(`want a path such as server.listeners[0].address or proxies["stock"].timeout`)

// parsePath takes a path apart.
func parsePath(path string) ([]step, error) {
	var steps []step
	for path != "" {
		if path[0] == '[' {
			s, rest, err := bracket(path)
			if err != nil {
				return nil, err
			}
			steps, path = append(steps, s), rest
			continue
		}
		if len(steps) > 0 {
			if path[0] != '.' {
				return nil, errPath
			}
			path = path[1:]
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		if end == 0 {
			return nil, errPath
		}
		steps, path = append(steps, step{name: path[:end]}), path[end:]
	}
	if len(steps) == 0 || len(steps) > configtree.MaxDepth {
		return nil, errPath
	}
	return steps, nil
}

// bracket reads [0], ["key"] or [key].
func bracket(path string) (s step, rest string, err error) {
	if quoted, err := strconv.QuotedPrefix(path[1:]); err == nil {
		key, _ := strconv.Unquote(quoted) // it is a prefix that is quoted well
		rest, is := strings.CutPrefix(path[1+len(quoted):], "]")
		if !is {
			return s, "", errPath
		}
		return step{key, true}, rest, nil
	}
	key, rest, is := strings.Cut(path[1:], "]")
	if !is || key == "" || key[0] == '"' {
		return s, "", errPath
	}
	return step{key, true}, rest, nil
}

// set sets one field, wherever it is in a message.
func (b *binder) set(m protoreflect.Message, path string, value *configtree.Node) {
	steps, err := parsePath(path)
	if err != nil {
		b.failf(value.Pos, printable(path), "", "%v", err)
		return
	}
	b.setIn(m, steps, value, "")
}

// setIn goes the next step. What is on the way is made if it is not there.
func (b *binder) setIn(m protoreflect.Message, steps []step, value *configtree.Node, path string) {
	if len(steps) == 0 {
		b.message(value, m, path)
		return
	}
	md := m.Descriptor()
	switch md.FullName() {
	case chainName:
		if steps[0].bracket {
			b.setItem(m, md.Fields().ByName("middlewares"), steps, value, path)
			return
		}
	case middlewareName:
		if fd := fieldNamed(md, steps[0].name); fd == nil || fd.Message() != nil {
			b.setMiddleware(m, steps, value, path)
			return
		}
	}
	fd := fieldNamed(md, steps[0].name)
	if fd == nil {
		b.failf(value.Pos, join(path, printable(steps[0].name)), unknownHint(md, steps[0].name), "unknown field")
		return
	}
	b.setField(m, fd, steps[1:], value, fieldPath(path, fd))
}

// setField sets a field, or goes on in it.
func (b *binder) setField(m protoreflect.Message, fd protoreflect.FieldDescriptor, steps []step, value *configtree.Node, path string) {
	switch {
	case len(steps) == 0:
		b.field([]*configtree.Node{value}, m, fd, path)
	case fd.IsList():
		b.setItem(m, fd, steps, value, path)
	case fd.IsMap():
		b.setEntry(m, fd, steps, value, path)
	case fd.Message() != nil:
		b.replace(m, fd, path)
		b.setIn(m.Mutable(fd).Message(), steps, value, path)
	default:
		b.failf(value.Pos, path, "", "has no fields in it")
	}
}

// setItem goes into an item of a list, or appends one.
func (b *binder) setItem(m protoreflect.Message, fd protoreflect.FieldDescriptor, steps []step, value *configtree.Node, path string) {
	size := m.Get(fd).List().Len()
	i, err := strconv.Atoi(steps[0].name)
	if err != nil || i < 0 || i > size {
		b.failf(value.Pos, path, fmt.Sprintf("[%d] is a new one", size), "want an index, found %s, and there are %s",
			quote(steps[0].name), plural(size, "item"))
		return
	}
	list := m.Mutable(fd).List()
	path += "[" + strconv.Itoa(i) + "]"
	switch {
	case fd.Message() != nil && i == size:
		b.setIn(list.AppendMutable().Message(), steps[1:], value, path)
	case fd.Message() != nil && len(steps) == 1: // the item itself, whatever was in it
		b.origins.forget(path)
		item := list.NewElement()
		b.message(value, item.Message(), path)
		list.Set(i, item)
	case fd.Message() != nil:
		b.setIn(list.Get(i).Message(), steps[1:], value, path)
	case len(steps) > 1:
		b.failf(value.Pos, path, "", "has no fields in it")
	case i == size:
		b.item(value, list, fd, path)
	default:
		if v, ok := b.scalar(value, fd, path); ok {
			list.Set(i, v)
		}
	}
}

// setEntry goes into an entry of a map.
func (b *binder) setEntry(m protoreflect.Message, fd protoreflect.FieldDescriptor, steps []step, value *configtree.Node, path string) {
	entries := m.Mutable(fd).Map()
	if len(steps) == 1 {
		entry := *value
		entry.Key, entry.KeyPos = steps[0].name, value.Pos
		b.entry(&entry, entries, fd, path)
		return
	}
	path = keyPath(path, steps[0].name)
	key, ok := b.scalar(&configtree.Node{Kind: configtree.String, Text: steps[0].name}, fd.MapKey(), path)
	if !ok {
		return
	}
	if fd.MapValue().Message() == nil {
		b.failf(value.Pos, path, "", "has no fields in it")
		return
	}
	b.setIn(entries.Mutable(key.MapKey()).Message(), steps[1:], value, path)
}

// setMiddleware goes into the settings of an entry of a chain. An entry that is new becomes the middleware that is
// named.
func (b *binder) setMiddleware(m protoreflect.Message, steps []step, value *configtree.Node, path string) {
	config := m.Descriptor().Fields().ByName("config")
	name, known := b.types.find(steps[0].name)
	is := m.Has(config)
	var content protoreflect.Message
	if is {
		content = b.types.unpack(m.Mutable(config).Message())
	}
	switch long := steps[0].name == "config"; {
	case is && content == nil, long && !is:
		b.failf(value.Pos, join(path, printable(steps[0].name)), "", "has no fields that are known")
		return
	case is && !long && b.types.nameOf(content.Descriptor().FullName()) != name:
		b.failf(value.Pos, join(path, printable(steps[0].name)), "", "the entry is another middleware: %s",
			content.Descriptor().Name())
		return
	case !is && known:
		content = b.types[name].New()
	case !is: // says which ones there are
		b.named(&configtree.Node{Key: steps[0].name, KeyPos: value.Pos}, m, path)
		return
	}
	inner := b.contentPath(content.Descriptor(), join(path, "config"))
	if len(steps) == 1 {
		b.origins.forget(inner)
		content = content.New()
		if value.Kind == configtree.Null { // {}, as in a file
			value = &configtree.Node{Kind: configtree.Map, Pos: value.Pos}
		}
	}
	b.setIn(content, steps[1:], value, inner)
	if err := reencode(m.Mutable(config).Message(), content); err != nil {
		b.failf(value.Pos, inner, "", "%v", err)
	}
}
