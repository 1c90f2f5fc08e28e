package main

import (
	"fmt"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// messageRules are the rules that go for a whole message, in words.
func (r *reader) messageRules(m protoreflect.MessageDescriptor) []string {
	var words []string
	for i := range m.Oneofs().Len() {
		o := m.Oneofs().Get(i)
		if o.IsSynthetic() {
			continue
		}
		how := "At most one of "
		if rules, ok := proto.GetExtension(o.Options(), validate.E_Oneof).(*validate.OneofRules); ok && rules.GetRequired() {
			how = "Exactly one of "
		}
		words = append(words, how+names(o.Fields())+".")
	}
	rules, ok := proto.GetExtension(m.Options(), validate.E_Message).(*validate.MessageRules)
	if !ok || rules == nil {
		return words
	}
	rules.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if f.Name() != "cel" {
			r.wrongf(m, "there are no words for the rule %s", f.Name())
		}
		return true
	})
	for _, c := range rules.GetCel() {
		words = append(words, "Refused: "+escape(r.broken(m, c))+".")
	}
	return words
}

// broken is what a rule written as an expression says when it is broken.
func (r *reader) broken(d protoreflect.Descriptor, c *validate.Rule) string {
	if c.GetMessage() == "" {
		r.wrongf(d, "the rule %s has no message", c.GetId())
	}
	return c.GetMessage()
}

func names(fields protoreflect.FieldDescriptors) string {
	all := make([]string, fields.Len())
	for i := range all {
		all[i] = "`" + string(fields.Get(i).Name()) + "`"
	}
	return strings.Join(all, ", ")
}

// fieldRules are the rules of a field, in words.
func (r *reader) fieldRules(f protoreflect.FieldDescriptor) []string {
	rules, ok := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
	if !ok || rules == nil {
		return nil
	}
	return r.words(f, rules)
}

func (r *reader) words(f protoreflect.FieldDescriptor, rules *validate.FieldRules) []string {
	var words []string
	if rules.GetRequired() {
		words = append(words, "required")
	}
	for _, c := range rules.GetCel() {
		words = append(words, strings.TrimPrefix(strings.TrimPrefix(r.broken(f, c), string(f.Name())+": "), "want "))
	}
	rules.ProtoReflect().Range(func(rule protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch rule.Name() {
		case "required", "cel":
		case "repeated":
			words = append(words, r.listWords(f, rules.GetRepeated())...)
		case "map":
			words = append(words, r.mapWords(f, rules.GetMap())...)
		case "enum":
			words = append(words, r.enumWords(f, rules.GetEnum())...)
		case "ignore":
		default:
			if rule.Message() == nil {
				r.wrongf(f, "there are no words for the rule %s", rule.Name())
				break
			}
			words = append(words, r.scalarWords(f, v.Message())...)
		}
		return true
	})
	return words
}

func (r *reader) listWords(f protoreflect.FieldDescriptor, rules *validate.RepeatedRules) []string {
	var words []string
	if rules.GetMinItems() > 0 {
		words = append(words, entries(rules.GetMinItems())+" at least")
	}
	if rules.MaxItems != nil {
		words = append(words, entries(rules.GetMaxItems())+" at most")
	}
	if rules.GetUnique() {
		words = append(words, "no entry twice")
	}
	if rules.GetItems() != nil {
		words = append(words, prefixed("each ", r.words(f, rules.GetItems()))...)
	}
	return words
}

func entries(n uint64) string {
	if n == 1 {
		return "one entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func (r *reader) mapWords(f protoreflect.FieldDescriptor, rules *validate.MapRules) []string {
	var words []string
	if rules.GetMinPairs() > 0 {
		words = append(words, entries(rules.GetMinPairs())+" at least")
	}
	if rules.GetKeys() != nil {
		words = append(words, prefixed("each key ", r.words(f, rules.GetKeys()))...)
	}
	if rules.GetValues() != nil {
		words = append(words, prefixed("each value ", r.words(f, rules.GetValues()))...)
	}
	return words
}

func prefixed(prefix string, words []string) []string {
	if len(words) == 0 {
		return nil
	}
	return []string{prefix + strings.Join(words, ", ")}
}

// enumWords leaves out that only defined values may stand there, which goes without saying.
func (r *reader) enumWords(f protoreflect.FieldDescriptor, rules *validate.EnumRules) []string {
	enum := f.Enum()
	var without []string
	for _, n := range rules.GetNotIn() {
		if v := enum.Values().ByNumber(protoreflect.EnumNumber(n)); v != nil {
			without = append(without, short(v))
		}
	}
	if len(rules.GetIn()) > 0 || rules.Const != nil {
		r.wrongf(f, "there are no words for this rule of an enum")
	}
	if len(without) == 0 {
		return nil
	}
	return []string{"not " + strings.Join(without, ", ")}
}

// scalarWords are the rules of a text, number or duration. Bounds of both sides become "1 to 10".
func (r *reader) scalarWords(f protoreflect.FieldDescriptor, rules protoreflect.Message) []string {
	found := map[protoreflect.Name]string{}
	rules.Range(func(rule protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		found[rule.Name()] = ruleValue(rule, v)
		return true
	})
	text := f.Kind() == protoreflect.StringKind || f.IsMap()
	unit := ""
	if text {
		unit = " characters"
	}
	var words []string
	take := func(name protoreflect.Name, format string) {
		if v, ok := found[name]; ok {
			words = append(words, fmt.Sprintf(format, v))
			delete(found, name)
		}
	}
	if low, high := found["gte"], found["lte"]; low != "" && high != "" {
		words = append(words, low+" to "+high)
		delete(found, "gte")
		delete(found, "lte")
	}
	if found["min_len"] == "1" && found["max_len"] == "" {
		words = append(words, "not empty")
		delete(found, "min_len")
	}
	take("const", "%s")
	take("gte", "%s or more")
	take("gt", "more than %s")
	take("lte", "%s at most")
	take("lt", "less than %s")
	take("in", "one of %s")
	take("not_in", "none of %s")
	take("len", "%s"+unit)
	take("min_len", "%s"+unit+" at least")
	take("max_len", "%s"+unit+" at most")
	take("max_bytes", "%s bytes at most")
	take("prefix", "begins with `%s`")
	take("pattern", "matches `%s`")
	if found["finite"] == "true" {
		words = append(words, "a finite number")
		delete(found, "finite")
	}
	for name := range found {
		r.wrongf(f, "there are no words for the rule %s", name)
	}
	return words
}

// ruleValue is the value of a rule as YAML has it.
func ruleValue(rule protoreflect.FieldDescriptor, v protoreflect.Value) string {
	if rule.IsList() {
		var all []string
		for i := range v.List().Len() {
			if one := fmt.Sprint(v.List().Get(i).Interface()); one != "" {
				all = append(all, one)
			}
		}
		return strings.Join(slices.Compact(all), ", ")
	}
	if rule.Message() != nil {
		if d, ok := v.Message().Interface().(*durationpb.Duration); ok {
			return d.AsDuration().String()
		}
	}
	return fmt.Sprint(v.Interface())
}
