package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/internal/configtree"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// A binder puts what a tree says into a message. What is set already stays unless the tree says otherwise: messages
// are merged field by field, maps by key, and lists are replaced.
type binder struct {
	*collector

	origins *origins
	types   middlewareTypes
	expand  *expander
	format  configtree.Format
	source  string // of the tree, as in Origin
	// lenient takes numbers and bools without quotes for texts, too: who writes a flag has no quotes left.
	lenient bool
}

var (
	chainName      = (&configv1.Chain{}).ProtoReflect().Descriptor().FullName()
	middlewareName = (&configv1.Middleware{}).ProtoReflect().Descriptor().FullName()
	secretName     = (&configv1.Secret{}).ProtoReflect().Descriptor().FullName()
)

// failf notes an error at a place in the tree.
func (b *binder) failf(pos configtree.Position, path, hint, format string, args ...any) {
	b.add(&Error{
		File: b.source, Line: pos.Line, Column: pos.Column,
		Path: path, Msg: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// note remembers where a value was set.
func (b *binder) note(n *configtree.Node, path, expanded string) {
	pos := n.Pos
	if (n.Kind == configtree.Map || n.Kind == configtree.List) && n.KeyPos.Line > 0 {
		pos = n.KeyPos
	}
	b.origins.set[path] = Origin{b.source, pos.Line, pos.Column, expanded}
}

// message binds a message that is more than null.
func (b *binder) message(n *configtree.Node, m protoreflect.Message, path string) {
	b.note(n, path, "")
	switch m.Descriptor().FullName() {
	case "google.protobuf.Duration":
		b.duration(n, m, path)
	case "google.protobuf.Any":
		b.anyMessage(n, m, path)
	case "google.protobuf.Value", "google.protobuf.Struct", "google.protobuf.ListValue":
		b.jsonValue(n, m, path)
	case secretName:
		b.secret(n, m, path)
	case chainName:
		b.chain(n, m, path)
	case middlewareName:
		b.middleware(n, m, path)
	default:
		b.fields(n, m, path)
	}
}

// fields binds the fields of a message.
func (b *binder) fields(n *configtree.Node, m protoreflect.Message, path string) {
	if n.Kind != configtree.Map {
		b.failf(n.Pos, path, fieldsHint(m.Descriptor()), "want a map of fields, found %s", found(n))
		return
	}
	given, order := b.group(n, m.Descriptor(), path)
	b.onlyOne(given, order, path)
	for _, fd := range order {
		b.field(given[fd], m, fd, fieldPath(path, fd))
	}
}

// group finds the fields that the entries of a map are for. A field has several nodes in textproto only.
func (b *binder) group(
	n *configtree.Node, md protoreflect.MessageDescriptor, path string,
) (given map[protoreflect.FieldDescriptor][]*configtree.Node, order []protoreflect.FieldDescriptor) {
	given = map[protoreflect.FieldDescriptor][]*configtree.Node{}
	for _, c := range n.Children {
		fd := fieldNamed(md, c.Key)
		if fd == nil {
			b.unknown(c, md, path)
			continue
		}
		if before := given[fd]; before == nil {
			order = append(order, fd)
		} else if b.format != configtree.Textproto || fd.Cardinality() != protoreflect.Repeated {
			b.failf(c.KeyPos, fieldPath(path, fd), "", "set twice, the first time at %s", at(before[0].KeyPos))
			continue
		}
		given[fd] = append(given[fd], c)
	}
	return given, order
}

// unknown notes a field that there is not.
func (b *binder) unknown(n *configtree.Node, md protoreflect.MessageDescriptor, path string) {
	if !b.full() {
		hint := unknownHint(md, n.Key)
		if _, known := b.types.find(n.Key); known && md.FullName() == chainName {
			hint = "a chain is a list: begin each middleware with a dash"
		}
		b.failf(n.KeyPos, join(path, printable(n.Key)), hint, "unknown field")
	}
}

// onlyOne complains of two members of a oneof.
func (b *binder) onlyOne(
	given map[protoreflect.FieldDescriptor][]*configtree.Node, order []protoreflect.FieldDescriptor, path string,
) {
	first := map[protoreflect.OneofDescriptor]protoreflect.FieldDescriptor{}
	for _, fd := range order {
		oneof := fd.ContainingOneof()
		if oneof == nil || oneof.IsSynthetic() || given[fd][0].Kind == configtree.Null {
			continue
		}
		if other := first[oneof]; other != nil {
			b.failf(given[fd][0].KeyPos, path, "", "%s and %s (%s) exclude each other: want one of %s",
				fd.Name(), other.Name(), at(given[other][0].KeyPos), list(oneofNames(oneof), "or"))
			continue
		}
		first[oneof] = fd
	}
}

// field binds one field. Null unsets it.
func (b *binder) field(nodes []*configtree.Node, m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) {
	n := nodes[0]
	isValue := fd.Message() != nil && fd.Message().FullName() == "google.protobuf.Value"
	if n.Kind == configtree.Null && (!isValue || fd.IsList() || fd.IsMap()) {
		b.origins.forget(path)
		m.Clear(fd)
		return
	}
	b.replace(m, fd, path)
	switch {
	case fd.IsMap():
		b.mapField(nodes, m.Mutable(fd).Map(), fd, path)
	case fd.IsList():
		b.listField(nodes, m, fd, path)
	case fd.Message() != nil:
		b.message(n, m.Mutable(fd).Message(), path)
	default:
		if v, ok := b.scalar(n, fd, path); ok {
			m.Set(fd, v)
		}
	}
}

// replace forgets what a value takes the place of.
func (b *binder) replace(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) {
	if oneof := fd.ContainingOneof(); oneof != nil {
		if other := m.WhichOneof(oneof); other != nil && other != fd {
			b.origins.forget(join(parent(path), string(other.Name())))
		}
	}
	if fd.IsList() && m.Has(fd) {
		b.origins.forget(path)
	}
}

func (b *binder) listField(nodes []*configtree.Node, m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) {
	m.Clear(fd)
	list := m.Mutable(fd).List()
	for _, n := range nodes {
		items := n.Children
		if n.Kind != configtree.List {
			if b.format != configtree.Textproto {
				b.failf(n.Pos, path, listHint(n, fd), "want a list, found %s", found(n))
				return
			}
			items = []*configtree.Node{n}
		}
		b.note(n, path, "")
		for _, item := range items {
			b.item(item, list, fd, path+"["+strconv.Itoa(list.Len())+"]")
		}
	}
}

// item appends an item to a list. What cannot be read leaves its place there, so that the places of what follows are
// right.
func (b *binder) item(n *configtree.Node, list protoreflect.List, fd protoreflect.FieldDescriptor, path string) {
	if fd.Message() != nil {
		b.message(n, list.AppendMutable().Message(), path)
		return
	}
	v, ok := b.scalar(n, fd, path)
	if !ok {
		v = list.NewElement()
	}
	list.Append(v)
}

func (b *binder) mapField(nodes []*configtree.Node, m protoreflect.Map, fd protoreflect.FieldDescriptor, path string) {
	for _, n := range nodes {
		entries := n.Children
		switch {
		case b.format == configtree.Textproto && n.Kind == configtree.Map:
			entries = []*configtree.Node{b.textprotoEntry(n, path)}
		case b.format == configtree.Textproto && n.Kind == configtree.List:
			entries = nil
			for _, entry := range n.Children {
				entries = append(entries, b.textprotoEntry(entry, path))
			}
		case n.Kind != configtree.Map:
			b.failf(n.Pos, path, "", "want a map, found %s", found(n))
			return
		}
		b.note(n, path, "")
		for _, entry := range entries {
			b.entry(entry, m, fd, path)
		}
	}
}

// textprotoEntry turns {key: "a" value: {...}} into what the other formats have.
func (b *binder) textprotoEntry(n *configtree.Node, path string) *configtree.Node {
	entry := &configtree.Node{Kind: configtree.Map, Pos: n.Pos, KeyPos: n.Pos}
	key := ""
	for _, c := range n.Children {
		switch c.Key {
		case "key":
			key = c.Text
		case "value":
			value := *c
			entry = &value
		default:
			b.failf(c.KeyPos, path, "", "want {key: ... value: ...}, found %s", printable(c.Key))
		}
	}
	entry.Key = key
	return entry
}

// entry binds one entry of a map.
func (b *binder) entry(n *configtree.Node, m protoreflect.Map, fd protoreflect.FieldDescriptor, path string) {
	path = keyPath(path, n.Key)
	key, ok := b.scalar(&configtree.Node{Kind: configtree.String, Text: n.Key, Pos: n.KeyPos}, fd.MapKey(), path)
	if !ok {
		return
	}
	value := fd.MapValue()
	switch isValue := value.Message() != nil && value.Message().FullName() == "google.protobuf.Value"; {
	case n.Kind == configtree.Null && !isValue:
		b.origins.forget(path)
		m.Clear(key.MapKey())
	case value.Message() != nil:
		b.message(n, m.Mutable(key.MapKey()).Message(), path)
	default:
		if v, ok := b.scalar(n, value, path); ok {
			m.Set(key.MapKey(), v)
		}
	}
}

// secret binds a Secret: its fields, or a text that is nothing but ${NAME} or ${file:PATH}.
func (b *binder) secret(n *configtree.Node, m protoreflect.Message, path string) {
	if n.Kind == configtree.Map {
		b.fields(n, m, path)
		return
	}
	r, err := parseReference(n.Text)
	if n.Kind != configtree.String || err != nil || r.hasDefault {
		b.failf(n.Pos, path, "", "want {env: NAME}, {file: PATH} or {value: TEXT}, or \"${NAME}\" or \"${file:PATH}\"")
		return
	}
	fd := m.Descriptor().Fields().ByName("env")
	if r.file {
		fd = m.Descriptor().Fields().ByName("file")
	}
	b.replace(m, fd, fieldPath(path, fd))
	m.Set(fd, protoreflect.ValueOfString(r.name))
	b.note(n, fieldPath(path, fd), "")
}

// reencode packs what an Any holds.
func reencode(m, content protoreflect.Message) error {
	value, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(content.Interface())
	if err != nil {
		return err
	}
	fields := m.Descriptor().Fields()
	m.Set(fields.ByName("type_url"), protoreflect.ValueOfString(typePrefix+string(content.Descriptor().FullName())))
	m.Set(fields.ByName("value"), protoreflect.ValueOfBytes(value))
	return nil
}

const typePrefix = "type.googleapis.com/"

// fieldNamed returns the field of a name in snake_case or lowerCamelCase, or nil.
func fieldNamed(md protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByName(protoreflect.Name(key)); fd != nil {
		return fd
	}
	return md.Fields().ByJSONName(key)
}

// fieldPath is the path of a field in the message at path. The list in a Chain has that of the chain.
func fieldPath(path string, fd protoreflect.FieldDescriptor) string {
	if fd.ContainingMessage().FullName() == chainName {
		return path
	}
	return join(path, string(fd.Name()))
}

func join(path, name string) string {
	if path == "" || strings.HasPrefix(name, "[") {
		return path + name
	}
	return path + "." + name
}

func keyPath(path, key string) string { return path + "[" + strconv.Quote(key) + "]" }

func oneofNames(oneof protoreflect.OneofDescriptor) []string {
	names := make([]string, oneof.Fields().Len())
	for i := range names {
		names[i] = string(oneof.Fields().Get(i).Name())
	}
	return names
}

func fieldNames(md protoreflect.MessageDescriptor) []string {
	names := make([]string, md.Fields().Len())
	for i := range names {
		names[i] = string(md.Fields().Get(i).Name())
	}
	return names
}

func at(p configtree.Position) string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// list joins words: "a, b or c".
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
