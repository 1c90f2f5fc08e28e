package config

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pyrokit/pyrokit/internal/configtree"
	"github.com/pyrokit/pyrokit/internal/nearest"
)

// middlewareTypes are the messages of the middlewares by the names that entries of a chain call them by.
type middlewareTypes map[string]protoreflect.MessageType

// nameOf returns what entries call a message, or "" if it is no middleware's.
func (t middlewareTypes) nameOf(message protoreflect.FullName) string {
	for _, name := range sortedKeys(t) {
		if t[name].Descriptor().FullName() == message {
			return name
		}
	}
	return ""
}

// find returns the middleware that an entry calls by a name in snake_case or lowerCamelCase.
func (t middlewareTypes) find(key string) (name string, known bool) {
	name = snakeCase(key)
	_, known = t[name]
	return name, known
}

// message returns the message of an Any. Without a package it is one of ours.
func (t middlewareTypes) message(url string) protoreflect.MessageType {
	full := protoreflect.FullName(url[strings.LastIndex(url, "/")+1:])
	if !strings.Contains(string(full), ".") {
		full = chainName.Parent().Append(protoreflect.Name(full))
	}
	if name := t.nameOf(full); name != "" {
		return t[name]
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByName(full)
	if err != nil {
		return nil
	}
	return mt
}

// chain binds a Chain: its fields, or the list of its entries itself.
func (b *binder) chain(n *configtree.Node, m protoreflect.Message, path string) {
	if n.Kind == configtree.Map {
		b.fields(n, m, path)
		return
	}
	fd := m.Descriptor().Fields().ByName("middlewares")
	b.replace(m, fd, path)
	b.note(n, path, "")
	b.listField([]*configtree.Node{n}, m, fd, path)
}

// middleware binds an entry of a chain: {name, config}, or {NAME: its settings, name}, or just NAME.
func (b *binder) middleware(n *configtree.Node, m protoreflect.Message, path string) {
	switch n.Kind {
	case configtree.Map:
		b.middlewareMap(n, m, path)
	case configtree.String:
		b.named(&configtree.Node{Kind: configtree.Null, Pos: n.Pos, Key: n.Text, KeyPos: n.Pos}, m, path)
	default:
		b.failf(n.Pos, path, "",
			`want the name of a middleware, or its name and settings such as "timeout: {default: 5s}", found %s`, found(n))
	}
}

func (b *binder) middlewareMap(n *configtree.Node, m protoreflect.Message, path string) {
	plain := &configtree.Node{Kind: configtree.Map, Pos: n.Pos, KeyPos: n.KeyPos}
	var settings []*configtree.Node
	for _, c := range n.Children {
		fd := fieldNamed(m.Descriptor(), c.Key)
		switch {
		case fd == nil:
			settings = append(settings, c)
		case fd.Message() != nil && fd.Message().FullName() == "google.protobuf.Any":
			settings = append(settings, c)
		default:
			plain.Children = append(plain.Children, c)
		}
	}
	b.fields(plain, m, path)
	switch {
	case len(settings) == 0:
		b.failf(n.Pos, path, "", `no middleware: want its name and settings, such as "timeout: {default: 5s}"`)
		return
	case len(settings) > 1:
		b.failf(settings[1].KeyPos, path, b.severalHint(settings[0], settings[1]), "%s and %s (%s) in one entry: want one middleware",
			printable(settings[1].Key), printable(settings[0].Key), at(settings[0].KeyPos))
		return
	}
	c := settings[0]
	if fieldNamed(m.Descriptor(), c.Key) == nil {
		b.named(c, m, path)
		return
	}
	fd := m.Descriptor().Fields().ByName("config")
	if c.Kind == configtree.Null {
		b.failf(c.Pos, fieldPath(path, fd), "", "no middleware: config is null")
		return
	}
	b.anyMessage(c, m.Mutable(fd).Message(), fieldPath(path, fd))
}

// severalHint tells two middlewares in one entry from one whose settings are not indented.
func (b *binder) severalHint(first, second *configtree.Node) string {
	name, known := b.types.find(first.Key)
	if known && fieldNamed(b.types[name].Descriptor(), second.Key) != nil {
		return "indent " + string(fieldNamed(b.types[name].Descriptor(), second.Key).Name()) + " further than " + name
	}
	return "begin each with a dash"
}

// named binds the settings of the middleware that the node's key names. Null settings are empty ones.
func (b *binder) named(n *configtree.Node, m protoreflect.Message, path string) {
	name, known := b.types.find(n.Key)
	if !known {
		hint := listHintOf("middlewares", sortedKeys(b.types))
		if near := nearest.Name(n.Key, sortedKeys(b.types)); near != "" {
			hint = "did you mean " + near + "?"
		}
		b.failf(n.KeyPos, path, hint, "unknown middleware %s", printable(n.Key))
		return
	}
	content := b.types[name].New()
	settings := *n
	if settings.Kind == configtree.Null {
		settings.Kind = configtree.Map
	}
	b.content(&settings, m.Mutable(m.Descriptor().Fields().ByName("config")).Message(), content, join(path, "config"))
}

// anyMessage binds an Any: the type is in "@type", or, in textproto, the key in brackets.
func (b *binder) anyMessage(n *configtree.Node, m protoreflect.Message, path string) {
	if n.Kind != configtree.Map {
		b.failf(n.Pos, path, "", `want a map with "@type", found %s`, found(n))
		return
	}
	url, settings := anyType(n)
	if url == nil {
		b.failf(n.Pos, path, "", `no "@type", which names the message, such as "@type": Timeout`)
		return
	}
	mt := b.types.message(url.Text)
	if mt == nil || url.Kind != configtree.String {
		b.failf(url.Pos, path, b.typeHint(url.Text), "unknown message %s", quote(url.Text))
		return
	}
	b.content(settings, m, mt.New(), path)
}

// anyType returns the node that names the message in an Any, and what the message consists of.
func anyType(n *configtree.Node) (url, settings *configtree.Node) {
	if len(n.Children) == 1 && strings.HasPrefix(n.Children[0].Key, "[") {
		c := n.Children[0]
		name := strings.Trim(c.Key, "[]")
		return &configtree.Node{Kind: configtree.String, Text: name, Pos: c.KeyPos}, c
	}
	rest := *n
	rest.Children = nil
	for _, c := range n.Children {
		if c.Key == "@type" {
			url = c
			continue
		}
		rest.Children = append(rest.Children, c)
	}
	return url, &rest
}

func (b *binder) typeHint(url string) string {
	var names []string
	for _, mt := range b.types {
		names = append(names, string(mt.Descriptor().Name()))
	}
	if near := nearest.Name(url[strings.LastIndexAny(url, "/.")+1:], names); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// content binds what is in an Any. Its path is that of a middleware's name, where it is one.
func (b *binder) content(n *configtree.Node, m, content protoreflect.Message, path string) {
	inner := b.contentPath(content.Descriptor(), path)
	b.message(n, content, inner)
	if err := reencode(m, content); err != nil {
		b.failf(n.Pos, inner, "", "%v", err)
	}
}

// contentPath is the path of what the Any at path holds.
func (b *binder) contentPath(md protoreflect.MessageDescriptor, path string) string {
	entry, is := strings.CutSuffix(path, ".config")
	if !is || !strings.HasSuffix(entry, "]") {
		return path
	}
	if name := b.types.nameOf(md.FullName()); name != "" {
		b.origins.alias[path] = join(entry, name)
		return join(entry, name)
	}
	return path
}

// unpack returns a copy of what an Any holds, or nil if it holds nothing that is known.
func (t middlewareTypes) unpack(m protoreflect.Message) protoreflect.Message {
	fields := m.Descriptor().Fields()
	mt := t.message(m.Get(fields.ByName("type_url")).String())
	if mt == nil {
		return nil
	}
	content := mt.New()
	err := proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(m.Get(fields.ByName("value")).Bytes(), content.Interface())
	if err != nil {
		return nil
	}
	return content
}
