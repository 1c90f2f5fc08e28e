package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// fieldRules returns the rules of a field, or nil.
func fieldRules(fd protoreflect.FieldDescriptor) *validate.FieldRules {
	if !proto.HasExtension(fd.Options(), validate.E_Field) {
		return nil
	}
	rules, _ := proto.GetExtension(fd.Options(), validate.E_Field).(*validate.FieldRules)
	return rules
}

// typeRules returns the rules for the type of a field, such as Int32Rules, or nil.
func typeRules(rules *validate.FieldRules) protoreflect.Message {
	if rules == nil {
		return nil
	}
	m := rules.ProtoReflect()
	fd := m.WhichOneof(m.Descriptor().Oneofs().ByName("type"))
	if fd == nil {
		return nil
	}
	return m.Get(fd).Message()
}

// rule returns a rule by its name, if it is set.
func rule(rules protoreflect.Message, name string) (protoreflect.Value, bool) {
	fd := rules.Descriptor().Fields().ByName(protoreflect.Name(name))
	if fd == nil || !rules.Has(fd) {
		return protoreflect.Value{}, false
	}
	return rules.Get(fd), true
}

// describe says in words what rules ask for, or nothing where it does not know how.
func describe(rules *validate.FieldRules) string {
	m := typeRules(rules)
	if m == nil {
		return ""
	}
	if in, is := rule(m, "in"); is {
		return list(ruleTexts(in.List()), "or")
	}
	switch m.Descriptor().Name() {
	case "StringRules", "BytesRules":
		return describeText(m)
	case "RepeatedRules":
		return describeCount(m, "min_items", "max_items", "item")
	case "MapRules":
		return describeCount(m, "min_pairs", "max_pairs", "entry")
	default:
		return describeBounds(m)
	}
}

func describeBounds(m protoreflect.Message) string {
	gte, hasGTE := rule(m, "gte")
	lte, hasLTE := rule(m, "lte")
	if hasGTE && hasLTE {
		return ruleText(gte) + " to " + ruleText(lte)
	}
	var words []string
	for _, bound := range []struct{ name, format string }{
		{"gt", "more than %s"}, {"gte", "%s or more"}, {"lt", "less than %s"}, {"lte", "at most %s"}, {"const", "%s"},
	} {
		if v, is := rule(m, bound.name); is {
			words = append(words, fmt.Sprintf(bound.format, ruleText(v)))
		}
	}
	return strings.Join(words, " and ")
}

func describeText(m protoreflect.Message) string {
	if pattern, is := rule(m, "pattern"); is {
		return "a text that fits " + pattern.String()
	}
	if prefix, is := rule(m, "prefix"); is {
		return "a text that begins with " + quote(prefix.String())
	}
	if length, is := rule(m, "len"); is {
		return "a text of " + plural(int(length.Uint()), "character") //nolint:gosec // a length
	}
	if least, is := rule(m, "min_len"); is && least.Uint() == 1 {
		return "a text that is not empty"
	}
	return describeCount(m, "min_len", "max_len", "character")
}

func describeCount(m protoreflect.Message, low, high, thing string) string {
	least, hasLeast := rule(m, low)
	most, hasMost := rule(m, high)
	switch {
	case hasLeast && hasMost:
		return fmt.Sprintf("%d to %s", least.Uint(), plural(int(most.Uint()), thing)) //nolint:gosec // a length
	case hasLeast:
		return plural(int(least.Uint()), thing) + " or more" //nolint:gosec // a length
	case hasMost:
		return "at most " + plural(int(most.Uint()), thing) //nolint:gosec // a length
	default:
		return ""
	}
}

// ruleTexts are the values of a list of a rule, but for the empty text, which stands for the default.
func ruleTexts(values protoreflect.List) []string {
	var texts []string
	for i := range values.Len() {
		if s := ruleText(values.Get(i)); s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

func ruleText(v protoreflect.Value) string {
	switch x := v.Interface().(type) {
	case protoreflect.Message:
		if d, ok := durationOf(x); ok {
			return durationText(d)
		}
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(x), 'g', -1, 32)
	}
	return v.String()
}

// durationOf returns the time that a Duration is.
func durationOf(m protoreflect.Message) (time.Duration, bool) {
	if m.Descriptor().FullName() != "google.protobuf.Duration" {
		return 0, false
	}
	fields := m.Descriptor().Fields()
	seconds, nanos := m.Get(fields.ByName("seconds")).Int(), m.Get(fields.ByName("nanos")).Int()
	return time.Duration(seconds)*time.Second + time.Duration(nanos), true
}

// durationText writes a time without parts that are zero: 1m30s, 24h, 0s.
func durationText(d time.Duration) string {
	s := d.String()
	if d != 0 {
		if strings.HasSuffix(s, "m0s") {
			s = strings.TrimSuffix(s, "0s")
		}
		if strings.HasSuffix(s, "h0m") {
			s = strings.TrimSuffix(s, "0m")
		}
	}
	return s
}
