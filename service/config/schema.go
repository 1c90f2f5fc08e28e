package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strconv"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/pyrokit/pyrokit/proto/pyrokit/config/v1"
)

// Schema returns a JSON Schema (draft 2020-12) of configurations in YAML and JSON with the middlewares of r, Default()
// if it is nil: for editors. It knows fields in snake_case only, and fewer ways to write a value than Load does;
// what it accepts may still be refused by rules that no schema can state.
func Schema(r *Registry) ([]byte, error) {
	if r == nil {
		r = Default()
	}
	s := &schemaWriter{types: r.Types(), defs: object{"reference": referenceSchema()}}
	root := s.message((&configv1.Config{}).ProtoReflect().Descriptor())
	schema := object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "pyrokit configuration",
		"$defs":   s.defs,
	}
	maps.Copy(schema, root)
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(data, '\n'), nil
}

// An object is one of JSON.
type object map[string]any

// A schemaWriter turns messages into definitions, each once.
type schemaWriter struct {
	types middlewareTypes
	defs  object
}

// referenceSchema is that of a text that has ${...} replaced before it is read.
func referenceSchema() object {
	return object{
		"description": "Replaced by what it refers to: ${NAME}, ${NAME:-DEFAULT} or ${file:PATH}.",
		"type":        "string", "pattern": `\$\{`,
	}
}

// orReference allows a reference in the place of a value.
func orReference(schemas ...object) object {
	return object{"anyOf": append(schemas, object{"$ref": "#/$defs/reference"})}
}

// message returns a reference to the definition of a message, which it makes if it is not there yet.
func (s *schemaWriter) message(md protoreflect.MessageDescriptor) object {
	switch md.FullName() {
	case "google.protobuf.Duration":
		return orReference(object{"type": "string", "pattern": `^[+-]?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`})
	case "google.protobuf.Any":
		return object{"type": "object", "properties": object{"@type": object{"type": "string"}}, "required": []string{"@type"}}
	case "google.protobuf.Value":
		return object{}
	case "google.protobuf.Struct":
		return object{"type": "object"}
	case "google.protobuf.ListValue":
		return object{"type": "array"}
	}
	name := string(md.FullName())
	if md.FullName().Parent() == chainName.Parent() {
		name = string(md.Name())
	}
	if _, known := s.defs[name]; !known {
		s.defs[name] = nil // messages may hold themselves
		s.defs[name] = s.definition(md)
	}
	return object{"$ref": "#/$defs/" + name}
}

func (s *schemaWriter) definition(md protoreflect.MessageDescriptor) object {
	switch md.FullName() {
	case secretName:
		return object{"anyOf": []object{
			{"type": "string", "pattern": `^\$\{[^{}]+\}$`},
			s.fields(md),
		}}
	case chainName:
		items := object{"type": "array", "items": s.message(md.Fields().ByName("middlewares").Message())}
		return describedAs(object{"anyOf": []object{items, s.fields(md)}}, md)
	case middlewareName:
		return s.entry(md)
	default:
		return s.fields(md)
	}
}

// fields is the schema of a message as a map of its fields.
func (s *schemaWriter) fields(md protoreflect.MessageDescriptor) object {
	properties := object{}
	var required []string
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		properties[string(fd.Name())] = s.field(fd)
		if fieldRules(fd).GetRequired() {
			required = append(required, string(fd.Name()))
		}
	}
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		o["required"] = required
	}
	var choices []object
	for i := range md.Oneofs().Len() {
		if oneof := md.Oneofs().Get(i); !oneof.IsSynthetic() {
			choices = append(choices, choice(oneof))
		}
	}
	if choices != nil {
		o["allOf"] = choices
	}
	return describedAs(o, md)
}

// choice allows one member of a oneof, or none where none is required.
func choice(oneof protoreflect.OneofDescriptor) object {
	var one []object
	for _, name := range oneofNames(oneof) {
		one = append(one, object{"required": []string{name}})
	}
	rules, _ := proto.GetExtension(oneof.Options(), validate.E_Oneof).(*validate.OneofRules)
	if !rules.GetRequired() {
		one = append(one, object{"not": object{"anyOf": one}})
	}
	return object{"oneOf": one}
}

// entry is the schema of an entry of a chain: a name, or a map with one middleware in it.
func (s *schemaWriter) entry(md protoreflect.MessageDescriptor) object {
	o := s.fields(md)
	delete(o, "required")
	properties, _ := o["properties"].(object)
	choices := []object{{"required": []string{"config"}}}
	names := sortedKeys(s.types)
	for _, name := range names {
		settings := s.types[name].Descriptor()
		properties[name] = describedAs(object{"anyOf": []object{s.message(settings), {"type": "null"}}}, settings)
		choices = append(choices, object{"required": []string{name}})
	}
	o["oneOf"] = choices
	return object{"anyOf": []object{{"enum": names}, o}}
}

func (s *schemaWriter) field(fd protoreflect.FieldDescriptor) object {
	o := s.values(fd)
	if text, has := defaultOf(fd); has {
		d := &dumper{f: &File{origins: newOrigins(), types: s.types}}
		if value := d.parsedDefault(fd, text); value != nil {
			if data, err := value.json(); err == nil {
				o["default"] = json.RawMessage(data)
			}
		}
	}
	return describedAs(nullable(o), fd)
}

// nullable allows null, which unsets a field.
func nullable(o object) object {
	null := object{"type": "null"}
	if choices, is := o["anyOf"].([]object); is {
		o["anyOf"] = append(choices, null)
		return o
	}
	if len(o) == 0 {
		return o
	}
	outer := object{"anyOf": []object{o, null}}
	if value, has := o["default"]; has {
		delete(o, "default")
		outer["default"] = value
	}
	return outer
}

// values is the schema of all values of a field.
func (s *schemaWriter) values(fd protoreflect.FieldDescriptor) object {
	rules := fieldRules(fd)
	switch {
	case fd.IsMap():
		return object{"type": "object", "additionalProperties": s.value(fd.MapValue(), rules.GetMap().GetValues())}
	case fd.IsList():
		o := object{"type": "array", "items": s.value(fd, rules.GetRepeated().GetItems())}
		limits(o, typeRules(rules), map[string]string{"min_items": "minItems", "max_items": "maxItems", "unique": "uniqueItems"})
		if fd.FullName() == includeName {
			return object{"anyOf": []object{o, {"type": "string"}}}
		}
		return o
	default:
		return s.value(fd, rules)
	}
}

func (s *schemaWriter) value(fd protoreflect.FieldDescriptor, rules *validate.FieldRules) object {
	if fd.Message() != nil {
		return s.message(fd.Message())
	}
	m := typeRules(rules)
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		o := object{"type": "string"}
		limits(o, m, map[string]string{"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern", "in": "enum"})
		if len(o) == 1 {
			return o
		}
		return orReference(o)
	case protoreflect.BoolKind:
		return orReference(object{"type": "boolean"})
	case protoreflect.EnumKind:
		return orReference(object{"enum": enumValues(fd.Enum())})
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return orReference(bounds(object{"type": "number"}, m))
	default:
		o := bounds(integers(fd.Kind()), m)
		if isSize(fd) {
			return orReference(o, object{"type": "string", "pattern": `^[0-9.]+ ?([KkMmGgTt]i?)?[Bb]$`})
		}
		return orReference(o)
	}
}

// enumValues are the ways to write the values of an enum: the words for people, 4 for IP_VERSION_4, and the names.
func enumValues(ed protoreflect.EnumDescriptor) []any {
	var values []any
	for _, word := range enumWords(ed) {
		values = append(values, word)
		if n, err := strconv.Atoi(word); err == nil {
			values = append(values, n)
		}
	}
	for i := range ed.Values().Len() {
		values = append(values, string(ed.Values().Get(i).Name()))
	}
	return values
}

// integers has the range of a kind. JSON's own numbers are exact up to 53 bits only.
func integers(kind protoreflect.Kind) object {
	o := object{"type": "integer"}
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		o["minimum"], o["maximum"] = math.MinInt32, math.MaxInt32
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		o["minimum"], o["maximum"] = 0, uint32(math.MaxUint32)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		o["minimum"] = 0
	}
	return o
}

func bounds(o object, m protoreflect.Message) object {
	limits(o, m, map[string]string{
		"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum", "in": "enum",
	})
	return o
}

// limits copies rules into a schema under the names that it has for them.
func limits(o object, m protoreflect.Message, names map[string]string) {
	if m == nil {
		return
	}
	for name, keyword := range names {
		v, is := rule(m, name)
		if !is {
			continue
		}
		if values, is := v.Interface().(protoreflect.List); is {
			in := make([]any, values.Len())
			for i := range in {
				in[i] = values.Get(i).Interface()
			}
			o[keyword] = in
			continue
		}
		o[keyword] = v.Interface()
	}
}

// describedAs adds the comment of a descriptor, if there is one.
func describedAs(o object, d protoreflect.Descriptor) object {
	if text := commentOf(d); text != "" {
		o["description"] = text
	}
	return o
}
