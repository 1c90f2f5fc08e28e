package config

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// validator is made once: rules are compiled when a message is seen first.
var validator = sync.OnceValues(func() (protovalidate.Validator, error) { return protovalidate.New() })

// validate checks the rules of the .proto files, also in what chains hold.
func (l *loader) validate(root protoreflect.Message) {
	v, err := validator()
	if err != nil {
		l.add(&Error{Msg: err.Error(), cause: err})
		return
	}
	l.check(v, root, "")
	b := l.binder("", 0)
	l.eachAny(root, "", func(m protoreflect.Message, path string) {
		if content := l.types.unpack(m); content != nil {
			l.check(v, content, b.contentPath(content.Descriptor(), path))
		}
	})
}

// check checks one message and those in it, but for what an Any holds.
func (l *loader) check(v protovalidate.Validator, m protoreflect.Message, path string) {
	err := v.Validate(m.Interface())
	if err == nil {
		return
	}
	violations, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok {
		l.add(&Error{Path: path, Msg: err.Error(), cause: err})
		return
	}
	for _, violation := range violations.Violations {
		l.violation(violation, m.Descriptor(), path)
	}
}

// violation notes a broken rule, unless something is wrong there already.
func (l *loader) violation(v *protovalidate.Violation, md protoreflect.MessageDescriptor, root string) {
	if l.full() {
		return
	}
	path, fd, oneof := target(v.Proto.GetField(), md, root)
	path, o := l.origins.nearest(path)
	if _, set := l.origins.set[path]; l.about(path) || !set && l.beside(path) {
		return
	}
	e := &Error{File: o.Source, Line: o.Line, Column: o.Column, Path: path}
	if e.File == "" && len(l.sources) > 0 {
		e.File = l.sources[0]
	}
	switch {
	case oneof != nil:
		e.Msg = "want one of " + list(oneofNames(oneof), "or")
	case v.Proto.GetRuleId() == "required":
		e.Msg = "has to be set"
	case fd == nil:
		e.Msg = v.Proto.GetMessage()
	default:
		e.Msg = l.violationText(v, fd, path)
	}
	l.add(e)
}

// violationText says what the rules of a field ask for, and what was found.
func (l *loader) violationText(v *protovalidate.Violation, fd protoreflect.FieldDescriptor, path string) string {
	if fd.Kind() == protoreflect.EnumKind {
		return "want " + list(enumWords(fd.Enum()), "or")
	}
	want := describe(rulesAt(v, fd))
	if want == "" {
		return strings.TrimPrefix(v.Proto.GetMessage(), string(fd.Name())+": ")
	}
	if found := l.foundValue(v, fd, path); found != "" {
		return "want " + want + ", found " + found
	}
	return "want " + want
}

// foundValue shows the value that breaks a rule, unless it may be secret.
func (l *loader) foundValue(v *protovalidate.Violation, fd protoreflect.FieldDescriptor, path string) string {
	if fd.ContainingMessage().FullName() == secretName || !v.FieldValue.IsValid() {
		return ""
	}
	if o := l.origins.set[path]; o.Expanded != "" {
		return "the value of " + shorten(o.Expanded)
	}
	switch value := v.FieldValue.Interface().(type) {
	case protoreflect.List:
		return plural(value.Len(), "item")
	case protoreflect.Map:
		return plural(value.Len(), "item")
	case protoreflect.Message:
		if d, ok := durationOf(value); ok {
			return durationText(d)
		}
		return ""
	case string:
		return quote(value)
	default:
		return shorten(v.FieldValue.String())
	}
}

// target finds the field that a violation is about, and its path; or the oneof, with the path of the message that it is
// in; or neither for a rule of a message.
func target(
	p *validate.FieldPath, md protoreflect.MessageDescriptor, root string,
) (path string, fd protoreflect.FieldDescriptor, oneof protoreflect.OneofDescriptor) {
	path = root
	for _, e := range p.GetElements() {
		if e.GetFieldNumber() == 0 {
			return path, nil, md.Oneofs().ByName(protoreflect.Name(e.GetFieldName()))
		}
		fd = md.Fields().ByNumber(protoreflect.FieldNumber(e.GetFieldNumber()))
		path = join(path, e.GetFieldName()) + subscript(e)
		switch {
		case fd == nil:
			return path, nil, nil
		case fd.IsMap():
			md = fd.MapValue().Message()
		default:
			md = fd.Message()
		}
	}
	return path, fd, nil
}

// subscript is the index or the key in a step of a path.
func subscript(e *validate.FieldPathElement) string {
	switch e.WhichSubscript() {
	case validate.FieldPathElement_Index_case:
		return "[" + strconv.FormatUint(e.GetIndex(), 10) + "]"
	case validate.FieldPathElement_StringKey_case:
		return keyPath("", e.GetStringKey())
	case validate.FieldPathElement_BoolKey_case:
		return keyPath("", strconv.FormatBool(e.GetBoolKey()))
	case validate.FieldPathElement_IntKey_case:
		return keyPath("", strconv.FormatInt(e.GetIntKey(), 10))
	case validate.FieldPathElement_UintKey_case:
		return keyPath("", strconv.FormatUint(e.GetUintKey(), 10))
	default:
		return ""
	}
}

// eachAny calls do with each Any in a message, and its path.
func (l *loader) eachAny(m protoreflect.Message, path string, do func(m protoreflect.Message, path string)) {
	if m.Descriptor().FullName() == "google.protobuf.Any" {
		do(m, path)
		return
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := fieldPath(path, fd)
		switch {
		case fd.IsMap() && fd.MapValue().Message() != nil:
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				l.eachAny(v.Message(), keyPath(at, k.String()), do)
				return true
			})
		case fd.IsList() && fd.Message() != nil:
			for i := range v.List().Len() {
				l.eachAny(v.List().Get(i).Message(), at+"["+strconv.Itoa(i)+"]", do)
			}
		case fd.Message() != nil && !fd.IsMap():
			l.eachAny(v.Message(), at, do)
		}
		return true
	})
}

// rulesAt returns the rules that a violation is of: the field's, or those of its items, keys or values.
func rulesAt(v *protovalidate.Violation, fd protoreflect.FieldDescriptor) *validate.FieldRules {
	rules := fieldRules(fd)
	for _, e := range v.Proto.GetRule().GetElements() {
		switch e.GetFieldName() {
		case "items":
			rules = rules.GetRepeated().GetItems()
		case "keys":
			rules = rules.GetMap().GetKeys()
		case "values":
			rules = rules.GetMap().GetValues()
		}
	}
	return rules
}
