package main

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// A document is what the template shows.
type document struct {
	Chain []entry // the middlewares, by name
	Files []file
}

// An entry is a message that may stand in a chain.
type entry struct{ Name, Message, Link, About, Page string }

// A file is a .proto file.
type file struct {
	Title, About string
	Sections     []section
}

// A section is a message or an enum.
type section struct {
	Title, About string
	Rules        []string // what goes for the whole message
	Fields       []field
	Values       []value // of an enum
}

type field struct{ Name, Type, Default, Bounds, About string }

type value struct{ Name, About string }

// order is that of the files which a reader looks for first; the others follow by name.
var order = []string{"config", "server", "proxy", "common"}

// read makes a document of the files of our package.
func read(registry *protoregistry.Files) (*document, error) {
	var files []protoreflect.FileDescriptor
	registry.RangeFilesByPackage(configv1.File_pyrokit_config_v1_config_proto.Package(), func(f protoreflect.FileDescriptor) bool {
		if f.Messages().Len()+f.Enums().Len() > 0 {
			files = append(files, f)
		}
		return true
	})
	if len(files) == 0 {
		return nil, errors.New("the descriptor set has no messages of the configuration")
	}
	slices.SortFunc(files, func(a, b protoreflect.FileDescriptor) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Path(), b.Path()))
	})
	r := newReader(files)
	for _, f := range files {
		r.file(f)
	}
	slices.SortFunc(r.doc.Chain, func(a, b entry) int { return cmp.Compare(a.Name, b.Name) })
	return &r.doc, errors.Join(r.errs...)
}

func base(f protoreflect.FileDescriptor) string {
	return strings.TrimSuffix(path.Base(f.Path()), ".proto")
}

func rank(f protoreflect.FileDescriptor) int {
	if i := slices.Index(order, base(f)); i >= 0 {
		return i
	}
	return len(order)
}

// A reader turns descriptors into a document.
type reader struct {
	doc   document
	links map[protoreflect.FullName]string
	errs  []error
}

// newReader knows where each message and enum of the files will stand.
func newReader(files []protoreflect.FileDescriptor) *reader {
	r := &reader{links: map[protoreflect.FullName]string{}}
	slugs := map[string]int{"middlewares-of-chains": 1, "configuration-reference": 1}
	for _, f := range files {
		slugs[base(f)+".proto"]++
		each(f, func(d protoreflect.Descriptor) { r.links[d.FullName()] = slug(title(d), slugs) })
	}
	return r
}

// slug is the anchor that a heading gets: in small letters, without points, numbered where it is not the first.
func slug(heading string, seen map[string]int) string {
	s := strings.ReplaceAll(strings.ToLower(heading), ".", "")
	n := seen[s]
	seen[s]++
	if n > 0 {
		return fmt.Sprintf("#%s-%d", s, n)
	}
	return "#" + s
}

// title is the name of a message or enum, that of what it stands in included.
func title(d protoreflect.Descriptor) string {
	return strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
}

// each calls do for the messages and enums of a file, those within others after them.
func each(f protoreflect.FileDescriptor, do func(protoreflect.Descriptor)) {
	type container interface {
		Enums() protoreflect.EnumDescriptors
		Messages() protoreflect.MessageDescriptors
	}
	var walk func(c container)
	walk = func(c container) {
		for i := range c.Messages().Len() {
			m := c.Messages().Get(i)
			if m.IsMapEntry() {
				continue
			}
			do(m)
			walk(m)
		}
		for i := range c.Enums().Len() {
			do(c.Enums().Get(i))
		}
	}
	walk(f)
}

func (r *reader) file(f protoreflect.FileDescriptor) {
	one := file{Title: base(f) + ".proto", About: r.comment(f, f.SourceLocations().ByPath(protoreflect.SourcePath{2}).LeadingComments)}
	each(f, func(d protoreflect.Descriptor) { one.Sections = append(one.Sections, r.section(d)) })
	r.doc.Files = append(r.doc.Files, one)
}

func (r *reader) section(d protoreflect.Descriptor) section {
	s := section{Title: title(d), About: r.commentOf(d)}
	switch d := d.(type) {
	case protoreflect.MessageDescriptor:
		r.chainEntry(d, s.About)
		s.Rules = r.messageRules(d)
		if d.Fields().Len() == 0 {
			s.Rules = append(s.Rules, "It has no fields.")
		}
		for i := range d.Fields().Len() {
			s.Fields = append(s.Fields, r.field(d.Fields().Get(i)))
		}
	case protoreflect.EnumDescriptor:
		for i := range d.Values().Len() {
			v := d.Values().Get(i)
			s.Values = append(s.Values, value{Name: short(v), About: r.commentOf(v)})
		}
	}
	return s
}

// commentOf is the comment above d. A descriptor without one is an error, as it is for buf lint: a set without
// comments at all was made without its source.
func (r *reader) commentOf(d protoreflect.Descriptor) string {
	return r.comment(d, d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
}

func (r *reader) comment(d protoreflect.Descriptor, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		r.wrongf(d, "it has no comment")
	}
	return escape(text)
}

func (r *reader) wrongf(d protoreflect.Descriptor, format string, args ...any) {
	where := string(d.FullName())
	if f, ok := d.(protoreflect.FileDescriptor); ok {
		where = f.Path()
	}
	r.errs = append(r.errs, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// escape keeps text from being taken for markdown: for the end of a cell, emphasis or a tag. In what stands in
// backquotes only the end of a cell can be meant.
func escape(text string) string {
	parts := strings.Split(strings.ReplaceAll(text, "|", `\|`), "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.NewReplacer("*", `\*`, "<", "&lt;").Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

// short is the name of an enum's value in YAML: without the enum's own name, in small letters.
func short(v protoreflect.EnumValueDescriptor) string {
	prefix := snake(string(v.Parent().Name())) + "_"
	return strings.TrimPrefix(strings.ToLower(string(v.Name())), prefix)
}

// snake is the snake_case of a CamelCase name.
func snake(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(string(c)))
	}
	return b.String()
}

func (r *reader) field(f protoreflect.FieldDescriptor) field {
	return field{
		Name:    string(f.Name()),
		Type:    r.typeOf(f),
		Default: r.defaultOf(f),
		Bounds:  escape(strings.Join(r.fieldRules(f), ", ")),
		About:   r.commentOf(f),
	}
}

// enumNames finds the names of values in a default: LEVEL_INFO, or [CODE_ABORTED, CODE_UNAVAILABLE].
var enumNames = regexp.MustCompile(`[A-Z][A-Z0-9_]+`)

func (r *reader) defaultOf(f protoreflect.FieldDescriptor) string {
	def, _ := proto.GetExtension(f.Options(), configv1.E_Default).(string)
	if def == "" {
		return ""
	}
	if f.Enum() != nil {
		def = enumNames.ReplaceAllStringFunc(def, func(name string) string {
			v := f.Enum().Values().ByName(protoreflect.Name(name))
			if v == nil {
				r.wrongf(f, "its default %s is no value of %s", name, f.Enum().Name())
				return name
			}
			return short(v)
		})
	}
	return "`" + def + "`"
}

func (r *reader) typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "map to " + r.single(f.MapValue())
	case f.IsList():
		return "list of " + r.single(f)
	default:
		return r.single(f)
	}
}

// single is the type of one value of f.
func (r *reader) single(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return "bool"
	case protoreflect.StringKind:
		return "text"
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return "number"
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		if strings.HasSuffix(string(f.Name()), "_size") {
			return "size"
		}
		return "integer"
	case protoreflect.EnumKind:
		return r.link(f.Enum())
	case protoreflect.MessageKind:
		return r.message(f)
	default:
		r.wrongf(f, "there is no word for the type %s", f.Kind())
		return ""
	}
}

func (r *reader) message(f protoreflect.FieldDescriptor) string {
	switch f.Message().FullName() {
	case "google.protobuf.Duration":
		return "duration"
	case "google.protobuf.Value":
		return "any value"
	case "google.protobuf.Any":
		return "[a middleware](#middlewares-of-chains)"
	default:
		return r.link(f.Message())
	}
}

func (r *reader) link(d protoreflect.Descriptor) string {
	anchor, ok := r.links[d.FullName()]
	if !ok {
		r.wrongf(d, "it is used here and stands in no file of the configuration")
	}
	return fmt.Sprintf("[%s](%s)", title(d), anchor)
}
