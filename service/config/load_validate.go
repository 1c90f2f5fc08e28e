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
		l.violation(violation, path)
	}
}

// violation notes a broken rule, unless something is wrong there already.
func (l *loader) violation(v *protovalidate.Violation, root string) {
	path, member := violationPath(v.Proto.GetField(), root)
	path, o := l.origins.nearest(path)
	if l.about(path) {
		return
	}
	e := &Error{File: o.Source, Line: o.Line, Column: o.Column, Path: path}
	if e.File == "" && len(l.sources) > 0 {
		e.File = l.sources[0]
	}
	e.Msg = l.violationText(v, path, member)
	l.add(e)
}

func (l *loader) violationText(v *protovalidate.Violation, path, oneof string) string {
	id, msg := v.Proto.GetRuleId(), v.Proto.GetMessage()
	fd := v.FieldDescriptor
	switch {
	case oneof != "":
		return "want one of its kinds: " + strings.ReplaceAll(oneof, ",", ", ")
	case id == "required":
		return "has to be set"
	case fd == nil:
		return msg
	}
	rules := rulesAt(v)
	want := describe(rules)
	if want == "" {
		want = strings.TrimPrefix(msg, string(fd.Name())+": ")
		return strings.TrimPrefix(strings.Replace(want, "must be ", "want ", 1), "value ")
	}
	if found := l.foundValue(v, path); found != "" {
		return "want " + want + ", found " + found
	}
	return "want " + want
}

// foundValue shows the value that breaks a rule, unless it may be secret.
func (l *loader) foundValue(v *protovalidate.Violation, path string) string {
	fd := v.FieldDescriptor
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
	case protoreflect.EnumNumber:
		return strconv.Itoa(int(value))
	default:
		return shorten(v.FieldValue.String())
	}
}

// violationPath is the path of a violation. For a oneof, which is no field, it is that of the message, and members are
// the fields it has.
func violationPath(p *validate.FieldPath, root string) (path, oneof string) {
	path = root
	for _, e := range p.GetElements() {
		if e.GetFieldNumber() == 0 {
			return path, e.GetFieldName()
		}
		path = join(path, e.GetFieldName())
		switch e.WhichSubscript() {
		case validate.FieldPathElement_Index_case:
			path += "[" + strconv.FormatUint(e.GetIndex(), 10) + "]"
		case validate.FieldPathElement_StringKey_case:
			path = keyPath(path, e.GetStringKey())
		case validate.FieldPathElement_BoolKey_case:
			path = keyPath(path, strconv.FormatBool(e.GetBoolKey()))
		case validate.FieldPathElement_IntKey_case:
			path = keyPath(path, strconv.FormatInt(e.GetIntKey(), 10))
		case validate.FieldPathElement_UintKey_case:
			path = keyPath(path, strconv.FormatUint(e.GetUintKey(), 10))
		}
	}
	return path, ""
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
func rulesAt(v *protovalidate.Violation) *validate.FieldRules {
	rules := fieldRules(v.FieldDescriptor)
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
