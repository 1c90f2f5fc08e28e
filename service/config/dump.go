package config

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/internal/configtree"
	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// DumpOptions say how a configuration is written.
type DumpOptions struct {
	// Format is "yaml" (the default), "json" or "textproto". JSON has no comments, and so no origins.
	Format string
	// All shows fields that are not set, too, with their defaults; not in textproto.
	All bool
}

// Dump writes the configuration that is in force, each value with a comment that says where it comes from. What it
// writes can be loaded again, but for secrets: instead of a value that stands in the configuration it writes ***.
func (f *File) Dump(w io.Writer, opts DumpOptions) error {
	d := &dumper{f: f, all: opts.All, canonical: opts.Format == "textproto", sizes: opts.Format != "json"}
	root := d.message(f.config.ProtoReflect(), "")
	var data []byte
	var err error
	switch opts.Format {
	case "", "yaml":
		data, err = root.yaml()
	case "json":
		data, err = root.json()
	case "textproto":
		data = root.textproto()
	default:
		return fmt.Errorf("format %s: want yaml, json or textproto", opts.Format)
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	_, err = w.Write(data)
	return err
}

// A dumped value is one value as it is to be written.
type dumped struct {
	kind     configtree.Kind
	key      string
	text     string
	head     string // comment above it
	comment  string // comment beside it
	children []*dumped
}

func (d *dumped) add(key string, child *dumped) {
	child.key = key
	d.children = append(d.children, child)
}

// hidden stands for what is secret.
const hidden = "***"

type dumper struct {
	f   *File
	all bool
	// canonical writes the messages as they are, which other programs read, instead of as people write them.
	canonical bool
	// sizes writes numbers of bytes with units.
	sizes bool
}

var limitsName = (&configv1.Limits{}).ProtoReflect().Descriptor().FullName()

// defaulted are messages that mean nothing by being there: their defaults are shown, whether they are set or not.
var defaulted = []protoreflect.FullName{
	limitsName,
	(&configv1.Streams{}).ProtoReflect().Descriptor().FullName(),
	(&configv1.Values{}).ProtoReflect().Descriptor().FullName(),
	(&configv1.Log{}).ProtoReflect().Descriptor().FullName(),
	(&configv1.Reload{}).ProtoReflect().Descriptor().FullName(),
}

// origin is the comment beside a value that is set.
func (d *dumper) origin(path string) string {
	o, set := d.f.origins.set[path]
	if !set || path == "" {
		return ""
	}
	return printable(o.String())
}

func (d *dumper) message(m protoreflect.Message, path string) *dumped {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Duration":
		if t, ok := durationOf(m); ok && !d.canonical {
			return &dumped{kind: configtree.String, text: durationText(t), comment: d.origin(path)}
		}
		n := d.fields(m, path)
		n.comment = d.origin(path)
		return n
	case "google.protobuf.Any":
		return d.anyMessage(m, path)
	case "google.protobuf.Value", "google.protobuf.Struct", "google.protobuf.ListValue":
		if !d.canonical {
			return d.jsonValue(m, path)
		}
	case chainName:
		if !d.canonical {
			return d.chain(m, path)
		}
	}
	return d.fields(m, path)
}

func (d *dumper) fields(m protoreflect.Message, path string) *dumped {
	n := &dumped{kind: configtree.Map}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		at := fieldPath(path, fd)
		if fd.FullName() == includeName {
			continue // what was included is in force
		}
		if _, given := d.f.origins.set[at]; m.Has(fd) || given && fd.ContainingOneof() == nil && !hasMessage(fd) {
			d.field(n, m, fd, at)
		} else if d.all && !d.canonical && applies(fd, path) {
			d.unset(n, m, fd, at)
		}
	}
	if len(n.children) == 0 {
		n.comment = d.origin(path)
	}
	return n
}

var includeName = (&configv1.Config{}).ProtoReflect().Descriptor().Fields().ByName(includeKey).FullName()

func hasMessage(fd protoreflect.FieldDescriptor) bool {
	return fd.Message() != nil && !fd.IsList() && !fd.IsMap()
}

// field adds a field that is set.
func (d *dumper) field(n *dumped, m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) {
	name, v := string(fd.Name()), m.Get(fd)
	switch {
	case fd.IsMap() && d.canonical:
		for _, key := range mapKeys(v.Map()) {
			entry := &dumped{kind: configtree.Map}
			entry.add("key", d.scalar(fd.MapKey(), key.Value(), ""))
			entry.add("value", d.value(fd.MapValue(), v.Map().Get(key), keyPath(path, key.String())))
			n.add(name, entry)
		}
	case fd.IsMap():
		entries := &dumped{kind: configtree.Map}
		for _, key := range mapKeys(v.Map()) {
			entries.add(key.String(), d.value(fd.MapValue(), v.Map().Get(key), keyPath(path, key.String())))
		}
		n.add(name, entries)
	case fd.IsList():
		items := &dumped{kind: configtree.List}
		for i := range v.List().Len() {
			items.children = append(items.children, d.value(fd, v.List().Get(i), path+"["+strconv.Itoa(i)+"]"))
		}
		items.oneLine(d.origin(path))
		n.add(name, items)
	default:
		n.add(name, d.value(fd, v, path))
	}
}

// oneLine gives a list of scalars, which stands on one line, one comment.
func (d *dumped) oneLine(comment string) {
	for _, c := range d.children {
		if len(c.children) > 0 || c.kind == configtree.Map {
			return
		}
	}
	for _, c := range d.children {
		c.comment = ""
	}
	d.comment = comment
}

func mapKeys(m protoreflect.Map) []protoreflect.MapKey {
	var keys []protoreflect.MapKey
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

func (d *dumper) value(fd protoreflect.FieldDescriptor, v protoreflect.Value, path string) *dumped {
	if fd.Message() != nil {
		return d.message(v.Message(), path)
	}
	return d.scalar(fd, v, path)
}

func (d *dumper) scalar(fd protoreflect.FieldDescriptor, v protoreflect.Value, path string) *dumped {
	n := &dumped{kind: configtree.Plain, text: v.String(), comment: d.origin(path)}
	switch fd.Kind() {
	case protoreflect.StringKind:
		n.kind, n.text = configtree.String, escaped(v.String())
		if fd.ContainingMessage().FullName() == secretName && fd.Name() == "value" {
			n.text = hidden
		}
	case protoreflect.BytesKind:
		n.kind, n.text = configtree.String, base64Text(v.Bytes())
		if d.canonical {
			n.text = string(v.Bytes())
		}
	case protoreflect.EnumKind:
		n.kind = configtree.String
		if value := fd.Enum().Values().ByNumber(v.Enum()); value != nil && d.canonical {
			n.kind, n.text = configtree.Plain, string(value.Name())
		} else if value != nil {
			n.text = enumWord(value)
		}
		if _, err := strconv.Atoi(n.text); err == nil { // 4 for IP_VERSION_4
			n.kind = configtree.Plain
		}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		n.text = strconv.FormatFloat(v.Float(), 'g', -1, 64)
	default:
		if isSize(fd) && d.sizes && !d.canonical {
			n.kind, n.text = configtree.Plain, sizeText(v.String())
		}
	}
	return n
}

// escaped writes a text so that nothing in it is taken for a reference.
func escaped(s string) string { return strings.ReplaceAll(s, "${", "$${") }

// ofConnections are the limits that a proxy has, too.
var ofConnections = []protoreflect.Name{"max_message_size", "max_inflated_size", "max_depth"}

// applies tells whether a field means something in the message at path: most limits do for servers only.
func applies(fd protoreflect.FieldDescriptor, path string) bool {
	return fd.ContainingMessage().FullName() != limitsName || strings.HasSuffix(path, "server.limits") ||
		slices.Contains(ofConnections, fd.Name())
}

// unset adds a field that is not set, with its default if it has one.
func (d *dumper) unset(n *dumped, m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) {
	const comment = "default"
	oneof := fd.ContainingOneof()
	switch text, has := defaultOf(fd); {
	case oneof != nil && !oneof.IsSynthetic(): // another member is set, or none
	case has:
		if value := d.parsedDefault(fd, text); value != nil {
			value.comment = comment
			n.add(string(fd.Name()), value)
		}
	case hasMessage(fd) && slices.Contains(defaulted, fd.Message().FullName()):
		n.add(string(fd.Name()), d.fields(m.NewField(fd).Message(), path))
	case fd.Message() != nil && !fd.IsList() && !fd.IsMap(), fd.HasPresence():
		n.add(string(fd.Name()), &dumped{kind: configtree.Null, comment: comment})
	case fd.IsMap():
		n.add(string(fd.Name()), &dumped{kind: configtree.Map, comment: comment})
	case fd.IsList():
		n.add(string(fd.Name()), &dumped{kind: configtree.List, comment: comment})
	default:
		value := d.scalar(fd, fd.Default(), "")
		value.comment = comment
		n.add(string(fd.Name()), value)
	}
}

// defaultOf returns what a field that is not set amounts to, in YAML.
func defaultOf(fd protoreflect.FieldDescriptor) (text string, has bool) {
	if !proto.HasExtension(fd.Options(), configv1.E_Default) {
		return "", false
	}
	text, has = proto.GetExtension(fd.Options(), configv1.E_Default).(string)
	return text, has
}

// parsedDefault binds a default to its field, to write it as all values are written.
func (d *dumper) parsedDefault(fd protoreflect.FieldDescriptor, text string) *dumped {
	m, ok := bindDefault(fd, text, d.f.types)
	if !ok {
		return nil
	}
	defaults := &dumper{f: &File{origins: newOrigins(), types: d.f.types}, canonical: d.canonical, sizes: d.sizes}
	n := &dumped{}
	defaults.field(n, m, fd, string(fd.Name()))
	return n.children[0]
}

// bindDefault returns a message with nothing set but the default of one of its fields.
func bindDefault(fd protoreflect.FieldDescriptor, text string, types middlewareTypes) (protoreflect.Message, bool) {
	value, err := configtree.ParseValue(text)
	if err != nil {
		value = &configtree.Node{Kind: configtree.String, Text: text} // ":9091"
	}
	mt := types.message(string(fd.ContainingMessage().FullName()))
	if mt == nil {
		return nil, false
	}
	b := &binder{collector: &collector{}, origins: newOrigins(), types: types, format: configtree.YAML, lenient: true}
	m := mt.New()
	b.field([]*configtree.Node{value}, m, fd, string(fd.Name()))
	return m, len(b.list) == 0
}

// chain writes a Chain as the list of its entries.
func (d *dumper) chain(m protoreflect.Message, path string) *dumped {
	n := &dumped{kind: configtree.List}
	entries := m.Get(m.Descriptor().Fields().ByName("middlewares")).List()
	var order []string
	for i := range entries.Len() {
		entry, name := d.middleware(entries.Get(i).Message(), path+"["+strconv.Itoa(i)+"]")
		n.children = append(n.children, entry)
		order = append(order, name)
	}
	if len(order) > 0 {
		n.head = "the outermost first: " + strings.Join(order, " -> ")
	}
	return n
}

// middleware writes an entry of a chain, and says what it is called there.
func (d *dumper) middleware(m protoreflect.Message, path string) (entry *dumped, name string) {
	fields := m.Descriptor().Fields()
	config := m.Get(fields.ByName("config")).Message()
	entry = &dumped{kind: configtree.Map}
	if content := d.f.types.unpack(config); content != nil {
		name = d.f.types.nameOf(content.Descriptor().FullName())
		if name != "" {
			entry.add(name, d.message(content, join(path, name)))
		}
	}
	if name == "" {
		entry.add("config", d.message(config, join(path, "config")))
		name = entry.children[0].child("@type")
	}
	if given := m.Get(fields.ByName("name")).String(); given != "" {
		name = given
		entry.add("name", &dumped{kind: configtree.String, text: escaped(given), comment: d.origin(join(path, "name"))})
	}
	return entry, name
}

func (d *dumped) child(key string) string {
	for _, c := range d.children {
		if c.key == key {
			return c.text
		}
	}
	return ""
}

// anyMessage writes an Any. Of a message that is not known it says the name only.
func (d *dumper) anyMessage(m protoreflect.Message, path string) *dumped {
	url := m.Get(m.Descriptor().Fields().ByName("type_url")).String()
	content := d.f.types.unpack(m)
	inner := &dumped{kind: configtree.Map}
	if content != nil {
		if to, is := d.f.origins.alias[path]; is {
			path = to
		}
		inner = d.message(content, path)
	}
	if d.canonical {
		n := &dumped{kind: configtree.Map}
		n.add("["+url+"]", inner)
		return n
	}
	inner.children = slices.Insert(inner.children, 0, &dumped{kind: configtree.String, key: "@type", text: url})
	return inner
}

// jsonValue writes google.protobuf.Value, Struct and ListValue as what they stand for.
func (d *dumper) jsonValue(m protoreflect.Message, path string) *dumped {
	fields := m.Descriptor().Fields()
	switch m.Descriptor().Name() {
	case "Struct":
		n := &dumped{kind: configtree.Map}
		entries := m.Get(fields.ByName("fields")).Map()
		for _, key := range mapKeys(entries) {
			n.add(key.String(), d.jsonValue(entries.Get(key).Message(), keyPath(path, key.String())))
		}
		return n
	case "ListValue":
		n := &dumped{kind: configtree.List}
		values := m.Get(fields.ByName("values")).List()
		for i := range values.Len() {
			n.children = append(n.children, d.jsonValue(values.Get(i).Message(), path+"["+strconv.Itoa(i)+"]"))
		}
		n.oneLine(d.origin(path))
		return n
	}
	kind := m.WhichOneof(m.Descriptor().Oneofs().ByName("kind"))
	switch {
	case kind == nil || kind.Name() == "null_value":
		return &dumped{kind: configtree.Null, comment: d.origin(path)}
	case kind.Message() != nil:
		return d.jsonValue(m.Get(kind).Message(), path)
	default:
		return d.scalar(kind, m.Get(kind), path)
	}
}
