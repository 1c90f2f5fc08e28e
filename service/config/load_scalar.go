package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pyrokit/pyrokit/internal/configtree"
	"github.com/pyrokit/pyrokit/internal/nearest"
)

// A wrong value says what was wanted instead.
type wrong struct{ want, hint string }

func (w *wrong) Error() string { return w.want }

func wantf(hint, format string, args ...any) error { return &wrong{fmt.Sprintf(format, args...), hint} }

// scalar reads a value that is no message.
func (b *binder) scalar(n *configtree.Node, fd protoreflect.FieldDescriptor, path string) (protoreflect.Value, bool) {
	text, expanded, ok := b.text(n, path)
	if !ok {
		return protoreflect.Value{}, false
	}
	v, err := b.parseScalar(n, text, expanded, fd)
	if err == nil {
		b.note(n, path, expanded)
		return v, true
	}
	b.unwanted(n, path, fd, expanded, err)
	return v, false
}

// unwanted notes a value that is not what a field wants. What was expanded, or is in a secret, is not shown.
func (b *binder) unwanted(n *configtree.Node, path string, fd protoreflect.FieldDescriptor, expanded string, err error) {
	hint := ""
	if w, ok := errors.AsType[*wrong](err); ok {
		hint = w.hint
	}
	what := found(n)
	switch {
	case fd.ContainingMessage().FullName() == secretName:
		what, hint = "something else", ""
	case expanded != "":
		what, hint = "the value of "+shorten(expanded), ""
	}
	b.failf(n.Pos, path, hint, "want %s, found %s", err, what)
}

// text returns the text of a scalar with its references replaced, and how it was written if it had some.
func (b *binder) text(n *configtree.Node, path string) (text, expanded string, ok bool) {
	if b.expand == nil || n.Kind != configtree.String || !strings.Contains(n.Text, "${") {
		return n.Text, "", true
	}
	text, replaced, err := b.expand.replace(n.Text)
	if err != nil {
		b.failf(n.Pos, path, "", "%v", err)
		return "", "", false
	}
	if replaced {
		expanded = n.Text
	}
	return text, expanded, true
}

func (b *binder) parseScalar(n *configtree.Node, text, expanded string, fd protoreflect.FieldDescriptor) (protoreflect.Value, error) {
	if n.Kind != configtree.String && n.Kind != configtree.Plain {
		return protoreflect.Value{}, wantf("", "%s", wanted(fd))
	}
	switch fd.Kind() {
	case protoreflect.StringKind:
		if n.Kind == configtree.Plain && !b.lenient {
			return protoreflect.Value{}, wantf(`write "`+printable(text)+`"`, "a text")
		}
		if !utf8.ValidString(text) { // by escapes in textproto
			return protoreflect.Value{}, wantf("", "a text in UTF-8")
		}
		return protoreflect.ValueOfString(text), nil
	case protoreflect.BytesKind:
		return b.bytes(n, text, expanded)
	case protoreflect.BoolKind:
		return parseBool(text)
	case protoreflect.EnumKind:
		return parseEnum(text, fd.Enum())
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return parseFloat(text, fd)
	default:
		return parseInteger(text, fd)
	}
}

// wanted says what values a field has.
func wanted(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return "a text"
	case protoreflect.BytesKind:
		return "bytes in base64"
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.EnumKind:
		return list(enumWords(fd.Enum()), "or")
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return "a number"
	default:
		if isSize(fd) {
			return `a number of bytes such as 65536 or "64MiB"`
		}
		return "a whole number"
	}
}

func (b *binder) bytes(n *configtree.Node, text, expanded string) (protoreflect.Value, error) {
	if b.format == configtree.Textproto && n.Kind == configtree.String && expanded == "" {
		return protoreflect.ValueOfBytes([]byte(text)), nil
	}
	plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	data, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil {
		return protoreflect.Value{}, wantf("", "bytes in base64")
	}
	return protoreflect.ValueOfBytes(data), nil
}

func parseBool(text string) (protoreflect.Value, error) {
	switch text {
	case "true":
		return protoreflect.ValueOfBool(true), nil
	case "false":
		return protoreflect.ValueOfBool(false), nil
	}
	hint := ""
	switch strings.ToLower(text) {
	case "yes", "on", "true", "1", "y":
		hint = "write true"
	case "no", "off", "false", "0", "n":
		hint = "write false"
	}
	return protoreflect.Value{}, wantf(hint, "true or false")
}

// parseEnum reads the name of a value, with or without what all names of the enum begin with, or its number.
func parseEnum(text string, ed protoreflect.EnumDescriptor) (protoreflect.Value, error) {
	prefix := enumPrefix(ed)
	name := strings.ToUpper(strings.ReplaceAll(text, "-", "_"))
	for _, n := range []string{name, prefix + name} {
		if v := ed.Values().ByName(protoreflect.Name(n)); v != nil {
			return protoreflect.ValueOfEnum(v.Number()), nil
		}
	}
	if number, err := strconv.ParseInt(text, 10, 32); err == nil {
		if v := ed.Values().ByNumber(protoreflect.EnumNumber(number)); v != nil {
			return protoreflect.ValueOfEnum(v.Number()), nil
		}
	}
	words := enumWords(ed)
	hint := ""
	if near := nearest.Name(strings.TrimPrefix(name, prefix), words); near != "" {
		hint = "did you mean " + near + "?"
	}
	return protoreflect.Value{}, wantf(hint, "%s", list(words, "or"))
}

// enumPrefix is what the names of an enum's values begin with: IP_VERSION_ in IpVersion.
func enumPrefix(ed protoreflect.EnumDescriptor) string {
	prefix := strings.ToUpper(snakeCase(string(ed.Name()))) + "_"
	for i := range ed.Values().Len() {
		if !strings.HasPrefix(string(ed.Values().Get(i).Name()), prefix) {
			return ""
		}
	}
	return prefix
}

// enumWord is a value as people write it: pyro5 for DIALECT_PYRO5.
func enumWord(v protoreflect.EnumValueDescriptor) string {
	ed := v.Parent().(protoreflect.EnumDescriptor) //nolint:forcetypeassert // it has no other parent
	return strings.ToLower(strings.TrimPrefix(string(v.Name()), enumPrefix(ed)))
}

// enumWords are the values that one may want to write.
func enumWords(ed protoreflect.EnumDescriptor) []string {
	var words []string
	for i := range ed.Values().Len() {
		if v := ed.Values().Get(i); v.Number() != 0 || !strings.HasSuffix(string(v.Name()), "_UNSPECIFIED") {
			words = append(words, enumWord(v))
		}
	}
	return words
}

// snakeCase turns RateLimit into rate_limit.
func snakeCase(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// valueNumber is the number in a Value, which is JSON's and so never infinite.
const valueNumber = "google.protobuf.Value.number_value"

func parseFloat(text string, fd protoreflect.FieldDescriptor) (protoreflect.Value, error) {
	number := text
	if unsigned := strings.TrimLeft(text, "+-"); strings.EqualFold(unsigned, ".inf") || strings.EqualFold(unsigned, ".nan") {
		number = strings.Replace(text, ".", "", 1) // as YAML writes them
	}
	bits := 64
	if fd.Kind() == protoreflect.FloatKind {
		bits = 32
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(number, "_", "x"), bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return protoreflect.Value{}, wantf("", "a number that fits into %d bits", bits)
	case err != nil:
		return protoreflect.Value{}, wantf("", "a number")
	case math.IsNaN(v), math.IsInf(v, 0) && fd.FullName() == valueNumber:
		return protoreflect.Value{}, wantf("", "a number")
	case bits == 32:
		return protoreflect.ValueOfFloat32(float32(v)), nil
	}
	return protoreflect.ValueOfFloat64(v), nil
}

// isSize tells whether a field is a number of bytes, by its name.
func isSize(fd protoreflect.FieldDescriptor) bool {
	switch fd.Kind() {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind,
		protoreflect.Sint32Kind, protoreflect.Sint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind,
		protoreflect.Sfixed32Kind, protoreflect.Sfixed64Kind:
		return strings.HasSuffix(string(fd.Name()), "_size")
	default:
		return false
	}
}

func parseInteger(text string, fd protoreflect.FieldDescriptor) (protoreflect.Value, error) {
	number := text
	if isSize(fd) {
		size, err := parseSize(text)
		if err != nil {
			return protoreflect.Value{}, err
		}
		number = size
	} else if err := checkInteger(text); err != nil {
		return protoreflect.Value{}, err
	}
	switch fd.Kind() {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		v, err := strconv.ParseInt(number, 0, 32)
		return protoreflect.ValueOfInt32(int32(v)), rangeError(err, math.MinInt32, math.MaxInt32)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		v, err := strconv.ParseUint(number, 0, 32)
		return protoreflect.ValueOfUint32(uint32(v)), rangeError(err, 0, math.MaxUint32)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		v, err := strconv.ParseUint(number, 0, 64)
		return protoreflect.ValueOfUint64(v), rangeError(err, 0, math.MaxUint64)
	default:
		v, err := strconv.ParseInt(number, 0, 64)
		return protoreflect.ValueOfInt64(v), rangeError(err, math.MinInt64, math.MaxInt64)
	}
}

// checkInteger refuses what is no whole number, and what YAML 1.1 and 1.2 read as different ones.
func checkInteger(text string) error {
	digits := strings.TrimLeft(text, "+-")
	if _, ok := new(big.Int).SetString(text, 0); !ok || len(text) > maxShown {
		return wantf("", "a whole number")
	}
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return wantf("", "a number without a zero in front")
	}
	return nil
}

func rangeError(err error, low int64, high uint64) error {
	if err == nil {
		return nil
	}
	return wantf("", "a whole number from %d to %d", low, high)
}

var units = map[string]int64{
	"": 1, "B": 1,
	"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
}

// parseSize reads a number of bytes with a unit, in any case, and returns it as a whole number.
func parseSize(text string) (string, error) {
	text = strings.TrimSpace(text)
	if checkInteger(text) == nil {
		return text, nil
	}
	end := strings.LastIndexAny(text, "0123456789.") + 1
	unit, known := units[strings.ToUpper(strings.TrimSpace(text[end:]))]
	number, ok := new(big.Rat), false
	if known && end <= maxShown && !strings.ContainsAny(text[:end], "/eExX") {
		number, ok = number.SetString(text[:end])
	}
	if !ok {
		hint := ""
		if _, known := units[strings.ToUpper(strings.TrimSpace(text[end:]))+"IB"]; known && end > 0 {
			hint = "write " + printable(text) + "iB or " + printable(text) + "B"
		}
		return "", wantf(hint, `a number of bytes such as 65536 or "64MiB"`)
	}
	number.Mul(number, new(big.Rat).SetInt64(unit))
	if !number.IsInt() {
		return "", wantf("", "a whole number of bytes")
	}
	return number.Num().String(), nil
}

// sizeText writes a whole number of bytes with the largest unit that divides it.
func sizeText(number string) string {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n == 0 {
		return number
	}
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size := units[strings.ToUpper(unit)]; n%size == 0 {
			return strconv.FormatInt(n/size, 10) + unit
		}
	}
	return number
}

// duration binds a Duration: a text such as "1m30s", "250ms" or "0.25s", or its fields.
func (b *binder) duration(n *configtree.Node, m protoreflect.Message, path string) {
	if n.Kind == configtree.Map {
		b.fields(n, m, path)
		return
	}
	text, expanded, ok := b.text(n, path)
	if !ok {
		return
	}
	d, err := parseDuration(text)
	if err != nil || n.Kind != configtree.String && n.Kind != configtree.Plain {
		b.unwanted(n, path, m.Descriptor().Fields().Get(0), expanded, wantf(durationHint(text), `a time such as "10s" or "1m30s"`))
		return
	}
	b.note(n, path, expanded)
	setDuration(m, d)
}

func setDuration(m protoreflect.Message, d time.Duration) {
	fields := m.Descriptor().Fields()
	m.Set(fields.ByName("seconds"), protoreflect.ValueOfInt64(int64(d/time.Second)))
	m.Set(fields.ByName("nanos"), protoreflect.ValueOfInt32(int32(d%time.Second)))
}

// parseDuration reads what time.ParseDuration does, which is a superset of what protobuf writes.
func parseDuration(text string) (time.Duration, error) { return time.ParseDuration(text) }

// durationHint helps with a number without a unit, and with days.
func durationHint(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil && len(text) < maxShown {
		return `write "` + text + `s" for seconds`
	}
	if days, is := strings.CutSuffix(text, "d"); is {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 1e5 {
			return fmt.Sprintf(`write "%dh"`, 24*n)
		}
	}
	return ""
}

// maxExact is the largest whole number that a Value holds exactly.
const maxExact = 1 << 53

// jsonValue binds google.protobuf.Value, Struct and ListValue, which hold what JSON does.
func (b *binder) jsonValue(n *configtree.Node, m protoreflect.Message, path string) {
	if b.format == configtree.Textproto && n.Kind == configtree.Map {
		b.fields(n, m, path)
		if kind := m.Descriptor().Oneofs().ByName("kind"); kind != nil && m.WhichOneof(kind) == nil && !b.about(path) {
			b.failf(n.Pos, path, "", "want one of %s", list(oneofNames(kind), "or"))
		}
		return
	}
	fields := m.Descriptor().Fields()
	switch name := m.Descriptor().Name(); {
	case name == "Struct" && n.Kind != configtree.Map:
		b.failf(n.Pos, path, "", "want a map, found %s", found(n))
	case name == "Struct":
		entries := m.Mutable(fields.ByName("fields")).Map()
		for _, c := range n.Children {
			b.jsonValue(c, entries.Mutable(protoreflect.ValueOfString(c.Key).MapKey()).Message(), keyPath(path, c.Key))
		}
	case name == "ListValue" && n.Kind != configtree.List:
		b.failf(n.Pos, path, "", "want a list, found %s", found(n))
	case name == "ListValue":
		values := m.Mutable(fields.ByName("values")).List()
		values.Truncate(0)
		for i, c := range n.Children {
			b.jsonValue(c, values.AppendMutable().Message(), fmt.Sprintf("%s[%d]", path, i))
		}
	case n.Kind == configtree.Map:
		m.Clear(fields.ByName("struct_value"))
		b.jsonValue(n, m.Mutable(fields.ByName("struct_value")).Message(), path)
	case n.Kind == configtree.List:
		b.jsonValue(n, m.Mutable(fields.ByName("list_value")).Message(), path)
	case n.Kind == configtree.Null:
		b.note(n, path, "")
		m.Set(fields.ByName("null_value"), protoreflect.ValueOfEnum(0))
	default:
		b.jsonScalar(n, m, path)
	}
}

func (b *binder) jsonScalar(n *configtree.Node, m protoreflect.Message, path string) {
	text, expanded, ok := b.text(n, path)
	if !ok {
		return
	}
	fields := m.Descriptor().Fields()
	if n.Kind == configtree.String {
		b.note(n, path, expanded)
		m.Set(fields.ByName("string_value"), protoreflect.ValueOfString(text))
		return
	}
	if v, err := parseBool(strings.ToLower(text)); err == nil {
		b.note(n, path, "")
		m.Set(fields.ByName("bool_value"), v)
		return
	}
	number := fields.ByName("number_value")
	v, err := exactNumber(text, number)
	if err != nil {
		b.unwanted(n, path, number, "", err)
		return
	}
	b.note(n, path, "")
	m.Set(number, v)
}

// exactNumber reads a number that a float holds as it is written, as far as it is a whole one.
func exactNumber(text string, fd protoreflect.FieldDescriptor) (protoreflect.Value, error) {
	if checkInteger(text) != nil {
		return parseFloat(text, fd)
	}
	n, _ := new(big.Int).SetString(text, 0)
	if n.CmpAbs(big.NewInt(maxExact)) > 0 {
		return protoreflect.Value{}, wantf("write it as a text", "a whole number of at most 2^53")
	}
	f, _ := n.Float64()
	return protoreflect.ValueOfFloat64(f), nil
}
