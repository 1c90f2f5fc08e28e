package transport

import (
	"encoding"
	"fmt"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pyrokit/pyrokit/codec"
	"github.com/pyrokit/pyrokit/codec/literal"
)

// messageOf is what Python's str() gives for an exception of class with these arguments.
func messageOf(class string, args []any) string {
	if len(args) == 0 {
		return ""
	}
	if text, ok := ownText(strings.TrimPrefix(class, builtins), args); ok {
		return text
	}
	if len(args) == 1 {
		return strOf(args[0])
	}
	return literal.String(codec.Tuple(args))
}

// ownText is the text of the builtin classes that do not show their arguments as they are.
func ownText(name string, args []any) (string, bool) {
	switch name {
	case "KeyError":
		if len(args) == 1 {
			return literal.String(args[0]), true
		}
	case "SyntaxError", "IndentationError", "TabError":
		return syntaxText(args)
	case "UnicodeDecodeError":
		return unicodeText(args, "decode", decodedAt)
	case "UnicodeEncodeError":
		return unicodeText(args, "encode", encodedAt)
	case "UnicodeTranslateError":
		return unicodeText(append([]any{""}, args...), "translate", encodedAt)
	case "ExceptionGroup", "BaseExceptionGroup":
		return groupText(args)
	}
	if osErrors[name] {
		return osErrorText(name, args)
	}
	return "", false
}

// osErrors are OSError, its other names and what is derived from it.
var osErrors = setOf(`BlockingIOError BrokenPipeError ChildProcessError ConnectionAbortedError
	ConnectionError ConnectionRefusedError ConnectionResetError EnvironmentError FileExistsError
	FileNotFoundError IOError InterruptedError IsADirectoryError NotADirectoryError OSError
	PermissionError ProcessLookupError TimeoutError`)

// osErrorText is the text of an OSError: its arguments are a number, what that means, a file, a number of
// Windows, and a second file.
func osErrorText(name string, args []any) (string, bool) {
	if len(args) < 2 || len(args) > 5 {
		return "", false
	}
	text := "[Errno " + strOf(args[0]) + "] " + strOf(args[1])
	if len(args) == 2 || args[2] == nil || name == "BlockingIOError" && isInt(args[2]) {
		return text, true
	}
	text += ": " + literal.String(args[2])
	if len(args) == 5 && args[4] != nil {
		text += " -> " + literal.String(args[4])
	}
	return text, true
}

func isInt(v any) bool {
	r := reflect.ValueOf(v)
	return r.CanInt() || r.CanUint()
}

// syntaxText is the text of a SyntaxError, which takes the place of the mistake as its second argument.
func syntaxText(args []any) (string, bool) {
	text := strOf(args[0])
	if len(args) != 2 {
		return text, true
	}
	at := asSlice(args[1])
	if len(at) < 2 {
		return "", false
	}
	file, hasFile := at[0].(string)
	switch {
	case hasFile && isInt(at[1]):
		text += fmt.Sprintf(" (%s, line %d)", path.Base(file), at[1])
	case hasFile:
		text += " (" + path.Base(file) + ")"
	case isInt(at[1]):
		text += fmt.Sprintf(" (line %d)", at[1])
	}
	return text, true
}

// groupText is the text of a group of exceptions.
func groupText(args []any) (string, bool) {
	if len(args) != 2 {
		return "", false
	}
	members := asSlice(args[1])
	if members == nil {
		return "", false
	}
	plural := "s"
	if len(members) == 1 {
		plural = ""
	}
	return fmt.Sprintf("%s (%d sub-exception%s)", strOf(args[0]), len(members), plural), true
}

// unicodeText is the text of a Unicode error, whose arguments are the encoding, what was to be converted,
// where in it the trouble begins and ends, and what it is.
func unicodeText(args []any, verb string, at func(object any, start int64) (what, unit string, ok bool)) (string, bool) {
	u, ok := unicodeArgsOf(args)
	if !ok {
		return "", false
	}
	codecName := "'" + u.encoding + "' codec "
	if verb == "translate" {
		codecName = ""
	}
	one, unit, found := at(u.object, u.start)
	if found && u.end == u.start+1 {
		return fmt.Sprintf("%scan't %s %s in position %d: %s", codecName, verb, one, u.start, u.reason), true
	}
	return fmt.Sprintf("%scan't %s %s in position %d-%d: %s", codecName, verb, unit, u.start, u.end-1, u.reason), true
}

type unicodeArgs struct {
	encoding   string
	object     any // string or []byte
	start, end int64
	reason     string
}

// unicodeArgsOf returns the arguments of a Unicode error if they are of the types that Python insists on.
func unicodeArgsOf(args []any) (u unicodeArgs, ok bool) {
	if len(args) != 5 {
		return u, false
	}
	start, end := reflect.ValueOf(args[2]), reflect.ValueOf(args[3])
	if !start.CanInt() || !end.CanInt() {
		return u, false
	}
	encodingName, ok1 := args[0].(string)
	reason, ok2 := args[4].(string)
	u = unicodeArgs{encodingName, args[1], start.Int(), end.Int(), reason}
	return u, ok1 && ok2
}

func decodedAt(object any, start int64) (one, many string, ok bool) {
	b, _ := object.([]byte)
	if start < 0 || start >= int64(len(b)) {
		return "", "bytes", false
	}
	return fmt.Sprintf("byte 0x%02x", b[start]), "bytes", true
}

func encodedAt(object any, start int64) (one, many string, ok bool) {
	s, _ := object.(string)
	for _, r := range pythonRunes(s) {
		if start == 0 {
			return "character '" + escaped(r) + "'", "characters", true
		}
		start--
	}
	return "", "characters", false
}

// pythonRunes returns the code points of s, in which lone surrogates stand in the form that package codec
// reads them in.
func pythonRunes(s string) []rune {
	runes := make([]rune, 0, len(s))
	for i := 0; i < len(s); {
		if i+2 < len(s) && s[i] == 0xed && s[i+1] >= 0xa0 && s[i+1] <= 0xbf && s[i+2]&0xc0 == 0x80 {
			runes = append(runes, 0xd000|rune(s[i+1]&0x3f)<<6|rune(s[i+2]&0x3f))
			i += 3
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		runes = append(runes, r)
		i += n
	}
	return runes
}

func escaped(r rune) string {
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}

// strOf is what Python's str() gives for v.
func strOf(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case *Error:
		if x != nil {
			return x.Message
		}
	case error:
		return x.Error()
	case time.Time:
		return timeText(x)
	case time.Duration:
		return durationText(x)
	case codec.Global, codec.Object, codec.Value, *codec.Dict:
	case uuid.UUID:
		return x.String()
	case encoding.TextMarshaler:
		if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
			break
		}
		if text, err := x.MarshalText(); err == nil {
			return string(text)
		}
	case fmt.Stringer: // what travels as an instance, such as a URI
		if r := reflect.Indirect(reflect.ValueOf(v)); r.Kind() == reflect.Struct {
			return x.String()
		}
	default:
		if r := reflect.ValueOf(v); r.Kind() == reflect.String {
			return r.String()
		}
	}
	return literal.String(v)
}

// timeText is the text of a datetime.
func timeText(t time.Time) string {
	layout := "2006-01-02 15:04:05"
	if t.Nanosecond() >= int(time.Microsecond) {
		layout += ".000000"
	}
	if t.Location() != codec.Naive {
		layout += "-07:00"
	}
	return t.Format(layout)
}

// durationText is the text of a timedelta, whose days alone may be negative.
func durationText(d time.Duration) string {
	const day = 24 * time.Hour
	days, rest := d/day, d%day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	text := ""
	if days != 0 {
		text = fmt.Sprintf("%d day", int64(days))
		if days != 1 && days != -1 {
			text += "s"
		}
		text += ", "
	}
	text += fmt.Sprintf("%d:%02d:%02d", int(rest.Hours()), int(rest.Minutes())%60, int(rest.Seconds())%60)
	if micros := rest % time.Second / time.Microsecond; micros != 0 {
		text += fmt.Sprintf(".%06d", int64(micros))
	}
	return text
}
